package truth

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process made by fork alone must not touch the Go runtime, whose other threads
// it does not have. So what it does is decided beforehand, as a list of steps, and
// walk takes them with nothing but system calls.

// maxSteps is a power of two.
const maxSteps = 128

type op uint8

const (
	opEnd    op = iota // back to who called walk
	opFork             // a: the step the child goes on with; b: clone(2)'s flags beside SIGCHLD
	opExec             // a: path, b: argv, c: envp
	opSleep            // a: *unix.Timespec
	opWait             // for the process of rec
	opSetsid           //
	opKeep             // a: the file that the next exec must not close
	opExit             // a: status
	opKill             // a: signal, to itself
	opSlay             // SIGKILL to the process of rec
)

// step is one thing a process does. rec is the process that it is about.
type step struct {
	op      op
	a, b, c uintptr
	rec     *record
}

// record is what is written down of a process while it is made. It lies in memory
// that all of them share. Times are in ns since boot.
type record struct {
	pid    int64
	before int64 // right before the fork
	after  int64 // right after it
	leaves int64 // when it was about to end by itself; 0: it runs another program
	waited int64 // when it was reaped
	status int64 // wait status
	failed int64 // errno of the step that failed
}

// walk takes steps from the first on. Forked processes never return from it.
//
//go:nosplit
//go:norace
func walk(steps *[maxSteps]step) {
	for pc := uintptr(0); ; {
		s := &steps[pc%maxSteps]
		pc++
		switch s.op {
		case opEnd:
			return
		case opFork:
			now(&s.rec.before)
			pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD)|s.b, 0, 0, 0, 0, 0)
			if errno == 0 && pid == 0 {
				// The parent writes the same, unless somebody kills it here.
				now(&s.rec.after)
				pid, _, _ = syscall.RawSyscall6(syscall.SYS_GETPID, 0, 0, 0, 0, 0, 0)
				s.rec.pid = int64(pid)
				pc = s.a
				continue
			}
			now(&s.rec.after)
			s.rec.pid, s.rec.failed = int64(pid), int64(errno)
		case opExec:
			_, _, errno := syscall.RawSyscall6(syscall.SYS_EXECVE, s.a, s.b, s.c, 0, 0, 0)
			s.rec.failed = int64(errno)
			exit(126)
		case opSleep:
			syscall.RawSyscall6(syscall.SYS_NANOSLEEP, s.a, 0, 0, 0, 0, 0)
		case opWait:
			status := int32(0)
			for errno := syscall.EINTR; errno == syscall.EINTR; {
				_, _, errno = syscall.RawSyscall6(syscall.SYS_WAIT4, uintptr(s.rec.pid), uintptr(unsafe.Pointer(&status)), 0, 0, 0, 0)
			}
			now(&s.rec.waited)
			s.rec.status = int64(status)
		case opSetsid:
			syscall.RawSyscall6(syscall.SYS_SETSID, 0, 0, 0, 0, 0, 0)
		case opKeep:
			syscall.RawSyscall6(syscall.SYS_FCNTL, s.a, syscall.F_SETFD, 0, 0, 0, 0)
		case opExit:
			now(&s.rec.leaves)
			exit(s.a)
		case opKill:
			now(&s.rec.leaves)
			pid, _, _ := syscall.RawSyscall6(syscall.SYS_GETPID, 0, 0, 0, 0, 0, 0)
			syscall.RawSyscall6(syscall.SYS_KILL, pid, s.a, 0, 0, 0, 0)
			exit(125) // it was ignored
		case opSlay:
			syscall.RawSyscall6(syscall.SYS_KILL, uintptr(s.rec.pid), uintptr(syscall.SIGKILL), 0, 0, 0, 0)
		}
	}
}

//go:nosplit
//go:norace
func exit(status uintptr) {
	for {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0)
	}
}

// now reads CLOCK_BOOTTIME, by which start times in /proc count.
//
//go:nosplit
//go:norace
func now(ns *int64) {
	var ts unix.Timespec
	syscall.RawSyscall6(syscall.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&ts)), 0, 0, 0, 0)
	*ns = int64(ts.Sec)*1e9 + int64(ts.Nsec) //nolint:unconvert // 32 bits on some architectures
}
