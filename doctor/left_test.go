package doctor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

func TestJudgeLeft(t *testing.T) {
	pile := Left{
		Kind:   Kind{Comm: "worker", Cmdline: []string{"worker", "--queue", "mail"}, Count: 12},
		Origin: event.Proc{ID: event.ID{PID: 31}, Comm: "runner"}, Origins: 1,
		PIDs: []int{40, 41}, Moments: 12, Oldest: time.Hour, Newest: time.Minute, RSSKB: 480 << 10,
	}
	tests := []struct {
		name   string
		change func(*Left)
		want   Verdict
		says   string
	}{
		{"a pile", func(l *Left) {}, Orphans,
			"31 runner left <worker --queue mail> running as 12 processes, since 1h00m; they hold 480 MB."},
		{"of many", func(l *Left) { l.Origins = 12 }, Orphans, "12 processes called runner left "},
		{"of nobody known", func(l *Left) { l.Origin, l.Origins = event.Proc{}, 0 }, Orphans, "Somebody nobody saw left "},
		{"of a probe", func(l *Left) { l.Session, l.Cadence = true, Cadence{1, 30 * time.Second} }, Orphans,
			"A health check or an exec probe from outside left <worker --queue mail> running as 12 processes, since 1h00m, 1 every 30s; they hold 480 MB."},
		{"of sessions", func(l *Left) { l.Session = true }, Orphans, "Sessions from outside (docker exec) left "},
		{"one daemon", func(l *Left) { l.Count, l.Moments, l.Newest = 1, 1, l.Oldest }, Healthy, ""},
		{"workers of one daemon", func(l *Left) { l.Moments, l.Newest = 1, l.Oldest }, Healthy, ""},
		{"three within a moment", func(l *Left) { l.Moments, l.Newest = 3, l.Oldest-10*time.Second }, Healthy, ""},
		{"no more for long", func(l *Left) { l.Newest = 30 * time.Minute }, Healthy, ""},
		{"no more for long, but slow", func(l *Left) { l.Newest, l.Cadence = 30*time.Minute, Cadence{1, 20 * time.Minute} }, Orphans, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := pile
			tt.change(&l)
			f := JudgeLeft(&l)
			if f.Verdict != tt.want || !strings.HasPrefix(f.Summary, tt.says) {
				t.Errorf("%s: %s; want %s: %s", f.Verdict, f.Summary, tt.want, tt.says)
			}
			if f.Verdict == Orphans && (len(f.Advice) == 0 || len(f.Evidence) == 0) {
				t.Error("no evidence, or no advice")
			}
		})
	}
}

func TestJudgePIDs(t *testing.T) {
	full := PIDs{
		Used: 27, Limit: 30, FullIn: 12 * time.Second, Filling: true,
		Holder: event.Proc{ID: event.ID{PID: 14}, Comm: "python3"}, Held: 20, Zombies: 19, Role: "init",
	}
	tests := []struct {
		name    string
		change  func(*PIDs)
		verdict Verdict
		summary string
		advice  string
	}{
		{"zombies", func(p *PIDs) {}, Pressure,
			"27 of 30 PIDs are in use (90%): 14 python3 holds 20 of them, 19 zombies among these; full in 12s at this rate.",
			"find out what 14 does not wait for"},
		{"COMMAND's", func(p *PIDs) { p.Main = true }, Pressure, "27 of 30", "restart the container"},
		{"threads", func(p *PIDs) { p.Zombies, p.Filling = 0, false }, Pressure,
			"27 of 30 PIDs are in use (90%): 14 python3 holds 20 of them.", "threads included"},
		{"full", func(p *PIDs) { p.Used, p.Holder = 30, event.Proc{} }, Pressure,
			"30 of 30 PIDs are in use (100%); nothing can be started any more.", "pid1top tree"},
		{"room", func(p *PIDs) { p.Used = 23 }, Healthy, "", ""},
		{"no limit", func(p *PIDs) { p.Limit = event.Unknown }, Healthy, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := full
			tt.change(&p)
			f := JudgePIDs(&p)
			if f.Verdict != tt.verdict || !strings.HasPrefix(f.Summary, tt.summary) || !strings.Contains(strings.Join(f.Advice, "\n"), tt.advice) {
				t.Errorf("%s: %s\n%s", f.Verdict, f.Summary, strings.Join(f.Advice, "\n"))
			}
		})
	}
}

func TestJudgeOOM(t *testing.T) {
	m := Memories{Kills: 2, Last: 3 * time.Minute, Killed: []Kill{
		{Proc: event.Proc{ID: event.ID{PID: 31}, Comm: "ffmpeg"}, Ago: 3 * time.Minute, MaxRSSKB: 512 << 10},
	}}
	f := JudgeOOM(&m)
	if f.Verdict != OOM || f.Summary != "The kernel killed 2 processes for want of memory, the last 3m00s ago: probably 31 ffmpeg (512 MB)." {
		t.Errorf("%s: %s", f.Verdict, f.Summary)
	}
	if len(f.Evidence) != 2 || !strings.Contains(f.Evidence[1], "probably") {
		t.Errorf("evidence %q", f.Evidence)
	}
	m.Last = 2 * time.Hour
	if f := JudgeOOM(&m); f.Verdict != Healthy {
		t.Errorf("old news: %s", f.Verdict)
	}
	if f := JudgeOOM(&Memories{}); f.Verdict != Healthy {
		t.Errorf("nothing: %s", f.Verdict)
	}
}

