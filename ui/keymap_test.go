package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

// keyMsg is the message of a key named as the table names it.
func keyMsg(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"tab": tea.KeyTab, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace,
		"f1": tea.KeyF1, "f9": tea.KeyF9, "f10": tea.KeyF10, "delete": tea.KeyDelete,
	}
	k := tea.KeyPressMsg{}
	rest := name
	for {
		mod, after, found := strings.Cut(rest, "+")
		if !found || after == "" {
			break
		}
		k.Mod |= map[string]tea.KeyMod{"ctrl": tea.ModCtrl, "shift": tea.ModShift}[mod]
		rest = after
	}
	switch {
	case rest == "space":
		k.Code, k.Text = tea.KeySpace, " "
	case special[rest] != 0:
		k.Code = special[rest]
	default:
		k.Code = []rune(rest)[0]
		if k.Mod == 0 {
			k.Text = string(k.Code)
		}
	}
	return k
}

func press(m *model, keys ...string) (quit bool) {
	for _, k := range keys {
		_, cmd := m.Update(keyMsg(k))
		if cmd != nil {
			if _, ok := cmd().(tea.QuitMsg); ok {
				quit = true
			}
		}
	}
	return quit
}

// before are the keys that make a place where an action can be seen to act.
var before = map[action][]string{
	actUp:       {"j", "j"},
	actTop:      {"j", "j"},
	actPageUp:   {"G"},
	actHalfUp:   {"G"},
	actBack:     {"?"},
	actUnfold:   {"g", "j", "h"}, // the first parent, folded
	actEarlier:  {"1", "2"},
	actLater:    {"1", "2", "[", "["},
	actSortLeft: {">", ">", ">"},
	actSlower:   {"p", "+"},
}

// beforeIn are those that an action needs in one view.
var beforeIn = map[view]map[action][]string{
	zombieView: {actUnfold: {"g", "h"}, actToggleAll: {"g"}},
	treeView:   {actFollow: {"j", "j"}, actSignal: {"j", "j"}, actToggle: {"j"}, actOwner: {"j", "j"}},
	reapView: {
		actDown: {"g"}, actPageDown: {"g"}, actHalfDown: {"g"}, actBottom: {"g"},
		actOwner: {"g", "j", "j", "j", "j"},
	},
}

// visit goes to a view; the Detail is that of the leaking parent.
func visit(m *model, v view) {
	if v == detailView {
		m.show(treeView)
		m.arrange()
		m.reveal(id(812))
		press(m, "enter")
		return
	}
	m.show(v)
	m.arrange()
}

// state is what a key can change: what is on the screen, the mouse, the tail.
func state(m *model, quit bool) string {
	v := m.View()
	return fmt.Sprint(quit, v.MouseMode, m.reaps.list.tail, m.prompt, m.scrubber(), plainScreen(m))
}

// TestEveryKeyActs presses every key of the table in every view it is for: each
// must change something, and the help must name it.
func TestEveryKeyActs(t *testing.T) {
	for _, b := range bindings {
		for v := range views {
			if !b.in.has(v) {
				continue
			}
			for _, key := range b.keys {
				m := stage(b.act)
				visit(m, v)
				if !m.offers(&b) {
					t.Errorf("%q (%s) is not offered", key, b.help)
					continue
				}
				if b.act == actView1+action(v) {
					visit(m, (v+1)%tabs)
				}
				keys, own := beforeIn[v][b.act]
				if !own {
					keys = before[b.act]
				}
				switch {
				case b.act == actEarlier || b.act == actLater:
					if v == detailView {
						keys = nil
					}
				case v == zombieView && (b.act == actNext || b.act == actPrev):
					m.shown.groups = append(m.shown.groups, m.shown.groups...)
					m.shown.groups[1].Parent.ID = id(31)
					m.arrange()
				}
				press(m, keys...)
				if v == detailView && b.act == actLater {
					press(m, "[")
				}
				was := state(m, false)
				now := state(m, press(m, key))
				if was == now {
					t.Errorf("%s: %q (%s) changes nothing\n%s", viewNames[v], key, b.help, now)
				}
			}
		}
	}
}

