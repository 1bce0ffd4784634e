package inspect

import (
	"cmp"
	"time"

	"pid1/event"
)

// entry is what is known of one process.
type entry struct {
	id   event.ID
	ppid int
	pgid int
	sid  int
	uid  int
	gid  int

	state   byte
	stateAt time.Duration // when it was first seen in this state, since boot
	noExec  bool          // not execed since its fork, at the last look
	threads int
	utime   uint64 // ticks
	stime   uint64 // ticks
	rss     int64  // pages
	stack   uint64 // Stat.Stack at the last look alive
	image   uint64 // the same, at the last look at which it ran what it execed itself

	comm string
	// cmd is the newest command line that was seen, cmdComm and cmdNoExec what
	// else was true at that moment: they tell later whether it still holds.
	cmd       *command
	cmdComm   string
	cmdNoExec bool
	cmdAt     time.Duration // since boot
	ownedAt   time.Duration // when uid and gid were read, since boot
	exe       string

	line  []*person // ancestors, the creator first; shared, do not change
	how   event.How // how the first of them is known; empty: there is none
	me    *person   // this process for its descendants; nil until it has one
	brood []*person // line for the children: me and line
	// before is what stale is about: the image it was about to leave.
	before   image
	execedAt time.Duration // when the kernel told of its last exec, since boot; 0: never
	lostAt   time.Duration // when it was first found gone, see Table.awaits; 0: it was not
	first    time.Duration
	num      uint64        // of its admission; later ones have higher numbers
	merge    uint64        // of the last look that was merged, as num
	execed   uint64        // the number last given when it was seen to have execed; 0: never
	was      string        // its comm before that
	waited   int64         // children that were seen and that it waited for
	last     time.Duration // when it was last seen, since boot
	alive    time.Duration // when it was last seen alive, since boot; 0: never
	deadAt   time.Duration // when it was first seen dead; 0: alive
	prompt   bool          // it was Self's then, who reaps at once
	endAt    time.Duration // it ended by then and after endFrom, as looker.ends was told, since boot; 0: it was not
	endFrom  time.Duration
	exit     int           // wait status; -1 unknown
	hint     int           // wait status + 1 as the kernel told it, see Table.exited
	exitAt   time.Duration // when it called exit_group, since boot; 0: it did not, or nobody told
	usage    *event.Rusage // what it had used then; nil: unknown
	sweep    uint64        // the last sweep that saw it

	own         bool // created by Self
	under       bool // Self or a descendant of it; kept with Config.Under only
	execSession bool
	adopts      bool // it takes in orphans: a subreaper, or the init of a namespace within
	seenBefore  bool // dead when observation began
	leaderless  bool // dead, but its threads live
	told        bool // Start was emitted
	toldZombie  bool // Zombie was emitted
	toldThreads bool // when it was, e was leaderless
	argsStuck   bool // its command line cannot be read
	stale       bool // it was about to exec, and cmd is what it ran before
	cmdExact    bool // cmd was checked when it called exit_group
	watched     bool // somebody will be told of its end
	left        bool // it is not in the table any more
}

// image is what shows that a process changed its program.
type image struct {
	stack  uint64
	noExec bool
	comm   string
}

func (e *entry) shows() image { return image{e.stack, e.noExec, e.comm} }

// person is a process as its descendants remember it: as it was when the
// descendant was created. It does not change.
type person struct {
	id   event.ID
	comm string
	args []string
}

// person returns e for its descendants' memory.
func (e *entry) person() *person {
	if e.me == nil {
		e.me = &person{id: e.id, comm: e.comm}
		if e.cmdHolds(e.comm, e.noExec) {
			e.me.args = e.cmd.args
		}
	}
	return e.me
}

// children returns the line of a child of e: e and its ancestors.
func (e *entry) children() []*person {
	if e.brood == nil {
		n := min(len(e.line), MaxLineage-1)
		e.brood = append(append(make([]*person, 0, n+1), e.person()), e.line[:n]...)
	}
	return e.brood
}

// forgetSelf makes the next descendant remember e as it is now.
func (e *entry) forgetSelf() { e.me, e.brood = nil, nil }

// cmdHolds reports whether the command line that was seen is that of the process
// when its name is comm and noExec says whether it execed since its fork.
//
// Seen before an exec it is the parent's, and true only as long as there was no
// exec. Seen after one it could be followed by another: then the name tells, since
// exec sets it. A process that renames itself between two looks loses its command
// line by this; it is never given a wrong one.
func (e *entry) cmdHolds(comm string, noExec bool) bool {
	if e.cmd == nil {
		return false
	}
	if e.cmdNoExec {
		return noExec
	}
	return e.cmdComm == comm
}

