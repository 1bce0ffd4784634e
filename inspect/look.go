package inspect

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"pid1/event"
	"pid1/internal/faultpoint"
)

// refresh is how old a command line or an owner may be before a sweep reads it again:
// programs write titles over their arguments without any other sign, and give up
// their rights without one.
const refresh = 10 * time.Second

// maxParents is how far up a look follows parents that were never seen.
const maxParents = 4

// maxTries is how often a process is looked at that others look at all the time.
const maxTries = 4

// looker reads /proc on behalf of a Table and merges what it saw. It reads first
// and takes the Table's mutex afterwards.
type looker struct {
	t    *Table
	mu   sync.Mutex // guards the rest; held while /proc is read
	r    reader
	args argsReader
	list *lister
	pids []int
	line [MaxCmdline + 1]byte
	exe  [512]byte
	// sights holds one for each depth of process, and one for command, so that a
	// look allocates nothing.
	sights [maxParents + 2]sight
	mine   []byte // our own /proc/self/cgroup; nil: not read yet

	held *holding // for the processes the kernel holds; nil: this looker has none
	ends *ends    // nil: it is not told of ends
	// ended is when the process that is looked at ended, as ends told.
	ended ending
}

func (l *looker) init(t *Table) {
	l.t = t
	l.r.fs = t.cfg.FS
	l.args.fs = t.cfg.FS
}

func (l *looker) close() {
	l.args.leave()
	if l.list != nil {
		l.list.close()
		l.list = nil
	}
}

// sight is what one look saw of a process.
type sight struct {
	st    Stat
	comm  [maxComm]byte // what st.Comm points to
	at    time.Duration // since boot
	since since         // what there was before the look
	sweep uint64        // the sweep it belongs to; 0: none

	uid, gid  int
	owned     bool // uid and gid were read
	args      []byte
	cut       bool
	argsRead  bool
	argsStuck bool
	exe       []byte
	exitKnown bool // st.Exit is true also if it is 0
	inherits  bool // it still runs its parent's command line, which is known
	outside   bool // it was brought into the container from outside

	ended  ending // as it was told
	moment moment
	code   int           // exiting: with which exit status
	usage  *event.Rusage // exiting: what it used; nil: not read
}

// known is what a look must know of an earlier one.
type known struct {
	start     uint64
	comm      string
	stack     uint64
	noExec    bool
	args      bool // its command line is known
	argsAt    time.Duration
	ownedAt   time.Duration
	owned     bool // its owner is known
	dead      bool
	argsStuck bool
	exit      bool
	there     bool
}

// wantsOwner reports whether a sweep is to ask for the owner again: who gives up rights
// does it soon, as a rule.
func (k *known) wantsOwner(s *sight) bool {
	return !k.owned || s.at-k.ownedAt > refresh || s.at-sinceBoot(s.st.Start) < refresh
}

// since tells whether something came in between a look and its merge.
type since struct {
	burials uint64 // Table.burials
	merge   uint64 // entry.merge; 0: the process was not known
}

func (t *Table) known(pid int) (k known, s since) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.burials = t.burials
	if e := t.byPID[pid]; e != nil {
		s.merge = e.merge
		k = known{
			start: e.id.Start, comm: e.comm, stack: e.stack, noExec: e.noExec,
			args: e.cmdHolds(e.comm, e.noExec) && e.cmd.args != nil, argsAt: e.cmdAt, ownedAt: e.ownedAt, owned: e.uid != event.Unknown, dead: e.deadAt != 0, argsStuck: e.argsStuck, exit: e.exit >= 0,
			there: true,
		}
	}
	return k, s
}

// seen is the outcome of a look.
type seen struct {
	start  uint64 // 0: nothing was seen
	dead   bool
	noExec bool
	stack  uint64 // Stat.Stack
}

// kept is the stat file of a process kept open between looks.
type kept struct {
	fd    int    // -1: not open
	start uint64 // of the process it was opened for; 0: not known yet
}

var notKept = kept{fd: -1}

// process looks at one process. sweep is the number of the sweep the look belongs
// to, or 0. depth counts the children whose parent is looked at for their sake.
func (l *looker) process(pid int, h kept, sweep uint64, depth int) (got seen) {
	for merged, try := false, 0; !merged && try < maxTries; try++ {
		got, merged = l.once(pid, h, sweep, depth)
	}
	return got
}

