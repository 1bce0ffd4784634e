package ui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

const (
	batchEvery = 200 * time.Millisecond // news reach the screen this often at most
	tickEvery  = 250 * time.Millisecond // without news, time passes this often
	// maxPending is how many events may wait for the screen. A Source that is
	// faster has to wait, and learns from its feed what it missed.
	maxPending = 1 << 15
)

// pump brings a Source's batches to the program, many in one, and the time.
type pump struct {
	send func(tea.Msg)

	mu      sync.Mutex // guards the next three
	pending Batch
	some    bool
	room    *sync.Cond // there is room in pending, or the end has come
	wake    chan struct{}
}

func newPump(send func(tea.Msg)) *pump {
	p := &pump{send: send, wake: make(chan struct{}, 1)}
	p.room = sync.NewCond(&p.mu)
	return p
}

// run runs the Source until ctx ends.
func (p *pump) run(ctx context.Context, src Source) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		err := src.Run(ctx, func(b Batch) { p.emit(ctx, b) })
		end := Batch{State: Ended}
		if err != nil {
			end.Note = err.Error()
		}
		p.emit(ctx, end)
	})
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	p.send(tickMsg{time.Now()})
	var next time.Time // before which no batch is sent
	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			p.mu.Lock()
			p.room.Broadcast() // an emit that waits for room sees that ctx has ended
			p.mu.Unlock()
			return
		case now := <-tick.C:
			p.send(tickMsg{now})
		case <-p.wake:
			if wait := time.Until(next); wait > 0 {
				if due == nil {
					due = time.After(wait)
				}
				continue
			}
			next = p.flush()
			tick.Reset(tickEvery)
		case <-due:
			due = nil
			next = p.flush()
			tick.Reset(tickEvery)
		}
	}
}

// emit adds a batch to what waits for the screen.
func (p *pump) emit(ctx context.Context, b Batch) {
	p.mu.Lock()
	for len(p.pending.Events) >= maxPending && ctx.Err() == nil {
		p.room.Wait()
	}
	if ctx.Err() == nil {
		if b.Reset {
			p.pending.Reset, p.pending.Events = true, p.pending.Events[:0]
		}
		if b.Position != nil {
			p.pending.Position = b.Position
		}
		p.pending.Events = append(p.pending.Events, b.Events...)
		p.pending.State, p.pending.Note, p.pending.RetryAt = b.State, b.Note, b.RetryAt
		p.some = true
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// flush sends what waits, and tells when the next may go.
func (p *pump) flush() time.Time {
	p.mu.Lock()
	b, some := p.pending, p.some
	p.pending.Events, p.some = make([]event.Event, 0, len(b.Events)), false
	p.pending.Reset = false
	p.room.Broadcast()
	p.mu.Unlock()
	now := time.Now()
	if some {
		p.send(batchMsg{b, now})
	}
	return now.Add(batchEvery)
}
