package inspect

import (
	"time"

	"pid1/event"
)

// settle is how long Start waits for a forked process to exec before it tells of
// it: most do within this time, and are told once, as what they became.
const settle = 8 * time.Millisecond

// leaderlessFor is how long a dead leader must be seen with living threads before
// it is told: all threads of an ending process are in that state for a moment.
const leaderlessFor = 100 * time.Millisecond

// wantsParent reports whether the parent of a process seen for the first time has
// to be looked at, because it was not since the child began. Times of start are
// known to a tick, in which the parent can have execed: but the child that still
// runs its image was forked from it.
func (t *Table) wantsParent(s *sight) bool {
	if s.st.PPID == 0 {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byPID[s.st.PPID]
	switch {
	case p == nil:
		return true
	case s.st.PPID == t.cfg.Self:
		return false
	case s.moment != passing: // whoever execs is told of: nothing changes unnoticed
		return p.stale || p.last < sinceBoot(s.st.Start)
	case s.st.NoExec() && s.st.Stack != 0 && s.st.Stack == p.stack:
		return p.last < sinceBoot(s.st.Start)
	}
	return p.last < sinceBoot(s.st.Start)+tick
}

// inherits reports whether a process seen for the first time still runs the image
// its parent runs, whose command line is known. fork copies it with the image.
func (t *Table) inherits(s *sight) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.heir(s) != nil
}

func (t *Table) heir(s *sight) *entry {
	p := t.byPID[s.st.PPID]
	if p == nil || !s.st.NoExec() || s.st.Stack == 0 || p.stack != s.st.Stack ||
		p.last < sinceBoot(s.st.Start) || !p.cmdHolds(p.comm, p.noExec) {
		return nil
	}
	return p
}

// merge takes in what a look saw. It is false when the look was overtaken by another:
// then it has to be repeated.
func (t *Table) merge(s *sight) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.epoch.now()
	id := event.ID{PID: s.st.PID, Start: s.st.Start}
	e := t.byPID[id.PID]
	if e != nil && e.id != id {
		if e.id.Start > id.Start {
			return true // the look was slower than the reuse of the PID
		}
		t.vanish(e, s.at)
		e = nil
	}
	if e == nil {
		if t.wasBuried(id, s.since.burials) {
			return true
		}
		if len(t.byPID) >= t.cfg.MaxProcesses {
			t.untracked++
			return true
		}
		e = t.admit(id, s)
	} else {
		if t.overtaken(e, s) {
			if s.moment != passing && s.st.PPID == e.ppid {
				t.confirmOrigin(e)
			}
			return false
		}
		t.update(e, s)
	}
	t.merges++
	e.merge = t.merges
	if s.moment == adopting {
		e.adopts = true // from now on: the children it has are its own
	}
	if !t.tells(e) || e.id.PID == t.cfg.Self {
		return true
	}
	if !e.noExec || s.moment == exiting || e.deadAt == 0 && s.at-e.first >= settle || s.sweep != 0 {
		t.tellStart(e)
	}
	t.considerZombie(e, s)
	return true
}

// overtaken reports whether another look at the process was merged since this one
// began: then this one can be the older. What the kernel holds meanwhile does not
// change, and is as it is now.
func (t *Table) overtaken(e *entry, s *sight) bool {
	return e.merge != s.since.merge && (s.moment == passing || s.moment == orphanhood)
}

// bury notes that a process was reaped, or is about to be, by us.
func (t *Table) bury(id event.ID, ours bool) {
	t.buried[t.burials%uint64(len(t.buried))] = burial{id, ours}
	t.burials++
}

// wasBuried reports whether the process was reaped while a look at it was under way
// that began when there had been since burials, or, where Dying took it, before: until
// it is reaped it is there to be seen. Too many to remember count as yes: who still
// lives is seen again.
func (t *Table) wasBuried(id event.ID, since uint64) bool {
	room := uint64(len(t.buried))
	if t.burials-since > room {
		return true
	}
	for n := t.burials - min(room, t.burials); n < t.burials; n++ {
		if b := &t.buried[n%room]; b.id == id && (b.ours || n >= since) {
			return true
		}
	}
	return false
}