// attend is process, and has the end of who is there told.
func (l *looker) attend(pid int, h kept, sweep uint64) seen {
	l.ends.open(pid, l.t.cfg.Clock.Boot())
	got := l.process(pid, h, sweep, 0)
	if l.ends.keep(pid, got.start) {
		l.t.watches(pid, got.start)
	}
	return got
}

// once is process without another try where another look came in between.
func (l *looker) once(pid int, h kept, sweep uint64, depth int) (got seen, merged bool) {
	s := &l.sights[depth]
	*s = sight{sweep: sweep}
	if depth == 0 {
		s.ended = l.ended
	}
	var k known
	k, s.since = l.t.known(pid)
	err := l.stat(pid, h.fd, s)
	if errors.Is(err, errGone) {
		// Where a thread other than the first execs, there is nobody for a moment.
		h.fd = notKept.fd
		err = l.stat(pid, h.fd, s)
	}
	if err != nil {
		if h.start == 0 {
			h.start = k.start
		}
		if errors.Is(err, errGone) && !l.t.cfg.FS.exists(pid) {
			l.gone(pid, h.start, s.ended)
		}
		return seen{}, true
	}
	return l.complete(pid, h.fd, s, &k, depth)
}

// gone takes note that there is no process pid any more, which began at start and ended
// as was told.
func (l *looker) gone(pid int, start uint64, ended ending) {
	l.t.lost(pid, start, death{ending: ended, status: l.ends.status(pid, start), told: l.ends != nil})
	l.ends.forget(pid)
}

// release forgets who is not in the table any more: where no reaping is told, those that
// Self reaped.
func (l *looker) release() {
	if l.ends == nil {
		return
	}
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	for pid, held := range l.ends.held {
		if e := l.t.byPID[pid]; e == nil || e.id.Start != held.start {
			l.ends.forget(pid)
		}
	}
}

// complete reads what else there is to read of a process whose stat is in s, and
// merges it, unless it was overtaken. k is what was known before.
func (l *looker) complete(pid, fd int, s *sight, k *known, depth int) (got seen, merged bool) {
	s.at = l.t.cfg.Clock.Boot()
	fresh := !k.there || k.start != s.st.Start
	if fresh && depth < maxParents && l.t.wantsParent(s) {
		l.process(s.st.PPID, notKept, s.sweep, depth+1)
	}
	if fresh {
		s.inherits = l.t.inherits(s)
		s.outside = s.st.PPID == 0 && l.outside(pid, &s.st)
	}
	changed := fresh || s.st.NoExec() != k.noExec || string(s.st.Comm) != k.comm ||
		s.st.Stack != k.stack && s.st.Stack != 0
	if changed && s.moment != execing || s.st.Dead() && !k.dead || s.sweep != 0 && k.wantsOwner(s) {
		var err error
		s.uid, s.gid, err = l.r.owner(pid)
		s.owned = err == nil
	}
	switch {
	case s.st.Dead():
		if s.exitKnown = s.st.Exit > 0; s.st.Exit == 0 && (fresh || !k.exit) {
			s.exitKnown = l.r.mayRead(pid) && l.same(pid, &s.st)
		}
	case s.moment == exiting:
		if !s.inherits && (changed || !k.args || s.st.Stack == 0) {
			l.lastCommand(pid, s)
		}
	case s.moment != passing: // what it runs is about to change, or can be read later
	case fresh && !s.inherits || !fresh && !k.argsStuck:
		// In the midst of an exec there are no arguments for a moment; a kernel thread
		// never has any.
		if changed || !k.args && s.st.Flags&flagKThread == 0 || s.sweep != 0 && s.at-k.argsAt > refresh {
			l.command(pid, fd, s)
		}
	}
	if s.moment != passing && !l.held.waits() {
		return seen{}, true
	}
	if s.moment == passing {
		faultpoint.Here("look")
	}
	merged = l.t.merge(s)
	return seen{start: s.st.Start, dead: s.st.Dead(), noExec: s.st.NoExec(), stack: s.st.Stack}, merged
}

