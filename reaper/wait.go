package reaper

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Death is a child that died, as wait4(2) tells it.
type Death struct {
	PID    int
	Code   int            // exit status, -1 when a signal ended it
	Signal syscall.Signal // 0 when it exited
	Core   bool           // it dumped core
	Usage  unix.Rusage
	Main   bool // it was COMMAND
}

// Status is the death as a shell's $? gives it: the exit status, or 128 plus the
// signal.
func (d Death) Status() int {
	if d.Signal != 0 {
		return 128 + int(d.Signal)
	}
	return d.Code
}

// set fills in how the child ended. Code is -1 when a signal ended it.
func (d *Death) set(ws unix.WaitStatus) {
	d.Code = ws.ExitStatus()
	if ws.Signaled() {
		d.Signal, d.Core = ws.Signal(), ws.CoreDump()
	}
}

// reapMax bounds one pass, so that a storm of deaths does not keep a signal
// waiting.
const reapMax = 256

// reap reaps the children that are dead now. It reports whether more may be
// waiting, and whether any child is left at all.
//
// Each is first looked at with WNOWAIT: a zombie keeps its PID and its /proc
// entry until the wait that follows, which is when observers read what is left.
func (r *run) reap() (more, children bool) {
	stolen := 0
	for range reapMax {
		pid, err := peek()
		if err == unix.ECHILD {
			return false, false
		}
		if err != nil {
			r.waitLater(err)
		}
		if err != nil || pid == 0 || pid == stolen {
			return false, true
		}
		r.obs.Dying(pid)
		var ws unix.WaitStatus
		d := Death{PID: pid, Main: pid == r.mainPID}
		if got, err := wait(pid, &ws, &d.Usage); err != nil || got != pid {
			// Somebody else in this program waited for it first. Named twice, it
			// would be a loop.
			stolen = pid
			r.obs.Stolen(pid)
			if err != nil && err != unix.ECHILD {
				r.waitLater(err)
			}
			continue
		}
		d.set(ws)
		r.obs.Reaped(d)
		if d.Main {
			r.mainExited(d)
		}
	}
	return true, true
}

// retryWait is how soon to wait again where the kernel refused to.
const retryWait = 50 * time.Millisecond

// waitLater looks for the dead again soon: the SIGCHLD that told of them is taken. wait(2)
// has no such error; a sandbox around pid1 may.
func (r *run) waitLater(err error) {
	if r.retry == nil {
		r.log.Warn("cannot wait for children; trying on", "error", err)
		r.retry = time.NewTimer(retryWait)
		return
	}
	r.retry.Reset(retryWait)
}

// again is when to look for the dead without being told; nil: not.
func (r *run) again() <-chan time.Time {
	if r.retry == nil {
		return nil
	}
	return r.retry.C
}

// waitInfo is what waitid(2) fills in: the 64-bit siginfo_t up to si_status.
type waitInfo struct {
	signo, errno, code int32
	_                  int32
	pid, uid, status   int32
	_                  [100]byte
}

// peek names a dead child without reaping it; 0 when none is dead.
func peek() (int, error) {
	info, err := waitid(unix.P_ALL, 0, unix.WEXITED|unix.WNOWAIT|unix.WALL)
	return int(info.pid), err
}

// stopped names the signal that stopped the child pid since the last call; 0
// when none did.
func stopped(pid int) syscall.Signal {
	info, err := waitid(unix.P_PID, pid, unix.WSTOPPED)
	if err != nil || int(info.pid) != pid {
		return 0
	}
	return syscall.Signal(info.status)
}

func waitid(idType, id, options int) (waitInfo, error) {
	var info waitInfo
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, uintptr(idType), uintptr(id),
			uintptr(unsafe.Pointer(&info)), uintptr(options|unix.WNOHANG), 0, 0)
		switch errno {
		case 0:
			return info, nil
		case unix.EINTR:
		default:
			return info, errno
		}
	}
}

func wait(pid int, ws *unix.WaitStatus, usage *unix.Rusage) (int, error) {
	for {
		got, err := unix.Wait4(pid, ws, unix.WNOHANG|unix.WALL, usage)
		if err != unix.EINTR {
			return got, err
		}
	}
}
