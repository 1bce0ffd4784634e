package reaper

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
)

// Init makes a Go program its own init. Called first in main, it returns at once
// unless the process is PID 1. There it starts the program again, with the same
// arguments and environment, serves that process as Run does, and exits with its
// status: main goes on in the child only.
//
// Nothing but os.Args and the environment is handed over, so package
// initialisation, which runs in both, should have no effect outside the process.
func Init() {
	if os.Getpid() != 1 {
		return
	}
	status, err := initStatus()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: cannot be its own init: %v\n", os.Args[0], err)
	}
	os.Exit(status)
}

func initStatus() (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return StatusFailure, err
	}
	signals, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		return StatusFailure, err
	}
	return Run(Config{
		Command: os.Args, Program: exe, Env: os.Environ(),
		Signals: signals, Grace: 2 * time.Second,
	})
}

// ErrNotMainThread is returned by Beside when it was called from a goroutine that
// is not locked to the main thread.
var ErrNotMainThread = errors.New("not on the main thread: lock it in an init function, runtime.LockOSThread")

// Beside reaps the orphans that come to this process and leaves its own children
// alone: os/exec and whatever else starts processes works as ever. It runs main
// on a goroutine of its own and returns when main returns. reaped, unless nil, is
// told of each orphan.
//
// What makes the two apart is the kernel, not bookkeeping. A child belongs to the
// thread that forked it, while orphans are given to the main thread of PID 1 or of
// the subreaper. Beside keeps the main thread for itself, so nothing is ever forked
// there, and waits with __WNOTHREAD (wait(2)), which sees the children of the
// calling thread alone. For this it has to be called on the main thread:
//
//	func init() { runtime.LockOSThread() }
//
//	func main() {
//		if err := reaper.Beside(program, nil); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// One thing must not happen: that a thread with children ends, for the kernel then
// gives them to the main thread. The Go runtime ends a thread only when a goroutine
// ends that called LockOSThread without UnlockOSThread.
//
// A process that is not PID 1 becomes a subreaper (Linux 3.4).
func Beside(main func(), reaped func(Death)) error {
	if unix.Gettid() != os.Getpid() {
		return ErrNotMainThread
	}
	if os.Getpid() != 1 {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("cannot become a subreaper: %w", err)
		}
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, unix.SIGCHLD)
	defer signal.Stop(deaths)
	done := make(chan struct{})
	go func() {
		defer close(done)
		main()
	}()
	for {
		reapOrphans(reaped)
		select {
		case <-deaths:
		case <-done:
			return nil
		}
	}
}

// reapOrphans reaps the dead children of the calling thread.
func reapOrphans(reaped func(Death)) {
	for {
		var ws unix.WaitStatus
		var d Death
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG|unix.WALL|unix.WNOTHREAD, &d.Usage)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid == 0 {
			return
		}
		d.PID = pid
		d.set(ws)
		if reaped != nil {
			reaped(d)
		}
	}
}
