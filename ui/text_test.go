package ui

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, out, ascii string }{
		{"plain", "plain", "plain"},
		{"", "", ""},
		{"a\nb\tc\rd\x1be", `a\nb\tc\rd\ee`, `a\nb\tc\rd\ee`},
		{"\x00\x7f", `\x00\x7f`, `\x00\x7f`},
		{"caf\xe9", `caf\xe9`, `caf\xe9`},
		{"\u009b31m", `\x9b31m`, `\x9b31m`},
		{"\u202egnp", `\u202egnp`, `\u202egnp`},
		{"a\u200db", `a\u200db`, `a\u200db`},
		{"é", "é", "?"},
		{"漢字", "漢字", "??"},
		{"e\u0301", "e\u0301", `e\u0301`},
		{"e\u0301\u0301\u0301\u0301", "e\u0301\u0301", `e\u0301\u0301\u0301\u0301`},
		{"\u0301", `\u0301`, `\u0301`},
		{"☎\ufe0f", "☎", `?\ufe0f`},
		{"🇩🇪", `\U01f1e9\U01f1ea`, `\U01f1e9\U01f1ea`},
		{"\u00a0", `\xa0`, `\xa0`},
		{"\ue000", `\ue000`, `\ue000`},
		{"\ufffd", "\ufffd", "?"},
	} {
		if got := clean(c.in, false); got != c.out {
			t.Errorf("%q: %q, want %q", c.in, got, c.out)
		}
		if got := clean(c.in, true); got != c.ascii {
			t.Errorf("%q in ASCII: %q, want %q", c.in, got, c.ascii)
		}
	}
}

// FuzzClean looks for bytes that a terminal would act on, and for widths that are
// not those of the screen.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "漢字 caf\xe9", "\u202e\u0301", "👩\u200d👧", "\u1100\u1161", "🇩🇪", "\ufffd\U000e0041"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 500)
		for _, ascii := range []bool{false, true} {
			b, cells, _ := appendClean(nil, s, limit, ascii)
			out := string(b)
			if cells > limit {
				t.Fatalf("%q: %d cells of %d", s, cells, limit)
			}
			if !utf8.ValidString(out) {
				t.Fatalf("%q: %q is not UTF-8", s, out)
			}
			for _, r := range out {
				if r < 0x20 || r >= 0x7f && r <= 0x9f || ascii && r > 0x7e {
					t.Fatalf("%q: %U in %q", s, r, out)
				}
			}
			if w := ansi.StringWidthWc(out); w != cells {
				t.Fatalf("%q: %q is %d cells, said %d", s, out, w, cells)
			}
			if w := cellWidth(out); w != cells {
				t.Fatalf("%q: cellWidth says %d, want %d", s, w, cells)
			}
		}
	})
}

func TestCanvasCutsAndFills(t *testing.T) {
	th := newTheme(false, false, time.UTC)
	var c canvas
	c.begin(th, 10, 2)
	c.row(false)
	c.text(plain, "漢字漢字漢字", 8)
	c.put(plain, "|")
	c.end(plain)
	c.row(true)
	c.right(strong, "42", 5)
	c.end(plain)
	if c.row(false) {
		t.Error("a third line in two")
	}
	lines := strings.Split(ansi.Strip(string(c.b)), "\n")
	if lines[0] != "漢字漢…|" || lines[1] != "   42     " {
		t.Errorf("%q", lines)
	}
}

func TestAges(t *testing.T) {
	for _, c := range []struct {
		d          time.Duration
		age, lived string
	}{
		{-1, "?", "?"},
		{0, "0.0s", "0ms"},
		{80 * time.Millisecond, "0.0s", "80ms"},
		{140 * time.Millisecond, "0.1s", "0.14s"},
		{9999 * time.Millisecond, "9.9s", "9.99s"},
		{59900 * time.Millisecond, "59s", "59.9s"},
		{60 * time.Second, "1m00s", "1m00s"},
		{12 * time.Minute, "12m", "12m"},
		{62 * time.Minute, "1h02m", "1h02m"},
		{76 * time.Hour, "3d04h", "3d04h"},
		{412 * day, "412d", "412d"},
		{99999 * day, "99999d", "99999d"},
	} {
		if got := age(c.d); got != c.age || len(got) > 6 {
			t.Errorf("age of %v: %q, want %q", c.d, got, c.age)
		}
		if got := span(c.d); got != c.lived || len(got) > 6 {
			t.Errorf("span of %v: %q, want %q", c.d, got, c.lived)
		}
	}
}

