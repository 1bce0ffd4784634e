package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Terminal is a program in a real terminal: a pane of a tmux server of its own.
type Terminal struct {
	t      testing.TB
	socket string
	closed bool
}

// terminals counts those made: a tmux server's socket is not used twice.
var terminals atomic.Int64

// NewTerminal starts a program in a terminal of the given size.
func NewTerminal(t testing.TB, width, height int, args ...string) *Terminal {
	t.Helper()
	term := &Terminal{t: t, socket: fmt.Sprintf("pid1-e2e-%d-%d", os.Getpid(), terminals.Add(1))}
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	// remain-on-exit keeps the last screen and the status after the end.
	term.tmux("-f", "/dev/null", "start-server", ";",
		"set-option", "-g", "remain-on-exit", "on", ";",
		"set-option", "-g", "status", "off", ";",
		"new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height),
		"exec "+strings.Join(quoted, " "))
	t.Cleanup(func() {
		if term.closed {
			return
		}
		if t.Failed() {
			t.Logf("the last screen:\n%s", term.Screen())
		}
		term.Close()
	})
	return term
}

// Close closes the window: the program hangs up.
func (term *Terminal) Close() {
	term.t.Helper()
	term.closed = true
	term.tmux("kill-server")
}

// Send types keys, by tmux's names for those that are not letters (Enter, Down,
// C-c).
func (term *Terminal) Send(keys ...string) {
	term.t.Helper()
	term.tmux(append([]string{"send-keys"}, keys...)...)
}

// Resize changes the terminal's size.
func (term *Terminal) Resize(width, height int) {
	term.t.Helper()
	term.tmux("resize-window", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// Screen returns the text that the terminal shows.
func (term *Terminal) Screen() string {
	term.t.Helper()
	return term.tmux("capture-pane", "-p")
}

// WaitFor waits until the screen shows all of the texts at the same time, and
// returns it.
func (term *Terminal) WaitFor(texts ...string) string {
	term.t.Helper()
	var screen string
	eventually(term.t, fmt.Sprintf("a screen with %q", texts), func() (bool, string) {
		screen = term.Screen()
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false, screen
			}
		}
		return true, screen
	})
	return screen
}

// WaitExit waits until the program has ended, and returns its status.
func (term *Terminal) WaitExit() int {
	term.t.Helper()
	var status int
	eventually(term.t, "the program's end", func() (bool, string) {
		out := strings.TrimSpace(term.tmux("display-message", "-p", "#{pane_dead} #{pane_dead_status}"))
		dead, text, _ := strings.Cut(out, " ")
		if dead != "1" {
			return false, term.Screen()
		}
		if text == "" {
			// tmux (3.3a) sometimes misses a SIGCHLD and leaves the program a zombie.
			// Another child's end makes it wait for both.
			term.tmux("run-shell", "true")
			return false, "a pane that is dead, without a status"
		}
		var err error
		if status, err = strconv.Atoi(text); err != nil {
			term.t.Fatalf("cannot read the status from %q", out)
		}
		return true, ""
	})
	return status
}

func (term *Terminal) tmux(args ...string) string {
	term.t.Helper()
	// -u: the screen is UTF-8, whatever this machine's locale is.
	cmd := exec.Command("tmux", append([]string{"-u", "-L", term.socket}, args...)...)
	cmd.Env = append(os.Environ(), "TMUX=", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		term.t.Fatalf("cannot run tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}
