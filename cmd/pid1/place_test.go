package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pid1/event"
	"pid1/internal/nstest"
)

// Where pid1 stands, and with whom.

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		nstest.Lacking(t, name, "it is not installed")
	}
	return path
}

// Scenario 3: a signal that may not be delivered is logged, and pid1 goes on.
func TestWithoutTheRightToKill(t *testing.T) {
	nstest.Root(t)
	p := program(t, asSubreaper, tool(t, "setpriv"), "--bounding-set", "-kill", "--inh-caps", "-kill",
		binary, "--socket", "off", "--user", "65534", "sh", "-c", `trap 'echo usr1' USR1; echo ready; sleep 0.5; exit 6`).start()
	p.await("ready")
	p.signal(syscall.SIGUSR1)
	p.want(6)
	if msg := p.err.String(); strings.Count(msg, "\n") != 1 || !strings.Contains(msg, "cannot forward a signal signal=SIGUSR1") {
		t.Errorf("the log says %q", msg)
	}
	if strings.Contains(p.out.String(), "usr1") {
		t.Error("the signal arrived after all")
	}
}

// Scenario 17: what a shell from outside leaves behind is adopted, and known to
// come from there.
func TestExecSession(t *testing.T) {
	nstest.Root(t)
	enter := tool(t, "nsenter")
	w := follow(t, asInit, "sh", "-c", "echo ready; sleep 1")
	w.await("ready")
	// The launcher became pid1: it is the process that was started.
	out, err := exec.Command(enter, "-t", strconv.Itoa(w.cmd.Process.Pid), "-p", "-m",
		"sh", "-c", "sleep 0.4 >/dev/null 2>&1 & sleep 0.1").CombinedOutput()
	if err != nil {
		t.Fatalf("nsenter: %v: %s", err, out)
	}
	w.want(0)
	events := w.all()
	left := only(events, func(r *event.Reap) bool { return r.Adopted && strings.Join(r.Cmdline, " ") == "sleep 0.4" })
	if len(left) != 1 || !left[0].ExecSession {
		t.Errorf("%d reaps of what the session left: %+v", len(left), left)
	}
	for _, r := range only(events, func(r *event.Reap) bool { return r.Main }) {
		if r.ExecSession {
			t.Error("COMMAND is taken for an exec session")
		}
	}
}

// Scenario 18: below another init pid1 works as a subreaper and says so once.
func TestBelowAnotherInit(t *testing.T) {
	p := program(t, asInit, binary, "--socket", "off", "--", binary, "-v", "--socket", "off",
		"sh", "-c", "(sleep 0.1 & :); sleep 0.2; exit 9").start()
	p.want(9)
	if msg := p.err.String(); strings.Count(msg, "\n") != 1 || !strings.Contains(msg, "not PID 1") {
		t.Errorf("the log says %q, want one line", msg)
	}
}

// Scenario 16: idle is idle. The bounds are far below a busy loop and far above
// what is used, since programs started outside wake pid1 here too: its namespace
// shares their files.
func TestIdle(t *testing.T) {
	w := follow(t, asInit, "sleep", "3")
	time.Sleep(time.Second) // the start is over
	cpu, switches := usage(t, w.cmd.Process.Pid)
	time.Sleep(1500 * time.Millisecond)
	cpu2, switches2 := usage(t, w.cmd.Process.Pid)
	if cpu2-cpu > 30 || switches2-switches > 20000 {
		t.Errorf("idle for 1.5 s it used %d ticks and woke up %d times", cpu2-cpu, switches2-switches)
	}
	t.Logf("idle for 1.5 s: %d ticks, %d voluntary switches", cpu2-cpu, switches2-switches)
	w.want(0)
}

// usage is the CPU time in ticks and the voluntary context switches of all threads.
func usage(t *testing.T, pid int) (ticks, switches int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	for _, s := range f[11:13] {
		n, _ := strconv.Atoi(s)
		ticks += n
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range files {
		b, _ := os.ReadFile(file)
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "voluntary_ctxt_switches:"); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(v))
				switches += n
			}
		}
	}
	return ticks, switches
}

// Nothing but the reaper waits for children, and nothing else starts any.
func TestOnePlaceWaits(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range strings.Fields(string(out)) {
		if filepath.Base(dir) == "reaper" {
			continue
		}
		files, _ := filepath.Glob(dir + "/*.go")
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"Wait4(", "Waitid(", "SYS_WAITID", "SYS_WAIT4", `"os/exec"`, "ForkExec(", "StartProcess("} {
				if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(b), word) {
					t.Errorf("%s: %s belongs to the reaper", file, word)
				}
			}
		}
	}
}
