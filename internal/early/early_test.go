//go:build linux

package early

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// helperEnv makes the test binary do one of the helpers instead of the tests.
const helperEnv = "PID1_EARLY_HELPER"

// given is what the helper show prints.
type given struct {
	Known         bool
	Mask, Ignored uint64
	Threads       []string // SigBlk of each thread, proc_pid_status(5)
}

func TestMain(m *testing.M) {
	switch os.Getenv(helperEnv) {
	case "show":
		show()
	case "launch":
		launch()
	case "background":
		background()
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

// show is the helper that prints what it was started with.
func show() {
	var wg sync.WaitGroup
	for range 4 { // so that there are threads to look at
		wg.Add(1)
		go func() {
			runtime.LockOSThread()
			wg.Done()
			select {}
		}()
	}
	wg.Wait()
	out := given{Known: Known(), Mask: Mask(), Ignored: Ignored()}
	files, _ := filepath.Glob("/proc/self/task/*/status")
	for _, file := range files {
		status, _ := os.ReadFile(file)
		for line := range strings.Lines(string(status)) {
			if blocked, ok := strings.CutPrefix(line, "SigBlk:"); ok {
				out.Threads = append(out.Threads, strings.TrimSpace(blocked))
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		panic(err)
	}
}

// ask runs the helper show and returns what it saw.
func ask(t *testing.T, argv ...string) given {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), helperEnv+"=show")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("helper: %v", err)
	}
	var out given
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("helper said %q: %v", text, err)
	}
	return out
}

// emulator returns the command line to put before that of a test binary of
// another architecture, such as qemu-aarch64-static.
func emulator() []string { return strings.Fields(os.Getenv("PID1_TEST_EXEC")) }

// inheritable returns the signals whose state a program can inherit. qemu-user
// needs SEGV and BUS for itself and gives real-time signals other numbers.
func inheritable() uint64 {
	if len(emulator()) == 0 {
		return ^uint64(0)
	}
	return (1<<31 - 1) &^ set(syscall.SIGSEGV, syscall.SIGBUS)
}

// self returns the command line that runs this test binary.
func self(t *testing.T) []string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append(emulator(), path)
}

// shell returns a command line that runs script and then this test binary.
func shell(t *testing.T, script string) []string {
	t.Helper()
	return append([]string{"sh", "-c", script + `; exec "$@"`, "sh"}, self(t)...)
}

func needHook(t *testing.T) {
	t.Helper()
	if Known() {
		return
	}
	if hooked {
		t.Fatalf("%s no longer calls _cgo_init: see hook.go", runtime.Version())
	}
	t.Skip("no hook: built with cgo (the race detector needs it), or an architecture without assembly")
}

func set(signals ...syscall.Signal) uint64 {
	var s uint64
	for _, sig := range signals {
		s |= 1 << (sig - 1)
	}
	return s
}

