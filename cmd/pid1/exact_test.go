package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/nstest"
)

// The tests of this file are about exact tracing: scenario 40. Each COMMAND runs
// under a filter whose answers come from pid1; one that is missing hangs it.

// traced runs COMMAND as followed, with exact tracing, and wants it to end with
// status.
func traced(t *testing.T, status int, command ...string) []event.Event {
	t.Helper()
	w := follow(t, asInit, append([]string{"--trace", "exact"}, command...)...)
	w.want(status)
	if w.hello.Trace != traceExact {
		t.Errorf("the trace mode in force is %s: %s", w.hello.Trace, w.err.String())
	}
	events := w.all()
	for _, ev := range events {
		if s, ok := ev.(*event.Source); ok && s.State == "off" {
			t.Errorf("the source was switched off: %s", s.Reason)
		}
	}
	return events
}

// ends returns how the processes ended that ran the given command line.
func ends(events []event.Event, cmdline string) (codes []int, origins []*event.Proc) {
	for _, ev := range events {
		switch e := ev.(type) {
		case *event.Reap:
			if strings.Join(e.Cmdline, " ") == cmdline {
				codes, origins = append(codes, e.Code), append(origins, e.Origin)
			}
		case *event.Exit:
			if strings.Join(e.Cmdline, " ") == cmdline {
				codes, origins = append(codes, e.Code), append(origins, e.Origin)
			}
		}
	}
	return codes, origins
}

// What no look at /proc can catch: who waits for it, who does not, how it ended.
func TestExactSeesWhatLivesAnInstant(t *testing.T) {
	const n = 50
	events := traced(t, 3, "sh", "-c", fmt.Sprintf(
		"i=0; while [ $i -lt %d ]; do (/bin/true orphan & exit 0); /bin/false waited; i=$((i+1)); done; sleep 1; exit 3", n))
	for _, c := range []struct {
		cmdline string
		code    int
	}{{"/bin/true orphan", 0}, {"/bin/false waited", 1}} {
		codes, origins := ends(events, c.cmdline)
		if len(codes) != n {
			t.Errorf("%d ends of %s, want %d", len(codes), c.cmdline, n)
		}
		for i, code := range codes {
			if code != c.code || origins[i] == nil || origins[i].How != event.HowExact || origins[i].PID == 1 {
				t.Errorf("%s ended with %d, created by %+v", c.cmdline, code, origins[i])
			}
		}
	}
}

// Killed anywhere: before its notification is received, before it is answered, after.
func TestExactKilledMeanwhile(t *testing.T) {
	events := traced(t, 4, "sh", "-c",
		"i=0; while [ $i -lt 300 ]; do (exec sh -c 'exec true') & kill -KILL $!; i=$((i+1)); done; wait; /bin/true last; exit 4")
	if codes, _ := ends(events, "/bin/true last"); len(codes) != 1 {
		t.Errorf("%d processes after them, want 1", len(codes))
	}
}

func TestExactThousandAtOnce(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	// They wait in the open of a fifo, which one writer ends for all.
	events := traced(t, 0, "sh", "-c",
		"i=0; while [ $i -lt 1000 ]; do (exec 3<"+fifo+"; exec /bin/true at once) & i=$((i+1)); done; sleep 0.5; exec 4>"+fifo+"; wait; sleep 1")
	codes, _ := ends(events, "/bin/true at once")
	if len(codes) != 1000 {
		t.Errorf("%d of 1000 were seen to end", len(codes))
	}
}

// A thread that is not the first one executes: it takes the first one's PID.
func TestExactThreadExecs(t *testing.T) {
	events := traced(t, 0, "env", "PID1_TEST_HELPER=1", os.Args[0], "-test.run=^TestHelperThreadExecs$")
	main := only(events, func(r *event.Reap) bool { return r.Main })
	if len(main) != 1 || strings.Join(main[0].Cmdline, " ") != "/bin/true by a thread" || main[0].CmdlineHow != event.HowExact {
		t.Errorf("COMMAND's reap is %s", event.Append(nil, main[0]))
	}
	for _, s := range only[*event.Start](events, nil) {
		if s.PID != main[0].PID {
			t.Errorf("a thread was taken for a process: %s", event.Append(nil, s))
		}
	}
	for _, e := range only[*event.Exit](events, nil) {
		t.Errorf("a thread was taken for a process: %s", event.Append(nil, e))
	}
}

// TestHelperThreadExecs executes from a thread that is not the first.
func TestHelperThreadExecs(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	for range 10 {
		var wg sync.WaitGroup
		wg.Go(func() {
			runtime.LockOSThread()
			if unix.Gettid() != os.Getpid() {
				t.Error(syscall.Exec("/bin/true", []string{"/bin/true", "by", "a", "thread"}, nil))
			}
			// A goroutine that ends with its lock on ends its thread: the next has another.
		})
		wg.Wait()
	}
}

// A program with filters of its own: one more is fine, a second listener is not to
// be had, and what it starts is still seen.
func TestExactOwnFilters(t *testing.T) {
	events := traced(t, 0, "env", "PID1_TEST_HELPER=1", os.Args[0], "-test.run=^TestHelperOwnFilters$")
	codes, _ := ends(events, "/bin/sh -c exit 9")
	if len(codes) != 1 || codes[0] != 9 {
		t.Errorf("its child ended with %v, want 9", codes)
	}
}

