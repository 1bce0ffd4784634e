package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

// leak is a plain hoarder; the cases change what makes them different.
func leak() Evidence {
	return Evidence{
		Parent: event.Proc{ID: event.ID{PID: 812}, Comm: "gunicorn"},
		State:  "S", Wchan: "do_epoll_wait", SigChld: "default", Threads: 1,
		Count: 42, Oldest: time.Hour + 2*time.Minute, Newest: 4 * time.Second,
		Observed: 2 * time.Hour, Window: 10 * time.Minute, Before: 12, Born: 30, Grew: 30, RatePerMin: 3,
		Later: 41, Waited: event.Unknown,
		Reaper: 1, Role: "init",
	}
}

func TestJudge(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Evidence)
		want   Verdict
	}{
		{"grows", func(e *Evidence) {}, Leaking},
		{"none", func(e *Evidence) { e.Count = 0 }, Healthy},
		{"steady", func(e *Evidence) { e.Before, e.Born, e.Grew = 42, 0, 0 }, Held},
		{"shrinks", func(e *Evidence) { e.Before, e.Gone, e.Grew = 80, 68, -38 }, Held},
		{"a batch that dies one by one", func(e *Evidence) { e.Later = 0 }, Held},
		{"a batch, as far as is known", func(e *Evidence) { e.Later, e.Undated = 0, 1 }, Leaking},
		{"a second of observation", func(e *Evidence) { e.Observed = time.Second }, Held},
		{"all died in one moment", func(e *Evidence) { e.Before, e.Newest = 0, e.Oldest-time.Second }, Held},
		{"a second one, much later", func(e *Evidence) { e.Before, e.Count, e.Grew = 0, 2, 2 }, Leaking},
		{"one more than before", func(e *Evidence) { e.Before, e.Count, e.Grew, e.Newest = 1, 2, 1, e.Oldest }, Leaking},

		{"all younger than two seconds", func(e *Evidence) { e.Oldest = TransientAge - 1 }, Transient},
		{"two seconds old", func(e *Evidence) { e.Oldest, e.Newest = TransientAge, TransientAge; e.Grew = 0 }, Held},
		{"young, of a stopped parent", func(e *Evidence) { e.Oldest, e.State = time.Second, "T" }, Transient},

		{"all have threads", func(e *Evidence) { e.ThreadsAlive = 42 }, ThreadsAlive},
		{"one has threads", func(e *Evidence) { e.ThreadsAlive = 1 }, Leaking},
		{"threads, of a stopped parent", func(e *Evidence) { e.ThreadsAlive, e.State = 42, "T" }, ThreadsAlive},

		{"all from before the exec", func(e *Evidence) { e.Inherited, e.Was = 42, "sh" }, InheritedByExec},
		{"some from before the exec", func(e *Evidence) { e.Inherited, e.Was = 41, "sh" }, Leaking},
		{"stopped", func(e *Evidence) { e.State = "T" }, ParentStopped},
		{"traced", func(e *Evidence) { e.State = "t" }, ParentStopped},
		{"idle is not stopped", func(e *Evidence) { e.State = "I" }, Leaking},
		{"uninterruptible", func(e *Evidence) { e.State, e.StateFor = "D", time.Minute }, ParentBlocked},
		{"in vfork at this moment", func(e *Evidence) { e.State = "D" }, Leaking},
		{"SIGCHLD blocked", func(e *Evidence) { e.Blocked = true }, ParentBlocked},
		{"SIGCHLD handled", func(e *Evidence) { e.SigChld = "handled" }, Leaking},
		{"SIGCHLD ignored now", func(e *Evidence) { e.SigChld, e.Grew, e.Born, e.Before = "ignored", 0, 0, 42 }, Held},
		{"stopped over an exec", func(e *Evidence) { e.State, e.Inherited = "T", 42 }, ParentStopped},
		{"outside", func(e *Evidence) { e.Outside, e.Parent = true, event.Proc{} }, Outside},
		{"outside, young", func(e *Evidence) { e.Outside, e.Oldest = true, time.Second }, Outside},
		{"a subreaper", func(e *Evidence) { e.Adopted = 42 }, OtherReaper},
		{"own children of a subreaper", func(e *Evidence) { e.Adopted = 41 }, Leaking},
		{"nothing known of the parent", func(e *Evidence) { e.State, e.SigChld, e.Wchan = "", "", "" }, Leaking},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := leak()
			tt.change(&e)
			f := Judge(e)
			if f.Verdict != tt.want {
				t.Errorf("%s, want %s", f.Verdict, tt.want)
			}
			if f.Summary == "" || strings.Contains(f.Summary, "\n") {
				t.Errorf("summary %q is not one line", f.Summary)
			}
			if f.Verdict != Healthy && (len(f.Advice) == 0 || len(f.Evidence) == 0) {
				t.Errorf("%d lines of evidence, %d of advice", len(f.Evidence), len(f.Advice))
			}
		})
	}
}

