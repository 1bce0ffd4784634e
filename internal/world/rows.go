package world

import (
	"time"

	"pid1/event"
)

// applyRow keeps a row until its answer is complete: an answer that breaks off
// half way must not make processes disappear.
func (w *World) applyRow(e *event.Process) {
	if e.Re != w.rowsRe {
		w.rows, w.rowsRe = w.rows[:0], e.Re
	}
	w.rows = append(w.rows, e)
}

// applyRowsEnd makes the rows the set of what is there. Events after AsOfSeq are
// newer than the rows and win over them.
func (w *World) applyRowsEnd(e *event.ProcessesEnd, now time.Time) {
	w.anchor(&e.Head, now)
	if e.Re != w.rowsRe {
		w.rows = w.rows[:0]
	}
	if e.Count != len(w.rows) {
		// Incomplete: some rows went to a reader's limit or another answer.
		w.rows = w.rows[:0]
		return
	}
	if w.since.IsZero() {
		w.since = now
	}
	for _, row := range w.rows {
		w.takeRow(row, e.AsOfSeq, now)
	}
	// Only now is every parent known.
	for _, row := range w.rows {
		p := w.procs[row.ID]
		if p == nil || p.Ghost() || p.mark != w.rev {
			continue
		}
		w.link(p, row.PPID)
		if p.Zombie() {
			w.hold(p)
		} else {
			w.release(p, now)
		}
	}
	for _, p := range w.byPID {
		if p.mark != w.rev && p.startSeq <= e.AsOfSeq {
			w.gone(p, event.Ended{Code: event.Unknown}, 0, now)
		}
	}
	clear(w.rows)
	w.rows = w.rows[:0]
	w.needRows = false
}

// takeRow brings one process up to date.
func (w *World) takeRow(row *event.Process, asOf uint64, now time.Time) {
	p := w.ensure(row.ID, now)
	if p.Ghost() {
		// Told gone after the rows were taken, or by an event that the rows already
		// know of and that was mistaken: what is there is there.
		if p.goneSeq > asOf {
			return
		}
		w.revive(p)
	}
	p.mark = w.rev
	kept := p.Command
	was, program := p.Origin, p.Was
	p.Process = *row
	if p.Was == "" {
		p.Was = program
	}
	p.Process.Command = kept
	p.learn(&row.Command)
	if p.Origin == nil {
		p.Origin = was
	}
	if row.AgeMS >= 0 {
		p.Born = now.Add(-time.Duration(row.AgeMS) * time.Millisecond)
	}
	if row.State != "Z" && row.State != "X" {
		p.DeadAt, p.KeptCmdline, p.ThreadsAlive = time.Time{}, nil, 0
		return
	}
	switch {
	case row.ZombieMS >= 0:
		p.DeadAt = now.Add(-time.Duration(row.ZombieMS) * time.Millisecond)
	case p.DeadAt.IsZero():
		p.DeadAt = now
	}
	p.KeptCmdline = p.Cmdline
	// The thread group of a dead process counts its dead leader, too.
	p.ThreadsAlive = max(0, row.Threads-1)
}

// revive takes back that p was gone.
func (w *World) revive(p *Process) {
	for i, g := range w.ghosts {
		if g == p {
			w.ghosts = append(w.ghosts[:i:i], w.ghosts[i+1:]...)
			break
		}
	}
	p.GoneAt = time.Time{}
	p.goneSeq = 0
	if old := w.byPID[p.PID]; old != nil && old != p {
		w.gone(old, event.Ended{Code: event.Unknown}, 0, p.DeadAt)
	}
	w.byPID[p.PID] = p
}
