//go:build linux

// Package early keeps what the program was started with before the Go runtime
// changes it: the signal mask, the set of ignored signals and the limit of open
// files. All are inherited through execve(2) (a shell's trap or ulimit, nohup(1),
// a parent that blocks signals), and an init has to hand them on to its COMMAND.
// The runtime, however, installs its own handler over an inherited SIG_IGN for all
// but a few signals, unblocks a number of signals on every thread and raises the
// limit, all of it before main runs.
//
// It also blocks every signal before the runtime starts. The runtime takes the
// mask it finds for that of all its threads and unblocks only what it insists on
// (HUP INT QUIT ILL TRAP ABRT BUS FPE SEGV TERM STKFLT CHLD URG PROF SYS and 32,
// 33, 34). So USR1, USR2, PIPE, ALRM, CONT, TSTP, TTIN, TTOU, WINCH, 35 … 64 and
// the rest stay blocked on every thread until some thread unblocks them for
// itself, as internal/siginfo's does. None of them is lost before that: they stay
// pending. And a write to the terminal from a background process group neither
// stops the program nor fails, because SIGTTOU is blocked (tty_check_change in
// the kernel's drivers/tty/tty_jobctrl.c).
//
// Importing the package is what turns this on. Everything such a program starts
// inherits the blocked mask, so it has to set the mask around the fork itself:
// only a program that is prepared for this, cmd/pid1, may import it.
//
// # How
//
// The runtime's entry point, rt0_go, calls the function that the variable
// _cgo_init points to, if it is not nil. runtime/cgo sets it; without cgo it is
// free, and this package sets it to a few lines of assembly (hook_*.s). At this
// point there is one thread, the kernel's stack, and not yet a g, a heap or a
// scheduler. The assembly makes 66 system calls, stores into four variables
// without pointers, and returns. This is safe because
//
//   - rt0_go calls it by the C convention and so expects only the stack pointer
//     and the callee-saved registers to be kept, which it keeps (on arm64 it does
//     not touch g, R28, or the frame pointer);
//   - nothing else in the runtime looks at _cgo_init: what a program with cgo
//     does differently later depends on iscgo, which stays false;
//   - on amd64 rt0_go leaves out its own TLS setup after the call, so the
//     assembly does the same one (arch_prctl(2), ARCH_SET_FS), with eight words
//     of its own in place of m0.tls, which the runtime uses for nothing else; on
//     arm64 a program without cgo does not use TLS at all;
//   - the stack guard that rt0_go updates after the call is that of the branch
//     with cgo: 64 KiB of the kernel's stack less a margin.
//
// runtime/cgo and purego rely on the same hook. Checked with Go 1.26.
//
// # When it does not apply
//
// With cgo (and so with the race detector), runtime/cgo owns the hook and this
// package leaves it alone; other architectures have no assembly. A future Go that
// renames or drops the hook would no longer call it, which the variable it sets
// tells; one that forbids the name would fail to link ("invalid reference to
// _cgo_init"). In all these cases but the last, [Known] is false, signals are not
// blocked, and [Mask] and [Ignored] are what the runtime has left of the truth.
// The tests fail when Known is false on amd64 and arm64 without cgo.
package early

import (
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// Written by the assembly before the runtime starts, or by init. They hold no
// pointers and have no initialisers, so nothing in the runtime's start writes them.
var (
	mask    uint64    // blocked signals
	ignored uint64    // signals that were SIG_IGN
	noFile  [2]uint64 // RLIMIT_NOFILE: soft, hard; zero when unknown
	ran     uint64    // 1 when the hook ran
)

// Mask returns the signal mask the program was started with; bit n-1 is signal n
// (sigprocmask(2)). Where [Known] is false it is read at package initialisation
// and lacks the signals the Go runtime unblocks.
func Mask() uint64 { return mask }

// Ignored returns the set of signals that were ignored (SIG_IGN, sigaction(2))
// when the program was started; bit n-1 is signal n. Where [Known] is false it is
// read at package initialisation and can hold only those whose inherited SIG_IGN
// the Go runtime respects: HUP, INT, CONT, TSTP, TTIN, TTOU, 32 and 34.
func Ignored() uint64 { return ignored }

// NoFile returns RLIMIT_NOFILE (getrlimit(2)) as the program was started with it:
// package os raises the soft limit to the hard one. Where [Known] is false it is
// unknown and ok is false.
func NoFile() (soft, hard uint64, ok bool) {
	return noFile[0], noFile[1], noFile[1] != 0
}

// Known reports whether [Mask] and [Ignored] were read before the Go runtime
// started, and all signals blocked then.
func Known() bool { return ran != 0 }

// sigIgn is SIG_IGN, and maxSignal the number of signals but on mips.
const (
	sigIgn    = 1
	maxSignal = 64
)

func init() {
	if !Known() {
		mask, ignored = readMask(), readIgnored()
	}
}

// layout returns what the kernel's interface looks like here: the size of its
// sigset_t in bytes, and in which word of struct sigaction the handler is. mips
// has 128 signals and puts the flags first.
func layout() (setSize uintptr, handlerWord int) {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return 16, 1
	}
	return 8, 0
}

// readMask returns the calling thread's signal mask, rt_sigprocmask(2).
func readMask() uint64 {
	var set [16 / unsafe.Sizeof(uintptr(0))]uintptr
	size, _ := layout()
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 0, 0, uintptr(unsafe.Pointer(&set)), size, 0, 0)
	if errno != 0 {
		return 0
	}
	if unsafe.Sizeof(set[0]) == 4 {
		return uint64(set[0]) | uint64(set[1])<<32
	}
	return uint64(set[0])
}

// readIgnored returns the signals that are SIG_IGN now, rt_sigaction(2).
func readIgnored() uint64 {
	size, word := layout()
	var found uint64
	for sig := uintptr(1); sig <= maxSignal; sig++ {
		var action [8]uintptr // larger than any architecture's struct sigaction
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&action)), size, 0, 0)
		if errno == 0 && action[word] == sigIgn {
			found |= 1 << (sig - 1)
		}
	}
	return found
}
