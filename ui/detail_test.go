package ui

import (
	"context"
	"errors"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

// teller is a Source that answers about every process.
type teller struct {
	sourceFunc
	asked []event.ID
	err   error
}

func (p *teller) Inspect(_ context.Context, of event.ID) (*event.Inspect, error) {
	p.asked = append(p.asked, of)
	if p.err != nil {
		return nil, p.err
	}
	e := event.New(event.TypeInspect).(*event.Inspect)
	e.ID, e.Cwd, e.Root, e.SigChld = of, "/srv\x1b[2J", "/", "handled"
	e.SigBlocked, e.SigCaught = []string{"SIGUSR1"}, []string{"SIGCHLD", "SIGTERM"}
	e.Files, e.NFiles = []event.File{{FD: 0, Target: "/dev/null"}, {FD: 3, Target: "socket:[42]"}}, 70
	e.Limits = []event.Limit{{Name: "open files", Soft: "1024", Hard: "unlimited"}}
	e.Memory = &event.Memory{SizeKB: 4096, RSSKB: 2048, PeakKB: 3072, SwapKB: event.Unknown}
	e.Denied = []event.Denied{{File: "io", Error: "permission denied"}}
	return e, nil
}

// settle carries out what Update asked for, once.
func settle(m *model, cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			settle(m, c)
		}
	case nil:
	default:
		m.Update(msg)
	}
}

func TestDetailOfTheLiving(t *testing.T) {
	m, _ := screen(100, 60, Options{}, scenes["leak"])
	press(m, ":", "8", "1", "2", "enter", "enter")
	mustSee(t, m, "812  gunicorn: master [app:wsgi]", "leaking since 12:00:03 (2m24s ago): 812 gunicorn is alive",
		"Below        1 pid1 → 7 start.sh → 812", "State        S sleeping", "SIGCHLD      default", "app (uid 1000, gid 1000)",
		"Children: 3 alive, 42 zombies", "9120 Z  dead 2m24s convert -resize 200 a.png")
	press(m, "J")
	mustSee(t, m, "Detail of 7", "Children: 26 alive, 0 zombies")
	press(m, "q")
	mustSee(t, m, "[2 Tree]", "KIDS")
}

func TestDetailOfADyingProcess(t *testing.T) {
	m, f := screen(100, 40, Options{}, scenes["leak"])
	f.start(20000, 31, "job", "/opt/job", "--all")
	bring(m, f)
	press(m, ":", "2", "0", "0", "0", "0", "enter", "enter")
	mustSee(t, m, "Command      /opt/job --all", "Below        1 pid1 → 7 start.sh → 31 cron → 20000", "K signal")
	f.now = f.now.Add(time.Second)
	f.reap(20000, event.Unknown, "SIGKILL", 1100*time.Millisecond, &event.Proc{ID: id(31), Comm: "cron", How: event.HowSeen}, "job", "/opt/job", "--all").OOM = "probable"
	bring(m, f)
	mustSee(t, m, "20000 dead ", "SIGKILL, probably killed for want of memory", "Lived        1.10s", "31 cron (seen)",
		"Below        1 pid1 → 7 start.sh → 31 cron → 20000", "reaped by pid1, which had adopted it")
	mustNotSee(t, m, "K signal", "F follow")
	press(m, "K")
	if m.menu != nil {
		t.Error("a dead process can be sent a signal")
	}
	// Long after its ghost went, the end is still there.
	f.now = f.now.Add(time.Minute)
	m.Update(tickMsg{f.now})
	mustSee(t, m, "20000 dead ", "1m00s ago", "Command      /opt/job --all")
	press(m, "esc", "4", "enter")
	mustSee(t, m, "Detail of 20000", "SIGKILL")
}

func TestDetailOfAZombie(t *testing.T) {
	m, _ := screen(100, 40, Options{}, scenes["leak"])
	press(m, ":", "9", "1", "2", "0", "enter", "enter")
	mustSee(t, m, "9120 zombie ", "exit 0, dead for 2m24s: nobody has waited for it", "the one that should wait: 812 gunicorn: master [app:wsgi] (J)")
	press(m, "J")
	mustSee(t, m, "Detail of 812")
}

func TestDetailInspects(t *testing.T) {
	m, f := screen(100, 100, Options{}, scenes["leak"])
	src := &teller{}
	m.source = src
	press(m, ":", "8", "1", "2", "enter")
	if len(src.asked) > 0 {
		t.Fatal("asked before the Detail is open")
	}
	_, cmd := m.Update(keyMsg("enter"))
	if len(src.asked) > 0 {
		t.Fatal("asked in Update")
	}
	settle(m, cmd)
	if len(src.asked) != 1 || src.asked[0] != id(812) {
		t.Fatalf("asked %v", src.asked)
	}
	mustSee(t, m, `Directory    /srv\e[2J`, "Blocked      USR1", "Caught       CHLD TERM", "Open files: 70", "3  socket:[42]", "and 68 more",
		"open files", "2M resident, 3M at most", "io: permission denied")
	_, cmd = m.Update(tickMsg{f.now.Add(time.Second)})
	settle(m, cmd)
	if len(src.asked) != 1 {
		t.Errorf("asked %d times within a second", len(src.asked))
	}
	src.err = errors.New("cannot inspect 812: no answer")
	_, cmd = m.Update(tickMsg{f.now.Add(3 * time.Second)})
	settle(m, cmd)
	mustSee(t, m, "Looked at 3.0s ago", "3  socket:[42]")
	// What comes for a process that is not shown any more is dropped.
	press(m, "J")
	m.Update(inspectMsg{of: id(812), got: &event.Inspect{Cwd: "/late"}})
	mustNotSee(t, m, "/late", "socket:[42]")
}

func TestNoDetailOfAStranger(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["healthy"])
	z := f.row(4000, 0, 0, "Z", time.Hour, "lost")
	z.ZombieMS = 60000
	f.rowsEnd(1)
	bring(m, f)
	press(m, "3", "g", "enter")
	if m.view == detailView {
		t.Errorf("a Detail of PID %d", m.detail.of.id.PID)
	}
}

func TestSignalNames(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"SIGHUP", "SIGCHLD", "33", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMAX"}, "HUP CHLD 33 RTMIN+1..RTMAX (4)"},
		{[]string{"SIGRTMIN+1", "SIGRTMIN+9"}, "RTMIN+1 RTMIN+9"},
	} {
		if got := signalNames(c.names); got != c.want {
			t.Errorf("%q: %q, want %q", c.names, got, c.want)
		}
	}
}

func TestCgroups(t *testing.T) {
	got := cgroups([]string{"9:name=systemd:/docker/ae", "8:pids:/docker/ae", "4:memory:/x", "0::/docker/ae", "odd"})
	want := []string{"/docker/ae systemd pids v2", "/x memory", "odd"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