func TestOver(t *testing.T) {
	e := Evidence{Parent: event.Proc{ID: event.ID{PID: 8}, Comm: "srv"}, Role: "init"}
	held := e
	held.Count, held.Newest = 5, 10*time.Minute
	local := e
	local.Role = "local"
	outside := Evidence{}
	for _, tt := range []struct {
		e     *Evidence
		peak  int
		alive bool
		want  string
	}{
		{&e, 9, true, "8 srv no longer leaks: it waited for its zombies."},
		{&e, 9, false, "8 srv no longer leaks: it is gone, and pid1 reaps what it left."},
		{&local, 9, false, "8 srv no longer leaks: it is gone, and left its zombies to PID 1."},
		{&held, 40, true, "8 srv no longer leaks: it waited for 35 of its 40 zombies."},
		{&held, 6, true, "8 srv no longer leaks: no more were added for 10m; it still holds 5 zombies."},
		{&outside, 6, false, "The parent outside the container no longer leaks: it waited for its zombies."},
	} {
		if diff := cmp.Diff(tt.want, Over(tt.e, tt.peak, tt.alive)); diff != "" {
			t.Error(diff)
		}
	}
}

// For whom there is special advice, and that it is marked as a guess.
func TestPrograms(t *testing.T) {
	tests := []struct {
		comm    string
		cmdline string
		zombies string
		verdict Verdict
		want    string
	}{
		{"python3", "python3 app.py", "", Leaking, "Python"},
		{"python3.11", "/usr/bin/python3.11 app.py", "", Leaking, "Python"},
		{"gunicorn", "gunicorn: master [app]", "", Leaking, "Python"},
		{"celeryd", "[celeryd: main]", "", Held, "Python"},
		{"node", "node server.js", "", Leaking, "Node.js"},
		{"MainThread", "/usr/local/bin/node server.js", "", Leaking, "Node.js"},
		{"php-fpm8.2", "php-fpm: master process", "", Leaking, "PHP-FPM"},
		{"php", "php worker.php", "", Leaking, "PHP"},
		{"perl", "perl x.pl", "", Leaking, "Perl"},
		{"ruby3.1", "ruby x.rb", "", Leaking, "Ruby"},
		{"java", "java -jar x.jar", "", Leaking, "Java"},
		{"java", "java -jar x.jar", "", InheritedByExec, "Start script"},
		{"nginx", "nginx: master process nginx", "", Leaking, "nginx"},
		{"cron", "cron -f", "", Leaking, "cron"},
		{"bash", "bash start.sh", "", Held, "bash"},
		{"sh", "sh start.sh", "", Held, "a plain sh"},
		{"start.sh", "/bin/sh /app/start.sh", "", Held, "a plain sh"},
		{"server", "./server", "git", Leaking, "git"},
		{"node", "node x.js", "chrome", Leaking, "a headless browser"},
		{"server", "./server --python", "convert", Leaking, ""},
		{"server", "./server", "", Leaking, ""},
		{"", "", "", Leaking, ""},
		{"pythonista", "pythonista", "", Leaking, ""},
	}
	for _, tt := range tests {
		e := Evidence{Parent: event.Proc{Comm: tt.comm, Cmdline: strings.Fields(tt.cmdline)}}
		if tt.zombies != "" {
			e.Kinds = []Kind{{Comm: tt.zombies, Count: 3}}
		}
		got := ""
		if p := guess(tt.verdict, &e); p != nil {
			got = p.Name
			if advice := special(tt.verdict, &e); !strings.Contains(advice[0], "(a guess by ") {
				t.Errorf("%q is not marked as a guess", advice[0])
			}
		}
		if got != tt.want {
			t.Errorf("%q %q of %q: %q, want %q", tt.comm, tt.cmdline, tt.zombies, got, tt.want)
		}
	}
	for _, p := range Programs() {
		if p.Tried == "" || len(p.Advice) == 0 {
			t.Errorf("%s: how is it known, and what is there to do?", p.Name)
		}
	}
}

// Nothing that cannot work is recommended: a zombie cannot be killed.
func TestNobodyIsToldToKillAZombie(t *testing.T) {
	for _, sig := range []string{"", "default", "ignored", "handled"} {
		for _, state := range []string{"S", "T", "t", "D"} {
			for _, name := range []string{"x", "python3", "node", "sh", "bash", "java", "cron"} {
				for _, change := range []func(*Evidence){
					func(*Evidence) {}, func(e *Evidence) { e.Inherited = e.Count }, func(e *Evidence) { e.Adopted = e.Count },
					func(e *Evidence) { e.Blocked = true }, func(e *Evidence) { e.Outside, e.Parent = true, event.Proc{} },
					func(e *Evidence) { e.Main = true }, func(e *Evidence) { e.Grew = 0 },
				} {
					e := leak()
					e.SigChld, e.State, e.StateFor, e.Parent.Comm = sig, state, time.Minute, name
					e.Kinds = []Kind{{Comm: "git", Count: 42}}
					change(&e)
					for _, line := range Judge(e).Advice {
						low := strings.ToLower(line)
						if strings.Contains(low, "kill") && strings.Contains(low, "zombie") || strings.Contains(low, "kill -9") || strings.Contains(low, "kill -kill") {
							t.Errorf("%q", line)
						}
						if i := strings.Index(low, "kill -"); i >= 0 && !strings.Contains(line[i:], fmt.Sprint(e.Parent.PID)) {
							t.Errorf("%q is not about the parent", line)
						}
					}
				}
			}
		}
	}
}
