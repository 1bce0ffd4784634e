// Package nstest runs tests inside a PID namespace of their own.
//
// What PID 1 does can only be seen as PID 1. [Run] starts the test binary
// again as the first process of a new PID namespace and runs one test function
// there; [Command] starts any program in that place. Both give the namespace a
// mount namespace with a /proc that shows it, and both need no container
// engine and, where the kernel allows user namespaces to everyone, no root.
//
//	func TestAdoptsOrphans(t *testing.T) {
//		nstest.Run(t, func(t *testing.T) {
//			// os.Getpid() is 1 here, and orphans come to this process.
//		})
//	}
//
// A machine that refuses namespaces skips such a test with one line that says
// so, unless PID1_REQUIRE makes it a failure, see [Lacking].
package nstest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// insideVar names, in the environment of a namespace's first process, the test
// that it was started for.
const insideVar = "PID1_NSTEST_INSIDE"

// Run runs fn as PID 1 of a new PID namespace, and the test ends as fn ended:
// passed, failed or skipped, with its output.
//
// The test binary is started again with t's name as the only test to run, so
// TestMain and what stands in the test around Run happen on both sides: let Run
// be all that the test does. Run may be called once in a test; use subtests for
// more. Whatever fn leaves running ends with the namespace.
func Run(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	if Inside() {
		if os.Getenv(insideVar) != t.Name() {
			t.Fatalf("nstest: cannot open a namespace for %s inside that of %s", t.Name(), os.Getenv(insideVar))
		}
		// Set up here and not in an init, where a failure has no test to
		// be shown in.
		if err := setUp(); err != nil {
			t.Fatalf("nstest: %v", err)
		}
		fn(t)
		return
	}
	flags := namespaces(t)

	cmd := exec.Command(self(t), runArgs(t)...)
	cmd.Env = append(environ(), insideVar+"="+t.Name())
	cmd.SysProcAttr = attr(flags)
	// The parent-death signal is sent when the thread that forked ends, so
	// that thread must last as long as the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()

	switch result(out, t.Name()) {
	case "PASS":
		if err != nil {
			// The test passed and what came after it did not: TestMain.
			t.Errorf("nstest: %s passed as PID 1, then: %v\n%s", t.Name(), err, out)
		} else if testing.Verbose() {
			t.Logf("as PID 1:\n%s", out)
		}
	case "SKIP":
		t.Skipf("as PID 1:\n%s", out)
	case "FAIL":
		t.Errorf("as PID 1:\n%s", out)
	default:
		t.Errorf("nstest: cannot tell how %s ended as PID 1 (%v)\n%s", t.Name(), err, out)
	}
}

// Inside reports whether this process was started by [Run] as the first of a
// namespace: for a TestMain that does costly work on the outside only.
func Inside() bool { return os.Getenv(insideVar) != "" }

// Command returns a command that runs name as PID 1 of a new PID namespace, as
// root inside it. Start it as any [exec.Cmd]; Env, Dir, the standard streams,
// ExtraFiles and most of SysProcAttr are free to be set. Cloneflags,
// UidMappings and GidMappings are taken.
//
// The program starts with no signal blocked, whatever the test has blocked.
// Between Start and the exec of name, the process is the test binary for about
// a millisecond, setting up /proc: wait for a sign of life from the program
// before sending it a signal. Inherited dispositions of signals other than
// SIGHUP and SIGINT do not survive that; set them in a shell in the same place:
//
//	nstest.Command(t, "sh", "-c", "trap '' USR1; exec pid1 -- …")
//
// What still runs when the test ends is killed.
func Command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	flags := namespaces(t)
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("nstest: cannot run %s: %v", name, err)
	}
	cmd := exec.Command(self(t))
	cmd.Args = append([]string{launcherName, path, name}, args...)
	cmd.SysProcAttr = attr(flags)
	t.Cleanup(func() {
		if cmd.Process != nil {
			cmd.Process.Kill() // the end of PID 1 is the end of its namespace
		}
	})
	return cmd
}

// attr asks for the namespaces in flags, with this user as root inside when
// they include a user namespace.
func attr(flags uintptr) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// namespaces returns the clone flags that work here, and ends the test when
// none do.
func namespaces(t testing.TB) uintptr {
	t.Helper()
	flags, err := probe()
	if err != nil {
		Lacking(t, "namespaces", err.Error())
	}
	return flags
}

// probe tries what the tests are going to do, once: as root a PID and a mount
// namespace alone, otherwise within a user namespace.
var probe = sync.OnceValues(func() (uintptr, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("cannot find the test binary: %w", err)
	}
	tries := []uintptr{syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() == 0 {
		tries = append([]uintptr{syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}, tries...)
	}
	for _, flags := range tries {
		cmd := exec.Command(exe)
		cmd.Args = []string{launcherName}
		cmd.Env = environ()
		cmd.SysProcAttr = attr(flags)
		var out []byte
		if out, err = cmd.CombinedOutput(); err == nil {
			return flags, nil
		}
		if msg := bytes.TrimSpace(out); len(msg) > 0 {
			err = errors.New(string(msg))
		}
	}
	return 0, fmt.Errorf("cannot make a PID namespace: %w", err)
})

// environ is this process's environment for a test binary started again. Built
// with the race detector, that would sleep for a second before its exit.
func environ() []string {
	return append(os.Environ(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
}

func self(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatalf("nstest: cannot find the test binary: %v", err)
	}
	return exe
}

// runArgs are the test binary's arguments that run t alone, ending before t's
// own deadline so that the goroutines shown are those inside.
func runArgs(t *testing.T) []string {
	args := []string{"-test.v", "-test.count=1", "-test.run=" + pattern(t.Name())}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	if deadline, ok := t.Deadline(); ok {
		if left := time.Until(deadline) * 9 / 10; left > 0 {
			args = append(args, "-test.timeout="+left.String())
		}
	}
	return args
}

// pattern matches the test called name and no other.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// result finds how the test called name ended in the output of a verbose run;
// empty when the output does not say, as after a crash.
func result(out []byte, name string) string {
	for line := range strings.Lines(string(out)) {
		rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "--- ")
		if !ok {
			continue
		}
		if word, test, ok := strings.Cut(rest, ": "); ok && strings.HasPrefix(test, name+" (") {
			return word
		}
	}
	return ""
}