func TestRates(t *testing.T) {
	for _, c := range []struct {
		f               float64
		rate, sign, per string
	}{
		{0, "0", "0", "0%"},
		{0.01, "<.1", "0", "1.0%"},
		{0.4, "0.4", "+0.4", "40%"},
		{6.12, "6.1", "+6.1", "612%"},
		{42, "42", "+42", "4200%"},
		{-3, "0", "-3.0", "0%"},
		{1234, "1.2k", "+1.2k", "123400%"},
	} {
		if got := rate(c.f); got != c.rate {
			t.Errorf("rate %v: %q", c.f, got)
		}
		if got := signed(c.f); got != c.sign {
			t.Errorf("signed %v: %q", c.f, got)
		}
		if got := percent(c.f); got != c.per {
			t.Errorf("percent %v: %q", c.f, got)
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 3, "▁▁▁"},
		{[]float64{0, 1, 2, 8}, 4, "▁▂▃█"},
		{[]float64{5}, 3, "▁▁█"},
		{[]float64{-1, -1, 0, 7}, 4, "  ▁█"},
		{[]float64{0, 9, 0, 0, 1, 0}, 3, "█▁▂"},
		{[]float64{0.001, 1000}, 2, "▂█"},
		{[]float64{1, 2}, 0, ""},
	} {
		if got := bars(c.values, c.width, false); got != c.want {
			t.Errorf("%v in %d: %q, want %q", c.values, c.width, got, c.want)
		}
	}
	if got := bars([]float64{0, 1, 2, 8}, 4, true); !isPlain(got) || len(got) != 4 {
		t.Errorf("in ASCII: %q", got)
	}
}

func TestColumnsGoByWidth(t *testing.T) {
	names := func(cols []column, width, least int) string {
		var out []string
		end := -1
		for _, p := range layout(cols, nil, width, least) {
			if p.x <= end {
				t.Errorf("%d wide: %s begins at %d, before %d", width, cols[p.col].name, p.x, end)
			}
			if end = p.x + p.width; end > width {
				t.Errorf("%d wide: %s ends at %d", width, cols[p.col].name, end)
			}
			out = append(out, strings.Fields(cols[p.col].name)[0])
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		width int
		want  string
	}{
		{119, "PID S AGE KIDS Z REAPED CPU MEM USER COMMAND"},
		{99, "PID S AGE KIDS Z REAPED USER COMMAND"},
		{70, "PID S AGE KIDS Z REAPED COMMAND"},
		{59, "PID S KIDS Z REAPED COMMAND"},
		{39, "PID S Z COMMAND"},
	} {
		if got := names(treeColumns, c.width, treeLeast(c.width)); got != c.want {
			t.Errorf("%d wide: %s, want %s", c.width, got, c.want)
		}
	}
	for _, cols := range [][]column{treeColumns, zombieColumns, reapColumns} {
		for w := range 250 {
			names(cols, w, min(30, w/2))
		}
	}
}

func TestLooks(t *testing.T) {
	for _, color := range []bool{true, false} {
		th := newTheme(color, false, time.UTC)
		for s := range styles {
			for _, seq := range []string{th.on[s], th.onSel[s]} {
				if !strings.HasPrefix(seq, sgrReset) {
					t.Errorf("look %d does not begin anew: %q", s, seq)
				}
				if !color && colored(seq) {
					t.Errorf("look %d has a colour: %q", s, seq)
				}
				if strings.Contains(seq, "38;") || strings.Contains(seq, "48;") {
					t.Errorf("look %d is beyond 16 colours: %q", s, seq)
				}
			}
		}
		// What Lip Gloss would have drawn is what the sequences draw.
		want := look(bad, color).Render("x")
		if got := strings.TrimPrefix(th.on[bad], sgrReset) + "x" + sgrReset; got != want {
			t.Errorf("%q, Lip Gloss: %q", got, want)
		}
	}
	if lipgloss.Width(newTheme(false, false, time.UTC).ellipsis) != 1 {
		t.Error("the ellipsis is not one cell")
	}
}

func TestWantColor(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"NO_COLOR": ""}, true},
		{map[string]string{"NO_COLOR": "1"}, false},
		{map[string]string{"NO_COLOR": "yes"}, false},
		{map[string]string{"NO_COLOR": "0"}, false},
		{map[string]string{"TERM": "dumb"}, false},
		{map[string]string{"TERM": "xterm"}, true},
	} {
		if got := WantColor(func(k string) (string, bool) { v, ok := c.env[k]; return v, ok }); got != c.want {
			t.Errorf("%v: %t", c.env, got)
		}
	}
}
