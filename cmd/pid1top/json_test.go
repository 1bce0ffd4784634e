package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pid1/client"
	"pid1/event"
)

// output runs the program against the feed at socket.
func output(t *testing.T, socket string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	status := run(append([]string{"pid1top", "--socket", socket}, args...), nil, stdio{nil, &out, &errs})
	if status != statusOK || errs.Len() > 0 {
		t.Fatalf("pid1top %v: status %d, %s", args, status, errs.String())
	}
	return out.String()
}

// objects decodes an answer: one JSON object a line.
func objects(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out = append(out, v)
	}
	return out
}

func keys(v any) []string { return slices.Sorted(maps.Keys(v.(map[string]any))) }

func TestZombiesJSON(t *testing.T) {
	got := objects(t, output(t, serve(t, scenarios["leak"]), "zombies", "--json"))
	if len(got) != 1 {
		t.Fatalf("%d objects, want one a parent", len(got))
	}
	g := got[0]
	want := []string{"count", "evidence", "oldest_s", "parent", "rate_per_min", "verdict", "zombies"}
	if diff := cmp.Diff(want, keys(g)); diff != "" {
		t.Error(diff)
	}
	parent := map[string]any{"pid": 812.0, "comm": "gunicorn", "cmdline": []any{"gunicorn: master [app:wsgi]"}}
	if diff := cmp.Diff(parent, g["parent"]); diff != "" {
		t.Error(diff)
	}
	if g["count"] != 7.0 || g["verdict"] != "leaking" {
		t.Errorf("count %v, verdict %v", g["count"], g["verdict"])
	}
	if r := g["rate_per_min"].(float64); r < 2.5 || r > 3.5 {
		t.Errorf("rate_per_min %v, want about 3", r)
	}
	if s := g["oldest_s"].(float64); s < 130 || s > 160 {
		t.Errorf("oldest_s %v, want about 130", s)
	}
	z := g["zombies"].([]any)
	if len(z) != 7 {
		t.Fatalf("%d zombies, want 7", len(z))
	}
	if diff := cmp.Diff([]string{"age_s", "cmdline", "comm", "pid"}, keys(z[0])); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorJSON(t *testing.T) {
	got := objects(t, output(t, serve(t, scenarios["leak"]), "doctor", "--json"))
	if len(got) != 1 {
		t.Fatalf("%d objects, want one a finding", len(got))
	}
	f := got[0]
	want := []string{"advice", "evidence", "since", "subject", "summary", "verdict"}
	if diff := cmp.Diff(want, keys(f)); diff != "" {
		t.Error(diff)
	}
	since, err := time.Parse(time.RFC3339Nano, f["since"].(string))
	if ago := time.Since(since); err != nil || ago < 2*time.Minute || ago > 3*time.Minute {
		t.Errorf("since %v, %v ago, %v", f["since"], ago, err)
	}
	if ev := f["evidence"].(map[string]any); ev["sigchld"] != "default" || ev["state"] != "S" {
		t.Errorf("evidence %v", ev)
	}
	got = objects(t, output(t, serve(t, scenarios["healthy"]), "doctor", "--json"))
	if len(got) != 1 || got[0]["verdict"] != "healthy" {
		t.Errorf("%v, want healthy alone", got)
	}
}

func TestTreeJSON(t *testing.T) {
	got := objects(t, output(t, serve(t, scenarios["held"]), "tree", "--json"))
	type process struct {
		pid, ppid float64
		state     string
	}
	var list []process
	for _, p := range got {
		list = append(list, process{p["pid"].(float64), p["ppid"].(float64), p["state"].(string)})
	}
	want := []process{{1, 0, "S"}, {7, 1, "S"}, {812, 7, "S"}, {9120, 812, "Z"}, {9121, 812, "Z"}, {9122, 812, "Z"}, {9500, 1, "R"}}
	if diff := cmp.Diff(want, list, cmp.AllowUnexported(process{})); diff != "" {
		t.Error(diff)
	}
}

// reaps --json is the feed itself, byte for byte.
func TestReapsJSON(t *testing.T) {
	socket := serve(t, scenarios["leak"])
	c, err := client.Dial(t.Context(), socket, event.Request{Op: event.OpSubscribe, Types: []event.Type{event.TypeReap}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var want []byte
	for n := 0; n < 4; {
		ev, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.Header().Type == event.TypeReap {
			want = append(want, c.Line()...)
			n++
		}
	}
	if diff := cmp.Diff(string(want), output(t, socket, "reaps", "--json")); diff != "" {
		t.Error(diff)
	}
}

// Nothing that an answer prints can steer a terminal.
func TestNothingSteersTheTerminal(t *testing.T) {
	for _, name := range []string{"held", "leak"} {
		socket := serve(t, scenarios[name])
		for _, args := range [][]string{
			{}, {"tree"}, {"zombies"}, {"doctor"}, {"reaps"},
			{"tree", "--json"}, {"zombies", "--json"}, {"doctor", "--json"}, {"reaps", "--json"},
		} {
			text := output(t, socket, args...)
			for _, r := range text {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("%s %v prints %q", name, args, r)
				}
			}
		}
	}
}

func TestLongFeed(t *testing.T) {
	socket := serve(t, scenarios["long"])
	if n := strings.Count(output(t, socket, "reaps", "--json"), "\n"); n != 300 {
		t.Errorf("%d reaps, want 300", n)
	}
	if n := strings.Count(output(t, socket, "tree", "--json"), "\n"); n != 301 {
		t.Errorf("%d processes, want 301", n)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"gunicorn: master":    "gunicorn: master",
		"a\x1b]0;x\x07b":      `a\e]0;x\x07b`,
		"two\nlines\r\t":      `two\nlines\r\t`,
		"\xff\xfe":            `\xff\xfe`,
		"\u202egnp.exe":       `\u202egnp.exe`,
		"\u0085\u009b31m":     `\x85\x9b31m`,
		"größe 日本":            "größe 日本",
		"a\u0301\u0301\u0301": "a\u0301\u0301",
		"\u0301a":             `\u0301a`,
		"\u200b\ufeff":        `\u200b\ufeff`,
		"\U000e0041":          `\U0e0041`,
		"\u00a0":              `\xa0`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	in := "{\"a\":\"x\u202e\u0085\U000e0041日\x7f\"}\n"
	want := `{"a":"x\u202e\u0085\udb40\udc41日\u007f"}` + "\n"
	if got := string(escape([]byte(in))); got != want {
		t.Errorf("escape = %s, want %s", got, want)
	}
	var v struct{ A string }
	if err := json.Unmarshal([]byte(want), &v); err != nil || v.A != "x\u202e\u0085\U000e0041日\x7f" {
		t.Errorf("it reads back as %q, %v", v.A, err)
	}
}

// TestForeignRecording: whoever wrote a recording does not reach the terminal, and what
// pid1 wrote is printed as it is.
func TestForeignRecording(t *testing.T) {
	const head = `{"v":1,"type":"reap","seq":%d,"ts":"2026-11-22T21:57:31.869441251Z","pid":7,"ppid":1,"comm":"%s","code":3}`
	ours := fmt.Sprintf(head, 1, "café \\u009b")
	path := filepath.Join(t.TempDir(), "evil.jsonl")
	evil := ours + "\n" + fmt.Sprintf(head, 2, "a\u009b31m\x9b\x7f\u202e") + "\n\r" + fmt.Sprintf(head, 3, "b") + "\r\n"
	if err := os.WriteFile(path, []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"replay", "--json", path}, {"reaps", "--json", path}} {
		var out, errs bytes.Buffer
		if status := run(append([]string{"pid1top"}, args...), nil, stdio{nil, &out, &errs}); status != statusOK {
			t.Errorf("%v: status %d: %s", args, status, errs.String())
		}
		if !strings.HasPrefix(out.String(), ours+"\n") {
			t.Errorf("%v printed %q", args, out.String())
		}
		if !utf8.ValidString(out.String()) || strings.ContainsAny(out.String(), "\r\x7f\u009b\u202e") {
			t.Errorf("%v printed %q", args, out.String())
		}
	}
}
