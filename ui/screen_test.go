package ui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// scenes are worlds to look at.
var scenes = map[string]func(*feed){
	"empty": nil,
	"healthy": func(f *feed) {
		f.healthy()
		f.deaths(4)
	},
	"leak": func(f *feed) {
		f.healthy()
		f.workers(24)
		f.leak(42)
		f.deaths(30)
		f.stats(18244, 240, 42)
		f.start(10233, 7, "sh", "sh", "-c", "date")
		f.now = f.now.Add(300 * time.Millisecond)
		f.reap(10233, 3, "", 100*time.Millisecond, nil, "sh", "sh", "-c", "date")
		f.now = f.now.Add(400 * time.Millisecond)
		f.stats(18245, 241, 42)
	},
	"hostile": func(f *feed) {
		f.healthy()
		f.hostile()
	},
}

// plainScreen is a screen as people see it.
func plainScreen(m *model) string { return ansi.Strip(m.View().Content) }

// golden compares with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got = strings.Join(lines, "\n")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s: -want +got\n%s", name, d)
	}
}

var sizesTested = []struct{ w, h int }{{100, 30}, {60, 15}, {40, 8}, {39, 8}, {40, 7}, {12, 1}, {1, 1}, {0, 0}, {220, 60}}

// TestScreensFit draws every world in every view, size and mode: whatever comes,
// no line is wider than the screen, there are no more lines than it has, and no
// byte gets through that the screen did not make itself.
func TestScreensFit(t *testing.T) {
	names := []string{"gap", "lost", "paused", "replay"}
	for name := range scenes {
		names = append(names, name)
	}
	for _, name := range names {
		for _, size := range sizesTested {
			for mode, o := range map[string]Options{"color": {Color: true}, "mono": {}, "ascii": {ASCII: true}} {
				m := stageScene(name, size.w, size.h, o)
				for v := range views {
					for _, help := range []bool{false, true} {
						visit(m, v)
						m.help = help
						m.arrange()
						check(t, fmt.Sprintf("%s %s %s help=%t %dx%d", name, viewNames[v], mode, help, size.w, size.h), m, o)
					}
				}
			}
		}
	}
}

func check(t *testing.T, what string, m *model, o Options) {
	t.Helper()
	got := m.View().Content
	if m.width == 0 && got == "" {
		return
	}
	lines := strings.Split(got, "\n")
	if len(lines) != m.height && m.frame.body > 0 || len(lines) > m.height {
		t.Errorf("%s: %d lines", what, len(lines))
	}
	for i, l := range lines {
		if w := ansi.StringWidthWc(l); w > m.width {
			t.Errorf("%s: line %d is %d cells wide: %q", what, i+1, w, l)
		}
		text := onlySGR(t, what, l)
		for _, r := range text {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x206f {
				t.Errorf("%s: line %d has %U: %q", what, i+1, r, l)
			}
			if o.ASCII && r > 0x7e {
				t.Errorf("%s: line %d has %q beyond ASCII", what, i+1, r)
			}
		}
		if !o.Color && colored(l) {
			t.Errorf("%s: line %d has colours: %q", what, i+1, l)
		}
	}
}

// onlySGR takes the looks out of a line; any other escape sequence is an error.
func onlySGR(t *testing.T, what, l string) string {
	t.Helper()
	out := ""
	for {
		before, after, found := strings.Cut(l, "\x1b")
		out += before
		if !found {
			return out
		}
		n := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("[0123456789;", r) })
		if n < 0 || after[n] != 'm' {
			t.Errorf("%s: an escape sequence that is no look: %q", what, l)
			return out
		}
		l = after[n+1:]
	}
}

// colored reports whether a line sets a colour.
func colored(l string) bool {
	for _, seq := range strings.Split(l, "\x1b[")[1:] {
		params, _, _ := strings.Cut(seq, "m")
		for _, p := range strings.Split(params, ";") {
			if len(p) >= 2 && strings.ContainsAny(p[:1], "349") || len(p) == 3 {
				return true
			}
		}
	}
	return false
}

// staged are worlds to which something happens at the end.
var staged = map[string]struct {
	fill func(*feed)
	then func(*model, *feed)
}{
	"gap": {scenes["leak"], func(m *model, f *feed) {
		f.gap(37)
		bring(m, f)
	}},
	"lost": {scenes["leak"], func(m *model, f *feed) {
		at := f.now.Add(time.Second)
		m.receive(batchMsg{Batch{State: Lost, Note: "connection refused", RetryAt: at.Add(4 * time.Second)}, at})
	}},
	"paused": {scenes["leak"], func(m *model, f *feed) {
		m.pause()
		f.leak(4)
		bring(m, f)
	}},
	"replay": {scenes["leak"], func(m *model, f *feed) {
		m.source = newTape(f.now)
		m.receive(batchMsg{Batch{State: Live, Position: &Position{At: f.now, Index: 40, Total: 80, Playing: true, Speed: 4}}, f.now})
	}},
	"crowd": {nil, func(m *model, f *feed) {
		crowd(f)
		bring(m, f)
	}},
}

