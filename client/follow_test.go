package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pid1/event"
	"pid1/internal/journal"
)

// following runs f and hands out what it is told, in words.
type following struct {
	t      *testing.T
	told   chan string
	result chan error
	cancel context.CancelFunc
}

func follow(t *testing.T, f *Follower) *following {
	t.Helper()
	f.firstRetry, f.lastRetry = time.Millisecond, time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	x := &following{t, make(chan string), make(chan error, 1), cancel}
	lost := false
	go func() {
		x.result <- f.Run(ctx, func(u Update) error {
			text := words(u)
			if u.State == Lost && lost || text == "" {
				return nil // one of many tries, or stats
			}
			lost = u.State == Lost
			select {
			case x.told <- text:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-x.result; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	return x
}

func words(u Update) string {
	switch ev := u.Event.(type) {
	case nil:
		if u.State == Live {
			return fmt.Sprint("live ", u.Resumed)
		}
		return u.State.String()
	case *event.Stats:
		return ""
	case *event.Gap:
		return fmt.Sprintf("gap %d-%d", ev.FromSeq, ev.ToSeq)
	default:
		return fmt.Sprint(ev.Header().Type, " ", ev.Header().Seq)
	}
}

func (x *following) want(list ...string) {
	x.t.Helper()
	for _, w := range list {
		select {
		case got := <-x.told:
			if got != w {
				x.t.Fatalf("told %q, want %q", got, w)
			}
		case <-time.After(30 * time.Second):
			x.t.Fatalf("never told %q", w)
		}
	}
}

// life makes hellos of a pid1 that started at the given second.
func life(second int64) func() *event.Hello {
	return func() *event.Hello {
		h := event.New(event.TypeHello).(*event.Hello)
		h.PID, h.PIDNS, h.Started = 1, 4026531836, time.Unix(second, 0)
		return h
	}
}

func TestFollowerGoesOnWhereItWas(t *testing.T) {
	j := newJournal(t, journal.Config{}, 2)
	cfg := journal.ServerConfig{Paths: []string{folder(t) + "/s"}, Hello: life(1)}
	s := serve(t, j, cfg)
	x := follow(t, &Follower{Path: s.Path()})
	x.want("connecting", "live false", "reap 1", "reap 2")
	s.Close()
	x.want("lost")
	add(j, 2)
	s = serve(t, j, cfg)
	x.want("live true", "reap 3", "reap 4")
	add(j, 1)
	x.want("reap 5")
	s.Close()
	x.want("lost")
	add(j, 20_000)
	_ = serve(t, j, cfg)
	first := j.Counts().First
	x.want("live true", fmt.Sprintf("gap 6-%d", first-1), fmt.Sprint("reap ", first))
}

func TestAnotherPid1BeginsAnew(t *testing.T) {
	cfg := journal.ServerConfig{Paths: []string{folder(t) + "/s"}, Hello: life(1)}
	s := serve(t, newJournal(t, journal.Config{}, 3), cfg)
	x := follow(t, &Follower{Path: s.Path()})
	x.want("connecting", "live false", "reap 1", "reap 2", "reap 3")
	s.Close()
	x.want("lost")
	cfg.Hello = life(2)
	_ = serve(t, newJournal(t, journal.Config{}, 4), cfg)
	x.want("live false", "reap 1", "reap 2", "reap 3", "reap 4")
}

// One that says the same of itself but has had fewer events is another.
func TestFewerEventsAreAnotherPid1(t *testing.T) {
	cfg := journal.ServerConfig{Paths: []string{folder(t) + "/s"}}
	s := serve(t, newJournal(t, journal.Config{}, 3), cfg)
	x := follow(t, &Follower{Path: s.Path()})
	x.want("connecting", "live false", "reap 1", "reap 2", "reap 3")
	s.Close()
	x.want("lost")
	_ = serve(t, newJournal(t, journal.Config{}, 1), cfg)
	x.want("live false", "reap 1")
}

func TestFollowerBeginsWhereItIsTold(t *testing.T) {
	j := newJournal(t, journal.Config{}, 5)
	two := uint64(2)
	cfg := journal.ServerConfig{Paths: []string{folder(t) + "/s"}, Hello: life(1)}
	s := serve(t, j, cfg)
	since := follow(t, &Follower{Path: s.Path(), Since: &two})
	since.want("connecting", "live false", "reap 3", "reap 4", "reap 5")
	now := follow(t, &Follower{Path: s.Path(), Now: true})
	now.want("connecting", "live false")
	s.Close()
	since.want("lost")
	now.want("lost")
	add(j, 1)
	_ = serve(t, j, cfg)
	since.want("live true", "reap 6")
	now.want("live true", "reap 6")
}

func TestFollowerWithoutAFeed(t *testing.T) {
	path := folder(t) + "/s"
	err := (&Follower{Path: path}).Run(within(t), func(Update) error { return nil })
	if !errors.Is(err, ErrNoFeed) {
		t.Errorf("%v", err)
	}
	x := follow(t, &Follower{Path: path, Wait: true})
	x.want("connecting", "lost")
	_ = serve(t, newJournal(t, journal.Config{}, 1), journal.ServerConfig{Paths: []string{path}})
	x.want("live false", "reap 1")
}

func TestFollowerSendsRequests(t *testing.T) {
	s := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{
		Processes: func(func(*event.Process) bool) {},
	})
	f := &Follower{Path: s.Path(), Types: []event.Type{event.TypeReap}}
	if err := f.Send(event.Request{Op: event.OpProcesses}); !errors.Is(err, ErrNotLive) {
		t.Errorf("before Run: %v", err)
	}
	x := follow(t, f)
	x.want("connecting", "live false")
	if err := f.Send(event.Request{Op: event.OpProcesses}); err != nil {
		t.Error(err)
	}
	x.want("processes_end 0")
}

func TestHandlesErrorEndsRun(t *testing.T) {
	s := serve(t, newJournal(t, journal.Config{}, 1), journal.ServerConfig{})
	enough := errors.New("enough")
	for _, at := range []string{"connecting", "live false", "reap 1"} {
		err := (&Follower{Path: s.Path()}).Run(within(t), func(u Update) error {
			if words(u) == at {
				return enough
			}
			return nil
		})
		if err != enough {
			t.Errorf("at %s: %v", at, err)
		}
	}
}
