package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"pid1/client"
	"pid1/event"
	"pid1/ui"
)

// How often the process table is asked for: while events come, a second after the
// last time; else every two seconds, for the CPU times and states that no event
// tells. A table that takes long to come is asked for less often, so that
// it is a tenth of the work at most.
const (
	rowsBusy  = time.Second
	rowsIdle  = 2 * time.Second
	rowsShare = 10
)

// batchEvents is how many events are handed on at a time at most. The screen takes
// batches five times a second, whatever comes.
const batchEvents = 512

// rowsID marks the replies to what live asks.
const rowsID = "rows"

// live is the ui.Source of a running pid1: history, events and the process table,
// over connections that are made anew when they break.
type live struct {
	path   string
	follow *client.Follower

	mu      sync.Mutex // guards the next two
	asked   int        // requests of Inspect so far
	answers map[string]chan event.Event
}

var (
	_ ui.Source    = (*live)(nil)
	_ ui.Inspector = (*live)(nil)
)

func newLive(path string) *live {
	return &live{
		path:    path,
		follow:  &client.Follower{Path: path, Wait: true},
		answers: map[string]chan event.Event{},
	}
}

// Inspect asks pid1 for everything about one process.
func (l *live) Inspect(ctx context.Context, id event.ID) (*event.Inspect, error) {
	answer := make(chan event.Event, 1)
	l.mu.Lock()
	l.asked++
	re := "inspect " + strconv.Itoa(l.asked)
	l.answers[re] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.answers, re)
		l.mu.Unlock()
	}()
	if err := l.follow.Send(event.Request{Op: event.OpInspect, ID: re, PID: id.PID}); err != nil {
		return nil, fmt.Errorf("cannot inspect %d: %w", id.PID, err)
	}
	select {
	case ev := <-answer:
		switch e := ev.(type) {
		case *event.Inspect:
			if id.Start != 0 && e.Start != 0 && e.Start != id.Start {
				return nil, fmt.Errorf("cannot inspect %d: another process has that PID now", id.PID)
			}
			return e, nil
		case *event.Error:
			return nil, errors.New(e.Message) // it says what cannot be done
		}
		return nil, fmt.Errorf("cannot inspect %d: pid1 gave no answer to that", id.PID)
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot inspect %d: no answer", id.PID)
	}
}

// deliver hands a reply to who waits for it, and reports whether it was one.
func (l *live) deliver(ev event.Event) bool {
	re := ""
	switch e := ev.(type) {
	case *event.Inspect:
		re = e.Re
	case *event.Error:
		re = e.Re
	default:
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	answer := l.answers[re]
	if answer != nil {
		delete(l.answers, re)
		answer <- ev
	}
	return answer != nil
}

// Run follows the feed until ctx ends.
func (l *live) Run(ctx context.Context, emit func(ui.Batch)) error {
	f := l.follow
	p := &poller{send: f.Send}
	defer p.stop()
	var pending []event.Event
	err := f.Run(ctx, func(u client.Update) error {
		switch {
		case u.Event != nil && l.deliver(u.Event):
		case u.Event != nil:
			pending = append(pending, u.Event)
			p.saw(u.Event)
			if !u.More || len(pending) >= batchEvents {
				emit(ui.Batch{State: ui.Live, Events: pending})
				pending = nil
			}
		case u.State == client.Live:
			p.connected(u.Hello)
			emit(ui.Batch{State: ui.Live, Events: []event.Event{u.Hello}})
		case u.State == client.Lost:
			p.stop()
			b := ui.Batch{State: ui.Lost, Events: pending, RetryAt: time.Now().Add(u.Retry)}
			if u.Err != nil {
				b.Note = clean(u.Err.Error())
			}
			emit(b)
			pending = nil
		default:
			emit(ui.Batch{State: ui.Connecting})
		}
		return nil
	})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// poller asks for the process table over and over.
type poller struct {
	send func(event.Request) error

	mu      sync.Mutex // guards all below
	timer   *time.Timer
	target  uint64 // the history ends here; before, nothing is asked for
	seen    uint64
	asked   time.Time     // when the last request went out
	waiting bool          // its answer has not come
	took    time.Duration // what the last answer took to come
	busy    bool          // events came since
}

// connected begins anew.
func (p *poller) connected(h *event.Hello) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target, p.waiting, p.took, p.busy = h.LastSeq, false, 0, true
	p.asked = time.Time{}
	if p.seen > h.LastSeq {
		p.seen = 0 // another pid1
	}
	p.plan()
}

// saw is told of every event.
func (p *poller) saw(ev event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.seen
	switch e := ev.(type) {
	case *event.Gap:
		p.seen = max(p.seen, e.ToSeq)
	case *event.ProcessesEnd:
		p.answered(e.Re)
	case *event.Error:
		p.answered(e.Re)
	default:
		p.seen = max(p.seen, ev.Header().Seq)
	}
	if p.seen > was && !(p.busy && was >= p.target) {
		p.busy = true
		p.plan()
	}
}

func (p *poller) answered(re string) {
	if re != rowsID {
		return
	}
	p.waiting, p.took = false, time.Since(p.asked)
	p.plan()
}

// plan sets the time of the next request. The caller holds mu.
func (p *poller) plan() {
	if p.waiting || p.seen < p.target {
		return
	}
	pause := rowsIdle
	if p.busy {
		pause = rowsBusy
	}
	wait := max(0, time.Until(p.asked.Add(max(pause, rowsShare*p.took))))
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.ask)
		return
	}
	p.timer.Reset(wait)
}

func (p *poller) ask() {
	p.mu.Lock()
	if p.waiting {
		p.mu.Unlock()
		return
	}
	p.waiting, p.busy, p.asked = true, false, time.Now()
	p.mu.Unlock()
	// An error means that the connection is gone, which the Follower sees, too.
	_ = p.send(event.Request{Op: event.OpProcesses, ID: rowsID})
}

func (p *poller) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.waiting = true // until connected again
}
