package nstest

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// launcherName is argv[0] of a test binary that was started as a namespace's
// first process only to become another program.
const launcherName = "pid1-nstest-launcher"

// The launcher has to run before TestMain, and before any goroutine exists.
func init() {
	if os.Args[0] != launcherName {
		return
	}
	if err := launch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nstest:", err)
		os.Exit(125)
	}
	os.Exit(0)
}

// launch sets up the namespace and becomes argv[0], with argv[1:] as its
// arguments and no signal blocked. With no argv it only tries whether the setting
// up works.
func launch(argv []string) error {
	if err := setUp(); err != nil {
		return err
	}
	if len(argv) == 0 {
		return nil
	}
	// A test binary that contains internal/early runs with signals blocked.
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
		return fmt.Errorf("cannot unblock the signals: %w", err)
	}
	if err := syscall.Exec(argv[0], argv[1:], os.Environ()); err != nil {
		return fmt.Errorf("cannot run %s: %w", argv[0], err)
	}
	return nil
}

// setUp mounts the /proc of this process's PID namespace. The mount namespace
// is this process's own.
func setUp() error {
	if pid := os.Getpid(); pid != 1 {
		return fmt.Errorf("cannot set up a namespace: this is PID %d, not 1", pid)
	}
	// Without this, a mount made here would appear outside as well.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot make the mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount /proc: %w", err)
	}
	return nil
}
