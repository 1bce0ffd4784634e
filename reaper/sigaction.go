package reaper

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rtSigaction is rt_sigaction(2); act or old may be nil.
func rtSigaction(sig syscall.Signal, act, old *sigaction) {
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

// dieOf ends this process by sig as though it had never had a handler for it. It
// returns when that is not the signal's default.
func dieOf(sig syscall.Signal) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rtSigaction(sig, &sigaction{handler: sigDfl}, nil)
	var old uint64
	sigprocmask(nil, &old)
	set := old &^ (1 << (sig - 1))
	sigprocmask(&set, nil)
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), sig)
	sigprocmask(&old, nil)
}
