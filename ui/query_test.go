package ui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

func TestQuery(t *testing.T) {
	live := subject{
		pid: 831, ppid: 812, user: "app", state: 'S', ended: event.Ended{Code: event.Unknown}, life: -1, age: 2 * time.Hour,
		texts: []string{"gunicorn"}, args: []string{"gunicorn:", "Worker", "[app:wsgi]"},
	}
	killed := subject{
		pid: 900, ppid: 31, user: "root", state: 'X', ended: event.Ended{Code: event.Unknown, Signal: "SIGKILL"},
		life: 500 * time.Millisecond, age: -1, texts: []string{"ffmpeg", "SIGKILL"}, args: []string{"ffmpeg", "-i", "in.mp4"},
	}
	ended := killed
	ended.ended = event.Ended{Code: 75}
	for _, c := range []struct {
		text                string
		live, killed, ended bool
	}{
		{"", true, true, true},
		{"   ", true, true, true},
		{"gunicorn", true, false, false},
		{"GUNICORN wOrKeR", true, false, false},
		{"gunicorn ffmpeg", false, false, false},
		{"gunicorn | ffmpeg", true, true, true},
		{"gunicorn|ffmpeg", true, true, true},
		{"| gunicorn |", true, false, false},
		{"!gunicorn", false, true, true},
		{"!!gunicorn", true, false, false},
		{"!gunicorn !ffmpeg", false, false, false},
		{"worker 831 | in.mp4 !sig:KILL", true, false, true},
		{`"-i in"`, false, true, true},
		{`"worker [app`, true, false, false},
		{"/^ffmpeg -I .*mp4$/", false, true, true},
		{"/worker/ app:wsgi", true, false, false},
		{"/", false, false, false},
		{"/usr/bin", false, false, false},
		{"pid:831", true, false, false},
		{"PID=831", true, false, false},
		{"pid!=831", false, true, true},
		{"pid>=831 pid<900", true, false, false},
		{"ppid:31", false, true, true},
		{"user:APP", true, false, false},
		{"user!=app", false, true, true},
		{"state:s", true, false, false},
		{"sig:KILL", false, true, false},
		{"sig:sigkill", false, true, false},
		{"sig!=TERM", false, true, false},
		{"exit=75", false, false, true},
		{"exit!=0", false, false, true},
		{"exit!=75", false, false, false},
		{"!exit:0", true, true, true},
		{"life<1s", false, true, true},
		{"life>=500ms", false, true, true},
		{"age>1h", true, false, false},
		{"age>90m age<0.5d", true, false, false},
		{"83", true, false, false},
		{"pid:", true, true, true}, // not typed to its end
		{"!", true, true, true},
		{"app:wsgi", true, false, false}, // a word like any other
		{"é", false, false, false},
	} {
		q, err := parseQuery(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for name, want := range map[string]bool{"live": c.live, "killed": c.killed, "ended": c.ended} {
			s := map[string]*subject{"live": &live, "killed": &killed, "ended": &ended}[name]
			if got := q.match(s); got != want {
				t.Errorf("%q of the %s one: %v, want %v", c.text, name, got, want)
			}
		}
	}
}

func TestQueryThatIsNotUnderstood(t *testing.T) {
	for text, want := range map[string]string{
		"pid:x":       "pid:x: a number is wanted",
		"a life<soon": "life<soon: a time is wanted",
		"user<app":    "user<app: it is one or it is not",
		"state!Z":     "state!Z: write state!=",
		"x /[/":       "/[/: missing closing ]",
		"age>NaN":     "age>NaN: a time is wanted",
	} {
		if _, err := parseQuery(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s…", text, err, want)
		}
	}
}

// TestHalfAFilterChangesNothing: while what is typed is not understood yet, the
// list stays as it was, and the screen says what is missing.
func TestHalfAFilterChangesNothing(t *testing.T) {
	m, _ := screen(100, 30, Options{}, scenes["leak"])
	press(m, "/", "c", "r", "o", "n")
	was := m.tree.shown
	m.Update(tea.PasteMsg{Content: " /[/"})
	if m.tree.shown != was {
		t.Errorf("%d shown, before %d", m.tree.shown, was)
	}
	mustSee(t, m, "missing closing ]", "cron -f")
	press(m, "esc")
	mustSee(t, m, "gunicorn")
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a|b !c", `"x`, "/a(/", "pid:1 exit!=0 life<1s", "\xff|\x00/", "!!!", "age>1e9d"} {
		f.Add(s)
	}
	s := &subject{pid: 1, ppid: 0, user: "root", state: 'S', texts: []string{"\xffa", ""}, args: []string{"", "b\x00"}}
	f.Fuzz(func(_ *testing.T, text string) {
		if q, err := parseQuery(text); err == nil {
			q.match(s)
		}
	})
}