// stat reads the stat of pid, from fd where it is open.
func (l *looker) stat(pid, fd int, s *sight) error {
	var err error
	if fd >= 0 {
		err = l.r.statAgain(fd, &s.st)
	} else {
		err = l.r.stat(pid, &s.st)
	}
	if err == nil {
		s.st.Comm = s.comm[:copy(s.comm[:], s.st.Comm)]
	}
	return err
}

// command reads what a living process runs, and looks again at its stat: where its
// program changed meanwhile, nothing is known but the new name.
func (l *looker) command(pid, fd int, s *sight) {
	for range 2 {
		args, cut, err := l.arguments(pid, s)
		if err != nil {
			s.argsStuck = errors.Is(err, errStuck)
			return
		}
		exe := s.exe[:0]
		if n, err := l.r.link(pid, "exe", l.exe[:]); err == nil && n < len(l.exe) {
			exe = l.exe[:n]
		}
		again := &l.sights[len(l.sights)-1]
		if l.stat(pid, fd, again) != nil || again.st.Start != s.st.Start {
			return
		}
		same := again.st.NoExec() == s.st.NoExec() && bytes.Equal(again.st.Comm, s.st.Comm) &&
			(again.st.Stack == s.st.Stack || again.st.Dead())
		died := again.st.Dead()
		if !died {
			s.st = again.st
			s.st.Comm = s.comm[:copy(s.comm[:], again.st.Comm)]
		}
		if same && (len(args) > 0 || !died) {
			s.args, s.cut, s.exe, s.argsRead = args, cut, exe, true
			return
		}
		if died {
			return
		}
	}
}

// arguments reads the command line of pid. It is valid until the next call.
//
// The memory of a single thread that execed is nobody else's: unless it is stuck
// in the kernel itself, the read has nothing to wait for and needs no goroutine of
// its own, whose waking costs several times the read. Held for us it looks stuck
// and is not.
func (l *looker) arguments(pid int, s *sight) (kept []byte, cut bool, err error) {
	if st := &s.st; st.Threads != 1 || st.NoExec() || st.State == 'D' && s.moment != exiting {
		return l.args.read(pid)
	}
	n, err := l.r.read(pid, "cmdline", l.line[:])
	if err != nil {
		return nil, false, err
	}
	kept, cut = boundCmdline(l.line[:n])
	return kept, cut, nil
}

// same reports whether pid is still the process st speaks of.
func (l *looker) same(pid int, st *Stat) bool {
	var again Stat
	return l.r.stat(pid, &again) == nil && again.Start == st.Start
}

// outside reports whether a process without a parent in this PID namespace was
// brought in from outside (docker exec, nsenter). Where Self is not the init, other
// containers may share the namespace: then it must be in our cgroup. Without a Self
// we came from outside ourselves, and there is nothing to tell by.
func (l *looker) outside(pid int, st *Stat) bool {
	self := l.t.cfg.Self
	if self == 0 || pid == 1 || pid == self || st.Flags&flagKThread != 0 {
		return false
	}
	if self == 1 {
		return true
	}
	var buf [1024]byte
	if l.mine == nil {
		n, err := l.r.read(0, "self/cgroup", buf[:])
		if err != nil {
			return false
		}
		l.mine = append([]byte{}, buf[:n]...)
	}
	n, err := l.r.read(pid, "cgroup", buf[:])
	return err == nil && bytes.Equal(l.mine, buf[:n])
}

// Sweep looks at every process there is, and finds out which are gone. A process
// that appears and goes between two sweeps is for a Source to see.
func (t *Table) Sweep() error {
	l := &t.look
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sweep()
}

func (l *looker) sweep() error {
	t := l.t
	if t.cfg.FS == nil {
		return errors.New("cannot look at processes: there is no /proc")
	}
	if l.list == nil {
		var err error
		if l.list, err = newLister(t.cfg.FS); err != nil {
			return err
		}
	}
	pids, err := l.list.between(0, maxPID, l.pids[:0])
	if err != nil {
		return err
	}
	l.pids = pids
	n := t.beginSweep()
	for _, pid := range pids {
		l.attend(pid, notKept, n)
	}
	l.pids = t.unseen(n, l.pids[:0])
	for _, pid := range l.pids {
		l.process(pid, notKept, n, 0)
	}
	l.release()
	t.endSweep()
	return nil
}
