package ui

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pid1/event"
)

// lineOf is the line of the screen the selection is on, -1 when nowhere.
func lineOf(m *model) int {
	for i, l := range strings.Split(plainScreen(m), "\n") {
		if strings.HasPrefix(l, ">") {
			return i
		}
	}
	return -1
}

// TestNothingJumps lets a whole container live under the screen: the selected
// process stays selected and on its line, through births, deaths, ghosts, folds
// and a verdict that comes and goes.
func TestNothingJumps(t *testing.T) {
	for name, keys := range map[string][]string{
		"as it is": nil, "sorted by age": {">", ">", ">"}, "sorted by children": {">", ">", ">", ">"},
		"flat": {"t"}, "flat, by state": {"t", ">", ">"}, "filtered": {"/", "g", "u", "|", "s", "h", "enter"},
	} {
		t.Run(name, func(t *testing.T) { nothingJumps(t, keys) })
	}
}

func nothingJumps(t *testing.T, keys []string) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 2))
		m, f := screen(100, 30, Options{}, func(f *feed) {
			f.healthy()
			f.workers(12)
		})
		press(m, keys...)
		press(m, "g", "j", "j", "j", "j")
		if seed%2 == 1 {
			press(m, "ctrl+d")
		}
		was, _ := m.selectedID()
		line := lineOf(m)
		var living, dead []int
		next := 5000
		for step := range 120 {
			f.now = f.now.Add(time.Duration(rng.IntN(1200)) * time.Millisecond)
			for range rng.IntN(4) {
				next++
				f.start(next, []int{1, 7, 31, 812, 771}[rng.IntN(5)], "sh", "sh", "-c", itoa(next))
				living = append(living, next)
			}
			for range rng.IntN(3) {
				if n := len(living); n > 0 {
					i := rng.IntN(n)
					f.reap(living[i], rng.IntN(2), "", time.Second, nil, "sh")
					living = append(living[:i], living[i+1:]...)
				}
			}
			if rng.IntN(5) == 0 {
				next++
				f.start(next, 812, "convert", "convert")
				f.zombie(next, 812, "gunicorn", "convert", "convert")
				dead = append(dead, next)
			}
			if rng.IntN(25) == 0 {
				for _, pid := range dead {
					g := event.New(event.TypeZombieGone).(*event.ZombieGone)
					g.ID = id(pid)
					f.add(g)
				}
				dead = nil
			}
			bring(m, f)
			if is, ok := m.selectedID(); !ok || is != was {
				t.Fatalf("seed %d step %d: selected %v, then %v", seed, step, was, is)
			}
			if at := lineOf(m); at != line && within(m, line) {
				t.Fatalf("seed %d step %d: on line %d, then on %d\n%s", seed, step, line, at, plainScreen(m))
			} else {
				line = at
			}
		}
	}
}

// within reports whether the selection could be on a line of the screen without
// half of it being empty.
func within(m *model, line int) bool {
	l := &m.tree.list
	y := line - m.frame.top() - 1
	off := l.sel - y
	return y >= 0 && y < l.height && off >= -l.height/2 && off <= max(0, len(l.keys)-l.height)+l.height/2
}

// The just dead are shown one by one while they are few; many of them make a line
// after the living, which opens. One that is looked at stays.
func TestTheJustDeadAreOneLine(t *testing.T) {
	m, f := screen(100, 40, Options{}, scenes["healthy"])
	die := func(pid int) {
		f.start(pid, 831, "job", "job", itoa(pid))
		f.reap(pid, 0, "", time.Second, nil, "job", "job", itoa(pid))
	}
	for pid := 5000; pid < 5000+foldGone; pid++ {
		die(pid)
	}
	bring(m, f)
	mustSee(t, m, "<job 5000>", "<job 5002>")
	m.reveal(id(5001))
	die(5003)
	die(5005)
	f.start(5004, 831, "job", "job", "alive")
	bring(m, f)
	mustSee(t, m, "<job 5001>", "job alive", "▸ 4 gone lately, last <job 5005>")
	mustNotSee(t, m, "<job 5000>", "<job 5002>")
	if text := plainScreen(m); strings.Index(text, "gone lately") < strings.Index(text, "job alive") {
		t.Errorf("the dead come before the living\n%s", text)
	}
	press(m, "j", "j", "l")
	mustSee(t, m, "<job 5000>", "<job 5002>")
	f.now = f.now.Add(4 * time.Second)
	m.Update(tickMsg{f.now})
	mustNotSee(t, m, "gone lately", "<job")
}

