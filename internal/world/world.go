// Package world folds the events of the stream into the present: which processes
// there are, what pid1 reaped, who holds zombies, and how fast all of it changes.
//
// A World does no I/O and reads no clock. Apply is given each event with the
// viewer's time at which it arrived; everything that depends on the time is asked
// for with a time. It copes with joining late, with gaps, with reused PIDs, and
// with recordings that hold no process rows:
//
//   - history comes first and tells what was; the rows of a processes answer then
//     replace the living: a process that is not among them is gone;
//   - live events keep that up to date until the next answer;
//   - after a gap, or a hello, [World.NeedRows] asks for a fresh answer.
//
// A World is not safe for concurrent use, and the pointers it hands out are
// valid, and change, until the next Apply.
package world

import (
	"time"

	"pid1/event"
)

// Limits of what a World keeps.
const (
	ReapsKept = 4096             // newest reaps
	NotesKept = 256              // newest of the rare events, see [World.Notes]
	GhostTime = 3 * time.Second  // how long the dead stay visible
	GhostsMax = 4096             // ghosts at most; the oldest go first
	Window    = 10 * time.Minute // over which zombies are counted and trends drawn
)

// World is the present, as far as the stream has told it.
type World struct {
	rev   uint64
	epoch uint64
	base  time.Time // the first now; buckets count from here

	hello    *event.Hello
	stats    *event.Stats
	skew     time.Duration // viewer's wall clock minus pid1's
	since    time.Time     // when observation began, as far as the history tells
	lastSeq  uint64
	lost     uint64
	needRows bool

	procs  map[event.ID]*Process
	byPID  map[int]*Process // the living and the zombies, not the ghosts
	top    Process          // stands above the roots
	ghosts []*Process       // in the order they went
	rows   []*event.Process // of the answer that is coming in
	rowsRe string

	ledgers map[event.ID]*ledger
	pruned  time.Time // when ledgers were last looked through

	reaps Reaps
	rate  series
	notes []event.Event
	pids  Gauge

	victims []victim // the newest last
}

// New returns a world in which nothing is known yet.
func New() *World {
	w := &World{}
	w.clear()
	return w
}

func (w *World) clear() {
	*w = World{
		rev: w.rev, epoch: w.epoch, base: w.base,
		procs:   map[event.ID]*Process{},
		byPID:   map[int]*Process{},
		ledgers: map[event.ID]*ledger{},
		reaps:   Reaps{most: w.reaps.most},
	}
}

// Rev changes with everything that changes what a World tells, time aside.
func (w *World) Rev() uint64 { return w.rev }

// Epoch changes when the feed turned out to be another pid1's: everything known
// before was dropped.
func (w *World) Epoch() uint64 { return w.epoch }

// Hello is the newest hello line, nil before the first.
func (w *World) Hello() *event.Hello { return w.hello }

// Stats is the newest stats line, nil before the first.
func (w *World) Stats() *event.Stats { return w.stats }

// Skew is by how much the viewer's wall clock is ahead of pid1's.
func (w *World) Skew() time.Duration { return w.skew }

// Lost counts the events that gap lines stood for.
func (w *World) Lost() uint64 { return w.lost }

// LastSeq is the seq of the newest event applied; the place to resume at.
func (w *World) LastSeq() uint64 { return w.lastSeq }

// NeedRows reports whether a fresh processes answer is needed to know the living:
// after a hello and after a gap, until processes_end.
func (w *World) NeedRows() bool { return w.needRows }

// Observed is for how long the history at hand reaches back; 0 when unknown.
func (w *World) Observed(now time.Time) time.Duration {
	if w.since.IsZero() {
		return 0
	}
	return max(0, now.Sub(w.since))
}

// Notes are the newest of the rare events, oldest first: signal, leak, pressure,
// oom, main_exit, shutdown and source.
func (w *World) Notes() []event.Event { return w.notes }

// reaper is the PID that reaps orphans in the stream's words: pid1's own, or 0
// where no pid1 runs (role "local") or nothing is known.
func (w *World) reaper() int {
	if w.hello == nil || w.hello.Role == "local" {
		return 0
	}
	return w.hello.PID
}

