package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/nstest"
)

// helped starts one of this file's helpers under a pid1 whose feed is read.
func helped(t *testing.T, m mode, helper string) *followed {
	t.Helper()
	return followFor(t, time.Minute, m, "env", "PID1_TEST_HELPER=1", os.Args[0], "-test.run=^"+helper+"$")
}

// A process and its children change their names and arguments all the time, to what is
// meant to break a reader: whatever is told is bounded and valid, the status right, and
// nothing of pid1 is switched off.
func TestHostileProcess(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, m mode) {
		w := helped(t, m, "TestHelperHostile")
		w.want(9)
		orphans := 0
		for _, ev := range w.all() {
			switch e := ev.(type) {
			case *event.Source:
				if e.State == "off" {
					t.Errorf("it was switched off: %s", e.Reason)
				}
			case *event.Reap:
				if e.Adopted && e.Code == 5 {
					orphans++
				}
				if size := len(strings.Join(e.Cmdline, " ")); size > 4096+64 || len(e.Comm) > 64 {
					t.Errorf("%d bytes of a command line are told, and a name of %d", size, len(e.Comm))
				}
			}
		}
		if orphans != hostileOrphans {
			t.Errorf("%d orphans were recorded, want %d", orphans, hostileOrphans)
		}
		if log := w.err.String(); strings.ContainsFunc(log, func(r rune) bool { return r < ' ' && r != '\n' || r == '�' }) {
			t.Errorf("the log would steer a terminal: %q", log)
		}
	})
}

const hostileOrphans = 40

// TestHelperHostile rewrites its name and arguments, and makes orphans that do.
func TestHelperHostile(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	runtime.LockOSThread()
	names := []string{"\x1b[2J\x1b]0;x\a", "a\nb\nc", "", "\xff\xfe\xc3", ") Z 1 1 1", strings.Repeat("(", 15), "\u202e{\"pid\":1}"}
	// The memory of argv, which the kernel shows as the command line.
	argv := unsafe.Slice(unsafe.StringData(os.Args[len(os.Args)-1]), len(os.Args[len(os.Args)-1]))
	rewrite := func(i int) {
		name := []byte(names[i%len(names)] + "\x00")
		_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
		for j := range argv {
			argv[j] = name[(i+j)%len(name)]
		}
	}
	if os.Getenv("PID1_TEST_ORPHAN") != "" {
		for i := range 200 {
			rewrite(i)
		}
		os.Exit(5)
	}
	held, released := untilReleased(t)
	huge := strings.Repeat("\x1b[31m\n", 20<<10) // 120 KiB
	for i := range hostileOrphans {
		rewrite(i)
		cmd := exec.Command("sh", "-c", `"$0" "$@" & exit 0`, os.Args[0], "-test.run=^TestHelperHostile$", "--", huge, names[i%len(names)])
		cmd.Env = append(os.Environ(), "PID1_TEST_ORPHAN=1")
		cmd.ExtraFiles = []*os.File{held}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		for j := range 100 {
			rewrite(j)
		}
	}
	released()
	os.Exit(9)
}

// untilReleased returns a file for processes to inherit, and what waits until all of them
// are dead.
func untilReleased(t *testing.T) (held *os.File, released func()) {
	r, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return held, func() {
		_ = held.Close()
		_, _ = r.Read(make([]byte, 1))
	}
}

// Ten thousand threads of one process: who dies beside it is reaped, and it ends as it
// would have.
func TestTenThousandThreads(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("it takes 400 MB; not with -short, and the race detector has no room for so many")
	}
	w := helped(t, asInit, "TestHelperThreads")
	w.want(6)
	events := w.all()
	if n := len(only(events, func(r *event.Reap) bool { return r.Adopted && r.Code == 3 })); n != 10 {
		t.Errorf("%d of 10 orphans were recorded", n)
	}
	for _, s := range only(events, func(s *event.Source) bool { return s.State == "off" }) {
		t.Errorf("%s was switched off: %s", s.Name, s.Reason)
	}
}

// TestHelperThreads makes ten thousand threads, then orphans.
func TestHelperThreads(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	debug.SetMaxThreads(20_000)
	var there sync.WaitGroup
	for range 10_000 {
		there.Add(1)
		go func() {
			runtime.LockOSThread()
			there.Done()
			select {}
		}()
	}
	there.Wait()
	held, released := untilReleased(t)
	for range 10 {
		cmd := exec.Command("sh", "-c", "(sleep 0.05; exit 3) & exit 0")
		cmd.ExtraFiles = []*os.File{held}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	}
	released()
	os.Exit(6)
}

