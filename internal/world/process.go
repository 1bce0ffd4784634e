package world

import (
	"cmp"
	"slices"
	"time"

	"pid1/event"
)

// Process is one process: living, zombie, or a ghost that went a moment ago.
type Process struct {
	// Process is the newest row, kept up by the events since. Before the first row
	// it holds what events told; State is then empty.
	event.Process

	Born   time.Time // viewer's time of its start; zero: unknown
	DeadAt time.Time // since when it is seen dead; zero for the living
	GoneAt time.Time // since when it is a ghost; zero for what is there
	// End is how it ended, for zombies and ghosts, as far as known.
	End event.Ended
	// KeptCmdline is the command line a zombie had while it lived.
	KeptCmdline []string
	// ThreadsAlive counts the threads that live on behind a dead leader.
	ThreadsAlive int
	// Reaped counts the dead this process waited for, as far as the stream told:
	// all of pid1's reaps; for others their children's exit events.
	Reaped uint64
	// ExecAt is its last exec since it was first seen, as far as events told of it;
	// Was is the comm before.
	ExecAt time.Time

	parent   *Process
	kids     []*Process // in start order, ghosts included
	startSeq uint64     // of its start event; 0 when not seen
	execSeq  uint64
	goneSeq  uint64
	holder   *ledger // where it is counted as a zombie
	mark     uint64  // rev of the answer it was last in
}

// Ghost reports whether it is gone and only still shown.
func (p *Process) Ghost() bool { return !p.GoneAt.IsZero() }

// Zombie reports whether it is dead and there: not waited for yet.
func (p *Process) Zombie() bool { return !p.DeadAt.IsZero() && p.GoneAt.IsZero() }

// Args is the best command line known: its own, or the one it had alive; nil
// where only Comm is known.
func (p *Process) Args() []string {
	if len(p.Cmdline) > 0 {
		return p.Cmdline
	}
	return p.KeptCmdline
}

// Age is how long ago it started, or for ghosts how long it lived; false where
// that is unknown.
func (p *Process) Age(now time.Time) (time.Duration, bool) {
	if p.Born.IsZero() {
		return 0, false
	}
	if p.Ghost() {
		now = p.GoneAt
	}
	return max(0, now.Sub(p.Born)), true
}

// Dead is for how long a zombie has been seen dead; with SeenBefore that is a
// lower bound. 0 for the living.
func (p *Process) Dead(now time.Time) time.Duration {
	if p.DeadAt.IsZero() {
		return 0
	}
	if p.Ghost() {
		now = p.GoneAt
	}
	return max(0, now.Sub(p.DeadAt))
}

// Proc is how others refer to it.
func (p *Process) Proc() event.Proc {
	return event.Proc{ID: p.ID, Comm: p.Comm, Cmdline: p.Args()}
}

// Process finds a process by its identity, ghosts included; nil when unknown.
func (w *World) Process(id event.ID) *Process {
	if p := w.procs[id]; p != nil {
		return p
	}
	if id.Start == 0 {
		return w.byPID[id.PID]
	}
	return nil
}

// ByPID finds the process that has this PID now, dead or alive but not a ghost;
// nil when there is none.
func (w *World) ByPID(pid int) *Process { return w.byPID[pid] }

// Len counts the processes that are there, zombies included, ghosts not.
func (w *World) Len() int { return len(w.byPID) }

// Ghosts counts the ghosts.
func (w *World) Ghosts() int { return len(w.ghosts) }

// Parent is the process above id in the tree; false at a root.
func (w *World) Parent(id event.ID) (event.ID, bool) {
	p := w.Process(id)
	if p == nil || p.parent == nil || p.parent == &w.top {
		return event.ID{}, false
	}
	return p.parent.ID, true
}

// Roots are the processes without a known parent, in start order, ghosts
// included.
func (w *World) Roots() []event.ID { return ids(w.top.kids) }

// Children of a process in start order, ghosts included.
func (w *World) Children(id event.ID) []event.ID {
	if p := w.Process(id); p != nil {
		return ids(p.kids)
	}
	return nil
}

// Kids counts the children of a process that are there, and how many of these are
// zombies.
func (w *World) Kids(id event.ID) (children, zombies int) {
	p := w.Process(id)
	if p == nil {
		return 0, 0
	}
	for _, k := range p.kids {
		if k.Ghost() {
			continue
		}
		children++
		if k.Zombie() {
			zombies++
		}
	}
	return children, zombies
}