// TestHelperOwnFilters installs a filter, fails to install one with a listener, and
// starts a program.
func TestHelperOwnFilters(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	runtime.LockOSThread()
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	prog := unix.SockFprog{Len: 1, Filter: &allow}
	install := func(flags uintptr) syscall.Errno {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
		return errno
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if errno := install(0); errno != 0 {
		t.Errorf("cannot install a filter: %v", errno)
	}
	if errno := install(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER); errno != unix.EBUSY {
		t.Errorf("a second listener: %v, want %v", errno, unix.EBUSY)
	}
	if err := exec.Command("/bin/sh", "-c", "exit 9").Run(); err == nil || err.Error() != "exit status 9" {
		t.Errorf("its child: %v", err)
	}
}

// A 32-bit program calls the kernel by other numbers.
func TestExact32Bit(t *testing.T) {
	arch := map[string]string{"amd64": "386", "arm64": "arm"}[runtime.GOARCH]
	program := filepath.Join(t.TempDir(), "static")
	build := exec.Command("go", "build", "-o", program, "./testdata/static")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build for %s: %v\n%s", arch, err, out)
	}
	if err := exec.Command(program).Run(); err != nil {
		nstest.Lacking(t, "32bit", "this machine runs no program for "+arch+": "+err.Error())
	}
	events := traced(t, 0, "sh", "-c", program+" once; exec "+program)
	if codes, _ := ends(events, program+" once"); len(codes) != 1 || codes[0] != 0 {
		t.Errorf("it ended with %v", codes)
	}
}

// A subreaper that is not told of is told as what it is.
func TestExactSubreaper(t *testing.T) {
	// The middle one is killed, so that nothing but its parent's adoption is left to
	// see: the subreaper did not create the grandchild.
	events := traced(t, 0, "env", "PID1_TEST_HELPER=1", os.Args[0], "-test.run=^TestHelperAdopts$")
	codes, origins := ends(events, "/bin/sh -c sleep 0.1; exit 0")
	if len(codes) != 1 {
		t.Fatalf("%d grandchildren ended, want 1", len(codes))
	}
	if o := origins[0]; o != nil && o.How != event.HowInferred && o.Comm != "sh" {
		t.Errorf("it was created by %+v", o)
	}
}

// TestHelperAdopts becomes a subreaper and adopts a grandchild.
func TestHelperAdopts(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("/bin/sh", "-c", "(while kill -0 $$ 2>/dev/null; do :; done; exec /bin/sh -c 'sleep 0.1; exit 0') & kill -KILL $$").Run(); err == nil {
		t.Error("the middle one was not killed")
	}
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err == unix.ECHILD {
			return
		}
	}
}

// The ways the kernel can say no, and what is said then.
func TestExactRefused(t *testing.T) {
	t.Run("not PID 1", func(t *testing.T) {
		p := pid1(t, asSubreaper, "--trace", "exact", "--", "true").start()
		p.want(0)
		if got := p.err.String(); !strings.Contains(got, "cannot trace exactly") || strings.Count(got, "\n") != 1 {
			t.Errorf("it says %q", got)
		}
	})
	t.Run("there is a listener", func(t *testing.T) {
		p := pid1(t, asInit, "--trace", "exact", "--", "unshare", "--pid", "--fork", "--mount-proc",
			binary, "--socket", "off", "--trace", "exact", "--", "sh", "-c", "exit 6").start()
		p.want(6)
		if got := p.err.String(); !strings.Contains(got, "device or resource busy") {
			t.Errorf("it says %q", got)
		}
	})
}

// auto is exact only where that changes nothing for COMMAND.
func TestExactHasNoSideEffect(t *testing.T) {
	if os.Getuid() != 0 {
		nstest.Lacking(t, "root", "only root can give capabilities away one by one")
	}
	for _, c := range []struct {
		name   string
		before []string // what runs pid1
		trace  string
		nnp    string
		warns  bool
	}{
		{"privileged", nil, "auto", "0", false},
		{"without capabilities", []string{"--bounding-set", "-all", "--inh-caps", "-all"}, "auto", "0", false},
		{"without new privileges", []string{"--no-new-privs", "--bounding-set", "-all", "--inh-caps", "-all"}, "auto", "1", false},
		{"asked for", []string{"--bounding-set", "-all", "--inh-caps", "-all"}, "exact", "1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := append(append([]string{}, c.before...), binary, "--socket", "off", "--trace", c.trace, "--", "cat", "/proc/self/status")
			p := program(t, asInit, "setpriv", command...)
			got := status(t, p)
			filters := map[bool]string{true: "1", false: "0"}[c.name != "without capabilities"]
			if got["NoNewPrivs"] != c.nnp || got["Seccomp_filters"] != filters {
				t.Errorf("COMMAND has NoNewPrivs %s, filters %s", got["NoNewPrivs"], got["Seccomp_filters"])
			}
			if warned := strings.Contains(p.err.String(), "no_new_privs"); warned != c.warns {
				t.Errorf("it says %q", p.err.String())
			}
		})
	}
}

// What --features says is what happens.
func TestFeatures(t *testing.T) {
	lines := func(before ...string) map[string]string {
		p := program(t, asInit, "setpriv", append(before, binary, "--features")...).start()
		p.want(0)
		got := map[string]string{}
		for line := range strings.Lines(p.out.String()) {
			name, rest, _ := strings.Cut(line, "  ")
			got[name] = strings.TrimSpace(rest)
		}
		return got
	}
	got := lines("--no-new-privs")
	for name, want := range map[string]string{
		"orphans": "PID 1", "proc": "yes", "doorbell": "yes", "cursor": "yes", "ends": "yes", "exact": "without side effect",
	} {
		if !strings.Contains(got[name], want) {
			t.Errorf("of %s it says %q, want %q", name, got[name], want)
		}
	}
	if os.Getuid() == 0 {
		got = lines("--bounding-set", "-all", "--inh-caps", "-all")
		if !strings.Contains(got["exact"], "it sets no_new_privs") {
			t.Errorf("without capabilities it says of exact %q", got["exact"])
		}
	}
}
