package nstest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRunIsPID1(t *testing.T) {
	Run(t, func(t *testing.T) {
		if got := os.Getpid(); got != 1 {
			t.Errorf("os.Getpid() = %d, want 1", got)
		}
		if got := os.Getuid(); got != 0 {
			t.Errorf("os.Getuid() = %d, want to be root inside", got)
		}
		stat, err := os.ReadFile("/proc/self/stat")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(stat, []byte("1 (")) {
			t.Errorf("/proc/self/stat = %q, want that of PID 1", stat)
		}
	})
}

// The kernel gives a namespace's orphans to its first process: without that
// the package is of no use to those who test reaping.
func TestRunAdoptsOrphans(t *testing.T) {
	Run(t, func(t *testing.T) {
		// The shell ends at once, and its background job with status 7
		// after the pipe's other end is closed.
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", "(read x; exit 7) <&3 3<&- &")
		cmd.ExtraFiles = []*os.File{r}
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		r.Close()
		w.Close()
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(-1, &ws, 0, nil); err != nil {
			t.Fatalf("no orphan came: %v", err)
		}
		if ws.ExitStatus() != 7 {
			t.Errorf("the orphan's status is %d, want 7", ws.ExitStatus())
		}
	})
}

func TestRunInSubtests(t *testing.T) {
	for _, name := range []string{"plain", "with (parentheses) and spaces", "nested/name"} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(t *testing.T) {
				if os.Getpid() != 1 {
					t.Errorf("os.Getpid() = %d, want 1", os.Getpid())
				}
			})
		})
	}
}

// endings is how a test inside can end. TestRunTellsHowItEnded starts the test
// binary with it, to look at the outcome that this process could not have
// without failing itself.
const endings = "PID1_NSTEST_ENDING"

func TestEnding(t *testing.T) {
	ending := os.Getenv(endings)
	if ending == "" {
		return // only a part of TestRunTellsHowItEnded
	}
	Run(t, func(t *testing.T) {
		switch ending {
		case "skip":
			t.Skip("a reason from inside")
		case "fail":
			t.Error("a failure from inside")
		case "panic":
			panic("a panic from inside")
		case "exit":
			fmt.Println("an exit from inside")
			os.Exit(0)
		}
	})
}

func TestRunTellsHowItEnded(t *testing.T) {
	namespaces(t)
	tests := []struct {
		ending, want, text string
	}{
		{"pass", "PASS", ""},
		{"skip", "SKIP", "a reason from inside"},
		{"fail", "FAIL", "a failure from inside"},
		{"panic", "FAIL", "a panic from inside"},
		{"exit", "FAIL", "an exit from inside"},
	}
	for _, tt := range tests {
		t.Run(tt.ending, func(t *testing.T) {
			cmd := exec.Command(self(t), "-test.v", "-test.run=^TestEnding$")
			cmd.Env = append(environ(), endings+"="+tt.ending)
			out, err := cmd.CombinedOutput()
			// The last one is the outer test's own.
			i := bytes.LastIndex(out, []byte("--- "))
			if i < 0 {
				t.Fatalf("no result in %q", out)
			}
			if got, _, _ := strings.Cut(string(out[i+4:]), ":"); got != tt.want {
				t.Errorf("ended with %s, want %s\n%s", got, tt.want, out)
			}
			if failed := err != nil; failed != (tt.want == "FAIL") {
				t.Errorf("the test binary ended with %v", err)
			}
			if !bytes.Contains(out, []byte(tt.text)) {
				t.Errorf("output lacks %q:\n%s", tt.text, out)
			}
		})
	}
}

