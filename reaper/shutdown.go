package reaper

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Shutdown is how the end of everything but COMMAND went.
type Shutdown struct {
	Reason    string // "main_exit": COMMAND ended and left others; "timeout": it did not end in time
	Survivors []Survivor
	Status    int
	Took      time.Duration
}

// Survivor is a process that had to be told to end.
type Survivor struct {
	PID     int
	Start   uint64 // start time in clock ticks, when the observer knew it
	Comm    string
	Cmdline []string
	Signals []Sent
	Outcome string // Left, Killed or Remains
}

// Sent is a signal and when it was sent.
type Sent struct {
	Signal syscall.Signal
	Time   time.Time
}

// What became of a Survivor.
const (
	Left    = "left"    // it went after SIGTERM
	Killed  = "killed"  // it went after SIGKILL
	Remains = "remains" // it was still there when pid1 exited
)

const (
	// pollEvery is how often a shutdown looks for processes that are no children
	// of this one and whose end therefore raises no SIGCHLD.
	pollEvery = 20 * time.Millisecond
	// killWait bounds the wait for killed processes to disappear.
	killWait = time.Second
)

// stage is how far a shutdown is.
type stage int

const (
	serving    stage = iota
	waiting          // asked to stop, waiting for COMMAND (Timeout)
	forcing          // Timeout passed once: everything got SIGTERM
	draining         // COMMAND ended, waiting for the rest (Grace)
	killing          // everything got SIGKILL
	timerFired       // the wait for the killed is over
)

type shutdown struct {
	stage  stage
	reason string
	began  time.Time
	timer  *time.Timer
	poll   *time.Ticker

	survivors map[int]*Survivor
	order     []int
}

func newShutdown() shutdown {
	s := shutdown{
		timer:     time.NewTimer(time.Hour),
		poll:      time.NewTicker(time.Hour),
		survivors: map[int]*Survivor{},
	}
	s.timer.Stop()
	s.poll.Stop()
	return s
}

// stopRequested starts the clock of Timeout.
func (r *run) stopRequested() {
	s := &r.shutdown
	if s.stage == serving && !r.mainDead && r.cfg.Timeout > 0 {
		s.stage = waiting
		s.timer.Reset(r.cfg.Timeout)
	}
}

// expired moves the shutdown on when a time limit has passed.
func (r *run) expired() {
	s := &r.shutdown
	switch s.stage {
	case waiting:
		r.log.Warn("COMMAND did not end in time: sending SIGTERM to all processes", "timeout", r.cfg.Timeout)
		s.stage, s.reason, s.began = forcing, "timeout", time.Now()
		r.signalOthers(unix.SIGTERM)
		s.timer.Reset(r.cfg.Timeout)
	case forcing:
		r.log.Warn("processes did not end in time: sending SIGKILL to all", "timeout", r.cfg.Timeout)
		r.kill()
	case draining:
		r.kill()
	case killing:
		s.stage = timerFired
	}
}

func (r *run) kill() {
	s := &r.shutdown
	s.stage = killing
	r.signalOthers(unix.SIGKILL)
	s.timer.Reset(killWait)
	s.poll.Reset(pollEvery)
}

// polled kills again while the killed are waited for: one that was about to fork
// when it was listed has left a child that was not.
func (r *run) polled() {
	if r.shutdown.stage == killing {
		r.signalOthers(unix.SIGKILL)
	}
}

// drained reports whether nothing is left to wait for after COMMAND's end, and
// begins the shutdown of what is. While children are left it lists nothing: a
// thousand deaths would cost a thousand lists. A child that is not among the living
// died a moment ago, and is still to be reaped.
func (r *run) drained(children bool) bool {
	s := &r.shutdown
	if r.cfg.Rest != Drain {
		r.leave()
		return true
	}
	began := s.stage == draining || s.stage == killing
	if began && children {
		return false
	}
	var left []int
	if children || r.init || s.stage == timerFired {
		left = r.others()
	}
	if len(left) == 0 && !children && !r.unlisted() || s.stage == timerFired {
		r.finish(left)
		return true
	}
	if !began {
		if s.reason == "" {
			s.reason, s.began = "main_exit", time.Now()
		}
		s.stage = draining
		s.poll.Reset(pollEvery)
		r.signalOthers(unix.SIGTERM)
		// The stopped ones cannot act on it otherwise.
		for _, pid := range left {
			_ = unix.Kill(pid, unix.SIGCONT)
		}
		s.timer.Reset(r.cfg.Grace)
	}
	return false
}

