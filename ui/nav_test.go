package ui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// selectedPID is the PID of the selected row.
func selectedPID(m *model) int {
	id, _ := m.selectedID()
	return id.PID
}

func TestGotoPID(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	// In a fold of siblings, in a fold of zombies, and not hidden at all.
	for _, pid := range []int{2003, 9130, 832} {
		press(m, "g", ":")
		m.Update(tea.PasteMsg{Content: itoa(pid)})
		press(m, "enter")
		if got := selectedPID(m); got != pid || m.view != treeView {
			t.Errorf(":%d goes to %d in %s", pid, got, viewNames[m.view])
		}
	}
	press(m, "/", "x", "y", "z", "enter", ":", "3", "1", "enter")
	if got := selectedPID(m); got != 31 {
		t.Errorf("a filter that hides 31 keeps the selection on %d", got)
	}
	press(m, ":", "1", "0", "0", "0", "1", "enter")
	mustSee(t, m, "[4 Reaps]", "10001 is dead; this is its end")
	if e := m.reaps.current(); e == nil || e.PID != 10001 {
		t.Errorf("selected %+v", e)
	}
	press(m, ":", "7", "7", "7", "enter")
	mustSee(t, m, "no process has or had the PID 777")
	press(m, ":", "x", "enter")
	mustSee(t, m, "a PID is a number: x")
}

func TestBackAndForward(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	press(m, ":", "8", "3", "1", "enter", "J")
	if got := selectedPID(m); got != 812 {
		t.Fatalf("J goes to %d, want the parent 812", got)
	}
	press(m, "enter")
	mustSee(t, m, "Detail of 812", "Children: 3 alive, 42 zombies")
	press(m, "4")
	for i, want := range []string{"Detail of 812", "[2 Tree]", "[2 Tree]"} {
		press(m, "[")
		mustSee(t, m, want)
		if i == 2 && selectedPID(m) != 831 {
			t.Errorf("back at %d, want 831", selectedPID(m))
		}
	}
	press(m, "]")
	if got := selectedPID(m); got != 812 {
		t.Errorf("forward to %d, want 812", got)
	}
	press(m, "]", "]")
	mustSee(t, m, "[4 Reaps]")
	press(m, "]")
	mustSee(t, m, "there is nothing further")
}

func TestOwnerOfTheDead(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["leak"])
	f.reap(10500, 1, "", time.Second, &event.Proc{ID: id(31), Comm: "cron", How: event.HowSeen}, "job")
	f.reap(10501, 1, "", time.Second, &event.Proc{ID: id(10500), Comm: "job", How: event.HowSeen}, "kid")
	f.reap(10502, 1, "", time.Second, &event.Proc{ID: id(999), Comm: "who", How: event.HowSeen}, "lone")
	bring(m, f)
	press(m, "4", "J")
	mustSee(t, m, "999 who is gone, and its end is not kept")
	press(m, "k", "J")
	if e := m.reaps.current(); e == nil || e.PID != 10500 {
		t.Errorf("J from 10501 goes to %+v, want the reap of 10500", e)
	}
	press(m, "J")
	if m.view != treeView || selectedPID(m) != 31 {
		t.Errorf("J goes to %d in %s, want 31 in the tree", selectedPID(m), viewNames[m.view])
	}
	press(m, "3", "J")
	if m.view != treeView || selectedPID(m) != 812 {
		t.Errorf("J goes to %d in %s, want 812 in the tree", selectedPID(m), viewNames[m.view])
	}
}

func TestNextMatch(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	press(m, "/", "w", "o", "r", "k", "e", "r", "enter", "g")
	for _, want := range []int{830, 831, 832, 830} {
		press(m, "n")
		if got := selectedPID(m); got != want {
			t.Errorf("n goes to %d, want %d", got, want)
		}
	}
	press(m, "N")
	if got := selectedPID(m); got != 832 {
		t.Errorf("N goes to %d, want 832", got)
	}
	press(m, "esc", "g", "n")
	if got := selectedPID(m); got != 9120 {
		t.Errorf("n without a filter goes to %d, want the zombie 9120", got)
	}
	press(m, "4", "g", "n")
	if e := m.reaps.current(); !e.Failed() {
		t.Errorf("n goes to %+v, want a failure", e)
	}
}

// TestNextInAFold: where the next match has no row, the row that hides it is one.
func TestNextInAFold(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	press(m, ":", "8", "1", "2", "enter", "h")
	press(m, "g", "n")
	if got := selectedPID(m); got != 812 {
		t.Errorf("n goes to %d, want 812, whose zombies are folded away", got)
	}
	press(m, "/", "9", "1", "3", "0", "enter", "g", "n")
	if got := selectedPID(m); got != 812 {
		t.Errorf("n goes to %d, want 812, which hides the match", got)
	}
}

// TestVerdictAtEighty: how fast is not what is cut first.
func TestVerdictAtEighty(t *testing.T) {
	m, _ := screen(80, 24, Options{}, scenes["leak"])
	mustSee(t, m, "42 zombies since", "/min")
	mustNotSee(t, m, " ago)")
	m, _ = screen(120, 24, Options{}, scenes["leak"])
	mustSee(t, m, " ago), ", "/min")
}

