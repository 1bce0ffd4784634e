package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Diagnosis is a line of "pid1top doctor --json".
type Diagnosis struct {
	Verdict string `json:"verdict"`
	Subject struct {
		PID  int    `json:"pid"`
		Comm string `json:"comm"`
	} `json:"subject"`
	Summary string   `json:"summary"`
	Advice  []string `json:"advice"`
}

// runtimesImage makes imageRuntimes once, with the programs that have to be built.
var runtimesImage = sync.OnceValue(func() error {
	goProgram, cProgram := filepath.Join(bin, "leak-go"), filepath.Join(bin, "leak-c")
	if _, err := command("env", "CGO_ENABLED=0", "go", "build", "-o", goProgram, "testdata/leaks/leak.go"); err != nil {
		return err
	}
	if _, err := command("cc", "-static", "-O1", "-o", cProgram, "testdata/leaks/leak.c"); err != nil {
		return err
	}
	return makeRuntimes(goProgram, cProgram)
})

// TestAdvice: programs in many languages leak as such programs do; the doctor names
// the parent, the verdict and what to do about it; and once that was done, nothing
// is wrong any more. This is how the advice was confirmed, see docs/doctor.md.
func TestAdvice(t *testing.T) {
	if err := runtimesImage(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, verdict string
		command       []string
		subject       string
		says          string // in the advice
	}{
		{"Python", "leaking", []string{"python3", "/app/leak.py"}, "python3", "Python (a guess by its name): subprocess: call wait()"},
		{"Node.js", "leaking", []string{"node", "/app/leak.js"}, "node", "Node.js (a guess by its name): it waits for its children from its event loop"},
		{"Perl", "leaking", []string{"perl", "/app/leak.pl"}, "perl", "Perl (a guess by its name): fork: call waitpid(-1, WNOHANG)"},
		{"Ruby", "leaking", []string{"ruby", "/app/leak.rb"}, "ruby", "Process.detach(pid)"},
		{"PHP", "leaking", []string{"php", "/app/leak.php"}, "php", "pcntl_waitpid(-1, $status, WNOHANG)"},
		{"Go", "leaking", []string{"/app/leak-go"}, "leak-go", "in Go, Wait on every exec.Cmd"},
		{"C", "leaking", []string{"/app/leak-c"}, "leak-c", "wait for every child it starts (waitpid(2))"},
		{"sh", "held", []string{"sh", "/app/leak.sh"}, "sh", "`wait` for them before that"},
		{"bash", "inherited_by_exec", []string{"bash", "/app/exec.bash"}, "sleep", "write `( helper & )` before `exec`"},
		{"Java", "inherited_by_exec", []string{"sh", "/app/java.sh"}, "java", "write `( helper & )` before `exec`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sick := Run(t, imageRuntimes, nil, append([]string{"pid1", "--"}, tt.command...)...)
			well := Run(t, imageRuntimes, nil, append(append([]string{"pid1", "--"}, tt.command...), "fixed")...)
			d := sick.diagnosed(tt.verdict)
			if d.Subject.Comm != tt.subject {
				t.Errorf("it is about %+v, want %s", d.Subject, tt.subject)
			}
			if advice := strings.Join(d.Advice, "\n"); !strings.Contains(advice, tt.says) {
				t.Errorf("the advice does not say %q:\n%s", tt.says, advice)
			}
			eventually(t, "the program to have run for a while", func() (bool, string) {
				stdout, stderr := well.Logs()
				return strings.Contains(stdout, "settled"), stdout + stderr
			})
			if d := well.diagnosed("healthy"); d.Subject.PID != 0 {
				t.Errorf("%+v", d)
			}
			if _, stderr := well.Logs(); stderr != "" {
				t.Errorf("pid1 warned of the program that was mended:\n%s", stderr)
			}
		})
	}
}

// diagnosed waits until the doctor gives one verdict and no other.
func (c *Container) diagnosed(verdict string) Diagnosis {
	c.t.Helper()
	var last []Diagnosis
	eventually(c.t, verdict, func() (bool, string) {
		out := c.MustExec("pid1top", "doctor", "--json")
		last = parseLines[Diagnosis](c.t, out)
		return len(last) == 1 && last[0].Verdict == verdict, out
	})
	return last[0]
}

