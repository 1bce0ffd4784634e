package e2e

import (
	"strings"
	"testing"
)

// The harness itself, with programs whose behaviour is known.

func TestHarnessContainer(t *testing.T) {
	c := Run(t, imageDebian, []string{"--init"}, "sh", "-c", "echo out; echo err >&2; trap 'exit 9' TERM; while :; do sleep 0.1; done")
	eventually(t, "both lines", func() (bool, string) {
		stdout, stderr := c.Logs()
		return stdout == "out\n" && stderr == "err\n", stdout + stderr
	})
	if !c.Running() {
		t.Error("not running")
	}
	if r := c.Exec("sh", "-c", "echo hello; exit 3"); r.Status != 3 || r.Stdout != "hello\n" {
		t.Errorf("exec: %+v", r)
	}
	if r := c.Stop(); r.Status != 9 || r.Stdout != "out\n" || r.Stderr != "err\n" {
		t.Errorf("stop: %+v", r)
	}
	if c.Running() {
		t.Error("still running")
	}
}

func TestHarnessTerminal(t *testing.T) {
	term := NewTerminal(t, 70, 12, "sh", "-c", `stty size; trap 'stty size' WINCH; while read x; do echo "got: $x ▁█"; [ "$x" = q ] && exit 4; done; exit 5`)
	term.WaitFor("12 70")
	term.Send("it's", "Enter")
	term.WaitFor("got: it's ▁█")
	term.Send("q", "Enter")
	if status := term.WaitExit(); status != 4 {
		t.Errorf("status %d, want 4", status)
	}
	if !strings.Contains(term.Screen(), "got: q") {
		t.Error("the last screen is gone")
	}
}

func TestHarnessTerminalResize(t *testing.T) {
	term := NewTerminal(t, 70, 12, "sh", "-c", `while :; do stty size; sleep 0.1; done`)
	term.WaitFor("12 70")
	term.Resize(100, 30)
	term.WaitFor("30 100")
}
