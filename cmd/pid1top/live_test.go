package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pid1/event"
	"pid1/internal/world"
	"pid1/ui"
)

// viewer applies what a live source hands on, as the screen does.
type viewer struct {
	t       *testing.T
	batches chan ui.Batch
	src     *live
	w       *world.World
	state   ui.ConnState
}

// watch runs the source until the test ends.
func watch(t *testing.T, path string) *viewer {
	v := &viewer{t: t, batches: make(chan ui.Batch), w: world.New(), src: newLive(path)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- v.src.Run(ctx, func(b ui.Batch) {
			select {
			case v.batches <- b:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the source ended with %v", err)
		}
	})
	return v
}

func (v *viewer) take(b ui.Batch) {
	v.state = b.State
	for _, ev := range b.Events {
		v.w.Apply(ev, time.Now())
	}
}

// until applies batches until cond holds. The test's deadline bounds it.
func (v *viewer) until(what string, cond func() bool) {
	v.t.Helper()
	for !cond() {
		select {
		case b := <-v.batches:
			v.take(b)
		case <-v.t.Context().Done():
			v.t.Fatalf("%s did not come", what)
		}
	}
}

// inspects asks about processes over the same connection, while events come.
func (v *viewer) inspects() {
	v.t.Helper()
	ask := func(of event.ID) (e *event.Inspect, err error) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			e, err = v.src.Inspect(v.t.Context(), of)
		}()
		for {
			select {
			case <-done:
				return e, err
			case b := <-v.batches:
				v.take(b)
			}
		}
	}
	if e, err := ask(id(9600)); err != nil || e.PID != 9600 || e.Cwd != "/srv" {
		v.t.Errorf("%+v, %v", e, err)
	}
	for want, of := range map[string]event.ID{
		"cannot inspect 20000: there is no process 20000":       id(20000),
		"cannot inspect 9600: another process has that PID now": {PID: 9600, Start: 1},
	} {
		if _, err := ask(of); err == nil || err.Error() != want {
			v.t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestLive(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("feed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s", "pid1.sock")
		f, stop, err := newFeed(path, scenarios["leak"])
		if err != nil {
			t.Fatal(err)
		}
		v := watch(t, path)
		v.until("the history and the table", func() bool { return v.w.Len() == 10 && v.w.Reaps().Len() == 4 && !v.w.NeedRows() })
		if v.state != ui.Live {
			t.Errorf("state %v, want live", v.state)
		}
		f.j.Append(f.reap(400, 0, event.Ended{Code: 0}, "new"))
		v.until("a live event", func() bool { return v.w.Reaps().Len() == 5 })
		f.mu.Lock()
		f.row(9600, 1, "S", time.Second, "late")
		f.mu.Unlock()
		v.until("another table", func() bool { return v.w.ByPID(9600) != nil })
		v.until("the stats", func() bool { return v.w.Stats() != nil })

		v.inspects()

		stop()
		v.until("the loss", func() bool { return v.state == ui.Lost })
		if v.w.Len() != 11 || v.w.Reaps().Len() != 5 {
			t.Errorf("%d processes and %d reaps left, want all that was known", v.w.Len(), v.w.Reaps().Len())
		}
		// Another pid1 at the same place.
		_, stop, err = newFeed(path, scenarios["healthy"])
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		v.until("the other pid1's processes", func() bool { return v.w.Len() == 2 && !v.w.NeedRows() })
		if v.w.Reaps().Len() != 0 || v.w.Epoch() != 1 {
			t.Errorf("%d reaps of the pid1 before, epoch %d", v.w.Reaps().Len(), v.w.Epoch())
		}
	})
}
