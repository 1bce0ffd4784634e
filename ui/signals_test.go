package ui

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run carries out what a key asked for, as the program would.
func run(m *model, key string) {
	if _, cmd := m.Update(keyMsg(key)); cmd != nil {
		m.Update(cmd())
	}
}

func TestSignal(t *testing.T) {
	p := &post{}
	m, _ := screen(100, 30, Options{Signals: p}, scenes["leak"])
	press(m, ":", "8", "1", "2", "enter", "K")
	mustSee(t, m, "Signal to 812 gunicorn: master [app:wsgi]", "> SIGTERM", "SIGKILL")
	// Nothing goes out before it is confirmed, and only y confirms.
	for _, no := range []string{"n", "enter", "esc", "space", "Y", "K", "q"} {
		press(m, "enter")
		mustSee(t, m, "Send SIGTERM to 812 gunicorn: master [app:wsgi]?")
		run(m, no)
		mustSee(t, m, "nothing was sent")
		press(m, "K")
	}
	press(m, "enter")
	run(m, "y")
	mustSee(t, m, "SIGTERM was sent to 812 gunicorn")
	press(m, "f9", "G", "enter")
	run(m, "y")
	if d := cmp.Diff([]string{"SIGTERM 812 8120", "SIGKILL 812 8120"}, p.sent); d != "" {
		t.Errorf("sent: -want +got\n%s", d)
	}

	p.fail = errors.New("cannot send SIGTERM to 812: that process is gone, and another one has its PID now")
	press(m, "K", "enter")
	run(m, "y")
	mustSee(t, m, p.fail.Error())
	p.able = errors.New("these processes are in another PID namespace")
	press(m, "K")
	mustSee(t, m, "another PID namespace")
}

// TestSignalOnAZombie: the dead get no signals, their parent may.
func TestSignalOnAZombie(t *testing.T) {
	p := &post{}
	m, _ := screen(100, 30, Options{Signals: p}, scenes["leak"])
	press(m, ":", "9", "1", "2", "0", "enter", "K")
	mustSee(t, m, "9120 is dead; its parent can clear it. Signal to 812 gunicorn", "> SIGCHLD")
	press(m, "enter")
	run(m, "y")
	if d := cmp.Diff([]string{"SIGCHLD 812 8120"}, p.sent); d != "" {
		t.Errorf("sent: -want +got\n%s", d)
	}
}

func TestSignalToPid1IsPointedOut(t *testing.T) {
	m, _ := screen(100, 30, Options{Signals: &post{}}, scenes["leak"])
	press(m, "g", "K", "enter")
	mustSee(t, m, "Send SIGTERM to 1 pid1 -- /app/start.sh? That is pid1")
}

func TestReadonlyOffersNoSignals(t *testing.T) {
	p := &post{}
	m, _ := screen(100, 60, Options{Signals: p, Readonly: true}, scenes["leak"])
	press(m, "K", "enter", "y")
	mustNotSee(t, m, "Signal to", "K signal")
	press(m, "?")
	mustNotSee(t, m, "send a signal")
	if len(p.sent) > 0 {
		t.Errorf("sent %v", p.sent)
	}
}

// TestTheAnswerIsNeverCutOff: however long a command line is.
func TestTheAnswerIsNeverCutOff(t *testing.T) {
	for _, w := range []int{40, 60, 100} {
		m, f := screen(w, 12, Options{Signals: &post{}}, scenes["healthy"])
		f.start(5000, 7, "x", "x", strings.Repeat("\x1b[2Jlong ", 100))
		bring(m, f)
		press(m, ":", "5", "0", "0", "0", "enter", "K", "enter")
		lines := strings.Split(plainScreen(m), "\n")
		foot := lines[len(lines)-1]
		if !strings.Contains(foot, "5000") || !strings.Contains(foot, "y") || !strings.Contains(foot, "Send SIGTERM") {
			t.Errorf("%d wide: %q", w, foot)
		}
		check(t, "a question", m, Options{})
	}
}