// stage is a model in which an action can be carried out: a recording for those
// that move in time.
func stage(a action) *model {
	fill := func(f *feed) {
		scenes["leak"](f)
		f.reap(10300, 0, "", time.Second, &event.Proc{ID: id(31), Comm: "cron", How: event.HowSeen}, "tool", "/usr/local/bin/tool", "run")
	}
	m, f := screen(100, 16, Options{Signals: &post{}}, fill)
	switch a {
	case actPlay, actFaster, actSlower, actStep, actStepBack, actLeap, actLeapBack, actSeek:
		m.source = newTape(f.now)
		m.receive(batchMsg{Batch{State: Live, Position: &Position{At: f.now, Index: 40, Total: 80, Speed: 1}}, f.now})
	}
	return m
}

// TestKeyNames compares the names in the table with those of Bubble Tea.
func TestKeyNames(t *testing.T) {
	for _, b := range bindings {
		for _, key := range b.keys {
			if got := keyMsg(key).String(); got != key {
				t.Errorf("Bubble Tea calls %q %q", key, got)
			}
		}
	}
}

func TestNoKeyIsBoundTwice(t *testing.T) {
	for v := range views {
		seen := map[string]string{}
		for _, b := range bindings {
			if !b.in.has(v) {
				continue
			}
			for _, k := range b.keys {
				if was, twice := seen[k]; twice && b.act != actPlay {
					t.Errorf("%s: %q is %q and %q", viewNames[v], k, was, b.help)
				}
				seen[k] = b.help
				if k == "ctrl+p" || k == "ctrl+z" {
					t.Errorf("%s: %q is bound", viewNames[v], k)
				}
			}
		}
		for a := noAction + 1; a < actions; a++ {
			n := 0
			for _, b := range bindings {
				if b.act == a && b.in.has(v) {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%s: action %d stands in %d lines of the help", viewNames[v], a, n)
			}
		}
	}
}

func TestHelpNamesEveryKey(t *testing.T) {
	for v := range views {
		m, _ := screen(100, 80, Options{Signals: &post{}}, scenes["leak"])
		visit(m, v)
		press(m, "?")
		s := plainScreen(m)
		for _, b := range bindings {
			if m.offers(&b) && (!strings.Contains(s, b.show) || !strings.Contains(s, b.help)) {
				t.Errorf("%s: the help does not tell %q: %s\n%s", viewNames[v], b.show, b.help, s)
			}
		}
	}
}

func TestFootNeedsNoMoreThanTheScreen(t *testing.T) {
	for w := leastWidth; w < 120; w++ {
		m, _ := screen(w, 10, Options{}, scenes["leak"])
		lines := strings.Split(plainScreen(m), "\n")
		if foot := lines[len(lines)-1]; !strings.Contains(foot, "? help") || !strings.Contains(foot, "q quit") {
			t.Errorf("%d wide: %q", w, foot)
		}
	}
}

func TestEscNeverQuitsAndQClosesFirst(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	for range 5 {
		if press(m, "esc") {
			t.Fatal("Esc quits")
		}
	}
	if press(m, "?", "q") {
		t.Fatal("q quits with the help open")
	}
	if m.help {
		t.Fatal("q does not close the help")
	}
	if !press(m, "q") {
		t.Fatal("q does not quit")
	}
	for _, ctrlC := range [][]string{{"ctrl+c"}, {"?", "ctrl+c"}, {"/", "ctrl+c"}} {
		m, _ := screen(100, 30, Options{}, scenes["leak"])
		if !press(m, ctrlC...) {
			t.Errorf("%v does not quit", ctrlC)
		}
	}
}

func TestPauseHoldsTheScreenAndLosesNothing(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["healthy"])
	press(m, "p")
	still := body(m)
	f.now = f.now.Add(12 * time.Second)
	f.leak(5)
	f.deaths(70)
	bring(m, f)
	m.Update(tickMsg{f.now})
	mustSee(t, m, "PAUSED 1m16s, +80")
	if d := cmp.Diff(still, body(m)); d != "" {
		t.Errorf("the paused screen moved:\n%s", d)
	}
	press(m, "4")
	if s := plainScreen(m); strings.Contains(s, "10069") {
		t.Errorf("a paused screen shows what came after:\n%s", s)
	}
	mustSee(t, m, "10003")
	press(m, "p")
	mustSee(t, m, "10069", "LIVE", "74 kept")
	press(m, "2")
	mustSee(t, m, "5 zombies")
}