func TestManySiblingsAreOneLine(t *testing.T) {
	m, f := screen(100, 60, Options{}, func(f *feed) {
		f.healthy()
		f.workers(foldSiblings - 1)
	})
	mustSee(t, m, "sleep 1000")
	f.start(2500, 7, "sleep", "sleep", "infinity")
	bring(m, f)
	mustSee(t, m, "▸ 20 x sleep")
	mustNotSee(t, m, "sleep 1000", "infinity")

	// A few that go do not unfold it; many do.
	gone := func(from, to int) {
		for pid := from; pid < to; pid++ {
			f.reap(pid, 0, "", time.Second, nil, "sleep")
		}
		f.now = f.now.Add(4 * time.Second)
		f.stats(1, 0, 0)
		bring(m, f)
	}
	gone(2000, 2008)
	mustSee(t, m, "▸ 12 x sleep")
	gone(2008, 2011)
	mustNotSee(t, m, "x sleep")
	mustSee(t, m, "sleep infinity")
}

func TestFoldsSurviveRefresh(t *testing.T) {
	m, f := screen(100, 60, Options{}, scenes["leak"])
	choose := func(pid int) {
		if !m.tree.list.choose(treeKey{id: id(pid)}) {
			t.Fatalf("%d is not in the tree", pid)
		}
		m.arrange()
	}
	choose(812)
	press(m, "h")
	mustSee(t, m, "▸ gunicorn: master")
	mustNotSee(t, m, "gunicorn: worker")
	for i := range 10 {
		f.now = f.now.Add(time.Second)
		f.start(7000+i, 812, "sh", "sh", "-c", "x")
		f.stats(18300, 1, 42)
		bring(m, f)
	}
	mustSee(t, m, "▸ gunicorn: master")
	mustNotSee(t, m, "gunicorn: worker")
	press(m, "l")
	mustSee(t, m, "▾ gunicorn: master", "gunicorn: worker", "41 more zombies")
	m.tree.list.choose(treeKey{id: id(812), fold: zombiesFolded})
	press(m, "space")
	mustSee(t, m, "▾ 41 more zombies", "9130 Z")
	f.leak(3)
	bring(m, f)
	mustSee(t, m, "▾ 41 more zombies", "9130 Z")
	press(m, "h")
	mustNotSee(t, m, "9130 Z")
	press(m, "h")
	if at, _ := m.selectedID(); at.PID != 812 {
		t.Errorf("h on a folded line goes to %d, want its parent 812", at.PID)
	}
}

// TestTheSelectedMayVanishIntoAFold keeps the selection near a process that loses
// its row.
func TestTheSelectedMayVanishIntoAFold(t *testing.T) {
	m, f := screen(100, 60, Options{}, func(f *feed) {
		f.healthy()
		f.workers(foldSiblings - 1)
	})
	m.tree.list.choose(treeKey{id: id(2003)})
	f.start(2500, 7, "sleep", "sleep", "infinity")
	bring(m, f)
	if k, _ := m.tree.list.selected(); k != (treeKey{id: id(7), fold: siblingsFolded, comm: "sleep"}) {
		t.Errorf("selected %v, want the fold", k)
	}
	press(m, "space")
	mustSee(t, m, "▾ 20 x sleep", "sleep infinity")
	m.tree.list.choose(treeKey{id: id(2003)})
	press(m, "j")
	m.tree.list.choose(treeKey{id: id(7)})
	press(m, "h")
	if at, _ := m.selectedID(); at.PID != 7 {
		t.Errorf("selected %d", at.PID)
	}
}

func TestZombiesOnly(t *testing.T) {
	m, _ := screen(100, 60, Options{}, scenes["leak"])
	press(m, "z")
	mustSee(t, m, "pid1 --", "gunicorn: master", "9120 Z", "41 more zombies", "zombies only", "42 of")
	mustNotSee(t, m, "gunicorn: worker", "cron", "sleep", "exec session")
	press(m, "z")
	mustSee(t, m, "cron")
	m, _ = screen(100, 60, Options{}, scenes["healthy"])
	press(m, "z")
	mustSee(t, m, "no zombies; z shows everything")
}