// TestUnseenTables: the Overview says what it has no room for.
func TestUnseenTables(t *testing.T) {
	m, _ := screen(80, 24, Options{}, scenes["leak"])
	press(m, "1")
	mustSee(t, m, "tables more in a larger window")
	m, _ = screen(160, 60, Options{}, scenes["leak"])
	press(m, "1")
	mustSee(t, m, "Commands", "Created by")
	mustNotSee(t, m, "larger window")
}

func TestFollow(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["leak"])
	press(m, ":", "2", "0", "0", "5", "enter", "F")
	mustSee(t, m, "follow 2005", "following 2005")
	press(m, "4")
	f.reap(2005, event.Unknown, "SIGSEGV", 90*time.Second, nil, "sleep", "sleep", "1005")
	bring(m, f)
	mustSee(t, m, "2005 sleep 1005, which you followed, ended: SIGSEGV, after")
	mustNotSee(t, m, "follow 2005")
	m.Update(tickMsg{f.now.Add(time.Hour)})
	mustSee(t, m, "which you followed")
	press(m, "k")
	mustNotSee(t, m, "which you followed")
}

func pids(m *model) (out []int) {
	for i := range m.tree.rows {
		if r := &m.tree.rows[i]; !r.isFold() {
			out = append(out, m.shown.procs[r.p].id.PID)
		}
	}
	return out
}

func TestSorting(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["healthy"])
	at := func(pid int) int {
		for i, p := range pids(m) {
			if p == pid {
				return i
			}
		}
		return -1
	}
	if at(31) > at(812) {
		t.Fatal("the natural order is not by start")
	}
	press(m, "I")
	mustSee(t, m, "inverted")
	if at(31) < at(812) || at(1) < at(771) {
		t.Errorf("inverted: %v", pids(m))
	}
	press(m, "I", ">", ">", ">", ">") // PID, S, AGE, KIDS
	mustSee(t, m, "sort KIDS▼")
	if at(812) > at(31) {
		t.Errorf("by children: %v", pids(m))
	}
	press(m, "<")
	mustSee(t, m, "sort AGE▲")
	if at(832) > at(830) {
		t.Errorf("by age: %v", pids(m))
	}
	press(m, "s")
	mustSee(t, m, "Sort Tree by", "[x] REAPED", "sorted by this")
	press(m, "g", "enter")
	mustNotSee(t, m, "sort ", "inverted")

	press(m, "t")
	mustSee(t, m, "flat")
	mustNotSee(t, m, "├─")
	// Clicks on the heading.
	x := strings.Index(strings.Split(plainScreen(m), "\n")[m.frame.top()], "PID")
	m.Update(tea.MouseClickMsg{X: x, Y: m.frame.top(), Button: tea.MouseLeft})
	m.Update(tea.MouseClickMsg{X: x, Y: m.frame.top(), Button: tea.MouseLeft})
	mustSee(t, m, "sort PID▼")
	p := pids(m)
	for i := 1; i < len(p); i++ {
		if p[i-1] < p[i] {
			t.Fatalf("by PID, inverted: %v", p)
		}
	}
}

func TestColumnsCanBeHidden(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["healthy"])
	press(m, "s", "j", "j", "j", "space", "esc")
	mustNotSee(t, m, "AGE")
	press(m, "s", "j", "j", "j", "space", "esc")
	mustSee(t, m, "AGE")
}

func TestReapsSorted(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["leak"])
	press(m, "4", ">", ">", ">", ">")
	mustSee(t, m, "sort LIFE▼")
	if m.reaps.list.tail {
		t.Error("the tail runs on in an order that is not of time")
	}
	for i := 1; i < len(m.reaps.rows); i++ {
		if m.reaps.rows[i-1].LifetimeMS < m.reaps.rows[i].LifetimeMS {
			t.Fatal("not by lifetime")
		}
	}
	was := m.reaps.current()
	line := lineOf(m)
	f.deaths(20)
	bring(m, f)
	if is := m.reaps.current(); is != was || lineOf(m) != line {
		t.Errorf("the selection went from %v to %v, line %d to %d", was, is, line, lineOf(m))
	}
}

func TestPromptEditing(t *testing.T) {
	var p prompt
	p.open(askFile, "")
	p.insert("one twö three")
	for _, k := range []string{"left", "left", "left", "left", "left", "ctrl+w"} {
		p.edit(k)
	}
	if p.text != "one three" {
		t.Errorf("%q", p.text)
	}
	p.edit("home")
	p.insert("a\x1b\n")
	p.edit("delete")
	p.edit("right")
	p.edit("ctrl+k")
	if p.text != "a  n" {
		t.Errorf("%q", p.text)
	}
	p.edit("end")
	p.edit("backspace")
	p.edit("ctrl+u")
	if p.text != "" || p.at != 0 {
		t.Errorf("%q at %d", p.text, p.at)
	}
	p.edit("backspace")
	p.edit("left")
	p.edit("delete")
	p.insert(strings.Repeat("é", maxPrompt))
	if len(p.text) > maxPrompt || !strings.HasSuffix(p.text, "é") {
		t.Errorf("%d bytes", len(p.text))
	}
}