// body is the screen without its first line.
func body(m *model) string {
	_, after, _ := strings.Cut(plainScreen(m), "\n")
	return after
}

func TestFilter(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	press(m, "/", "W", "o", "r", "k", "e", "r")
	mustSee(t, m, "gunicorn: worker", "gunicorn: master", "filter Worker", "3 of")
	mustNotSee(t, m, "cron", "sleep", "convert")
	press(m, "space", "8", "3", "1")
	mustSee(t, m, "831 R")
	mustNotSee(t, m, "830 S", "832 D")
	press(m, "ctrl+w")
	mustSee(t, m, "830 S")
	press(m, "enter", "j")
	mustSee(t, m, "filter Worker")
	press(m, "esc")
	mustSee(t, m, "cron")
	mustNotSee(t, m, "filter W")

	press(m, "/", "q", "z", "?", "p")
	mustSee(t, m, "nothing with qz?p")
	press(m, "esc")

	m.Update(tea.PasteMsg{Content: "cron\x1b[2J\nx"})
	mustNotSee(t, m, "filter c")
	press(m, "/")
	m.Update(tea.PasteMsg{Content: "cron\x1b[2J\n"})
	if got := m.tree.filter.text; strings.ContainsAny(got, "\x1b\n") {
		t.Errorf("pasted %q", got)
	}
}

func TestMouse(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	top := m.frame.top() + 1
	m.Update(tea.MouseClickMsg{X: 20, Y: top + 2, Button: tea.MouseLeft})
	if id, _ := m.selectedID(); id.PID != 31 {
		t.Errorf("clicked the third line, selected %d", id.PID)
	}
	m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if id, _ := m.selectedID(); id.PID == 31 {
		t.Error("the wheel does nothing")
	}
	m.View()
	m.Update(tea.MouseClickMsg{X: m.tabEnds[zombieView] + 1, Y: top - 2, Button: tea.MouseLeft})
	if m.view != reapView {
		t.Errorf("clicked Reaps, shown %s", viewNames[m.view])
	}
	m.Update(tea.MouseClickMsg{X: 5, Y: 500, Button: tea.MouseLeft})
	m.Update(tea.MouseClickMsg{X: -1, Y: -1, Button: tea.MouseLeft})
}

// TestTheMouseDoesWhatKeysDo: the keys of the footer, rows, menus, the Detail.
func TestTheMouseDoesWhatKeysDo(t *testing.T) {
	m, _ := screen(100, 30, Options{Signals: &post{}}, scenes["leak"])
	click := func(x, y int) {
		m.View()
		m.Update(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	}
	foot := func(words string) int {
		t.Helper()
		m.View()
		lines := strings.Split(plainScreen(m), "\n")
		x := strings.Index(lines[len(lines)-1], words)
		if x < 0 {
			t.Fatalf("%q is not in the footer: %q", words, lines[len(lines)-1])
		}
		return x
	}
	click(foot("z zombies")+2, 29)
	mustSee(t, m, "zombies only")
	click(foot("p pause"), 29)
	mustSee(t, m, "PAUSED")
	click(foot("p pause"), 29)
	click(foot("? help"), 29)
	mustSee(t, m, "everything about one process")
	m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	click(foot("? help"), 29)
	mustNotSee(t, m, "everything about one process")

	row := m.frame.top() + 3
	click(30, row)
	if m.view != treeView {
		t.Fatal("the first click opens")
	}
	was := selectedPID(m)
	click(30, row)
	mustSee(t, m, "Detail of "+itoa(was))
	m.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if m.detail.off == 0 {
		t.Error("the wheel does not scroll the Detail")
	}
	click(foot("K signal"), 29)
	mustSee(t, m, "Signal to")
	at := m.frame.top() + m.frame.body
	click(5, at+2)
	mustSee(t, m, "Send SIGINT to")
	press(m, "n", "k")
	click(foot("K signal"), 29)
	click(5, 3) // beside the menu
	mustNotSee(t, m, "Signal to")
}

func TestUnknownKeysDoNothing(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	was := state(m, false)
	for _, k := range []string{"ctrl+p", "ctrl+z", "x", "X", "ctrl+x", ".", "é"} {
		if now := state(m, press(m, k)); now != was {
			t.Errorf("%q does something", k)
		}
	}
}