// admit makes the entry of a process seen for the first time.
func (t *Table) admit(id event.ID, s *sight) *entry {
	e := &entry{
		id: id, ppid: s.st.PPID, pgid: s.st.PGID, sid: s.st.SID,
		uid: event.Unknown, gid: event.Unknown, exit: -1, first: s.at,
		comm: t.in.name(s.st.Comm), noExec: s.st.NoExec(),
	}
	t.byPID[id.PID] = e
	t.admitted++
	e.num = t.admitted
	t.setOrigin(e, s)
	if p := t.byPID[e.ppid]; p != nil && p.execSession && p.id.Start <= id.Start {
		e.execSession = true
	}
	if g := t.groups[e.sid]; g != nil && g.execSession && e.sid != id.PID {
		e.execSession = true
	}
	e.execSession = e.execSession || s.outside
	t.join(e, s.at)
	t.take(e, s)
	if p := t.heir(s); s.inherits && p != nil {
		e.cmd, e.cmdComm, e.cmdNoExec, e.cmdAt, e.exe = p.cmd, e.comm, true, p.cmdAt, p.exe
	}
	e.seenBefore = e.deadAt != 0 && s.sweep == 1
	return e
}

// update takes in a later look at a process.
func (t *Table) update(e *entry, s *sight) {
	if e.ppid != s.st.PPID {
		t.reparent(e, s)
	}
	if s.moment != passing {
		t.confirmOrigin(e)
	}
	if e.pgid != s.st.PGID || e.sid != s.st.SID {
		t.part(e, s.at)
		e.pgid, e.sid = s.st.PGID, s.st.SID
		t.join(e, s.at)
	}
	if s.st.Dead() {
		t.take(e, s)
		return
	}
	was, old, stack, noExec, exe := e.comm, e.cmd, e.stack, e.noExec, e.exe
	t.take(e, s)
	if e.comm != was || e.cmd != old || e.noExec != noExec || e.stack != stack {
		e.forgetSelf()
	}
	execed := noExec && !e.noExec
	switch {
	case execed:
	case stack != 0 && e.stack != 0:
		execed = stack != e.stack
	default: // the kernel does not let us look: exec changes more than one thing
		execed = old != nil && e.cmd != old && (e.comm != was || e.exe != exe)
	}
	if execed {
		// A look at a new process looks at its parent first: what is admitted by now
		// is older than the exec.
		e.execed, e.was, e.waited = t.admitted, was, 0
	}
	if execed && e.told {
		t.tellExec(e, was)
	}
}

// take copies what a look saw into e.
func (t *Table) take(e *entry, s *sight) {
	st := &s.st
	switch {
	case !e.leaderless:
	case !st.Dead() && e.exitAt == 0: // one of its threads took its place, by an exec
		t.tellZombieGone(e, s.at)
		e.deadAt, e.leaderless, e.prompt, e.seenBefore, e.exit = 0, false, false, false, -1
	case st.Threads <= 1:
		e.seenBefore = false
	}
	if e.state != st.State {
		e.stateAt = s.at
	}
	e.last, e.state, e.threads = s.at, st.State, st.Threads
	e.utime, e.stime, e.rss = st.Utime, st.Stime, st.RSS
	e.noExec = st.NoExec()
	if string(st.Comm) != e.comm {
		e.comm = t.in.name(st.Comm)
	}
	if s.sweep != 0 {
		e.sweep = s.sweep
	}
	if s.owned {
		e.uid, e.gid, e.ownedAt = s.uid, s.gid, s.at
	}
	if st.Dead() {
		leaderless := st.Threads > 1
		if e.deadAt == 0 || e.leaderless && !leaderless {
			e.deadAt, e.prompt = max(s.at, 1), st.PPID == t.cfg.Self
		}
		if e.leaderless = leaderless; leaderless {
			e.alive = s.at // and its status is not that of the process yet
		} else {
			e.heard(s.ended)
			if s.exitKnown {
				e.exit = st.Exit
			}
		}
		if s.moment == exiting { // one of the threads it left behind
			e.leave(s)
		}
		return
	}
	e.alive = s.at
	if st.Stack != e.stack && st.Stack != 0 && e.stack != 0 { // it execed
		// A thread that called exit_group meanwhile came too late, and what was read
		// of the program before does not hold, whatever the name of this one.
		e.exitAt, e.usage, e.cmdExact = 0, nil, false
		if e.exit = -1; !s.argsRead {
			e.cmd, e.exe = nil, ""
		}
	}
	e.stack = st.Stack
	if s.moment == execing { // another thread was faster than the one that called exit_group
		e.exit, e.exitAt, e.usage, e.cmdExact = -1, 0, nil, false
		e.stale, e.before = true, e.shows()
	}
	if !e.noExec {
		e.image = st.Stack
	}
	e.argsStuck = e.argsStuck || s.argsStuck
	if s.argsRead {
		if h := t.in.hash(s.args); e.cmd == nil || e.cmd.hash != h || e.cmd.cut != s.cut {
			e.cmd = t.in.command(s.args, s.cut)
			e.cmdExact = false
		}
		e.cmdComm, e.cmdNoExec, e.cmdAt = e.comm, e.noExec, s.at
		// While the kernel holds it, what it is about to leave can be read once more.
		e.stale = e.stale && s.moment != exiting && e.shows() == e.before
		if string(s.exe) != e.exe {
			e.exe = t.in.name(s.exe)
		}
	}
	if s.moment == exiting {
		e.leave(s)
	}
}

