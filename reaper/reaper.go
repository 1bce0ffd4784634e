// Package reaper is what an init does: it starts one command, passes signals on
// to it, reaps every child that dies, and ends with the command's status.
//
// One goroutine does all of it. Forking, signalling and waiting are thereby in
// one order, and a PID cannot be reused between the look and the kill. Nothing
// here waits for an observer, and no observer decides anything.
//
// It needs Linux 3.4 (child subreapers). As PID 1 it reaps what the kernel hands
// to PID 1; elsewhere it becomes a subreaper, see prctl(2).
package reaper

import (
	"errors"
	"log/slog"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
)

// Config says what to run and how to treat it.
type Config struct {
	Command []string // program and arguments; the program is looked for as execvp(3) does
	Program string   // the file to execute instead of the one Command[0] names
	Env     []string // COMMAND's environment, "KEY=VALUE"
	Dir     string   // COMMAND's directory; empty: the current one
	User    *User    // whom COMMAND runs as; nil: as this process
	Place   Place    // where COMMAND stands among process groups and sessions

	// Inherited is handed on to COMMAND. The zero value stands for nothing
	// blocked, nothing ignored and the limits of this process.
	Inherited Inherited

	// Filter is installed in COMMAND and its descendants; nil: none.
	Filter *Filter

	// Signals is where signals come from; Run takes it over and closes it. nil:
	// os/signal, which does not tell who sent them.
	Signals *siginfo.Receiver
	// Rewrite replaces a received signal before it is passed on; 0 drops it.
	Rewrite map[syscall.Signal]syscall.Signal
	// ToGroup passes signals to COMMAND's process group instead of COMMAND alone.
	ToGroup bool
	// Suspend holds signals, bit n-1 for signal n, after which this process stops
	// itself, once they were passed on. PID 1 cannot be stopped.
	Suspend uint64
	// Fatal holds signals that are not passed on: they end this process as though
	// it had no handler for them, unless it is PID 1, whom they do not reach.
	Fatal uint64

	// Timeout is how long COMMAND may take to end after the first SIGTERM or
	// SIGINT, and everything after the SIGTERM that follows. 0: for ever.
	Timeout time.Duration
	// Grace is how long what outlives COMMAND may take to end after a SIGTERM.
	Grace time.Duration
	// Rest is what happens to others when COMMAND has ended.
	Rest Rest
	// MapExit replaces COMMAND's exit status.
	MapExit map[int]int
	// Pause runs no COMMAND: what there is to reap is reaped until SIGTERM or
	// SIGINT, and the status is 0.
	Pause bool

	// Settled is called once COMMAND runs, before anything is waited for.
	Settled  func()
	Observer Observer     // nil: nobody watches
	Log      *slog.Logger // nil: nothing is logged
}

// Place is where COMMAND stands among process groups and sessions.
type Place int

// The places of COMMAND.
const (
	// OwnGroup is a process group of its own, in the terminal's foreground when
	// this process's was.
	OwnGroup Place = iota
	// OwnSession is a session of its own, which gets the terminal of standard
	// input when no session has it, see [DropTerminal].
	OwnSession
	// SameGroup is the process group of this process.
	SameGroup
)

// Rest is what happens to the processes that outlive COMMAND. When PID 1 exits,
// the kernel kills them.
type Rest int

// What happens to the rest.
const (
	Drain     Rest = iota // they are told to end, and waited for: Config.Grace
	Leave                 // nothing: Run returns at once
	TermGroup             // COMMAND's process group gets a SIGTERM, rewritten by Config.Rewrite; Run returns at once
)

// Observer is told what happens. Its methods are called in order from the one
// goroutine that reaps: they must not block and must not panic.
type Observer interface {
	// Spawned tells COMMAND's PID, right after its exec.
	Spawned(pid int)
	// Dying tells that a child is dead and not yet reaped: /proc/PID still holds
	// what is left of it, and the PID cannot be reused until the call returns.
	Dying(pid int)
	// Reaped follows Dying with how the child ended.
	Reaped(Death)
	// Stolen follows Dying when somebody else in the program waited for the child.
	Stolen(pid int)
	// Received tells of a signal and what was done with it.
	Received(Receipt)
	// MainExited follows Reaped when it was COMMAND, with the status to exit with.
	MainExited(d Death, status int)
	// Describe may fill in what is known about a process that outlived COMMAND.
	Describe(*Survivor)
	// Ended tells how the shutdown went, when there was anything to shut down.
	Ended(Shutdown)
}

// Receipt is a signal that arrived and what became of it.
type Receipt struct {
	Info    siginfo.Info
	Became  syscall.Signal // what was passed on; 0: nothing
	Target  string         // "main", "group" or "all"; empty when dropped
	Reached []int          // the PIDs, or negative process group, it was passed to
	Err     error          // why it could not be passed on
}

// ErrNoCommand is returned by Run when there is nothing to run.
var ErrNoCommand = errors.New("no command to run")

// run is the state of one Run.
type run struct {
	cfg  *Config
	obs  Observer
	log  *slog.Logger
	init bool // this process is PID 1

	mainPID   int
	mainDead  bool
	status    int
	tty       terminal
	retry     *time.Timer // to wait again, see waitLater; nil: it never failed
	suspended bool        // stopped together with COMMAND, and not yet continued
	lost      uint64      // signals that were lost, as far as it was said

	shutdown shutdown
}

