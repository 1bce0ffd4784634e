package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/nstest"
	"pid1/internal/siginfo"
)

// The tests of this package run the real binary: as PID 1 of a namespace, as a
// subreaper and, where PID1_DOCKER_IMAGE names an image with a shell and Python, as
// PID 1 of a container. Each names what it guards against.

var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv("PID1_TEST_HELPER") != "" {
			return m.Run() // a helper runs nothing that needs the binary
		}
		dir, err := os.MkdirTemp("", "pid1-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "pid1")
		build := exec.Command("go", "build", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "cannot build pid1: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// mode is what pid1 is in a test.
type mode string

const (
	asInit      mode = "init"
	asSubreaper mode = "subreaper"
	asDocker    mode = "docker"
)

var image = os.Getenv("PID1_DOCKER_IMAGE")

func inModes(t *testing.T, fn func(t *testing.T, m mode)) {
	modes := []mode{asInit, asSubreaper}
	if image != "" {
		modes = []mode{asDocker}
	}
	for _, m := range modes {
		t.Run(string(m), func(t *testing.T) { fn(t, m) })
	}
}

// isInit reports whether pid1 is PID 1 and the test outside its namespace.
func (m mode) isInit() bool { return m != asSubreaper }

// trace is how processes are observed where nothing is asked for: as the init of a
// namespace of its own pid1 has CAP_SYS_ADMIN, in a container it has not.
func (m mode) trace() string {
	if m == asInit {
		return traceExact
	}
	return traceSample
}

// proc is a pid1 under test.
type proc struct {
	t         *testing.T
	cmd       *exec.Cmd
	container string // its name, where there is one
	patience  time.Duration
	out       lockedBuffer
	err       lockedBuffer
}

var containers atomic.Int64

// pid1 prepares pid1 with args; without --socket in args the feed is off.
func pid1(t *testing.T, m mode, args ...string) *proc {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "--socket") {
		args = append([]string{"--socket", "off"}, args...)
	}
	return program(t, m, binary, args...)
}

// shell prepares a shell that ends in "exec $PID1 …", to give pid1 an
// environment that only a shell can make.
func shell(t *testing.T, m mode, script string) *proc {
	p := program(t, m, "/bin/sh", "-c", script)
	p.cmd.Env = append(os.Environ(), "PID1="+binary+" --socket off")
	return p
}

func program(t *testing.T, m mode, name string, args ...string) *proc {
	t.Helper()
	p := &proc{t: t, patience: 30 * time.Second}
	switch m {
	case asInit:
		p.cmd = nstest.Command(t, name, args...)
	case asDocker:
		p.container = fmt.Sprintf("pid1-test-%d-%d", os.Getpid(), containers.Add(1))
		t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", p.container).Run() })
		// The tests' own files are below the folder for temporary ones.
		p.cmd = exec.Command("docker", append([]string{"run", "--rm", "-i", "--name", p.container,
			"--label", "pid1-test", "--network", "none", "--env", "PID1", "--env", "PID1_TEST_HELPER",
			"-v", os.TempDir() + ":" + os.TempDir(), image, name}, args...)...)
	default:
		p.cmd = exec.Command(name, args...)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	// A process left behind holds the pipes open: do not wait for it for ever.
	p.cmd.WaitDelay = 5 * time.Second
	return p
}

func (p *proc) start() *proc {
	p.t.Helper()
	if err := startUnblocked(p.cmd); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.t.Cleanup(func() { close(done) })
	go func() { // a hanging pid1 fails its test, not the whole run
		select {
		case <-done:
		case <-time.After(p.patience):
			if p.container != "" {
				_ = exec.Command("docker", "kill", p.container).Run()
			}
			_ = p.cmd.Process.Kill()
		}
	}()
	return p
}

// startUnblocked starts cmd with no signal blocked. This test binary contains
// internal/early, so without cgo its threads have most signals blocked, which a
// child inherits from the thread that forks it.
func startUnblocked(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, &old); err != nil {
		return err
	}
	err := cmd.Start()
	return errors.Join(err, unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil))
}

