package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteWritesAllOfTheView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.txt")
	m, _ := screen(60, 15, Options{}, scenes["leak"])
	was := state(m, false)
	press(m, "w")
	mustSee(t, m, "write to pid1top-tree-120227.txt")
	m.prompt.open(askFile, path)
	run(m, "enter")
	mustSee(t, m, "lines written to")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{"pid1top Tree of web-7f9c, 2026-03-01T12:02:27Z", "REAPED", "less /var/log/app.log", "gunicorn: master [app:wsgi]"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the file:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("there are escape sequences in the file")
	}
	m.flash = flash{}
	m.stale = true
	if now := state(m, false); now != was {
		t.Errorf("writing changed the screen:\n%s", now)
	}

	press(m, "w")
	m.prompt.open(askFile, path)
	run(m, "enter")
	mustSee(t, m, "cannot write ")
	if again, _ := os.ReadFile(path); string(again) != text {
		t.Error("a file that was there was written over")
	}
}

func TestCopy(t *testing.T) {
	m, f := screen(100, 30, Options{}, scenes["leak"])
	f.start(5000, 7, "evil", "evil", "\x1b]52;c;eA==\x07\n; rm -rf /")
	bring(m, f)
	copied := func() string {
		_, cmd := m.Update(keyMsg("y"))
		if cmd == nil {
			return ""
		}
		return fmt.Sprint(cmd())
	}
	press(m, ":", "5", "0", "0", "0", "enter")
	if got := copied(); got != `5000 evil \e]52;c;eA==\x07\n; rm -rf /` {
		t.Errorf("copied %q", got)
	}
	mustSee(t, m, "copied, if your terminal")
	press(m, "3")
	if got := copied(); !strings.HasPrefix(got, "812 gunicorn is alive and does not wait") || !strings.Contains(got, "Fix 812") {
		t.Errorf("copied %q", got)
	}
	press(m, "4")
	if got := copied(); !strings.Contains(got, "10233 sh -c date: exit 3") {
		t.Errorf("copied %q", got)
	}
	press(m, "1")
	if got := copied(); !strings.Contains(got, "How they ended") {
		t.Errorf("copied %q", got)
	}
}
