package world

import (
	"time"

	"pid1/event"
)

// learn takes over what an event tells about a command, without losing a command
// line to one that is not known.
func (p *Process) learn(c *event.Command) {
	if len(c.Cmdline) == 0 && len(p.Cmdline) > 0 && c.Comm == p.Comm {
		return
	}
	if c.Comm == "" && len(c.Cmdline) == 0 {
		return
	}
	p.Command = *c
}

func (w *World) applyStart(e *event.Start, at time.Time) {
	p := w.ensure(e.ID, at)
	if p.Ghost() {
		return
	}
	p.startSeq = e.Seq
	p.Group, p.Owner = e.Group, e.Owner
	p.learn(&e.Command)
	p.Origin, p.Started, p.ExecSession = e.Origin, e.Started, e.ExecSession
	p.born(e.Started, e.TS, at)
	w.link(p, e.PPID)
	w.claim(p)
}

// born sets the start on the viewer's clock from two times of pid1's.
func (p *Process) born(started, ts, at time.Time) {
	if p.Born.IsZero() && !started.IsZero() && !ts.IsZero() {
		p.Born = at.Add(-max(0, ts.Sub(started)))
	}
}

func (w *World) applyExec(e *event.Exec, at time.Time) {
	p := w.ensure(e.ID, at)
	if p.Ghost() {
		return
	}
	p.Was, p.ExecAt, p.execSeq = e.Was, at, e.Seq
	if p.Was == "" {
		p.Was = p.Comm
	}
	p.Command = e.Command
	if e.PPID > 0 || p.parent == nil {
		w.link(p, e.PPID)
	}
}

func (w *World) applyOrphan(e *event.Orphan, at time.Time) {
	p := w.ensure(e.ID, at)
	if p.Ghost() {
		return
	}
	p.learn(&e.Command)
	if e.Origin != nil {
		p.Origin = e.Origin
	}
	w.link(p, w.reaper())
}

func (w *World) applyZombie(e *event.Zombie, at time.Time) {
	p := w.ensure(e.ID, at)
	if p.Ghost() {
		return
	}
	if e.Parent.PID > 0 && w.byPID[e.Parent.PID] == nil {
		// The start of the parent is not in the history; that it is there is told
		// here.
		q := w.add(e.Parent.ID, at)
		q.Comm, q.Cmdline = e.Parent.Comm, e.Parent.Cmdline
		w.link(q, event.Unknown)
	}
	p.learn(&e.Command)
	if e.UID != event.Unknown {
		p.Owner = e.Owner
	}
	if p.Started.IsZero() {
		p.Started = e.Started
	}
	p.born(e.Started, e.TS, at)
	p.End, p.ThreadsAlive, p.SeenBefore = e.Ended, e.Threads, e.SeenBefore
	w.link(p, e.Parent.PID)
	w.die(p, at)
	w.claim(p)
}

// die makes p a zombie that its parent should wait for.
func (w *World) die(p *Process, at time.Time) {
	if p.DeadAt.IsZero() {
		p.DeadAt = at
	}
	p.State = "Z"
	p.KeptCmdline = p.Cmdline
	w.hold(p)
}

func (w *World) applyZombieGone(e *event.ZombieGone, at time.Time) {
	p := w.Process(e.ID)
	if p == nil {
		return
	}
	w.gone(p, p.End, e.Seq, at)
}

func (w *World) applyExit(e *event.Exit, at time.Time) {
	w.killed(e.OOM, event.Proc{ID: e.ID, Comm: e.Comm, Cmdline: e.Cmdline}, e.Rusage, false, at)
	p := w.dead(e.ID, e.PPID, at)
	if q := w.byPID[e.PPID]; q != nil {
		q.Reaped++
	}
	if p == nil {
		return
	}
	p.learn(&e.Command)
	if e.Origin != nil {
		p.Origin = e.Origin
	}
	p.born(e.Started, e.TS, at)
	w.gone(p, e.Ended, e.Seq, at)
}

func (w *World) applyReap(e *event.Reap, at time.Time) {
	w.reaps.add(e)
	w.killed(e.OOM, event.Proc{ID: e.ID, Comm: e.Comm, Cmdline: e.Cmdline}, e.Rusage, e.Main, at)
	w.rate.add(at.Sub(w.base), e.Failed())
	if q := w.byPID[w.reaper()]; q != nil {
		q.Reaped++
	}
	ppid := e.PPID
	if e.Origin != nil {
		ppid = e.Origin.PID
	}
	p := w.dead(e.ID, ppid, at)
	if p == nil {
		return
	}
	p.learn(&e.Command)
	if e.Origin != nil {
		p.Origin = e.Origin
	}
	p.born(e.Started, e.TS, at)
	w.gone(p, e.Ended, e.Seq, at)
}

// dead finds the process an end is told of. One that was never seen is added below
// the process with PID ppid, to be shown as a ghost; history goes at once.
func (w *World) dead(id event.ID, ppid int, at time.Time) *Process {
	if p := w.Process(id); p != nil {
		return p
	}
	if w.byPID[id.PID] != nil {
		return nil
	}
	p := w.add(id, at)
	if w.byPID[ppid] == nil {
		ppid = w.reaper()
	}
	w.link(p, ppid)
	return p
}