func TestSummaries(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Evidence)
		want   string
	}{
		{
			"leaking", func(e *Evidence) {},
			"812 gunicorn is alive and does not wait for its children: 42 zombies, oldest 1h02m, +3/min. pid1 cannot reap them; if 812 exits, pid1 reaps all 42.",
		},
		{
			"leaking, waits for some", func(e *Evidence) { e.Gone = 5 },
			"812 gunicorn is alive and waits for fewer children than die: 42 zombies, oldest 1h02m, +3/min. pid1 cannot reap them; if 812 exits, pid1 reaps all 42.",
		},
		{
			"one, held by COMMAND", func(e *Evidence) { e.Count, e.Grew, e.RatePerMin, e.Main = 1, 0, 0, true },
			"812 gunicorn is alive and has not waited for its dead children: 1 zombie, oldest 1h02m. pid1 cannot reap it; 812 is the container's main process, so it stays until it waits or the container ends.",
		},
		{
			"PID 1, which is no init", func(e *Evidence) { e.Parent.PID, e.Role = 1, "local" },
			"1 gunicorn is alive and does not wait for its children: 42 zombies, oldest 1h02m, +3/min. Only 1 can reap them: it is PID 1, so they stay until it waits or the container ends.",
		},
		{
			"transient", func(e *Evidence) { e.Count, e.Oldest = 1, 80*time.Millisecond },
			"812 gunicorn has children that died this moment: 1 zombie, oldest 80ms.",
		},
		{
			"inherited", func(e *Evidence) { e.Count, e.Inherited, e.Was, e.RatePerMin = 2, 2, "sh", 0 },
			`812 gunicorn was "sh" when it started them, and the program it execed does not know them: 2 zombies, oldest 1h02m. pid1 cannot reap them; if 812 exits, pid1 reaps all 2.`,
		},
		{
			"outside, since before", func(e *Evidence) { e.Outside, e.Parent, e.SeenBefore, e.RatePerMin = true, event.Proc{}, 1, 0 },
			"The parent is outside this container's PID namespace: 42 zombies, oldest more than 1h02m.",
		},
		{
			"without pid1", func(e *Evidence) { e.Role = "local" },
			"812 gunicorn is alive and does not wait for its children: 42 zombies, oldest 1h02m, +3/min. Only 812 can reap them; if 812 exits, PID 1 inherits all 42.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := leak()
			tt.change(&e)
			if diff := cmp.Diff(tt.want, Judge(e).Summary); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A rhythm from outside is a health check's, and is named so.
func TestProbe(t *testing.T) {
	e := leak()
	e.Outside, e.Parent, e.Cadence = true, event.Proc{}, Cadence{2, 30 * time.Second}
	f := Judge(e)
	all := strings.Join(append(f.Evidence, f.Advice...), "\n")
	for _, want := range []string{"2 every 30s: the rhythm of a health check or an exec probe", "ends within its timeout and leaves nothing running"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q:\n%s", want, all)
		}
	}
	e.Cadence = Cadence{}
	f = Judge(e)
	if all := strings.Join(append(f.Evidence, f.Advice...), "\n"); strings.Contains(all, "By its rhythm") {
		t.Errorf("a rhythm where there is none:\n%s", all)
	}
}

func TestEvidenceLines(t *testing.T) {
	e := leak()
	e.Blocked, e.SeenBefore = true, 2
	want := []string{
		"812 is in state S (sleeping), waiting in do_epoll_wait",
		"SIGCHLD: default, and blocked",
		"2 of 42 were dead already when observation began",
		"observed for 2h00m; in the last 10m: 12 before, 30 died, 0 reaped, 42 now",
		"oldest more than 1h02m, newest 4s",
	}
	if diff := cmp.Diff(want, Judge(e).Evidence); diff != "" {
		t.Error(diff)
	}
	e.Observed = time.Second
	got := Judge(e).Evidence
	if last := got[len(got)-1]; last != "observed for 1s only: whether the count grows is not known yet" {
		t.Errorf("last line %q does not say how short the observation was", last)
	}
}

func TestWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0ms", 80 * time.Millisecond: "80ms", 4 * time.Second: "4s", 192 * time.Second: "3m12s",
		12*time.Minute + 30*time.Second: "12m", 62 * time.Minute: "1h02m", 76 * time.Hour: "3d04h",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%d) = %s, want %s", d, got, want)
		}
	}
	for r, want := range map[float64]string{0: "0", 0.04: "0", -0.04: "0", 0.2: "+0.2", 3.4: "+3", -12: "-12", -0.5: "-0.5"} {
		if got := Rate(r); got != want {
			t.Errorf("Rate(%v) = %s, want %s", r, got, want)
		}
	}
}

// PID 1 is not to be restarted, and what it has to wait for is more than its own.
func TestAdviceOnPID1(t *testing.T) {
	for role, want := range map[string]string{
		"local": "1 is its PID 1, and all ends with it", "subreaper": "1 is its PID 1, and all ends with it",
		"init": "1 is pid1 itself",
	} {
		e := leak()
		e.Parent.PID, e.Role = 1, role
		advice := strings.Join(Judge(e).Advice, "\n")
		if !strings.Contains(advice, want) || !strings.Contains(advice, "orphans that it inherits") || strings.Contains(advice, "restart 1") {
			t.Errorf("%s: %s", role, advice)
		}
	}
}
