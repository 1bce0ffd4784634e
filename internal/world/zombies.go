package world

import (
	"cmp"
	"slices"
	"time"

	"pid1/doctor"
	"pid1/event"
)

// Group is a parent and the zombies it should wait for.
type Group struct {
	// Parent is who should wait. PID 0 stands for a parent outside the namespace.
	Parent  event.Proc
	Zombies []Zombie // oldest first
	Oldest  time.Duration
	Newest  time.Duration
	// RatePerMin is the net growth per minute, 0 also where it is not known yet; see
	// [World.Zombies].
	RatePerMin float64
	// Trend is the count at the end of each of TrendPoints equal parts of Window,
	// oldest first and now last; -1 where observation had not begun.
	Trend    []int
	Verdict  doctor.Verdict
	Finding  doctor.Finding // the verdict in words, with advice
	Evidence doctor.Evidence
}

// TrendPoints is the length of every Trend.
const TrendPoints = 20

// Zombie is one dead process that nobody waited for yet.
type Zombie struct {
	event.ID
	Comm         string
	Cmdline      []string // what it was alive; nil where only Comm is known
	End          event.Ended
	Age          time.Duration // since it was seen dead; a lower bound when SeenBefore
	SeenBefore   bool
	ThreadsAlive int
}

// Zombies groups what is dead and not waited for by the parent that should wait,
// worst first: by the verdict's severity, then by count, then by PID.
//
// Zombies of pid1 itself are left out while they are younger than
// doctor.TransientAge: it is about to reap them.
//
// RatePerMin is what the count grew by, births less disappearances, from one moment
// of births to the last, divided by the time between these two; 0 while that is too
// little to tell. It reaches back ten minutes at most, and not beyond a clear change
// of the pace: a burst at the start of a program says nothing about now. Where all of
// them came in a rhythm, the rate is the rhythm's. It falls when births are late, as
// once a leak stops. Zombies that were dead before observation began are no births.
func (w *World) Zombies(now time.Time) []Group {
	var out []Group
	for _, l := range w.ledgers {
		if g, ok := w.group(l, now); ok {
			out = append(out, g)
		}
	}
	order(out, func(a, b *Group) int {
		return cmp.Or(
			cmp.Compare(b.Verdict.Severity(), a.Verdict.Severity()),
			cmp.Compare(len(b.Zombies), len(a.Zombies)),
			cmp.Compare(a.Parent.PID, b.Parent.PID),
		)
	})
	return out
}

// ZombieCount counts all zombies of [World.Zombies] without grouping them.
func (w *World) ZombieCount(now time.Time) int {
	n := 0
	for _, l := range w.ledgers {
		for _, p := range l.held {
			if w.counts(l, p, now) {
				n++
			}
		}
	}
	return n
}

// counts leaves out what pid1 is about to reap.
func (w *World) counts(l *ledger, p *Process, now time.Time) bool {
	return l.id.PID == 0 || l.id.PID != w.reaper() || p.ThreadsAlive > 0 || p.Dead(now) >= doctor.TransientAge
}

func (w *World) group(l *ledger, now time.Time) (Group, bool) {
	var g Group
	ev := doctor.Evidence{Threads: event.Unknown, Waited: event.Unknown, Reaper: w.reaper()}
	if w.hello != nil {
		ev.Role = w.hello.Role
	}
	parent := w.procs[l.id]
	for _, p := range l.held {
		if !w.counts(l, p, now) {
			continue
		}
		g.Zombies = append(g.Zombies, Zombie{
			ID: p.ID, Comm: p.Comm, Cmdline: p.Args(), End: p.End,
			Age: p.Dead(now), SeenBefore: p.SeenBefore, ThreadsAlive: p.ThreadsAlive,
		})
		if p.ThreadsAlive > 0 {
			ev.ThreadsAlive++
		}
		if p.SeenBefore {
			ev.SeenBefore++
		}
		if inherited(p, parent) {
			ev.Inherited++
		}
		if adopted(p, l.id) {
			ev.Adopted++
		}
	}
	if len(g.Zombies) == 0 {
		return g, false
	}
	order(g.Zombies, func(a, b *Zombie) int {
		return cmp.Or(cmp.Compare(b.Age, a.Age), cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID))
	})
	g.Oldest, g.Newest = g.Zombies[0].Age, g.Zombies[len(g.Zombies)-1].Age
	w.births(l, &ev, now.Add(-g.Oldest), now)
	g.Parent = event.Proc{ID: l.id}
	ev.Observed = w.Observed(now)
	if parent != nil {
		g.Parent = parent.Proc()
		ev.State, ev.Wchan, ev.SigChld = parent.State, parent.Wchan, parent.SigChld
		ev.StateFor = time.Duration(max(parent.StateMS, 0)) * time.Millisecond
		ev.Blocked, ev.Threads = parent.Blocked, parent.Threads
		ev.Session, ev.Waited = parent.ExecSession, parent.Waited
		if n := int64(parent.Reaped); n > 0 {
			ev.Waited = max(ev.Waited, n)
		}
		if ev.Inherited > 0 {
			ev.Was = parent.Was
		}
		if age, ok := parent.Age(now); ok {
			ev.Observed = min(ev.Observed, age)
		}
		ev.Main = w.isMain(parent)
	}
	ev.Outside = l.id.PID == 0
	ev.Parent, ev.Count = g.Parent, len(g.Zombies)
	ev.Oldest, ev.Newest = g.Oldest, g.Newest
	l.measure(&ev, now.Sub(w.base))
	g.RatePerMin = ev.RatePerMin
	g.Trend = l.trend(now.Sub(w.base), w.Observed(now))
	g.Evidence = ev
	g.Finding = doctor.Judge(ev)
	g.Verdict = g.Finding.Verdict
	return g, true
}