// Apply folds one event in. now is the viewer's time of its arrival; times of
// successive calls do not decrease. Events already applied (by seq) and nil, which
// event.Decode gives for types it does not know, change nothing. The world keeps
// ev; the caller must not change it afterwards.
func (w *World) Apply(ev event.Event, now time.Time) {
	if ev == nil {
		return
	}
	if w.base.IsZero() {
		w.base = now
	}
	h := ev.Header()
	if h.Seq != 0 {
		if h.Seq <= w.lastSeq {
			return
		}
		w.lastSeq = h.Seq
	}
	w.rev++
	at := w.when(h, now)
	if h.Seq != 0 && (w.since.IsZero() || at.Before(w.since)) {
		w.since = at
	}
	switch e := ev.(type) {
	case *event.Hello:
		w.applyHello(e, now)
	case *event.Stats:
		w.applyStats(e, now)
	case *event.Gap:
		w.lost += e.Lost
		w.lastSeq = max(w.lastSeq, e.ToSeq)
		w.needRows = true
	case *event.Start:
		w.applyStart(e, at)
	case *event.Exec:
		w.applyExec(e, at)
	case *event.Orphan:
		w.applyOrphan(e, at)
	case *event.Zombie:
		w.applyZombie(e, at)
	case *event.ZombieGone:
		w.applyZombieGone(e, at)
	case *event.Exit:
		w.applyExit(e, at)
	case *event.Reap:
		w.applyReap(e, at)
	case *event.Process:
		w.applyRow(e)
	case *event.ProcessesEnd:
		w.applyRowsEnd(e, now)
	case *event.Signal, *event.Leak, *event.Pressure, *event.OOM,
		*event.MainExit, *event.Shutdown, *event.Source:
		w.note(ev)
	}
	w.Advance(now)
}

// Advance lets time pass: ghosts older than GhostTime go. Apply does it too; a
// viewer calls it when nothing arrives.
func (w *World) Advance(now time.Time) {
	if w.dropGhosts(now) {
		w.rev++
	}
	w.pruneLedgers(now)
}

// when turns the wall clock of pid1 into the viewer's time. The result keeps
// now's monotonic reading, so that a viewer's clock that jumps does not change
// ages.
func (w *World) when(h *event.Head, now time.Time) time.Time {
	if h.TS.IsZero() {
		return now
	}
	ago := now.Round(0).Sub(h.TS) - w.skew
	return now.Add(-max(0, ago))
}

// anchor takes a line written at this moment as the measure of how far the two
// wall clocks are apart.
func (w *World) anchor(h *event.Head, now time.Time) {
	if !h.TS.IsZero() {
		w.skew = now.Round(0).Sub(h.TS)
	}
}

func (w *World) applyHello(e *event.Hello, now time.Time) {
	if w.hello != nil && (!w.hello.Started.Equal(e.Started) || e.PIDNS != w.hello.PIDNS || e.LastSeq < w.lastSeq) {
		w.clear()
		w.epoch++
	}
	w.hello = e
	w.needRows = true
	w.anchor(&e.Head, now)
	if r := w.reaper(); r > 0 && w.byPID[r] == nil {
		// No start event tells of pid1 itself, and a recording has no rows.
		p := w.add(event.ID{PID: r}, now)
		p.Comm = "pid1"
		p.born(e.Started, e.TS, now)
		w.link(p, event.Unknown)
	}
	if e.FirstSeq <= 1 && !e.Started.IsZero() {
		// Nothing was dropped: the history reaches back to pid1's start.
		if at := w.when(&event.Head{TS: e.Started}, now); w.since.IsZero() || at.Before(w.since) {
			w.since = at
		}
	}
}

func (w *World) note(ev event.Event) {
	if len(w.notes) == NotesKept {
		copy(w.notes, w.notes[1:])
		w.notes = w.notes[:NotesKept-1]
	}
	w.notes = append(w.notes, ev)
}