// TestPressure: a program fills the container's PIDs with zombies. pid1 warned
// before, named who, and said when it is full, by which it was right within a
// factor of two.
func TestPressure(t *testing.T) {
	const limit = 120
	c := Run(t, imageDebian, []string{"--pids-limit=" + fmt.Sprint(limit)}, "pid1", "--", "python3", "-c", `
import os, time
while True:
    try:
        if os.fork() == 0:
            os._exit(0)
    except BlockingIOError:
        print('{"kind": "full"}', flush=True)
        time.sleep(1000)
    time.sleep(0.25)
`)
	feed := c.Follow()
	c.waitKind("full")
	full := time.Now()
	type pressure struct {
		Type     string    `json:"type"`
		TS       time.Time `json:"ts"`
		Percent  int       `json:"percent"`
		Limit    int       `json:"limit"`
		FullInMS float64   `json:"full_in_ms"`
		Zombies  int       `json:"zombies"`
		Holder   struct {
			PID  int    `json:"pid"`
			Comm string `json:"comm"`
		} `json:"holder"`
		Summary string `json:"summary"`
	}
	var told []pressure
	eventually(t, "pressure at 80% and 95%", func() (bool, string) {
		told = nil
		var raw []string
		for _, e := range feed.Events() {
			if e.Type == "pressure" {
				told = append(told, parseLines[pressure](t, string(e.Raw))...)
				raw = append(raw, string(e.Raw))
			}
		}
		return len(told) >= 2, strings.Join(raw, "")
	})
	if got := []int{told[0].Percent, told[1].Percent}; !slices.Equal(got, []int{80, 95}) {
		t.Errorf("told at %v%%", got)
	}
	for _, p := range told[:2] {
		left := full.Sub(p.TS)
		foreseen := time.Duration(p.FullInMS) * time.Millisecond
		t.Logf("%s; it took %v", p.Summary, left)
		if p.Limit != limit || p.Holder.Comm != "python3" || p.Zombies < limit/2 {
			t.Errorf("%+v does not name who holds the PIDs", p)
		}
		if left > 2*time.Second && (foreseen < left/2 || foreseen > 2*left) {
			t.Errorf("at %d%% full in %v was foreseen, and it took %v", p.Percent, foreseen, left)
		}
	}
	_, stderr := c.Logs()
	if n := strings.Count(stderr, "PIDs are in use"); n != 2 || strings.Count(stderr, "\n") > 3 {
		t.Errorf("%d warnings of PIDs in use, want 2:\n%s", n, stderr)
	}
	// The container is full: nothing can be started in it, and its feed answers.
	before := len(feed.Events())
	c.Kill("USR2")
	eventually(t, "an answer", func() (bool, string) { return len(feed.Events()) > before, "" })
}

// TestProbeThatLeavesProcesses: a health check leaves a process behind each time. It
// is named by its rhythm.
func TestProbeThatLeavesProcesses(t *testing.T) {
	c := Run(t, imageDebian, nil, "pid1", "--", "sleep", "1000")
	done := make(chan struct{})
	var probes sync.WaitGroup
	probes.Go(func() {
		tick := time.NewTicker(6 * time.Second)
		defer tick.Stop()
		for {
			_ = exec.Command("docker", "exec", c.Name, "sh", "-c", "sleep 3000 >/dev/null 2>&1 </dev/null & exit 0").Run()
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		probes.Wait()
	})
	d := c.diagnosed("orphans")
	if !strings.HasPrefix(d.Summary, "A health check or an exec probe from outside left <sleep 3000> running as ") ||
		!strings.Contains(d.Summary, "1 every 6s") && !strings.Contains(d.Summary, "1 every 7s") {
		t.Errorf("the summary is %q", d.Summary)
	}
	if !strings.Contains(strings.Join(d.Advice, "\n"), "leaves nothing running") {
		t.Errorf("the advice is %q", d.Advice)
	}
}