func TestCommandIsPID1(t *testing.T) {
	cmd := Command(t, "sh", "-c", `echo $$ $1 $V; read a b < /proc/self/stat; echo $a; cat <&3; exit 9`, "sh", "arg")
	cmd.Env = append(os.Environ(), "V=value")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "from descriptor 3\n")
	w.Close()
	cmd.ExtraFiles = []*os.File{r}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	err = cmd.Run()
	r.Close()
	if got := cmd.ProcessState.ExitCode(); got != 9 {
		t.Errorf("exit status %d (%v), want 9", got, err)
	}
	if want := "1 arg value\n1\nfrom descriptor 3\n"; out.String() != want {
		t.Errorf("output %q, want %q", out.String(), want)
	}
}

// A test that blocks signals, or whose binary does, does not start a program
// that is deaf.
func TestCommandHasNoSignalBlocked(t *testing.T) {
	cmd := Command(t, "grep", "SigBlk", "/proc/self/status")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGUSR1 - 1)}}, &before); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	out, err := cmd.Output()
	if want := "SigBlk:\t0000000000000000\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

// A namespace dies with its test, whatever it left running.
func TestCommandEndsWithTheTest(t *testing.T) {
	namespaces(t)
	var cmd *exec.Cmd
	t.Run("start", func(t *testing.T) {
		cmd = Command(t, "sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
	cmd.Wait()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v, want SIGKILL", cmd.ProcessState)
	}
}

// Whoever is no root gets the same within a user namespace.
func TestOrdinaryUser(t *testing.T) {
	Root(t)
	dir := publicDir(t)
	exe := filepath.Join(dir, "nstest.test")
	copyFile(t, exe, self(t))
	cmd := exec.Command(exe, "-test.v", "-test.run=^(TestRunIsPID1|TestRunAdoptsOrphans|TestCommandIsPID1)$")
	cmd.Dir, cmd.Env = dir, environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("--- SKIP")) {
		Lacking(t, "user namespaces", string(out))
	}
	if got := bytes.Count(out, []byte("\n--- PASS")); got != 3 {
		t.Errorf("%d tests passed, want 3:\n%s", got, out)
	}
}

// publicDir is a temporary folder that other users can enter: the parents of
// t.TempDir are this user's alone.
func publicDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "nstest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, to, from string) {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPattern(t *testing.T) {
	tests := map[string]string{
		"TestA":          `^TestA$`,
		"TestA/b.c/d(e)": `^TestA$/^b\.c$/^d\(e\)$`,
	}
	for name, want := range tests {
		if got := pattern(name); got != want {
			t.Errorf("pattern(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestResult(t *testing.T) {
	const out = "=== RUN   TestA\n    --- PASS: TestA/sub (0.00s)\n--- FAIL: TestAB (0.00s)\n--- SKIP: TestA (0.01s)\n"
	tests := map[string]string{"TestA": "SKIP", "TestA/sub": "PASS", "TestAB": "FAIL", "Test": "", "TestC": ""}
	for name, want := range tests {
		if got := result([]byte(out), name); got != want {
			t.Errorf("result(%q) = %q, want %q", name, got, want)
		}
	}
}

// recorder stands for a test that ends early, to see how Lacking ends it.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper()                     {}
func (r *recorder) Skipf(f string, args ...any) { r.ended = "skip: " + fmt.Sprintf(f, args...) }
func (r *recorder) Fatalf(f string, args ...any) {
	r.ended = "fail: " + fmt.Sprintf(f, args...)
	panic(r)
}

func TestLacking(t *testing.T) {
	const why = "no engine answers"
	tests := []struct{ require, want string }{
		{"", "skip: needs docker: " + why},
		{"root,namespaces", "skip: needs docker: " + why},
		{"root,docker", "fail: docker required by PID1_REQUIRE, and lacking: " + why},
		{"all", "fail: docker required by PID1_REQUIRE, and lacking: " + why},
	}
	for _, tt := range tests {
		t.Setenv(requireVar, tt.require)
		r := &recorder{TB: t}
		func() {
			defer func() { recover() }()
			Lacking(r, "docker", why)
		}()
		if r.ended != tt.want {
			t.Errorf("with %q: %q, want %q", tt.require, r.ended, tt.want)
		}
	}
}
