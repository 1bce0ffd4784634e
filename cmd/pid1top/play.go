package main

import (
	"context"
	"sync"
	"time"

	"pid1/internal/replay"
	"pid1/ui"
)

// playEvery is how often a recording that plays goes on.
const playEvery = 100 * time.Millisecond

// player is the ui.Scrubber of a recording.
type player struct {
	rec         *replay.Recording
	first, last time.Time

	mu      sync.Mutex // guards all below
	at      time.Time  // the recording's time
	index   int        // how many events are before it
	since   time.Time  // when at was so; for playing
	playing bool
	speed   float64
	kick    chan struct{} // capacity 1: something was asked for
}

var _ ui.Scrubber = (*player)(nil)

func newPlayer(rec *replay.Recording) *player {
	p := &player{rec: rec, speed: 1, kick: make(chan struct{}, 1)}
	p.first, p.last = rec.Span()
	p.at, p.index = p.last, rec.Len()
	return p
}

// Span implements ui.Scrubber.
func (p *player) Span() (first, last time.Time) { return p.first, p.last }

// Position implements ui.Scrubber.
func (p *player) Position() ui.Position {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position()
}

// position brings the recording's time up to now. p.mu is held.
func (p *player) position() ui.Position {
	if p.playing {
		now := time.Now()
		p.at = p.at.Add(time.Duration(float64(now.Sub(p.since)) * p.speed))
		p.since = now
		if !p.at.Before(p.last) {
			p.at, p.playing = p.last, false
		}
		p.index = max(p.index, p.rec.At(p.at))
	}
	return ui.Position{At: p.at, Index: p.index, Total: p.rec.Len(), Playing: p.playing, Speed: p.speed}
}

// change does something to the position and has Run act on it.
func (p *player) change(do func()) {
	p.mu.Lock()
	p.position()
	do()
	p.since = time.Now()
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Seek implements ui.Scrubber.
func (p *player) Seek(t time.Time) {
	p.change(func() {
		if t.Before(p.first) {
			t = p.first
		}
		if t.After(p.last) {
			t = p.last
		}
		p.at, p.index = t, p.rec.At(t)
	})
}

// Step implements ui.Scrubber.
func (p *player) Step(n int) {
	p.change(func() {
		p.playing = false
		p.index = min(max(p.index+n, 1), p.rec.Len())
		p.at = p.rec.Time(p.index - 1)
	})
}

// Play implements ui.Scrubber.
func (p *player) Play(on bool, speed float64) {
	p.change(func() {
		if speed > 0 {
			p.speed = speed
		}
		if on && !p.playing && p.index == p.rec.Len() && !p.at.Before(p.last) {
			p.at, p.index = p.first, p.rec.At(p.first)
		}
		p.playing = on
	})
}

// Run implements ui.Source. Lines that cannot be read are left out.
func (p *player) Run(ctx context.Context, emit func(ui.Batch)) error {
	tick := time.NewTicker(playEvery)
	defer tick.Stop()
	done := 0
	for {
		pos := p.Position()
		b := ui.Batch{State: ui.Live, Reset: pos.Index < done}
		if b.Reset {
			done = 0
		}
		// A long way is gone in steps, between which another wish is heard.
		for ; done < pos.Index && len(b.Events) < batchEvents; done++ {
			if ev, err := p.rec.Event(done); err == nil && ev != nil {
				b.Events = append(b.Events, ev)
			}
		}
		arrived := done == pos.Index
		if !arrived {
			pos.Index, pos.At = done, p.rec.Time(done-1)
		}
		b.Position = &pos
		emit(b)
		if ctx.Err() != nil {
			return nil
		}
		if !arrived {
			continue
		}
		var next <-chan time.Time
		if pos.Playing {
			next = tick.C
		}
		select {
		case <-next:
		case <-p.kick:
		case <-ctx.Done():
			return nil
		}
	}
}
