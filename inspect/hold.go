package inspect

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// What a look at a process that waits for it may cost.
const (
	// heldPatience is how long a read of a command line may take that can wait for
	// others, because the memory is shared.
	heldPatience = 20 * time.Millisecond
	// maxBrood is how many children of one that ends are looked at, maxBroodThreads
	// in how many of its threads. The others count as seen, not as certain.
	maxBrood        = 64
	maxBroodThreads = 64
)

// holding is what a looker needs to look at processes the kernel holds.
type holding struct {
	waits func() bool // does it still hold the process that is looked at
	brood []int
	buf   [8192]byte
}

// newHolder returns a looker for processes that the kernel holds until waits
// reports otherwise.
func newHolder(t *Table, waits func() bool) *looker {
	l := &looker{held: &holding{waits: waits}}
	l.init(t)
	l.args.patience = heldPatience
	return l
}

// atMoment looks at the process of the thread tid, which is held at m; arg is what
// it passed to exit_group. It returns its PID, or 0 when it is not there any more.
func (l *looker) atMoment(tid int, m moment, arg int) int {
	pid := tid
	s := &l.sights[0]
	*s = sight{moment: m, code: arg & 0xff}
	if l.stat(pid, -1, s) != nil {
		return 0
	}
	if s.st.ExitSignal < 0 { // not the first thread
		if pid = l.leader(tid); pid == 0 || l.stat(pid, -1, s) != nil {
			return 0
		}
	}
	var k known
	k, s.since = l.t.known(pid)
	if m == exiting && s.st.PPID != l.t.cfg.Self {
		s.usage = l.usage(pid, &s.st)
	}
	if got, _ := l.complete(pid, -1, s, &k, 0); got.start == 0 {
		return 0
	}
	if m == exiting && !l.childless(pid) {
		l.orphans(pid, s.st.Threads)
	}
	return pid
}

// childless reports whether pid certainly has no children: nothing was forked
// after it.
func (l *looker) childless(pid int) bool {
	newest, ok := l.r.cursor()
	return ok && newest == pid
}

// leader returns the PID of the process a thread belongs to; 0: it is gone.
func (l *looker) leader(tid int) int {
	n, err := l.r.read(tid, "status", l.held.buf[:])
	if err != nil {
		return 0
	}
	return max(0, int(statusNumber(l.held.buf[:n], "\nTgid:")))
}

// lastCommand reads the command line of a process that ends.
func (l *looker) lastCommand(pid int, s *sight) {
	args, cut, err := l.arguments(pid, s)
	if err != nil {
		return
	}
	s.args, s.cut, s.argsRead = args, cut, true
	if n, err := l.r.link(pid, "exe", l.exe[:]); err == nil && n < len(l.exe) {
		s.exe = l.exe[:n]
	}
}

// brief is the age below which the memory a process used is not asked for: the
// kernel writes more than fifty lines for it.
const brief = 2 * tick

// usage reads what a process has used, as far as /proc tells strangers: times count
// in ticks.
func (l *looker) usage(pid int, st *Stat) *event.Rusage {
	u := &event.Rusage{
		UtimeMS: ticksMS(st.Utime), StimeMS: ticksMS(st.Stime), Minflt: st.Minflt, Majflt: st.Majflt,
		MaxRSSKB: event.Unknown, Nvcsw: event.Unknown, Nivcsw: event.Unknown,
	}
	if l.t.cfg.Clock.Boot()-sinceBoot(st.Start) < brief {
		return u
	}
	n, err := l.r.read(pid, "status", l.held.buf[:])
	if err != nil {
		return u
	}
	status := l.held.buf[:n]
	u.MaxRSSKB = statusNumber(status, "\nVmHWM:")
	u.Nvcsw = statusNumber(status, "\nvoluntary_ctxt_switches:")
	u.Nivcsw = statusNumber(status, "\nnonvoluntary_ctxt_switches:")
	return u
}

// statusNumber reads a decimal number of /proc/PID/status, proc_pid_status(5);
// Unknown where there is none.
func statusNumber(status []byte, key string) int64 {
	i := bytes.Index(status, []byte(key))
	if i < 0 {
		return event.Unknown
	}
	return (&fields{bytes.TrimLeft(status[i+len(key):], "\t ")}).int()
}

// orphans looks at the children that pid, which ends, leaves behind: now it is
// certain who created them. It needs CONFIG_PROC_CHILDREN, Linux 4.2.
func (l *looker) orphans(pid, threads int) {
	h := l.held
	h.brood = h.brood[:0]
	if threads == 1 {
		l.brood(pid, pid)
	} else {
		l.eachThread(pid, func(tid int) { l.brood(pid, tid) })
	}
	for _, child := range h.brood {
		if l.t.originExact(child) {
			continue
		}
		s := &l.sights[0]
		*s = sight{moment: orphanhood}
		var k known
		k, s.since = l.t.known(child)
		if l.stat(child, -1, s) != nil || s.st.PPID != pid {
			continue
		}
		l.complete(child, -1, s, &k, 0)
	}
}

// brood adds the children the thread tid of pid created.
func (l *looker) brood(pid, tid int) {
	h := l.held
	n, err := l.r.read(pid, "task/"+strconv.Itoa(tid)+"/children", h.buf[:])
	if err != nil {
		return
	}
	f := fields{h.buf[:n]}
	for len(h.brood) < maxBrood {
		word := f.next()
		child, ok := parseUint(word)
		// A number the buffer cut is followed by nothing.
		if !ok || len(f.rest) == 0 {
			return
		}
		h.brood = append(h.brood, int(child))
	}
}

// eachThread calls f with the threads of pid, up to maxBroodThreads.
func (l *looker) eachThread(pid int, f func(tid int)) {
	fd, err := unix.Open(l.t.cfg.FS.root+"/"+strconv.Itoa(pid)+"/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer closeFD(fd)
	var buf [maxBroodThreads * dirent]byte
	n, err := unix.Getdents(fd, buf[:])
	if err != nil {
		return
	}
	_, _, names := unix.ParseDirent(buf[:n], maxBroodThreads, nil)
	for _, name := range names {
		if tid, ok := parsePID([]byte(name)); ok {
			f(tid)
		}
	}
}

// originExact reports whether nothing more can be learnt about who created pid.
func (t *Table) originExact(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byPID[pid]
	return e != nil && e.how == event.HowExact
}
