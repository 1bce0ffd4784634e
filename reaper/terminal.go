package reaper

import (
	"os"

	"golang.org/x/sys/unix"
)

// foregroundTerminal returns a descriptor of the controlling terminal when this
// process's group is in its foreground, so that COMMAND can take that place;
// else -1. The descriptor is one of its own, closed by exec.
func foregroundTerminal() int {
	for fd := range 3 {
		pgrp, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		if err != nil || pgrp != unix.Getpgrp() {
			continue
		}
		if own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			return own
		}
	}
	return -1
}

// setForeground makes pgrp the terminal's foreground group. SIGTTOU is blocked
// for the call: a group in the background is stopped otherwise, tcsetpgrp(3).
func (r *run) setForeground(pgrp int) {
	ttou, old := uint64(1)<<(unix.SIGTTOU-1), uint64(0)
	sigprocmask(nil, &old)
	ttou |= old
	sigprocmask(&ttou, nil)
	_ = unix.IoctlSetPointerInt(r.tty, unix.TIOCSPGRP, pgrp)
	sigprocmask(&old, nil)
}

func (r *run) inForeground() bool {
	pgrp, err := unix.IoctlGetInt(r.tty, unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}

// takeTerminal takes the foreground back from COMMAND.
func (r *run) takeTerminal() {
	if r.tty >= 0 {
		r.setForeground(unix.Getpgrp())
	}
}

// giveTerminal hands the foreground to COMMAND if it is this process's to give:
// after a shell's fg it is, after its bg it is not.
func (r *run) giveTerminal() {
	if r.tty >= 0 && r.inForeground() {
		r.setForeground(r.mainPID)
	}
}

// jobControl stops this process with COMMAND when the terminal stopped COMMAND,
// so that the shell both were started from sees a stopped job. PID 1 has no such
// shell and cannot be stopped.
func (r *run) jobControl() {
	if r.init || r.tty < 0 || r.mainDead {
		return
	}
	switch stopped(r.mainPID) {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		r.suspended = true
		r.takeTerminal()
		// The whole group, since a shell waits for all of a pipeline.
		_ = unix.Kill(0, unix.SIGSTOP)
	}
}

// letGo lets go of what COMMAND inherited and pid1 has no use for, so that pid1
// does not keep open what COMMAND closes: descriptors from 3 up that survive an
// exec, standard input and output, and the current directory.
func letGo() {
	_ = unix.Chdir("/")
	if null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		_ = unix.Dup3(null, 0, 0)
		_ = unix.Dup3(null, 1, 0)
		_ = unix.Close(null)
	}
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range dir {
		fd := 0
		for _, c := range e.Name() {
			fd = fd*10 + int(c-'0')
		}
		if fd < 3 {
			continue
		}
		// Everything this program opens is closed by exec; what is not was
		// inherited.
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}