// Scenario 29: with 400 PIDs in the namespace every PID is used again soon. Each reap is
// that of the process it says.
func TestPIDsAreUsedAgain(t *testing.T) {
	var u unix.Utsname
	_ = unix.Uname(&u)
	var major, minor int
	release := unix.ByteSliceToString(u.Release[:])
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || major < 6 || major == 6 && minor < 14 {
		nstest.Lacking(t, "pid_max", "before Linux 6.14 it is that of the whole machine; this is "+release)
	}
	for _, c := range []struct {
		trace string
		known int // at least so many command lines
	}{{traceSample, 100}, {traceExact, 500}} {
		t.Run(c.trace, func(t *testing.T) {
			w := follow(t, asInit, "--trace", c.trace, "sh", "-c", `echo 400 >/proc/sys/kernel/pid_max || exit 1
				i=0; while [ $i -lt 600 ]; do (sh -c "exit $((i % 250))" mark $((i % 250)) &); i=$((i+1)); done; sleep 0.5; exit 8`)
			w.want(8)
			seen, again := map[event.ID]bool{}, map[int]int{}
			marked := 0
			for _, r := range only[*event.Reap](w.all(), nil) {
				if seen[r.ID] {
					t.Errorf("%+v was reaped twice", r.ID)
				}
				seen[r.ID] = true
				again[r.PID]++
				if n := len(r.Cmdline); n == 5 && r.Cmdline[3] == "mark" {
					marked++
					if strconv.Itoa(r.Code) != r.Cmdline[4] {
						t.Errorf("%q is said to have exited with %d", r.Cmdline, r.Code)
					}
				}
			}
			most := 0
			for _, n := range again {
				most = max(most, n)
			}
			if most < 2 || marked < c.known {
				t.Errorf("a PID was used %d times at most, and %d command lines are known: this shows nothing", most, marked)
			}
		})
	}
}

// pid1 is stopped for long, as a checkpoint, a debugger or a paused container does:
// what happened meanwhile is made up for when it goes on.
func TestStoppedForLong(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, m mode) {
		if m == asDocker {
			t.Skip("e2e pauses containers")
		}
		w := follow(t, m, "sh", "-c", `trap 'echo usr1' USR1; echo ready; i=0
			while [ $i -lt 20 ]; do (sh -c 'sleep 0.1; exit 3' &); i=$((i+1)); done; sleep 0.3; echo all; while :; do sleep 0.05; done`)
		w.await("ready\n")
		w.signal(unix.SIGSTOP)
		w.signal(unix.SIGUSR1)
		w.signal(unix.SIGUSR1)
		time.Sleep(2 * time.Second) // this is what "stopped" means here
		w.signal(unix.SIGCONT)
		w.await("usr1\n")
		w.await("all\n")
		w.signal(unix.SIGTERM)
		w.want(143)
		events := w.all()
		for _, s := range only(events, func(s *event.Source) bool { return s.State == "off" }) {
			t.Errorf("%s was switched off: %s", s.Name, s.Reason)
		}
		if n := len(only(events, func(s *event.Signal) bool { return s.Signal == "SIGUSR1" })); n != 1 && n != 2 {
			t.Errorf("SIGUSR1, sent twice, is told of %d times", n) // the kernel merges what is pending
		}
		if n := len(only(events, func(r *event.Reap) bool { return r.Adopted && r.Code == 3 })); n != 20 {
			t.Errorf("%d of 20 orphans were recorded", n)
		}
	})
}

// COMMAND is stopped: its orphans are reaped meanwhile, a signal waits for it, and it
// goes on when it is told to.
func TestCommandStopped(t *testing.T) {
	t.Parallel()
	inModes(t, func(t *testing.T, m mode) {
		w := follow(t, m, "sh", "-c", `trap 'exit 5' TERM
			i=0; while [ $i -lt 10 ]; do (sh -c 'sleep 0.3; echo over; exit 3' &); i=$((i+1)); done
			kill -STOP $$; while :; do sleep 0.05; done`)
		w.await(strings.Repeat("over\n", 10))
		w.signal(unix.SIGTERM)
		time.Sleep(500 * time.Millisecond) // the last of them end
		w.signal(unix.SIGCONT)
		w.want(5)
		went := uint64(0)
		events := w.all()
		for _, s := range only(events, func(s *event.Signal) bool { return s.Signal == "SIGCONT" }) {
			went = s.Seq
		}
		if n := len(only(events, func(r *event.Reap) bool { return r.Adopted && r.Code == 3 && r.Seq < went })); n != 10 {
			t.Errorf("%d of 10 orphans were reaped while COMMAND was stopped", n)
		}
		if n := len(only(events, func(s *event.Signal) bool { return s.Signal == "SIGTERM" && s.Target == "main" && s.Seq < went })); n != 1 {
			t.Errorf("SIGTERM was passed on %d times before SIGCONT, want once", n)
		}
	})
}
