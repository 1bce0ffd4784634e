package world

import (
	"testing"
	"time"

	"pid1/doctor"
	"pid1/event"
)

// orphan is the row of a process that pid1 adopted, which began ago.
func orphan(pid int, comm, from string, ago time.Duration) *event.Process {
	r := row(pid, 1, "S")
	r.Comm, r.AgeMS, r.RSSKB = comm, ago.Milliseconds(), 1000
	r.Origin = &event.Proc{ID: id(pid - 1), Comm: from, How: event.HowSeen}
	return r
}

func TestLeft(t *testing.T) {
	f := newFeed(t)
	f.hello()
	main := row(8, 1, "S")
	main.Origin = &event.Proc{ID: event.ID{PID: 1}, How: event.HowExact}
	rows := []*event.Process{row(1, 0, "S"), main, row(9, 8, "S"), orphan(500, "cron", "sh", time.Hour)}
	for i := range 5 {
		rows = append(rows, orphan(100+10*i, "worker", "runner", time.Duration(10-2*i)*time.Minute))
	}
	zombie := orphan(300, "worker", "runner", time.Minute)
	zombie.State = "Z"
	probe := row(400, 0, "S")
	probe.Comm, probe.ExecSession, probe.AgeMS = "sh", true, 1000
	f.rows(append(rows, zombie, probe)...)

	left := f.w.Left(f.viewer())
	if len(left) != 3 {
		t.Fatalf("%d groups, want workers, cron and what came in by docker exec: %+v", len(left), left)
	}
	l := left[0]
	if l.Comm != "worker" || l.Count != 5 || l.Origin.Comm != "runner" || l.Origins != 5 || l.Moments != 5 || l.RSSKB != 5000 ||
		l.Oldest != 10*time.Minute || l.Newest != 2*time.Minute || l.Cadence != (doctor.Cadence{Each: 1, Every: 2 * time.Minute}) {
		t.Errorf("the workers are %+v", l)
	}
	for _, l := range left[1:] {
		if l.Count != 1 || l.Piling() || l.Session != (l.Comm == "sh") {
			t.Errorf("%+v", l)
		}
	}
	findings := f.w.Findings(f.viewer())
	if len(findings) != 1 || findings[0].Verdict != doctor.Orphans || findings[0].Left == nil {
		t.Errorf("%d findings: %+v", len(findings), findings)
	}
}

func TestHolder(t *testing.T) {
	thread := row(30, 8, "S")
	thread.Threads = 50
	kid := func(pid, ppid, origin int, state string) *event.Process {
		r := row(pid, ppid, state)
		r.Threads = 1
		if origin > 0 {
			r.Origin = &event.Proc{ID: id(origin)}
		}
		return r
	}
	tests := []struct {
		name                 string
		rows                 []*event.Process
		holder, held, zombie int
	}{
		{"nobody but pid1", []*event.Process{kid(1, 0, 0, "S"), kid(8, 1, 1, "Z")}, 0, event.Unknown, event.Unknown},
		{"zombies", []*event.Process{kid(1, 0, 0, "S"), kid(8, 1, 1, "S"), kid(9, 8, 8, "Z"), kid(10, 8, 8, "Z"), kid(11, 1, 1, "S")}, 8, 3, 2},
		{"threads", []*event.Process{kid(1, 0, 0, "S"), kid(8, 1, 1, "S"), kid(9, 11, 8, "Z"), thread, kid(11, 1, 1, "S")}, 8, 51, 0},
		{"orphans count for who made them", []*event.Process{kid(1, 0, 0, "S"), kid(8, 1, 1, "S"), kid(9, 1, 8, "S"), kid(10, 1, 8, "S")}, 8, 3, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			holder, held, zombies := Holder(tt.rows, 1)
			if holder.PID != tt.holder || held != tt.held || zombies != tt.zombie {
				t.Errorf("%d holds %d, %d zombies; want %d, %d, %d", holder.PID, held, zombies, tt.holder, tt.held, tt.zombie)
			}
		})
	}
}