// withMask runs f on a thread with the given signal mask, and restores it.
func withMask(t *testing.T, mask uint64, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	swap := func(new uint64) (old uint64) {
		const setMask = 2
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask,
			uintptr(unsafe.Pointer(&new)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
		if errno != 0 {
			t.Fatalf("cannot set the signal mask: %v", errno)
		}
		return old
	}
	old := swap(mask)
	defer swap(old)
	f()
}

func TestIgnored(t *testing.T) {
	needHook(t)
	before := ask(t, self(t)...).Ignored
	for _, test := range []struct {
		trap string
		want uint64
	}{
		{"", 0},
		{"USR1 PIPE TERM", set(syscall.SIGUSR1, syscall.SIGPIPE, syscall.SIGTERM)},
		{"HUP INT TSTP TTOU", set(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTSTP, syscall.SIGTTOU)},
		{"SEGV URG SYS 34 35 64", set(syscall.SIGSEGV, syscall.SIGURG, syscall.SIGSYS, 34, 35, 64)},
	} {
		t.Run(test.trap, func(t *testing.T) {
			script := ":"
			if test.trap != "" {
				script = "trap '' " + test.trap
			}
			got := ask(t, shell(t, script)...)
			if !got.Known {
				t.Error("Known() = false")
			}
			if want := before | test.want; got.Ignored&inheritable() != want&inheritable() {
				t.Errorf("Ignored() = %#x, want %#x", got.Ignored, want)
			}
		})
	}
}

func TestMask(t *testing.T) {
	needHook(t)
	for _, want := range []uint64{
		0,
		set(syscall.SIGUSR2),
		set(syscall.SIGTERM, syscall.SIGURG, syscall.SIGSEGV, 33, 34, 40, 64),
		^set(syscall.SIGKILL, syscall.SIGSTOP),
	} {
		t.Run(fmt.Sprintf("%#x", want), func(t *testing.T) {
			withMask(t, want, func() {
				if got := ask(t, self(t)...); got.Mask&inheritable() != want&inheritable() {
					t.Errorf("Mask() = %#x, want %#x", got.Mask, want)
				}
			})
		})
	}
}

// TestThreads looks at the masks the runtime leaves on its threads: all signals
// but those named in the package comment.
func TestThreads(t *testing.T) {
	needHook(t)
	if len(emulator()) > 0 {
		t.Skip("/proc shows the emulator's masks, not the program's")
	}
	open := set(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT,
		syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGTERM, syscall.SIGSTKFLT, syscall.SIGCHLD,
		syscall.SIGURG, syscall.SIGPROF, syscall.SIGSYS, 32, 33, 34, syscall.SIGKILL, syscall.SIGSTOP)
	want := fmt.Sprintf("%016x", ^open)
	// A thread that is being made has all signals blocked for a moment.
	starting := fmt.Sprintf("%016x", ^set(syscall.SIGKILL, syscall.SIGSTOP))
	withMask(t, 0, func() {
		got := ask(t, self(t)...).Threads
		complete := 0
		for _, blocked := range got {
			switch blocked {
			case want:
				complete++
			case starting:
			default:
				t.Fatalf("blocked on the threads: %v, want %s everywhere", got, want)
			}
		}
		if complete < 4 { // those the helper waits for
			t.Errorf("blocked on the threads: %v, want %s on 4 or more", got, want)
		}
	})
}

// TestWithoutHook checks what is left to see where there is no hook.
func TestWithoutHook(t *testing.T) {
	withMask(t, set(syscall.SIGUSR2), func() {
		if got := readMask(); got != set(syscall.SIGUSR2) {
			t.Errorf("readMask() = %#x, want %#x", got, set(syscall.SIGUSR2))
		}
	})
	got := ask(t, shell(t, "trap '' HUP")...)
	if got.Ignored&set(syscall.SIGHUP) == 0 {
		t.Errorf("Ignored() = %#x, want HUP in it", got.Ignored)
	}
}

// TestProgram does what Go programs do, in this program that the hook started.
func TestProgram(t *testing.T) {
	t.Run("goroutines and GC", func(t *testing.T) {
		var wg sync.WaitGroup
		sums := make([]int, 200)
		for i := range sums {
			wg.Go(func() {
				keep := make(map[int][]byte)
				for j := range 200 {
					keep[j] = bytes.Repeat([]byte{1}, j)
				}
				runtime.Gosched()
				for _, b := range keep {
					sums[i] += len(b)
				}
			})
		}
		runtime.GC()
		wg.Wait()
		debug.FreeOSMemory()
		for _, sum := range sums {
			if sum != 199*200/2 {
				t.Fatalf("sum = %d, want %d", sum, 199*200/2)
			}
		}
	})
	t.Run("deep stack", func(t *testing.T) {
		var deep func(n int) int
		deep = func(n int) int {
			var pad [256]byte
			if n == 0 {
				return int(pad[0])
			}
			return deep(n-1) + 1
		}
		if got := deep(100_000); got != 100_000 {
			t.Errorf("deep = %d", got)
		}
	})
	t.Run("fault", func(t *testing.T) {
		defer func() {
			err, ok := recover().(runtime.Error)
			if !ok || !strings.Contains(err.Error(), "nil pointer") {
				t.Errorf("recovered %v, want a nil pointer dereference", err)
			}
		}()
		var p *given
		p.Known = true
	})
	t.Run("timers", func(t *testing.T) {
		for range 5 {
			<-time.After(time.Microsecond)
		}
	})
	t.Run("exec", func(t *testing.T) {
		out, err := exec.Command("sh", "-c", "cat; exit 3").CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 || len(out) != 0 {
			t.Errorf("sh: %q, %v; want exit status 3", out, err)
		}
	})
	t.Run("network", echo)
}

// echo sends through a unix socket and back, which uses the netpoller.
func echo(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.Copy(conn, conn)
	}()
	conn, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := []byte("through the netpoller")
	got := make([]byte, len(want))
	if _, err := conn.Write(want); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("echo (-want +got):\n%s", diff)
	}
}
