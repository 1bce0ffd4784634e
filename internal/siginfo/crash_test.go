//go:build linux && (amd64 || arm64)

package siginfo_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

func init() {
	helpers["panic"] = panicHelper
	helpers["pipe"] = brokenPipeHelper
}

// mustOpen opens a Receiver in a helper.
func mustOpen() *siginfo.Receiver {
	r, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		panic(err)
	}
	return r
}

func panicHelper() {
	mustOpen()
	var s *sender
	s.pid++
}

// TestPanic checks that a program with a Receiver crashes as others do.
func TestPanic(t *testing.T) {
	needExact(t)
	for _, test := range []struct {
		traceback string
		check     func(unix.WaitStatus) bool
	}{
		{"single", func(w unix.WaitStatus) bool { return w.Exited() && w.ExitStatus() == 2 }},
		{"crash", func(w unix.WaitStatus) bool { return w.Signaled() && w.Signal() == unix.SIGABRT }},
	} {
		t.Run(test.traceback, func(t *testing.T) {
			cmd := command(t, "panic")
			cmd.Env = append(cmd.Env, "GOTRACEBACK="+test.traceback)
			cmd.Dir = t.TempDir() // for the core
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); !errors.As(err, &exit) {
				t.Fatalf("ended with %v", err)
			}
			if status := exit.Sys().(syscall.WaitStatus); !test.check(unix.WaitStatus(status)) {
				t.Errorf("ended with %v", exit)
			}
			for _, want := range []string{"[signal SIGSEGV", "panicHelper"} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("no %q in the traceback:\n%s", want, stderr.String())
				}
			}
		})
	}
}

func brokenPipeHelper() {
	mustOpen()
	os.Stdin.Read(make([]byte, 1)) // until nobody reads stdout
	_, err := fmt.Println("nobody reads this")
	if !errors.Is(err, unix.EPIPE) {
		panic(err)
	}
	os.Exit(7)
}

// TestBrokenStdout checks that the program survives a write to a closed stdout.
func TestBrokenStdout(t *testing.T) {
	needExact(t)
	cmd := command(t, "pipe")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	in.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Errorf("ended with %v, want exit status 7", cmd.ProcessState)
	}
}

// fork forks, sends sig to the child from the child, and returns how it ended,
// of which exitSignal tells us. The handlers in it are those of the parent, as between fork and execve.
//
//go:norace
func fork(exitSignal, sig unix.Signal) (unix.WaitStatus, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Nothing but raw system calls in the child: it has one thread and no runtime.
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(exitSignal), 0, 0, 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if pid == 0 {
		self, _, _ := syscall.RawSyscall(unix.SYS_GETPID, 0, 0, 0)
		syscall.RawSyscall(unix.SYS_KILL, self, uintptr(sig), 0)
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 3, 0, 0)
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(int(pid), &status, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return status, err
		}
	}
}

// TestChildBeforeExec checks that what a child receives before execve is not
// taken for the parent's.
func TestChildBeforeExec(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGUSR1, 34, 64, unix.SIGCONT, unix.SIGTSTP, unix.SIGCHLD} {
		if len(emulator()) > 0 && !emulated(sig) {
			continue
		}
		status, err := fork(unix.SIGCHLD, sig)
		if err != nil {
			t.Fatal(err)
		}
		switch sig {
		case unix.SIGCONT, unix.SIGTSTP, unix.SIGCHLD: // SIGCHLD's default is nothing
			if !status.Exited() || status.ExitStatus() != 3 {
				t.Errorf("%s: ended with %#x, want exit status 3", siginfo.Name(sig), status)
			}
		default:
			if !status.Signaled() || status.Signal() != sig {
				t.Errorf("ended with %#x, want killed by %s", status, siginfo.Name(sig))
			}
		}
	}
	wantNothing(s, r)
}