// stageScene makes the model of a scene of either kind.
func stageScene(name string, w, h int, o Options) *model {
	s, ok := staged[name]
	if !ok {
		m, _ := screen(w, h, o, scenes[name])
		return m
	}
	m, f := screen(w, h, o, s.fill)
	s.then(m, f)
	return m
}

// TestGoldenScreens compares every view of every world, in every size, with what
// it was when somebody looked at it last.
// Where the container has no limit of PIDs, the kernel's is one, and named.
func TestOverviewNamesTheLimit(t *testing.T) {
	stats := func(f *feed, used, limit, pidMax, threadsMax int64) {
		e := event.New(event.TypeStats).(*event.Stats)
		e.PIDsUsed, e.PIDsLimit, e.PIDMax, e.ThreadsMax = used, limit, pidMax, threadsMax
		f.add(e)
	}
	for _, c := range []struct {
		used, limit, pidMax, threadsMax int64
		want                            string
	}{
		{50, 500, 32768, 100000, "50 of 500 (10%)"},
		{50, event.Unknown, 32768, 100000, "50 of 32768 (the machine's kernel.pid_max)"},
		{50, event.Unknown, 4194304, 100000, "50 of 100000 (the machine's kernel.threads-max)"},
		{50, event.Unknown, event.Unknown, event.Unknown, "50 in use, no limit known"},
		{event.Unknown, event.Unknown, 32768, event.Unknown, "not known, of 32768 (the machine's kernel.pid_max)"},
	} {
		m, _ := screen(140, 30, Options{}, func(f *feed) {
			f.healthy()
			stats(f, c.used, c.limit, c.pidMax, c.threadsMax)
		})
		press(m, "1")
		mustSee(t, m, c.want)
	}
}

// A leak is told when it is beyond doubt; the Overview says since when it is.
func TestOverviewTellsSinceWhen(t *testing.T) {
	m, _ := screen(100, 30, Options{}, func(f *feed) {
		f.healthy()
		f.leak(12)
		e := event.New(event.TypeLeak).(*event.Leak)
		e.State, e.Parent, e.OldestMS = "began", event.Proc{ID: id(812), Comm: "gunicorn"}, f.now.Sub(noon.Add(3*time.Second)).Milliseconds()
		f.add(e)
	})
	press(m, "1")
	mustSee(t, m, "12:00:03 leak began: 812 gunicorn", "12 zombies since 12:00:03 (", "3 why")
	press(m, "3")
	mustSee(t, m, "Leaking since 12:00:03 (")
}

// When pid1 is gone, what was known last stays as it was: nobody knows whether a
// process is older now, or a zombie still there.
func TestWithoutAFeedTheWorldStandsStill(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["leak"])
	was := body(m)
	f.now = f.now.Add(time.Second)
	m.receive(batchMsg{Batch{State: Lost, RetryAt: f.now.Add(5 * time.Second)}, f.now})
	at := f.now.Format("15:04:05")
	mustSee(t, m, "LOST since "+at+", again in 5s", "what you see is from "+at)
	for range 10 {
		f.now = f.now.Add(time.Second)
		m.Update(tickMsg{f.now})
	}
	mustSee(t, m, "LOST since "+at, f.now.Format("15:04:05"), "defunct 2m25s")
	if strings.Contains(was, "2m25s") {
		t.Error("the scene is not the one meant")
	}
	f.hello()
	f.healthyRows()
	f.rowsEnd(9)
	bring(m, f)
	mustSee(t, m, "LIVE")
	mustNotSee(t, m, "LOST", "defunct")
}

func TestGoldenScreens(t *testing.T) {
	type size struct{ w, h int }
	all := []size{{100, 30}, {60, 15}, {40, 8}}
	for _, c := range []struct {
		scene string
		ascii bool
		sizes []size
	}{
		{"leak", false, append(all, size{39, 7}, size{0, 0})},
		{"leak", true, all},
		{"empty", false, all},
		{"healthy", false, all[:1]},
		{"hostile", false, all},
		{"hostile", true, all[:1]},
		{"gap", false, all[:2]},
		{"lost", false, all},
		{"paused", false, all[:2]},
		{"replay", false, all},
		{"replay", true, all[:1]},
		{"crowd", false, []size{{100, 30}, {60, 15}}},
	} {
		for v := range views {
			var out strings.Builder
			for _, s := range c.sizes {
				m := stageScene(c.scene, s.w, s.h, Options{Color: true, ASCII: c.ascii, Signals: &post{}})
				visit(m, v)
				fmt.Fprintf(&out, "=== %dx%d\n%s\n", s.w, s.h, plainScreen(m))
			}
			name := c.scene + "-" + strings.ToLower(viewNames[v])
			if c.ascii {
				name += "-ascii"
			}
			golden(t, name+".txt", out.String())
		}
	}
}