// leave does what Config.Rest wants, and tells whom COMMAND left behind.
func (r *run) leave() {
	s := &r.shutdown
	s.reason, s.began = "main_exit", time.Now()
	if sig := unix.SIGTERM; r.cfg.Rest == TermGroup && r.mainPID != 0 {
		if to, ok := r.cfg.Rewrite[sig]; ok {
			sig = to
		}
		if sig != 0 {
			_ = unix.Kill(-r.mainPID, sig)
		}
	}
	left := r.others()
	for _, pid := range left {
		s.survivor(pid, r.obs)
	}
	r.finish(left)
}

// survivor is the record of a process that outlived COMMAND.
func (s *shutdown) survivor(pid int, obs Observer) *Survivor {
	sv := s.survivors[pid]
	if sv == nil {
		sv = &Survivor{PID: pid}
		obs.Describe(sv)
		s.survivors[pid] = sv
		s.order = append(s.order, pid)
	}
	return sv
}

// signalOthers sends sig to every process but this one that is its to end, and
// returns their PIDs.
func (r *run) signalOthers(sig syscall.Signal) []int {
	pids := r.others()
	now := time.Now()
	for _, pid := range pids {
		s := r.shutdown.survivor(pid, r.obs)
		if n := len(s.Signals); n == 0 || s.Signals[n-1].Signal != sig {
			s.Signals = append(s.Signals, Sent{sig, now})
		}
	}
	if r.init {
		// One call for the whole namespace: nothing can fork past it.
		_ = unix.Kill(-1, sig)
		return pids
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, sig)
	}
	return pids
}

// finish tells what became of the survivors.
func (r *run) finish(left []int) {
	s := &r.shutdown
	if len(s.order) == 0 {
		return
	}
	remains := map[int]bool{}
	for _, pid := range left {
		remains[pid] = true
	}
	report := Shutdown{Reason: s.reason, Status: r.status, Took: time.Since(s.began)}
	for _, pid := range s.order {
		sv := s.survivors[pid]
		if pid == r.mainPID && s.reason != "timeout" {
			continue
		}
		switch {
		case remains[pid]:
			sv.Outcome = Remains
		case sv.Signals[len(sv.Signals)-1].Signal == unix.SIGKILL:
			sv.Outcome = Killed
		default:
			sv.Outcome = Left
		}
		if sv.Outcome != Left && len(sv.Signals) > 0 {
			r.log.Warn(fmt.Sprintf("process %d (%s) ignored SIGTERM: %s", pid, sv.Comm, sv.Outcome))
		}
		report.Survivors = append(report.Survivors, *sv)
	}
	r.obs.Ended(report)
}

// unlisted reports whether there are processes in the namespace though none can be
// listed: /proc is not mounted, or no file can be opened. They have their grace too.
func (r *run) unlisted() bool {
	return r.init && len(numbers("/proc")) == 0 && unix.Kill(-1, 0) == nil
}

// others lists the living processes that are this one's to end: all others of
// the namespace for PID 1, its descendants for a subreaper. Without /proc there
// is nothing to list; then kill(-1) and exit do what is needed for PID 1.
func (r *run) others() []int {
	var pids []int
	if r.init {
		pids = numbers("/proc")
	} else {
		pids = descendants(os.Getpid(), nil)
	}
	alive := pids[:0]
	for _, pid := range pids {
		if pid != os.Getpid() && living(pid) {
			alive = append(alive, pid)
		}
	}
	return alive
}

func numbers(dir string) []int {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	var list []int
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// descendants appends the descendants of pid, from proc_pid_task_children(5)
// (Linux 4.2, CONFIG_PROC_CHILDREN).
func descendants(pid int, list []int) []int {
	task := "/proc/" + strconv.Itoa(pid) + "/task"
	for _, tid := range numbers(task) {
		b, err := os.ReadFile(task + "/" + strconv.Itoa(tid) + "/children")
		if err != nil {
			continue
		}
		for _, f := range bytes.Fields(b) {
			if child, err := strconv.Atoi(string(f)); err == nil {
				list = append(list, child)
				list = descendants(child, list)
			}
		}
	}
	return list
}

// living reports whether pid is a process that a signal can still end: not a
// zombie, unless only its leader is dead and other threads live on.
func living(pid int) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	b, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	i := bytes.LastIndexByte(b, ')')
	if i < 0 || i+2 >= len(b) {
		return false
	}
	switch b[i+2] {
	case 'X':
		return false
	case 'Z':
		return len(numbers(proc+"/task")) > 1
	}
	return true
}