// Run starts cfg.Command, serves it until it and everything it left behind are
// gone, and returns the status to exit with. An error means that COMMAND never
// ran: a *SpawnError carries the status that says why.
//
// Run takes the process over. So as not to keep open what COMMAND closes, it
// changes to the directory /, points standard input and output at /dev/null and
// closes the descriptors it was started with. Everything the process starts itself
// is waited for here.
func Run(cfg Config) (int, error) {
	if len(cfg.Command) == 0 && !cfg.Pause {
		return StatusFailure, ErrNoCommand
	}
	if cfg.Signals == nil {
		signals, err := siginfo.Open(siginfo.Options{Portable: true})
		if err != nil {
			return StatusFailure, err
		}
		cfg.Signals = signals
	}
	defer cfg.Signals.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &run{cfg: &cfg, obs: cfg.Observer, log: cfg.Log, init: os.Getpid() == 1, shutdown: newShutdown()}
	if r.obs == nil {
		r.obs = nobody{}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.tty = terminal{fd: -1}
	if !cfg.Pause {
		if err := r.start(); err != nil {
			r.reap() // PID 1 may have been handed orphans by then
			return statusOf(err), err
		}
	}
	letGo()
	if cfg.Settled != nil {
		cfg.Settled()
	}
	r.loop()
	r.sayLost(1)
	return r.status, nil
}

// start starts COMMAND.
func (r *run) start() error {
	tty := -1
	if r.cfg.Place == OwnGroup {
		r.tty = openTerminal()
		if r.tty.mine() {
			tty, r.tty.gave = r.tty.fd, true
		}
	}
	pid, err := spawn(r.cfg, tty)
	if err != nil {
		return err
	}
	r.mainPID = pid
	r.obs.Spawned(pid)
	return nil
}

func statusOf(err error) int {
	var e *SpawnError
	if errors.As(err, &e) {
		return e.Status
	}
	return StatusFailure
}

// loop runs until COMMAND is gone and nothing is left to wait for.
func (r *run) loop() {
	signals, deaths := r.cfg.Signals.Signals(), r.cfg.Signals.Children()
	for {
		more, children := r.reap()
		if r.mainDead && r.drained(children) {
			return
		}
		if more {
			select {
			case info := <-signals:
				r.receive(info)
			default:
			}
			continue
		}
		select {
		case info := <-signals:
			r.receive(info)
		case <-deaths:
			r.jobControl()
		case <-r.shutdown.timer.C:
			r.expired()
		case <-r.shutdown.poll.C:
			r.polled()
		case <-r.again():
		}
	}
}

func (r *run) mainExited(d Death) {
	r.mainDead = true
	r.status = d.Status()
	if to, ok := r.cfg.MapExit[r.status]; ok {
		r.status = to
	}
	// A session's leader that leaves at once takes its terminal from the session
	// anyway, and the foreground group is told by a SIGHUP: that is COMMAND's rest.
	if sid, err := unix.Getsid(0); r.cfg.Rest == Drain || err != nil || sid != os.Getpid() {
		r.tty.take()
	}
	r.obs.MainExited(d, r.status)
}

// receive passes a signal on.
func (r *run) receive(info siginfo.Info) {
	rc := Receipt{Info: info, Became: info.Signal}
	if to, ok := r.cfg.Rewrite[info.Signal]; ok {
		rc.Became = to
	}
	fatal := has(r.cfg.Fatal, info.Signal)
	if fatal || r.cfg.Pause {
		rc.Became = 0
	}
	if info.Signal == unix.SIGCONT && !r.mainDead {
		r.tty.give(r.mainPID)
	}
	switch {
	case rc.Became == 0:
	case r.mainDead:
		rc.Target = "all"
		rc.Reached = r.signalOthers(rc.Became)
	case r.suspended && info.Signal == unix.SIGCONT:
		r.suspended = false
		r.pass(&rc, "group", -r.mainPID)
	case r.cfg.ToGroup || r.typed(info):
		r.pass(&rc, "group", -r.mainPID)
	default:
		r.pass(&rc, "main", r.mainPID)
	}
	r.obs.Received(rc)
	r.sayLost(2)
	switch {
	case fatal && !r.init:
		dieOf(info.Signal)
	case r.cfg.Pause:
		r.mainDead = r.mainDead || info.Signal == unix.SIGTERM || info.Signal == unix.SIGINT
	case has(r.cfg.Suspend, info.Signal):
		_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
	}
	if rc.Became == unix.SIGTERM || rc.Became == unix.SIGINT {
		r.stopRequested()
	}
}

// sayLost says how many signals were lost, once there are that many times as many as
// it said last: in a flood it is not a flood itself.
func (r *run) sayLost(times uint64) {
	if lost := r.cfg.Signals.Lost(); lost > r.lost && lost >= times*r.lost {
		r.log.Warn("lost signals: they came faster than they could be passed on", "lost", lost)
		r.lost = lost
	}
}

// has reports whether set, with bit n-1 for signal n, holds sig.
func has(set uint64, sig syscall.Signal) bool { return set>>(sig-1)&1 != 0 }

// typed reports whether the signal came from the terminal's keys. Such a one is
// meant for a whole group; it reaches this process only in the moment before
// COMMAND's group has the foreground.
func (r *run) typed(info siginfo.Info) bool {
	switch info.Signal {
	case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGWINCH:
		return r.tty.fd >= 0 && info.Code == siginfo.Kern
	}
	return false
}

func (r *run) pass(rc *Receipt, target string, pid int) {
	rc.Target = target
	if err := unix.Kill(pid, rc.Became); err != nil {
		rc.Err = err
		return
	}
	rc.Reached = []int{pid}
}

// nobody is the Observer of those who do not watch.
type nobody struct{}

func (nobody) Spawned(int)           {}
func (nobody) Dying(int)             {}
func (nobody) Reaped(Death)          {}
func (nobody) Stolen(int)            {}
func (nobody) Received(Receipt)      {}
func (nobody) MainExited(Death, int) {}
func (nobody) Describe(*Survivor)    {}
func (nobody) Ended(Shutdown)        {}
