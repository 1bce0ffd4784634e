package pages_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pid1/internal/pages"
)

// page makes a page of text in which ' stands for a backtick.
func page(lines ...string) string {
	return strings.ReplaceAll(strings.Join(lines, "\n"), "'''", "```") + "\n"
}

func TestRead(t *testing.T) {
	got, err := pages.Read(page("# Title", "'''sh", "a", "", "b", "'''", "so:", "'''text", "out", "'''", "'''text", "more", "'''",
		"'''sh again", "c", "'''", "'''text", "x", "'''", "1. in a list", "   '''yaml file=a/b.yaml", "   k: v", "     - w", "   '''",
		"'''dockerfile in=Dockerfile", "FROM x", "'''", "'''sh no-run: it needs a cluster", "d", "'''", "'''sh", "'''", "'''text", "'''"))
	if err != nil {
		t.Fatal(err)
	}
	want := []pages.Block{
		{Line: 2, Use: pages.Typed, Text: "a\n\nb\n", Want: "out\n", HasWant: true},
		{Line: 11, Use: pages.Shown, Text: "more\n"},
		{Line: 14, Use: pages.Again, Text: "c\n", Want: "x\n", HasWant: true},
		{Line: 21, Use: pages.Saved, Name: "a/b.yaml", Text: "k: v\n  - w\n"},
		{Line: 25, Use: pages.Part, Name: "Dockerfile", Text: "FROM x\n"},
		{Line: 28, Use: pages.NotRun, Text: "d\n"},
		{Line: 31, Use: pages.Typed, HasWant: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no end":               page("'''sh", "a"),
		"no word":              page("'''yaml", "a: b", "'''"),
		"another language":     page("'''bash", "a", "'''"),
		"a word of no meaning": page("'''sh norun", "a", "'''"),
		"no reason":            page("'''sh no-run:  ", "a", "'''"),
		"a reason and no mark": page("'''sh it is long", "a", "'''"),
		"a file elsewhere":     page("'''yaml file=../a", "a", "'''"),
		"again without an end": page("'''sh again", "a", "'''"),
		"an empty screen":      page("'''sh screen", "a", "'''", "'''text", "'''"),
	} {
		if got, err := pages.Read(text); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		want, got string
		ok        bool
	}{
		{"a\n", "a", true},
		{"a\n", "a \n\n", true},
		{"a\n", "a\nb\n", false},
		{"b\n", "a\nb\n", false},
		{"a\n…\n", "a\nb\nc\n", true},
		{"a\n…\n", "a\n", true},
		{"…\nb\n", "a\nb\n", true},
		{"…\nb\n…\n", "a\nb\nc\n", true},
		{"a … c\n", "a b c\n", true},
		{"a … c\n", "a  c\n", true},
		{"A  B\n", "A     B\n", true},
		{"A  B\n", "AB\n", false},
		{"A B\n", "A\tB\n", true},
		{"  a\n", "a\n", false},
		{"a … c\n", "a b\n c\n", false},
		{"a.c\n", "abc\n", false},
		{"", "", true},
		{"", "a", false},
	} {
		if got := pages.Matches(tt.want, tt.got); got != tt.ok {
			t.Errorf("%q and %q: %t", tt.want, tt.got, got)
		}
	}
}

func TestMissing(t *testing.T) {
	got := pages.Missing(" LEAK … zombies\n…\n\nabc\n", "top\n| LEAK 14: 5 zombies |\nend\n")
	if diff := cmp.Diff([]string{"abc"}, got); diff != "" {
		t.Error(diff)
	}
}
