package ui

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// sourceFunc is a Source of a few lines.
type sourceFunc func(ctx context.Context, emit func(Batch)) error

func (f sourceFunc) Run(ctx context.Context, emit func(Batch)) error { return f(ctx, emit) }

// inbox collects what a pump sends.
type inbox struct {
	mu    sync.Mutex
	msgs  []batchMsg
	ticks int
}

func (i *inbox) send(m tea.Msg) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch m := m.(type) {
	case batchMsg:
		i.msgs = append(i.msgs, m)
	case tickMsg:
		i.ticks++
	}
}

func (i *inbox) events() (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range i.msgs {
		n += len(m.Events)
	}
	return n
}

func TestPumpMakesManyBatchesFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var box inbox
		src := sourceFunc(func(ctx context.Context, emit func(Batch)) error {
			for range 2000 {
				emit(Batch{State: Live, Events: []event.Event{event.New(event.TypeReap)}})
				time.Sleep(time.Millisecond)
			}
			<-ctx.Done()
			return nil
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			newPump(box.send).run(ctx, src)
		}()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := box.events(); n != 2000 {
			t.Errorf("%d events of 2000 arrived", n)
		}
		if n := len(box.msgs); n > 12 || n < 9 {
			t.Errorf("%d messages in two seconds, want five a second", n)
		}
		for i := 1; i < len(box.msgs); i++ {
			if d := box.msgs[i].at.Sub(box.msgs[i-1].at); d < batchEvery {
				t.Errorf("messages %v apart", d)
			}
		}
		if box.ticks < 4 || box.ticks > 6 {
			t.Errorf("%d ticks in three seconds, want those of the last alone: news are ticks", box.ticks)
		}
		cancel()
		<-done
	})
}

// TestPumpHoldsBackTheSource lets nothing be taken: a Source must wait then, not
// fill the memory, and must come free when the end comes.
func TestPumpHoldsBackTheSource(t *testing.T) {
	for range 20 { // what is ready first at the end is left to chance
		synctest.Test(t, holdBack)
	}
}

func holdBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := newPump(func(tea.Msg) { <-ctx.Done() })
	sent := 0
	src := sourceFunc(func(ctx context.Context, emit func(Batch)) error {
		for ctx.Err() == nil {
			emit(Batch{Events: make([]event.Event, 1024)})
			sent++
		}
		return nil
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.run(ctx, src)
	}()
	time.Sleep(time.Minute)
	synctest.Wait()
	if got := sent * 1024; got > 2*maxPending || got < maxPending/2 {
		t.Errorf("%d events are waiting", got)
	}
	cancel()
	<-done
}

func TestPumpTellsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var box inbox
		done := make(chan struct{})
		go func() {
			defer close(done)
			newPump(box.send).run(ctx, sourceFunc(func(_ context.Context, emit func(Batch)) error {
				emit(Batch{State: Live})
				return errors.New("cannot read the recording")
			}))
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		last := box.msgs[len(box.msgs)-1]
		if last.State != Ended || last.Note != "cannot read the recording" {
			t.Errorf("%+v", last)
		}
		cancel()
		<-done
	})
}
