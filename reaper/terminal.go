package reaper

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal, which COMMAND's process group gets to
// hold in the foreground whenever it is this process's to give.
type terminal struct {
	fd   int  // a descriptor of its own, closed by exec; -1: there is no terminal
	gave bool // COMMAND was given the foreground and it was not taken back
}

// openTerminal finds the controlling terminal among the standard streams.
func openTerminal() terminal {
	for fd := range 3 {
		if _, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil {
			continue
		}
		if own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err == nil {
			return terminal{fd: own}
		}
	}
	return terminal{fd: -1}
}

// mine reports whether this process's group is in the foreground.
func (t *terminal) mine() bool {
	if t.fd < 0 {
		return false
	}
	pgrp, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}

// give hands the foreground to COMMAND's group if it is this process's to give:
// after a shell's fg it is, after its bg it is not.
func (t *terminal) give(pgrp int) {
	if t.mine() {
		t.gave = t.setForeground(pgrp)
	}
}

// take takes the foreground back from COMMAND.
func (t *terminal) take() {
	if t.gave {
		t.setForeground(unix.Getpgrp())
		t.gave = false
	}
}

// setForeground makes pgrp the terminal's foreground group. SIGTTOU is blocked
// for the call: a group in the background is stopped otherwise, tcsetpgrp(3).
func (t *terminal) setForeground(pgrp int) bool {
	var old uint64
	sigprocmask(nil, &old)
	set := old | 1<<(unix.SIGTTOU-1)
	sigprocmask(&set, nil)
	err := unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, pgrp)
	sigprocmask(&old, nil)
	return err == nil
}

// jobControl stops this process with COMMAND when the terminal stopped COMMAND,
// so that the shell both were started from sees a stopped job. PID 1 has no such
// shell and cannot be stopped.
func (r *run) jobControl() {
	if r.init || r.tty.fd < 0 || r.mainDead {
		return
	}
	switch sig := stopped(r.mainPID); sig {
	case unix.SIGTTIN, unix.SIGTTOU:
		// A shell's fg of a running job brings this group to the front and tells
		// nobody; COMMAND was still behind it.
		if r.tty.mine() {
			r.tty.give(r.mainPID)
			_ = unix.Kill(-r.mainPID, unix.SIGCONT)
			return
		}
		fallthrough
	case unix.SIGTSTP:
		r.suspended = true
		r.tty.take()
		// The whole group, since a shell waits for all of a pipeline.
		_ = unix.Kill(0, unix.SIGSTOP)
	}
}

// DropTerminal lets go of standard input's terminal, if it is the controlling one,
// so that a COMMAND in a session of its own can have it ([OwnSession]). It reports
// whether this process was the leader of the terminal's session, in which case all
// of the session has lost it, TIOCNOTTY in ioctl_tty(2).
//
// The kernel then sends SIGHUP and SIGCONT to the foreground group, which this
// process may be in. They are dropped: call it before signals are received.
func DropTerminal() (leader bool, err error) {
	var ignore sigaction
	ignore.handler = sigIgn
	handled := []syscall.Signal{unix.SIGHUP, unix.SIGCONT}
	old := make([]sigaction, len(handled))
	for i, sig := range handled {
		rtSigaction(sig, &ignore, &old[i])
	}
	_, _, errno := syscall.Syscall(unix.SYS_IOCTL, 0, unix.TIOCNOTTY, 0)
	for i, sig := range handled {
		// Where the signal is blocked it is pending, ignored or not: this drops it.
		rtSigaction(sig, &ignore, nil)
		rtSigaction(sig, &old[i], nil)
	}
	if errno != 0 {
		return false, errno
	}
	sid, err := unix.Getsid(0)
	return err == nil && sid == os.Getpid(), nil
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
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		fd := 0
		for _, c := range name {
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
