package reaper

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pid1/internal/nstest"
	"pid1/internal/siginfo"
)

// roleVar makes the test binary one of the programs below instead.
const roleVar = "PID1_REAPER_TEST"

func init() {
	if os.Getenv(roleVar) == "beside" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "beside":
		if err := Beside(besideProgram, countOrphan); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	case "flood":
		for range 10_000 {
			_ = syscall.Kill(os.Getppid(), flood)
		}
		return
	case "lost":
		lostProgram()
		return
	case "init":
		Init()
		initProgram()
	}
	os.Exit(m.Run())
}

var orphans struct {
	sync.Mutex
	n, wrong int
}

func countOrphan(d Death) {
	orphans.Lock()
	defer orphans.Unlock()
	orphans.n++
	if d.Code != 5 {
		orphans.wrong++
	}
}

// besideProgram starts children by os/exec, each of which leaves an orphan, while
// the reaper takes in the orphans.
func besideProgram() {
	const each, workers = 25, 4
	var wg sync.WaitGroup
	var mu sync.Mutex
	lost := 0
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				want := (w*each + i) % 100
				err := exec.Command("sh", "-c", fmt.Sprintf("(sh -c 'exit 5' &); exit %d", want)).Run()
				var exit *exec.ExitError
				if got := 0; errors.As(err, &exit) && exit.ExitCode() != want || err == nil && got != want || err != nil && exit == nil {
					mu.Lock()
					lost++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for range 1000 {
		orphans.Lock()
		n := orphans.n
		orphans.Unlock()
		if n >= each*workers {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	orphans.Lock()
	defer orphans.Unlock()
	fmt.Printf("statuses lost: %d, orphans: %d, wrong: %d\n", lost, orphans.n, orphans.wrong)
}

// Neither steals the other's children, though both wait at the same time.
func TestBeside(t *testing.T) {
	run := func(t *testing.T, cmd *exec.Cmd) {
		cmd.Env = append(os.Environ(), roleVar+"=beside")
		out, err := cmd.CombinedOutput()
		if want := "statuses lost: 0, orphans: 100, wrong: 0\n"; err != nil || string(out) != want {
			t.Errorf("%v: %q, want %q", err, out, want)
		}
	}
	t.Run("subreaper", func(t *testing.T) { run(t, exec.Command(os.Args[0])) })
	t.Run("init", func(t *testing.T) { run(t, nstest.Command(t, os.Args[0])) })
}

// flood is a signal of which many can be queued.
const flood = syscall.Signal(40)

// lostProgram gets more signals than can be kept before it passes on the first one.
func lostProgram() {
	signals, err := siginfo.Open(siginfo.Options{})
	if err != nil || !signals.Exact() {
		fmt.Println("no queue", err)
		return
	}
	for signals.Lost() == 0 {
		sender := exec.Command(os.Args[0])
		sender.Env = append(os.Environ(), roleVar+"=flood")
		if err := sender.Run(); err != nil {
			fmt.Println(err)
			return
		}
	}
	_, err = Run(Config{
		Command: []string{"true"}, Signals: signals, Rewrite: map[syscall.Signal]syscall.Signal{flood: 0},
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), // Run lets go of standard output
	})
	if err != nil {
		fmt.Println(err)
	}
}

func TestLostSignalsAreSaid(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"=lost")
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(string(out), "no queue") {
		t.Skipf("signals cannot be queued here: %s", out)
	}
	said := strings.Count(string(out), "lost signals: they came faster than they could be passed on")
	if err != nil || said == 0 || said > 20 {
		t.Errorf("%v, said %d times:\n%.2000s", err, said, out)
	}
}

func TestBesideNeedsTheMainThread(t *testing.T) {
	// Of two locked goroutines one is on another thread for certain.
	var tries sync.WaitGroup
	both := make(chan struct{}, 2)
	for range 2 {
		tries.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			both <- struct{}{}
			for len(both) < 2 {
				runtime.Gosched()
			}
			if os.Getpid() == syscall.Gettid() {
				return
			}
			if err := Beside(func() {}, nil); !errors.Is(err, ErrNotMainThread) {
				t.Errorf("got %v", err)
			}
		})
	}
	tries.Wait()
}

// initProgram is what goes on in main after Init.
func initProgram() {
	fmt.Printf("pid 1: %v, args %q\n", os.Getpid() == 1, os.Args[1:])
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		select {}
	}
	os.Exit(6)
}

func TestInit(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"a", "b c"}, `pid 1: false, args ["a" "b c"]`},
	} {
		cmd := nstest.Command(t, os.Args[0], c.args...)
		cmd.Env = append(os.Environ(), roleVar+"=init")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 6 || strings.TrimSpace(string(out)) != c.want {
			t.Errorf("%v: %q, want status 6 and %q", err, out, c.want)
		}
	}
	t.Run("not PID 1", func(t *testing.T) {
		cmd := exec.Command(os.Args[0], "x")
		cmd.Env = append(os.Environ(), roleVar+"=init")
		if out, _ := cmd.CombinedOutput(); string(out) != "pid 1: false, args [\"x\"]\n" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		cmd := nstest.Command(t, os.Args[0], "wait")
		cmd.Env = append(os.Environ(), roleVar+"=init")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 100)); err != nil { // it runs
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		err = cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 143 {
			t.Errorf("ended with %v, want 143", err)
		}
	})
}