// await waits until COMMAND has printed text.
func (p *proc) await(text string) {
	p.t.Helper()
	for range 3000 {
		if strings.Contains(p.out.String(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	p.t.Fatalf("no %q in the output:\n%s\nstderr:\n%s", text, p.out.String(), p.err.String())
}

func (p *proc) signal(sig syscall.Signal) {
	p.t.Helper()
	if p.container != "" {
		args := []string{"kill", "--signal", strconv.Itoa(int(sig)), p.container}
		if sig == 32 || sig == 33 { // Docker knows the C library's own not
			args = []string{"exec", p.container, "sh", "-c", fmt.Sprintf("kill -%d 1", sig)}
		}
		if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
			p.t.Fatalf("docker %q: %v: %s", args, err, out)
		}
		return
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// status waits for the end and gives the status as a shell would.
func (p *proc) status() int {
	p.t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		p.t.Fatal(err)
	}
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

func (p *proc) want(status int) {
	p.t.Helper()
	if got := p.status(); got != status {
		p.t.Errorf("exit status %d, want %d\nstdout: %s\nstderr: %s", got, status, p.out.String(), p.err.String())
	}
}

// Scenario 1: COMMAND and an orphan die in the same instant and the kernel
// raises one SIGCHLD for both.
func TestCoalescedDeaths(t *testing.T) {
	rounds := 100
	if n, err := strconv.Atoi(os.Getenv("PID1_ROUNDS")); err == nil {
		rounds = n
	}
	inModes(t, func(t *testing.T, m mode) {
		if m == asDocker {
			rounds = min(rounds, 20)
		}
		// Most of a round is waiting: several at a time.
		const shares = 4
		for share := range shares {
			t.Run(fmt.Sprint("share ", share+1), func(t *testing.T) {
				t.Parallel()
				for range rounds / shares {
					// Two orphans end at about the moment COMMAND does.
					p := pid1(t, m, "sh", "-c", "(: & : &); exit 7").start()
					if got := p.status(); got != 7 {
						t.Fatalf("exit status %d, want 7: %s", got, p.err.String())
					}
				}
			})
		}
	})
}

// Scenario 2.
func TestEveryExitStatus(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for n := range 256 {
			if m.isInit() && n%16 != 15 {
				continue // the same code; every sixteenth does, 127 included
			}
			pid1(t, m, "sh", "-c", fmt.Sprint("exit ", n)).start().want(n)
		}
	})
}

func TestDeathByEverySignal(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			if m == asDocker && sig%8 != 1 {
				continue // a container takes half a second
			}
			switch sig {
			case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH, // ignored by default
				syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU: // stop by default
				continue
			case 32, 33: // kept by the C library, sh cannot send them to itself
				continue
			}
			pid1(t, m, "sh", "-c", fmt.Sprintf("ulimit -c 0; kill -%d $$", sig)).start().want(128 + int(sig))
		}
	})
}

// Scenario 4: a standard stream is closed at the start.
func TestClosedStreams(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for _, c := range []string{"<&-", ">&-", "2>&-", "<&- >&- 2>&-"} {
			shell(t, m, "exec $PID1 -- sh -c 'exit 9' "+c).start().want(9)
		}
	})
}

// Scenario 5.
func TestWhatCannotRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	script := write("script", "exit 4\n", 0o755)
	lost := write("lost", "#!/nonexistent/interpreter\n", 0o755)
	write("plain", "exit 4\n", 0o644)
	inModes(t, func(t *testing.T, m mode) {
		for _, c := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{"--", "no-such-program"}, 127, "cannot run no-such-program: no such file or directory"},
			{[]string{"/no/such/program"}, 127, "cannot run /no/such/program"},
			{[]string{dir + "/plain"}, 126, "permission denied"},
			{[]string{dir}, 126, "permission denied"},
			{[]string{dir + "/plain/x"}, 127, "not a directory"},
			{[]string{lost}, 127, "interpreter"},
			{[]string{""}, 127, "cannot run"},
			{[]string{script}, 4, ""},
			{[]string{"--workdir", dir, "./script"}, 4, ""},
			{[]string{"-w", dir + "/none", "true"}, 125, "cannot enter the directory " + dir + "/none"},
			{[]string{"-e", "PATH=" + dir, "script"}, 4, ""},
		} {
			p := pid1(t, m, c.args...).start()
			p.want(c.status)
			if msg := p.err.String(); !strings.Contains(msg, c.says) || c.says != "" && strings.Count(msg, "\n") != 1 {
				t.Errorf("%q: stderr %q, want one line with %q", c.args, msg, c.says)
			}
		}
	})
}