func TestGauge(t *testing.T) {
	tests := []struct {
		name string
		used func(second int) int64
		last int
		want time.Duration // 0: not in sight
	}{
		{"steady", func(int) int64 { return 50 }, 300, 0},
		{"falls", func(s int) int64 { return int64(90 - s/10) }, 300, 0},
		{"one a second", func(s int) int64 { return int64(s) }, 80, 20 * time.Second},
		{"idle for long, then one a second", func(s int) int64 { return int64(max(10, s-490)) }, 570, 20 * time.Second},
		{"one a minute", func(s int) int64 { return int64(50 + s/60) }, 600, 41 * time.Minute},
		{"26 every five minutes", func(s int) int64 { return int64(26 * (s / 300)) }, 601, 5 * time.Minute},
		{"one in three seconds among what comes and goes", func(s int) int64 { return int64(20 + s/3 + (7*s)%5) }, 60, 3 * time.Minute},
		{"a program that starts, then nothing to tell", func(s int) int64 { return int64(min(30, 4*s)) }, 20, 0},
		{"a program that starts a flood", func(s int) int64 { return int64(3 * s) }, 20, 13 * time.Second},
		{"only what comes and goes", func(s int) int64 { return int64(50 + (7*s)%5) }, 90, 0},
		{"a swing", func(s int) int64 { return int64(50 + s%7) }, 301, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var g Gauge
			for s := range tt.last + 1 {
				g.Add(epoch.Add(time.Duration(s)*time.Second), tt.used(s))
			}
			full, ok := g.Full(100)
			if tt.want == 0 {
				if ok && full < time.Hour {
					t.Errorf("full in %v, want never", full)
				}
				return
			}
			if !ok || full < tt.want/2 || full > tt.want*2 {
				t.Errorf("full in %v, %t; want about %v", full, ok, tt.want)
			}
			if len(g.samples) > 150 {
				t.Errorf("%d samples are kept", len(g.samples))
			}
		})
	}
}

// Where nobody followed the PIDs in use, the leak says when they are used up.
func TestFullByTheLeak(t *testing.T) {
	f := newFeed(t)
	f.hello()
	for pid := 20; pid < 40; pid++ {
		f.zombie(pid, 8)
		f.pass(3 * time.Second)
	}
	f.send(&event.Stats{Head: event.Head{Type: event.TypeStats}, PIDsUsed: 40, PIDsLimit: 100})
	groups := f.w.Zombies(f.viewer())
	full, ok := f.w.Full(groups)
	if want := 3 * time.Minute; !ok || full < want/2 || full > want*2 { // 60 at 20 a minute
		t.Errorf("full in %v, %t", full, ok)
	}
	if full, ok := f.w.Full(nil); ok {
		t.Errorf("without a leak full in %v", full)
	}
}

func TestMemories(t *testing.T) {
	f := newFeed(t)
	f.hello()
	reap := event.New(event.TypeReap).(*event.Reap)
	reap.ID, reap.Comm, reap.Signal, reap.OOM = id(31), "ffmpeg", "SIGKILL", "probable"
	reap.Rusage = &event.Rusage{MaxRSSKB: 4096}
	f.send(reap)
	oom := event.New(event.TypeOOM).(*event.OOM)
	oom.Kills, oom.Total = 2, 5
	f.send(oom)
	f.pass(time.Minute)
	m := f.w.Memories(f.viewer())
	exit := event.New(event.TypeExit).(*event.Exit)
	exit.ID, exit.Comm, exit.Signal, exit.OOM = id(32), "worker", "SIGKILL", "probable"
	f.send(exit)
	if m := f.w.Memories(f.viewer()); len(m.Killed) != 2 || m.Killed[0].PID != 32 || m.Killed[0].Ago != 0 {
		t.Errorf("with one that its parent reaped: %+v", m)
	}
	if m.Kills != 2 || m.Last != time.Minute || len(m.Killed) != 1 || m.Killed[0].PID != 31 || m.Killed[0].MaxRSSKB != 4096 {
		t.Errorf("%+v", m)
	}
}

func TestRedact(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.start(8, 1, "server")
	leak := event.New(event.TypeLeak).(*event.Leak)
	leak.Parent.Cmdline = []string{"server", "secret"}
	f.send(leak)
	f.w.Redact(func(args []string) []string { return make([]string, len(args)) })
	if p := f.w.ByPID(8); p.Cmdline[1] != "" {
		t.Errorf("a process: %q", p.Cmdline)
	}
	if n := f.w.Notes()[0].(*event.Leak); n.Parent.Cmdline[1] != "" || leak.Parent.Cmdline[1] != "secret" {
		t.Errorf("a note: %q, and what it was made from: %q", n.Parent.Cmdline, leak.Parent.Cmdline)
	}
}