// TestGoldenPanes are what lies over a view.
func TestGoldenPanes(t *testing.T) {
	for name, keys := range map[string][]string{
		"help":     {"?"},
		"columns":  {"s"},
		"signals":  {"j", "j", "j", "j", "j", "K"},
		"question": {"j", "j", "j", "j", "j", "K", "G", "enter"},
		"filter":   {"/", "Z", "|", "c", "r", "o", "n"},
	} {
		var out strings.Builder
		for _, s := range []struct{ w, h int }{{100, 30}, {60, 15}, {40, 8}} {
			m := stageScene("leak", s.w, s.h, Options{Signals: &post{}})
			press(m, keys...)
			fmt.Fprintf(&out, "=== %dx%d\n%s\n", s.w, s.h, plainScreen(m))
		}
		golden(t, "pane-"+name+".txt", out.String())
	}
}

// TestGoldenLooks keeps the escape sequences of every view with colours and
// without, ESC written as \e.
func TestGoldenLooks(t *testing.T) {
	for name, color := range map[string]bool{"color": true, "mono": false} {
		m, _ := screen(100, 30, Options{Color: color, Signals: &post{}}, scenes["leak"])
		for v := range views {
			visit(m, v)
			golden(t, "looks-"+name+"-"+strings.ToLower(viewNames[v])+".txt", strings.ReplaceAll(m.View().Content, "\x1b", `\e`)+"\n")
		}
	}
}

// TestNothingIsSaidByColourAlone compares a screen with colours to one without:
// the text is the same.
func TestNothingIsSaidByColourAlone(t *testing.T) {
	for name, fill := range scenes {
		a, _ := screen(100, 30, Options{Color: true}, fill)
		b, _ := screen(100, 30, Options{}, fill)
		for v := range views {
			visit(a, v)
			visit(b, v)
			if d := cmp.Diff(plainScreen(a), plainScreen(b)); d != "" {
				t.Errorf("%s, %s:\n%s", name, viewNames[v], d)
			}
		}
	}
}

func TestTheConnectionIsTold(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["healthy"])
	mustSee(t, m, "LIVE", "healthy")

	at := f.now.Add(time.Second)
	m.receive(batchMsg{Batch{State: Lost, Note: "connection refused", RetryAt: at.Add(4 * time.Second)}, at})
	mustSee(t, m, "LOST since 12:00:03, again in 4s", "NO FEED  connection refused; what you see is from 12:00:03", "gunicorn: master")
	mustNotSee(t, m, "LIVE", "healthy")
	m.Update(tickMsg{at.Add(2500 * time.Millisecond)})
	mustSee(t, m, "again in 2s")

	m.receive(batchMsg{Batch{State: Live}, at.Add(5 * time.Second)})
	mustSee(t, m, "LIVE")
	mustNotSee(t, m, "NO FEED", "LOST")
	golden(t, "again-tree.txt", plainScreen(m)+"\n")

	f.now = at.Add(6 * time.Second)
	f.gone(0)
	bring(m, f)
	m.receive(batchMsg{Batch{State: Lost, Note: "EOF"}, f.now.Add(time.Second)})
	mustSee(t, m, "PID1 GONE", "it ended at 12:00:09 with status 0")
	golden(t, "gone-tree.txt", plainScreen(m)+"\n")
}

func TestLostEventsAreTold(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["healthy"])
	mustNotSee(t, m, "lost")
	f.gap(37)
	bring(m, f)
	mustSee(t, m, "37 lost")
}

func TestNothingYet(t *testing.T) {
	m, _ := screen(60, 15, Options{}, nil)
	mustSee(t, m, "connecting", "waiting for pid1 to tell")
	m.receive(batchMsg{Batch{State: Lost, Note: "no such file or directory"}, noon})
	mustSee(t, m, "no such file or directory")
	mustNotSee(t, m, "healthy")
}

func mustSee(t *testing.T, m *model, words ...string) {
	t.Helper()
	s := plainScreen(m)
	for _, w := range words {
		if !strings.Contains(s, w) {
			t.Errorf("%q is not on the screen:\n%s", w, s)
		}
	}
}

func mustNotSee(t *testing.T, m *model, words ...string) {
	t.Helper()
	s := plainScreen(m)
	for _, w := range words {
		if strings.Contains(s, w) {
			t.Errorf("%q is on the screen:\n%s", w, s)
		}
	}
}