// Scenario 6: options of COMMAND stay COMMAND's.
func TestOptionsOfCommand(t *testing.T) {
	p := pid1(t, asSubreaper, "sh", "-c", `echo "$@"`, "sh", "-v", "--env", "A=1", "--", "-x").start()
	p.want(0)
	if got := p.out.String(); got != "-v --env A=1 -- -x\n" {
		t.Errorf("COMMAND got %q", got)
	}
}

// Scenarios 7 and 8: what outlives COMMAND gets the grace to end, no longer than
// it needs, and is killed after it.
func TestGrace(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		t.Run("flushes", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "flushed")
			// stdout is given up, so that waiting for its end does not hide pid1's.
			p := pid1(t, m, "--grace", "20s", "sh", "-c",
				`sh -c 'trap "sleep 0.3; echo done >$0; exit" TERM; echo ready; exec >&-; while :; do sleep 0.01; done' `+file+` & wait`).start()
			p.await("ready")
			p.signal(syscall.SIGTERM)
			p.want(143)
			if _, err := os.Stat(file); err != nil {
				t.Error("the child was not given the time to flush")
			}
		})
		t.Run("killed", func(t *testing.T) {
			p := pid1(t, m, "--grace", "100ms", "sh", "-c",
				`sh -c 'trap "" TERM; echo ready; while :; do sleep 0.01; done' & while :; do sleep 0.01; done`).start()
			p.await("ready")
			p.signal(syscall.SIGTERM)
			p.want(143)
			if !strings.Contains(p.err.String(), "ignored SIGTERM: killed") {
				t.Errorf("the log does not say who was killed: %q", p.err.String())
			}
		})
	})
}

// Scenario 9: every signal that can be caught reaches COMMAND, once, and none
// that was not sent.
func TestEverySignalIsForwarded(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		p := pid1(t, m, "-v", os.Args[0], "-test.run=^TestHelperCountSignals$")
		p.cmd.Env = append(os.Environ(), "PID1_TEST_HELPER=1")
		p.start()
		p.await("ready\n")
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			if !countable(sig) {
				continue
			}
			p.signal(sig)
			p.await(fmt.Sprintf("got %d\n", sig))
		}
		p.signal(syscall.SIGQUIT) // the second one ends it
		p.want(0)
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			want := 0
			if countable(sig) {
				want = 1
			}
			if got := strings.Count(p.out.String(), fmt.Sprintf("got %d\n", sig)); got != want {
				t.Errorf("%s arrived %d times, want %d", siginfo.Name(sig), got, want)
			}
		}
	})
}

// countable reports the signals TestHelperCountSignals can count: not those that
// cannot be caught, nor SIGCHLD, which is pid1's own.
func countable(sig syscall.Signal) bool {
	return sig != syscall.SIGKILL && sig != syscall.SIGSTOP && sig != syscall.SIGCHLD
}

// TestHelperCountSignals is COMMAND of TestEverySignalIsForwarded.
func TestHelperCountSignals(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	r, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("ready\n")
	quits := 0
	for info := range r.Signals() {
		if info.Signal == syscall.SIGQUIT {
			if quits++; quits == 2 {
				os.Exit(0)
			}
		}
		fmt.Fprintf(os.Stdout, "got %d\n", info.Signal)
	}
}

// lockedBuffer is a buffer that may be read while a process writes to it.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}