func ids(list []*Process) []event.ID {
	out := make([]event.ID, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

// Walk goes through the tree from top to bottom, siblings in start order, ghosts
// included. last tells for every level down to p's own whether the one there is
// the last of its siblings; it is valid during the call only. yield returns
// whether to go into p's children.
func (w *World) Walk(yield func(p *Process, depth int, last []bool) bool) {
	var last []bool
	var walk func(kids []*Process, depth int)
	walk = func(kids []*Process, depth int) {
		for i, p := range kids {
			last = append(last[:depth], i == len(kids)-1)
			if yield(p, depth, last) {
				walk(p.kids, depth+1)
			}
		}
	}
	walk(w.top.kids, 0)
}

// All goes through the processes, ghosts included, in no order.
func (w *World) All(yield func(p *Process) bool) {
	for _, p := range w.procs {
		if !yield(p) {
			return
		}
	}
}

// add makes a new process of this identity. What has the PID so far was gone
// before: a PID is given to one process at a time.
func (w *World) add(id event.ID, at time.Time) *Process {
	if old := w.byPID[id.PID]; old != nil {
		w.gone(old, event.Ended{Code: event.Unknown}, 0, at)
	}
	p := &Process{Process: *event.New(event.TypeProcess).(*event.Process), End: event.Ended{Code: event.Unknown}}
	p.ID = id
	w.procs[id] = p
	w.byPID[id.PID] = p
	return p
}

// ensure finds the process, or adds it. An identity without start time means
// whoever has the PID; learning the start time makes it whole.
func (w *World) ensure(id event.ID, at time.Time) *Process {
	if p := w.Process(id); p != nil {
		return p
	}
	if p := w.byPID[id.PID]; p != nil && p.Start == 0 {
		parent := p.parent
		p.detach() // its place among its siblings is by start time
		delete(w.procs, p.ID)
		p.ID = id
		w.procs[id] = p
		if parent != nil {
			w.attach(p, parent)
		}
		return p
	}
	return w.add(id, at)
}

// link puts p below the process that has PID ppid now; below none when that is
// unknown or cannot be its parent.
func (w *World) link(p *Process, ppid int) {
	p.PPID = ppid
	parent := &w.top
	if q := w.byPID[ppid]; ppid > 0 && q != nil && q != p && !q.below(p) {
		parent = q
	}
	w.attach(p, parent)
}

// below reports whether p is somewhere below q.
func (p *Process) below(q *Process) bool {
	for a := p.parent; a != nil; a = a.parent {
		if a == q {
			return true
		}
	}
	return false
}

func (w *World) attach(p, parent *Process) {
	if p.parent == parent {
		return
	}
	p.detach()
	p.parent = parent
	i, _ := slices.BinarySearchFunc(parent.kids, p, inStartOrder)
	parent.kids = slices.Insert(parent.kids, i, p)
}

func (p *Process) detach() {
	if p.parent == nil {
		return
	}
	kids := p.parent.kids
	i, ok := slices.BinarySearchFunc(kids, p, inStartOrder)
	if !ok || kids[i] != p {
		i = slices.Index(kids, p)
	}
	p.parent.kids = slices.Delete(kids, i, i+1)
	p.parent = nil
}

func inStartOrder(a, b *Process) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID))
}

// claim puts below p the roots that name it as their parent: they were told of
// before it was.
func (w *World) claim(p *Process) {
	for _, r := range slices.Clone(w.top.kids) {
		if r != p && r.PPID == p.PID && !r.Ghost() {
			w.link(r, r.PPID)
		}
	}
}

// gone makes p a ghost.
func (w *World) gone(p *Process, end event.Ended, seq uint64, at time.Time) {
	if end.Known() {
		p.End = end
	}
	p.goneSeq = max(p.goneSeq, seq)
	if p.Ghost() {
		return
	}
	w.release(p, at)
	p.GoneAt = at
	if w.byPID[p.PID] == p {
		delete(w.byPID, p.PID)
	}
	w.ghosts = append(w.ghosts, p)
}

// dropGhosts forgets the ghosts that were shown long enough, and reports whether
// there were any.
func (w *World) dropGhosts(now time.Time) bool {
	n := 0
	for n < len(w.ghosts) && (len(w.ghosts)-n > GhostsMax || now.Sub(w.ghosts[n].GoneAt) >= GhostTime) {
		p := w.ghosts[n]
		up := p.parent
		if up == nil {
			up = &w.top
		}
		for _, k := range slices.Clone(p.kids) {
			w.attach(k, up)
		}
		p.detach()
		if w.procs[p.ID] == p {
			delete(w.procs, p.ID)
		}
		w.ghosts[n] = nil
		n++
	}
	w.ghosts = w.ghosts[n:]
	return n > 0
}
