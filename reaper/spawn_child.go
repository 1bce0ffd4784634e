package reaper

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct for rt_sigaction(2) on the 64-bit
// architectures that have sa_restorer.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	sigDfl = 0
	sigIgn = 1
)

const atFDCWD = ^uintptr(-unix.AT_FDCWD - 1)

// cloneAndExec forks and, in the child, becomes COMMAND. os.StartProcess and
// syscall.ForkExec cannot serve: they turn inherited SIG_IGN into SIG_DFL, and
// a child that takes the terminal's foreground stops itself with SIGTTOU unless
// its mask is changed for good (Go 1.26).
//
// It is a vfork where that is possible: the child shares the parent's memory, and the
// parent's thread sleeps until it has executed COMMAND. A plain fork copies the page
// tables, and then every page that either writes to: a millisecond. With a handover
// the parent has work to do before COMMAND is executed, and it must be a plain one.
//
// In the child only system calls may be made: no allocation, no stack growth, no
// preemption; hence nosplit, norace and raw calls throughout. No pointer may be stored
// either: the garbage collector's write barrier would run. Nothing may be changed
// that the parent goes on with, which after the call is what it returned alone. The
// caller holds the thread and has blocked all signals.
//
//go:norace
//go:nosplit
//go:noinline
func cloneAndExec(c *child) (uintptr, syscall.Errno) {
	var pid uintptr
	var errno syscall.Errno
	if canVfork && c.handover == nil {
		p, e := rawVfork(unix.CLONE_VM | unix.CLONE_VFORK | uintptr(unix.SIGCHLD))
		if e != 0 || p != 0 {
			return p, syscall.Errno(e)
		}
	} else {
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 || pid != 0 {
			return pid, errno
		}
	}
	var act sigaction
	for sig := uintptr(1); sig <= 64; sig++ {
		act.handler = sigDfl
		if c.ignored>>(sig-1)&1 != 0 {
			act.handler = sigIgn
		}
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	}

	// As who this process is: the user to become may not be able to.
	stage := int32(stageDir)
	if c.cwd >= 0 {
		if _, _, errno = syscall.RawSyscall(unix.SYS_FCHDIR, uintptr(c.cwd), 0, 0); errno != 0 {
			goto failed
		}
	}

	stage = stageGroup
	switch c.place {
	case OwnSession:
		if _, _, errno = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0); errno == 0 {
			syscall.RawSyscall(unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 0)
		}
	case OwnGroup:
		_, _, errno = syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
	}
	if errno != 0 {
		goto failed
	}
	pid, _, _ = syscall.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
	if c.tty >= 0 {
		// SIGTTOU is blocked here, so a group in the background may do this.
		pgid := int32(pid)
		syscall.RawSyscall(unix.SYS_IOCTL, uintptr(c.tty), unix.TIOCSPGRP, uintptr(unsafe.Pointer(&pgid)))
	}

	stage = stageLimit
	if c.noFile != nil {
		_, _, errno = syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(c.noFile)), 0, 0, 0)
		if errno != 0 {
			goto failed
		}
	}

	// While this process may: the user to become may not.
	if c.handover != nil {
		c.handover.install()
	}

	stage = stageUser
	if c.user {
		var groups uintptr
		if len(c.groups) > 0 {
			groups = uintptr(unsafe.Pointer(&c.groups[0]))
		}
		_, _, errno = syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(c.groups)), groups, 0)
		if errno == unix.EPERM && c.isAlready() {
			// Not root, asked to stay who we are: there is nothing to change.
			errno = 0
		} else if errno == 0 {
			if _, _, errno = syscall.RawSyscall(unix.SYS_SETRESGID, c.gid, c.gid, c.gid); errno == 0 {
				_, _, errno = syscall.RawSyscall(unix.SYS_SETRESUID, c.uid, c.uid, c.uid)
			}
		}
		if errno != 0 {
			goto failed
		}
	}

	stage = stageDir
	if c.dir != nil {
		if _, _, errno = syscall.RawSyscall(unix.SYS_CHDIR, uintptr(unsafe.Pointer(c.dir)), 0, 0); errno != 0 {
			goto failed
		}
	}

	stage = stageExec
	c.fillListenPID(pid)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&c.mask)), 0, 8, 0, 0)
	errno = c.exec()

failed:
	report := [2]int32{stage, int32(errno)}
	syscall.RawSyscall(unix.SYS_WRITE, c.report, uintptr(unsafe.Pointer(&report)), unsafe.Sizeof(report))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, StatusFailure, 0, 0)
	}
}

// isAlready reports whether the process has the wanted ids.
//
//go:norace
//go:nosplit
func (c *child) isAlready() bool {
	uid, _, _ := syscall.RawSyscall(unix.SYS_GETUID, 0, 0, 0)
	gid, _, _ := syscall.RawSyscall(unix.SYS_GETGID, 0, 0, 0)
	return uid == c.uid && gid == c.gid
}

// fillListenPID writes the PID into its place in the environment.
//
//go:norace
//go:nosplit
func (c *child) fillListenPID(pid uintptr) {
	digits := 0
	for n := pid; n > 0; n /= 10 {
		digits++
	}
	if len(c.listen) <= digits {
		return
	}
	c.listen[digits] = 0
	for ; digits > 0; digits-- {
		c.listen[digits-1] = byte('0' + pid%10)
		pid /= 10
	}
}

// exec tries the candidates as execvp(3) does and returns only on failure:
// EACCES where one of them was there but not to be executed, else the last error.
//
//go:norace
//go:nosplit
func (c *child) exec() syscall.Errno {
	var last, denied syscall.Errno
	for i := range c.paths {
		path := uintptr(unsafe.Pointer(c.paths[i]))
		envv := uintptr(unsafe.Pointer(&c.envv[0]))
		if c.handover != nil {
			// Every execve below the filter waits for an answer: not for what is not there.
			_, _, last = syscall.RawSyscall(unix.SYS_FACCESSAT, atFDCWD, path, unix.F_OK)
			if last == unix.ENOENT || last == unix.ENOTDIR {
				continue
			}
		}
		_, _, last = syscall.RawSyscall(unix.SYS_EXECVE, path, uintptr(unsafe.Pointer(&c.argv[0])), envv)
		if last == unix.ENOEXEC {
			argv := c.scripts[i]
			syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(argv[0])), uintptr(unsafe.Pointer(&argv[0])), envv)
			return unix.ENOEXEC
		}
		switch last {
		case unix.EACCES:
			denied = last
		case unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT:
		default:
			return last
		}
	}
	if denied != 0 {
		return denied
	}
	return last
}