func TestGhostsShowHowTheyEndedAndGo(t *testing.T) {
	m, f := screen(100, 60, Options{}, scenes["leak"])
	mustSee(t, m, "<sh -c date>", "exit 3 0.4s ago")
	f.now = f.now.Add(3 * time.Second)
	m.Update(tickMsg{f.now})
	mustNotSee(t, m, "<sh -c date>")
}

func TestADeepTreeStaysReadable(t *testing.T) {
	m, _ := screen(60, 60, Options{}, func(f *feed) {
		f.hello()
		f.row(1, 0, 0, "S", time.Hour, "pid1", "pid1")
		for i := range 45 {
			f.row(100+i, max(1, 99+i*min(i, 1)), 0, "S", time.Hour, "sh", "level", itoa(i))
		}
		f.rowsEnd(46)
	})
	mustSee(t, m, "level 44", "…")
}

func TestReapsTail(t *testing.T) {
	m, f := screen(100, 20, Options{}, func(f *feed) {
		f.healthy()
		f.deaths(40)
	})
	press(m, "4")
	mustSee(t, m, "newest", "10039")
	press(m, "k")
	mustSee(t, m, "nothing new below, G resumes")
	still := strings.Split(plainScreen(m), "\n")[3:16]
	f.deaths(7)
	bring(m, f)
	mustSee(t, m, "7 new below, G resumes")
	if now := strings.Split(plainScreen(m), "\n")[3:16]; strings.Join(now, "\n") != strings.Join(still, "\n") {
		t.Errorf("the lines moved though the tail was left:\n%s", plainScreen(m))
	}
	press(m, "!")
	mustSee(t, m, "failures only")
	mustNotSee(t, m, "exit 0")
	press(m, "!", "G")
	mustSee(t, m, "newest")
	f.deaths(1)
	bring(m, f)
	if !m.reaps.list.tail || m.reaps.list.sel != len(m.reaps.rows)-1 {
		t.Error("G does not follow")
	}
}

func TestAnOriginThatIsGoneSaysSo(t *testing.T) {
	m, f := screen(100, 20, Options{}, func(f *feed) {
		f.healthy()
		f.start(600, 1, "bash", "bash")
		f.reap(601, 0, "", time.Second, &event.Proc{ID: id(600), Comm: "bash", How: event.HowSeen}, "ls", "ls")
	})
	press(m, "4")
	mustSee(t, m, "600 bash ")
	mustNotSee(t, m, "(gone)")
	f.reap(600, 0, "", time.Second, nil, "bash", "bash")
	bring(m, f)
	mustSee(t, m, "600 bash (gone)")
}

func TestZombiesOfOneProgramAreOneLine(t *testing.T) {
	m, f := screen(100, 30, Options{}, func(f *feed) {
		f.healthy()
		f.leak(2)
	})
	press(m, "3")
	mustSee(t, m, "2x <convert -resize 200 a.png>")
	f.start(9500, 812, "convert", "convert", "-resize", "200", "b.png")
	f.zombie(9500, 812, "gunicorn", "convert", "convert", "-resize", "200", "b.png")
	f.start(9501, 812, "sh", "sh", "-c", "x")
	f.zombie(9501, 812, "gunicorn", "sh", "sh", "-c", "x")
	f.zombie(9502, 812, "gunicorn", "convert")
	bring(m, f)
	mustSee(t, m, "4x <convert -resize 200 …>", "9501 <sh -c x>")
}

// TestALateStartTimeMovesNothing: pid1 is known by its PID before its row comes.
func TestALateStartTimeMovesNothing(t *testing.T) {
	m, f := screen(100, 30, Options{}, nil)
	f.hello()
	f.start(7, 1, "sh", "sh")
	bring(m, f)
	if got := selectedPID(m); got != 1 {
		t.Fatalf("selected %d", got)
	}
	f.healthyRows()
	f.rowsEnd(9)
	bring(m, f)
	if got := selectedPID(m); got != 1 {
		t.Errorf("selected %d after the rows came, want 1", got)
	}
}