// command is what e runs or ran, as far as it is known.
func (e *entry) command() event.Command {
	c := event.Command{Comm: e.comm, CmdlineHow: event.HowNone}
	if e.cmdHolds(e.comm, e.noExec) {
		c.Cmdline, c.CmdlineCut, c.CmdlineHow = e.cmd.args, e.cmd.cut, e.cmd.how()
		if e.cmdExact && c.CmdlineHow == event.HowSeen {
			c.CmdlineHow = event.HowExact
		}
		c.Exe = e.exe
	}
	return c
}

// leave notes that e called exit_group, while the kernel held it there.
func (e *entry) leave(s *sight) {
	code := s.code << 8
	switch {
	case e.exitAt == 0:
		e.exit, e.exitAt, e.usage = code, s.at, s.usage
	case e.exit != code:
		e.exit = -1 // two of its threads did, and one of them was first
	}
	e.cmdExact = e.cmdHolds(e.comm, e.noExec)
}

// heard takes in when e ended, as it was told. Only of one that was seen alive by who
// waits for its end is that more than when somebody began to wait.
func (e *entry) heard(at ending) {
	if at.by != 0 && e.endAt == 0 && e.alive >= at.opened {
		e.endAt, e.endFrom = at.by, at.from
	}
}

// unsettled reports whether e, which is gone, was last seen as what its parent is, and
// can have become something else since: another program, in a group and a session of its
// own. Nobody tells of that for certain: a program that needs no loader, in a folder that
// nobody watches, rings no bell.
func (e *entry) unsettled() bool {
	return e.noExec && e.deadAt == 0 && e.exitAt == 0 && e.last-e.first < forkMemory
}

// dead reports whether the process has ended, its threads included.
func (e *entry) dead() bool { return e.deadAt != 0 && !e.leaderless }

// diedBy is by when e was dead, since boot; 0: it is not known to be.
func (e *entry) diedBy() time.Duration {
	if e.endAt == 0 || e.deadAt == 0 {
		return max(e.endAt, e.deadAt)
	}
	return min(e.endAt, e.deadAt)
}

// zombieMS is how long e has been seen dead at the time now, since boot.
func (e *entry) zombieMS(now time.Duration) int64 {
	since := cmp.Or(e.exitAt, e.diedBy())
	if since == 0 {
		return event.Unknown
	}
	return max(0, (now - since).Milliseconds())
}

// group is a process group, a session, or both: those of one number.
type group struct {
	leader      *entry // nil: never seen
	members     int    // memberships of entries in the table
	emptied     time.Duration
	execSession bool
}

// groupMemory is how long an empty group is remembered. Its number is taken as
// long as it has members, so while it has some it cannot mean another group;
// members may be there that were not seen yet.
const groupMemory = 2 * time.Second

// join makes e a member of its process group and session.
func (t *Table) join(e *entry, now time.Duration) {
	for _, id := range [2]int{e.pgid, e.sid} {
		if id <= 0 {
			continue
		}
		g := t.groups[id]
		if g == nil || g.members == 0 && (now-g.emptied > groupMemory || e.id.PID == id) {
			g = &group{}
			t.groups[id] = g
		}
		g.members++
		if e.id.PID == id {
			g.leader = e
		}
		// The leader is an ancestor of every member, and one that came from outside
		// leads from there: what holds for one member holds for all.
		g.execSession = g.execSession || e.execSession
	}
}

// part takes e out of its process group and session.
func (t *Table) part(e *entry, now time.Duration) {
	for _, id := range [2]int{e.pgid, e.sid} {
		if g := t.groups[id]; g != nil {
			if g.members--; g.members == 0 {
				g.emptied = now
			}
		}
	}
}

// pruneGroups forgets groups that have long been empty.
func (t *Table) pruneGroups(now time.Duration) {
	for id, g := range t.groups {
		if g.members <= 0 && now-g.emptied > groupMemory {
			delete(t.groups, id)
		}
	}
}

// groupOf returns the group that id meant when a process that started at start was
// in it, or nil. A leader that started later is another's.
func (t *Table) groupOf(id int, start uint64) *group {
	g := t.groups[id]
	if g == nil || g.leader == nil || g.leader.id.Start > start {
		return nil
	}
	return g
}