// reparent notes that e has another parent than before.
func (t *Table) reparent(e *entry, s *sight) {
	e.ppid = s.st.PPID
	switch {
	case e.ppid == 0:
	case e.ppid == t.cfg.Self:
		if !s.st.Dead() {
			t.tellStart(e)
			t.tellOrphan(e)
		}
	default:
		if p := t.byPID[e.ppid]; p != nil {
			t.setAdopts(p)
		}
	}
}

// considerZombie tells of a process that is dead and unreaped, when that is not
// ours to change and more than the moment every process needs.
func (t *Table) considerZombie(e *entry, s *sight) {
	if e.deadAt == 0 || e.toldZombie && e.toldThreads == e.leaderless || !t.tells(e) {
		return
	}
	dead := s.at - e.deadAt
	switch {
	case e.leaderless:
		if dead < leaderlessFor {
			return
		}
	case e.ppid == t.cfg.Self:
		return
	case s.sweep == 0 && dead < settle:
		return
	}
	t.tellZombie(e)
}

// death is what is known of the end of a process that is gone.
type death struct {
	ending
	status int  // wait status; -1: not known
	told   bool // whoever found it gone is who is told of ends
}

// lost takes note that there is no process pid any more; start is when the one that
// was looked for began. Who finds out by chance leaves it to who is told.
func (t *Table) lost(pid int, start uint64, d death) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byPID[pid]
	if e == nil || e.id.Start != start || e.watched && !d.told {
		return
	}
	if !e.dead() {
		e.heard(d.ending)
	}
	switch {
	case e.dead() && e.exit >= 0: // as its zombie showed; a pidfd keeps what its first thread ended with
	case d.status >= 0:
		e.exit = d.status
	case t.awaits(e):
		return
	}
	t.vanish(e, t.epoch.now())
}

// watches notes that somebody is told of the end of the process pid that began at start.
func (t *Table) watches(pid int, start uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byPID[pid]; e != nil && e.id.Start == start {
		e.watched = true
	}
}

// unattended notes that nobody is told of ends any more.
func (t *Table) unattended() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.byPID {
		e.watched = false
	}
}

// vanish ends the entry of a process that somebody else reaped.
func (t *Table) vanish(e *entry, now time.Duration) {
	e.takeHint()
	if p := t.byPID[e.ppid]; p != nil && p.id.Start <= e.id.Start && p.deadAt == 0 {
		p.waited++
	}
	t.tellZombieGone(e, now)
	t.remove(e, now)
	t.bury(e.id, false)
	t.tellExit(e, now)
}

// Farewell tells of the processes that called exit_group and whose end nobody has
// seen yet. It is for a Self that ends, when all of them are gone or about to.
func (t *Table) Farewell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.epoch.now()
	for _, e := range t.byPID {
		if e.exitAt != 0 {
			t.vanish(e, now)
		}
	}
}

func (t *Table) remove(e *entry, now time.Duration) {
	delete(t.byPID, e.id.PID)
	t.part(e, now)
	e.left = true
	t.gone[t.goneNext%len(t.gone)] = e
	t.goneNext++
}

// beginSweep counts a sweep.
func (t *Table) beginSweep() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweeps++
	t.untracked = 0
	return t.sweeps
}

// unseen appends the processes that sweep n has not seen.
func (t *Table) unseen(n uint64, pids []int) []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for pid, e := range t.byPID {
		if e.sweep != n {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (t *Table) endSweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.swept = t.epoch.now()
	t.zombies = 0
	for _, e := range t.byPID {
		if t.tells(e) && e.dead() && e.ppid != t.cfg.Self {
			t.zombies++
		}
	}
	t.pruneGroups(t.swept)
}
