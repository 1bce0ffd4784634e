package ui

import (
	"slices"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// target is what the Detail is about: a process, by the reap that told its end
// where that is known.
type target struct {
	id   event.ID
	reap uint64 // seq; 0: it lived when the Detail was opened
}

// detail is the Detail: one process, living or dead.
type detail struct {
	of target

	known  bool
	p      world.Process // as it was last
	gone   bool          // it is not there any more
	goneAt time.Time
	reap   *event.Reap
	chain  []event.Proc // from the top down to its parent
	kids   []world.Process
	group  *world.Group // the zombies it should wait for
	owner  *event.Proc  // of a zombie: who should wait for it
	dead   descendants

	lines  []detailLine
	off    int
	height int
}

// descendants is what is known of the dead that a process created.
type descendants struct {
	asOf      uint64
	of        event.ID
	count     int
	failed    int
	known     int // whose lifetime is known
	lifetimes []int
}

func (d *detail) open(t target) {
	if d.of != t {
		*d = detail{of: t, height: d.height}
	}
	d.off = 0
}

// take makes d what the world tells now, and keeps what it told before of what is
// gone since.
func (d *detail) take(w *world.World, s *scene, now time.Time) {
	d.takeProcess(w, now)
	d.reap = findReap(w.Reaps(), d.of)
	if d.reap != nil {
		d.gone, d.goneAt = true, d.reap.TS.Add(s.skew)
	}
	d.takeDead(w.Reaps())
	if !d.known || d.gone {
		return
	}
	d.chain = d.chain[:0]
	for id := d.p.ID; ; {
		up, ok := w.Parent(id)
		if !ok {
			break
		}
		d.chain = append(d.chain, w.Process(up).Proc())
		id = up
	}
	slices.Reverse(d.chain)
	d.kids = d.kids[:0]
	for _, k := range w.Children(d.p.ID) {
		if c := w.Process(k); c != nil && !c.Ghost() {
			d.kids = append(d.kids, *c)
		}
	}
	d.group, d.owner = nil, nil
	for i := range s.groups {
		if g := &s.groups[i]; g.Parent.ID == d.p.ID {
			d.group = g
		}
	}
	if n := len(d.chain); d.p.Zombie() && n > 0 {
		d.owner = &d.chain[n-1]
	}
}

func (d *detail) takeProcess(w *world.World, now time.Time) {
	p := w.Process(d.of.id)
	switch {
	case p == nil:
		if d.known && !d.gone {
			d.gone, d.goneAt = true, now
		}
	case !p.Ghost():
		d.known, d.p, d.gone = true, *p, false
	default:
		if !d.known {
			d.p = *p
		}
		d.p.End = p.End
		d.known, d.gone, d.goneAt = true, true, p.GoneAt
	}
}

// findReap finds the reap of a target among those kept.
func findReap(ring *world.Reaps, t target) *event.Reap {
	for i := ring.Len() - 1; i >= 0; i-- {
		e := ring.At(i)
		if t.reap != 0 && e.Seq == t.reap || t.reap == 0 && t.id.Start != 0 && e.ID == t.id {
			return e
		}
	}
	return nil
}

// takeDead counts the dead that this process created, when there are new ones.
func (d *detail) takeDead(ring *world.Reaps) {
	if d.dead.of == d.of.id && d.dead.asOf == ring.Seen() && d.dead.lifetimes != nil {
		return
	}
	d.dead = descendants{asOf: ring.Seen(), of: d.of.id, lifetimes: make([]int, len(world.LifetimeBounds)+1)}
	for i := range ring.Len() {
		e := ring.At(i)
		if e.Origin == nil || e.Origin.PID != d.of.id.PID || e.Origin.Start != d.of.id.Start {
			continue
		}
		d.dead.count++
		if e.Failed() {
			d.dead.failed++
		}
		if e.LifetimeMS >= 0 {
			d.dead.known++
			bar, _ := slices.BinarySearch(world.LifetimeBounds, time.Duration(e.LifetimeMS)*time.Millisecond+1)
			d.dead.lifetimes[bar]++
		}
	}
}

// parent is who is above the process, or created it.
func (d *detail) parent() (event.ID, bool) {
	if n := len(d.chain); n > 0 {
		return d.chain[n-1].ID, true
	}
	if d.reap != nil && d.reap.Origin != nil {
		return d.reap.Origin.ID, true
	}
	if d.known && d.p.Origin != nil {
		return d.p.Origin.ID, true
	}
	return event.ID{}, false
}

// The Detail scrolls as a list does, without a selection.

func (d *detail) move(n int)     { d.off = min(max(d.off+n, 0), max(len(d.lines)-d.height, 0)) }
func (d *detail) moveTo(i int)   { d.off = 0; d.move(i) }
func (d *detail) page(n int)     { d.move(n) }
func (d *detail) screen() int    { return d.height }
func (d *detail) size() int      { return len(d.lines) }
func (d *detail) line(int) int   { return -1 }
func (d *detail) selection() int { return d.off }

func (d *detail) expand() (restore func()) {
	off, height := d.off, d.height
	d.off, d.height = 0, len(d.lines)
	return func() { d.off, d.height = off, height }
}