// inherited reports whether p was there before its parent's last exec: an exec
// that the stream told of after it told of p, or one that the rows know of.
func inherited(p, parent *Process) bool {
	if parent != nil && p.BeforeExec {
		return true
	}
	if parent == nil || parent.ExecAt.IsZero() {
		return false
	}
	if p.startSeq != 0 && parent.execSeq != 0 {
		return p.startSeq < parent.execSeq
	}
	return !p.Born.IsZero() && p.Born.Before(parent.ExecAt)
}

// adopted reports whether p was created by another process than the one that
// should wait for it.
func adopted(p *Process, parent event.ID) bool {
	o := p.Origin
	if o == nil || o.How == event.HowInferred || o.PID == 0 {
		return false
	}
	if o.PID != parent.PID {
		return true
	}
	return o.Start != 0 && parent.Start != 0 && o.Start != parent.Start
}

// isMain reports whether p is COMMAND: what pid1 started, or as far as that is not
// known the first of its children.
func (w *World) isMain(p *Process) bool {
	r := w.reaper()
	if p.Origin != nil && r > 0 && p.PPID == r && w.hello.Role == "init" {
		return p.Origin.PID == r
	}
	if r == 0 || p.parent == nil || p.parent.PID != r || p.parent == &w.top || p.ExecSession {
		return false
	}
	if w.hello.Role == "init" {
		for _, k := range p.parent.kids {
			if !k.Ghost() {
				return k == p
			}
		}
	}
	return false
}

// hold counts p as a zombie of its parent.
func (w *World) hold(p *Process) {
	var id event.ID
	switch {
	case p.PPID == 0:
		// Outside the namespace.
	case p.parent != nil && p.parent != &w.top:
		id = p.parent.ID
	case p.PPID > 0:
		id.PID = p.PPID
	default:
		return
	}
	if p.holder != nil && p.holder.id == id {
		return
	}
	w.release(p, p.DeadAt)
	l := w.ledgers[id]
	if l == nil {
		l = &ledger{id: id}
		w.ledgers[id] = l
	}
	if !p.SeenBefore {
		l.birth(p.DeadAt.Sub(w.base))
	}
	l.held = append(l.held, p)
	p.holder = l
}

// release ends that p is counted as a zombie.
func (w *World) release(p *Process, at time.Time) {
	l := p.holder
	if l == nil {
		return
	}
	p.holder = nil
	l.death(at.Sub(w.base))
	if i := slices.Index(l.held, p); i >= 0 {
		l.held = slices.Delete(l.held, i, i+1)
	}
}

// pruneLedgers forgets, every now and then, parents that hold nothing and did
// not for a Window.
func (w *World) pruneLedgers(now time.Time) {
	if now.Sub(w.pruned) < bucketTime && !now.Before(w.pruned) {
		return
	}
	w.pruned = now
	for id, l := range w.ledgers {
		if len(l.held) > 0 {
			continue
		}
		if p := w.procs[id]; p == nil || p.Ghost() || now.Sub(w.base)-l.touched >= Window {
			delete(w.ledgers, id)
		}
	}
}
