package inspect

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

func TestZombieHeldByItsParent(t *testing.T) {
	b := newBench(t)
	parent := fakeProcess{pid: 20, ppid: 1, comm: "hoarder", cmdline: "hoarder\x00", start: 100}
	kid := fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x001\x00", start: b.ticks(1000)}
	b.put(parent)
	b.put(kid)
	b.sweep()
	b.events = nil
	b.clock.pass(5 * time.Second)
	kid.state, kid.cmdline, kid.exit = "Z", "", 3<<8
	b.put(kid)
	b.look(30)
	b.told() // a healthy parent will wait in a moment
	b.clock.pass(settle)
	b.look(30)
	b.told(`zombie 30 kid "kid 1" seen 3 of 20 hoarder`)
	b.clock.pass(time.Hour)
	b.sweep()
	b.told()
	if n, z := b.table.Counts(); n != 3 || z != 1 {
		t.Errorf("%d processes, %d zombies, want 3 and 1", n, z)
	}
	b.remove(30)
	b.sweep()
	b.told(`zombie_gone 30 kid "kid 1" seen of 20 after 3600008`,
		`exit 30 kid "kid 1" seen 3 from 20 hoarder "hoarder" seen lived -1`)
}

func TestZombieHandedToPID1(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "hoarder", start: 100})
	kid := fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(100)}
	b.put(kid)
	b.sweep()
	kid.state, kid.cmdline, kid.exit = "Z", "", 9
	b.put(kid)
	b.sweep()
	b.events = nil
	b.clock.pass(2 * time.Second)
	kid.ppid = 1
	b.put(kid)
	b.dying(30, `reap 30 kid "kid" seen from 20 hoarder "" seen <20 hoarder lived 100 dead 2000 adopted`)
	b.told(`zombie_gone 30 kid "kid" seen of 20 after 2000`)
}

func TestZombieOfPID1IsNotToldOf(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 30, ppid: 1, comm: "kid", state: "Z", start: 100})
	b.sweep()
	b.clock.pass(time.Minute)
	b.sweep()
	b.told(`start 30 kid "" none`)
	if _, z := b.table.Counts(); z != 0 {
		t.Errorf("%d zombies are held by others, want none", z)
	}
}

func TestHowAZombieEnded(t *testing.T) {
	for _, c := range []struct {
		name       string
		exit       int
		unreadable bool
		want       event.Ended
	}{
		{"status 3", 3 << 8, false, event.Ended{Code: 3}},
		{"status 0", 0, false, event.Ended{Code: 0}},
		{"a 0 that stands for nothing", 0, true, event.Ended{Code: event.Unknown}},
		{"killed", 9, true, event.Ended{Code: event.Unknown, Signal: "SIGKILL"}},
		{"dumped core", 0x80 | 6, false, event.Ended{Code: event.Unknown, Signal: "SIGABRT", Core: true}},
		{"real-time signal", 37, false, event.Ended{Code: event.Unknown, Signal: "SIGRTMIN+3"}},
		{"not on the line", -1, false, event.Ended{Code: event.Unknown}},
	} {
		var got event.Ended
		b := newBench(t, func(cfg *Config) {
			cfg.Emit = func(ev event.Event) {
				if z, ok := ev.(*event.Zombie); ok {
					got = z.Ended
				}
			}
		})
		b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
		b.put(fakeProcess{pid: 30, ppid: 20, comm: "kid", state: "Z", start: 200, exit: c.exit, unreadable: c.unreadable})
		b.sweep()
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
}

func TestDeadLeaderWithLivingThreads(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
	p := fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(0), threads: 4, stack: 1}
	b.put(p)
	b.sweep()
	b.events = nil
	p.state, p.cmdline, p.stack = "Z", "", 0
	b.put(p)
	b.sweep()
	b.told() // so does every process look that ends with many threads
	b.clock.pass(leaderlessFor)
	b.sweep()
	b.told(`zombie 30 kid "kid" seen -1 of 20 parent threads 3`)
	if _, z := b.table.Counts(); z != 0 {
		t.Errorf("it counts among %d zombies", z)
	}
	b.clock.pass(time.Hour)
	b.sweep()
	b.clock.pass(10 * time.Second)
	p.threads = 1
	b.put(p)
	b.sweep()
	b.told(`zombie 30 kid "kid" seen 0 of 20 parent`)
	b.clock.pass(time.Second)
	b.remove(30)
	b.sweep()
	b.told(`zombie_gone 30 kid "kid" seen of 20 after 1000`, `exit 30 kid "kid" seen 0 from 20 parent "" seen lived 3610100`)

	own := fakeProcess{pid: 40, ppid: 1, comm: "own", state: "Z", threads: 2, start: b.ticks(0)}
	b.put(own)
	b.sweep()
	b.events = nil
	b.clock.pass(leaderlessFor)
	b.sweep()
	b.told(`zombie 40 own "" none -1 of 1 pid1 threads 1`) // pid1 cannot reap it either
}

// A thread that execs takes the place of a first thread that ended: then nobody is dead.
func TestDeadLeaderReplaced(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
	p := fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(0), threads: 4, stack: 1}
	b.put(p)
	b.sweep()
	p.state, p.cmdline, p.stack, p.exit = "Z", "", 0, 3<<8
	b.put(p)
	b.sweep()
	b.clock.pass(leaderlessFor)
	b.events = nil
	b.sweep()
	b.told(`zombie 30 kid "kid" seen -1 of 20 parent threads 3`)
	p.state, p.comm, p.cmdline, p.stack, p.threads, p.exit = "S", "app", "app\x00", 2, 1, 0
	b.put(p)
	b.clock.pass(time.Second)
	b.sweep()
	b.told(`zombie_gone 30 kid "kid" seen of 20 after 1100`, `exec 30 app "app" seen was kid`)
	b.clock.pass(time.Hour)
	b.sweep()
	b.table.Processes(func(p *event.Process) bool {
		if p.PID == 30 && (p.ZombieMS > 0 || p.State != "S") {
			t.Errorf("its row is %+v", p)
		}
		return true
	})
	p.state, p.cmdline, p.stack, p.exit = "Z", "", 0, 5<<8
	b.put(p)
	b.sweep()
	b.told(`zombie 30 app "app" seen 5 of 20 parent`)
}

// The status of a process is not that of its first thread, which ended before: also
// where it is 0.
func TestDeadLeaderWithAStatus(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
	p := fakeProcess{pid: 30, ppid: 20, comm: "kid", state: "Z", start: b.ticks(0), threads: 2, exit: 3 << 8}
	b.put(p)
	b.sweep()
	b.clock.pass(time.Second)
	b.events = nil
	p.threads, p.exit = 1, 0
	b.put(p)
	b.sweep()
	b.told(`zombie 30 kid "" none 0 of 20 parent`)
}

func TestDeadBeforeObservationBegan(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "early", state: "Z", start: 200})
	b.sweep()
	b.put(fakeProcess{pid: 31, ppid: 20, comm: "late", state: "Z", start: 200})
	b.sweep()
	b.told(`start 20 parent "" none`,
		`start 30 early "" none from 20 parent "" seen`, `zombie 30 early "" none 0 of 20 parent seen before`,
		`start 31 late "" none from 20 parent "" seen`, `zombie 31 late "" none 0 of 20 parent`)
	b.clock.pass(time.Second)
	b.put(fakeProcess{pid: 30, ppid: 1, comm: "early", state: "Z", start: 200})
	b.dying(30, `reap 30 early "" none from 20 parent "" seen <20 parent lived -1 dead 1000 adopted`)
}

// TestLifetimeIsKnownOrNot: how long a process lived is told when it was seen often
// enough.
func TestLifetimeIsKnownOrNot(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 2, comm: "short", start: b.ticks(100)})
	b.put(fakeProcess{pid: 21, ppid: 2, comm: "long", start: b.ticks(900_000)})
	b.sweep()
	b.events = nil
	b.clock.pass(5 * time.Second)
	b.remove(20)
	b.remove(21)
	b.table.pruneGroups(0)
	b.look(20)
	b.look(21)
	b.told(`exit 20 short "" none -1 from 2  "" seen lived -1`, `exit 21 long "" none -1 from 2  "" seen lived 905000`)
}

// TestShortLifetimeIsKnown: who is dead when first seen and began a moment ago lived
// no longer than that.
func TestShortLifetimeIsKnown(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: 100})
	b.sweep()
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "short", state: "Z", start: b.ticks(10), exit: 1 << 8})
	b.look(30)
	b.events = nil
	b.clock.pass(time.Millisecond)
	b.remove(30)
	b.look(30)
	b.told(`exit 30 short "" none 1 from 20 parent "" seen lived 10`)
}

func TestTheWallClockJumps(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "parent", start: b.ticks(60_000)})
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "kid", state: "Z", start: b.ticks(60_000)})
	b.put(fakeProcess{pid: 31, ppid: 1, comm: "own", start: b.ticks(60_000)})
	b.sweep()
	for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour} {
		b.clock.wall = b.clock.wall.Add(jump)
		b.clock.pass(time.Second)
		b.table.Processes(func(p *event.Process) bool {
			if p.PID == 30 && (p.ZombieMS < 1000 || p.ZombieMS > 2000 || p.AgeMS < 61000 || p.AgeMS > 62000) {
				t.Errorf("after a jump of %v the zombie is %d ms old and dead for %d", jump, p.AgeMS, p.ZombieMS)
			}
			if want := b.clock.wall.Add(-time.Duration(p.AgeMS) * time.Millisecond); p.PID == 31 && !p.Started.Equal(want) {
				t.Errorf("after a jump of %v it started %v, want %v", jump, p.Started, want)
			}
			return true
		})
	}
	b.dying(31, `reap 31 own "" none lived 62000 dead -1 adopted`)
}

func TestRows(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "hoarder", cmdline: "hoarder\x00-v\x00", exe: "/bin/hoarder", start: b.ticks(5000), threads: 3})
	b.must(writeFile(b.dir, "20/status", "Name:\thoarder\nSigBlk:\t0000000000010000\nSigIgn:\t0\nSigCgt:\t0000000000010000\n"))
	b.must(writeFile(b.dir, "20/wchan", "do_wait"))
	b.must(writeFile(b.dir, "1/wchan", "ep_poll"))
	for pid := 35; pid > 29; pid-- {
		b.put(fakeProcess{pid: pid, ppid: 20, comm: "kid", state: "Z", start: b.ticks(1000)})
	}
	b.clock.pass(time.Second)
	var pids []int
	var row event.Process
	b.table.Processes(func(p *event.Process) bool {
		pids = append(pids, p.PID)
		switch p.PID {
		case 20:
			row = *p
		case 1:
			if p.Wchan != "" || p.SigChld != "" {
				t.Errorf("pid1 holds no zombies and was asked: %q %q", p.SigChld, p.Wchan)
			}
		}
		b.table.Counts() // nothing is locked
		return p.PID < 33
	})
	if d := cmp.Diff([]int{1, 20, 30, 31, 32, 33}, pids); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	want := event.Process{
		Head: event.Head{Type: event.TypeProcess}, ID: event.ID{PID: 20, Start: b.ticks(6000)}, PPID: 1,
		Group: event.Group{PGID: 20, SID: 20}, Owner: row.Owner,
		Command: event.Command{Comm: "hoarder", Cmdline: []string{"hoarder", "-v"}, CmdlineHow: event.HowSeen, Exe: "/bin/hoarder"},
		State:   "S", Started: row.Started, AgeMS: 6000, Threads: 3, UtimeMS: 70, StimeMS: 80, RSSKB: 10 * pageKB,
		ZombieMS: event.Unknown, SigChld: "handled", Blocked: true, Wchan: "do_wait",
	}
	if d := cmp.Diff(want, row); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if !row.Started.Equal(b.clock.wall.Add(-6 * time.Second)) {
		t.Errorf("started %v at %v", row.Started, b.clock.wall)
	}
}

// TestRowsAreFresh: rows are made from a sweep at most 200 ms old.
func TestRowsAreFresh(t *testing.T) {
	b := newBench(t)
	rows := func() (n int) {
		b.table.Processes(func(*event.Process) bool { n++; return true })
		return n
	}
	if n := rows(); n != 1 {
		t.Errorf("%d rows before the first sweep, want 1", n)
	}
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "x", start: 100})
	b.clock.pass(freshness)
	if n := rows(); n != 1 {
		t.Errorf("%d rows, want those of the sweep just made", n)
	}
	b.clock.pass(time.Millisecond)
	if n := rows(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// TestStateAndPlaceAgree: where a parent of zombies waits is told together with the state
// it has then.
func TestStateAndPlaceAgree(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "dead", state: "Z", start: 200})
	want := []struct{ was, is, wchan string }{{"R", "S", "do_wait"}, {"S", "R", ""}}
	for _, c := range want {
		b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", state: c.was, start: 100})
		b.sweep()
		b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", state: c.is, start: 100})
		b.must(writeFile(b.dir, "20/wchan", "do_wait"))
		b.table.Unwaited(func(p *event.Process) bool {
			if p.PID == 20 && (p.State != c.is || p.Wchan != c.wchan) {
				t.Errorf("from %s to %s: told are %s and %q", c.was, c.is, p.State, p.Wchan)
			}
			return true
		})
	}
}

// TestUnwaited: those alone who are dead and not pid1's, and their parents, with
// what tells whether the parent knows of them.
func TestUnwaited(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "sh", start: 100, stack: 1})
	b.put(fakeProcess{pid: 21, ppid: 1, comm: "healthy", start: 100})
	b.put(fakeProcess{pid: 22, ppid: 1, comm: "own", state: "Z", start: 100})
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "helper", start: 200})
	b.put(fakeProcess{pid: 31, ppid: 20, comm: "waited", start: 200})
	b.sweep()
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "server", start: 100, stack: 2})
	b.remove(31)
	b.sweep()
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "helper", state: "Z", start: 200})
	b.put(fakeProcess{pid: 32, ppid: 20, comm: "worker", state: "Z", start: 300})
	b.sweep()
	// An exec that nobody saw, and a program that was replaced under its parent.
	b.put(fakeProcess{pid: 40, ppid: 1, comm: "java", cmdline: "java\x00", exe: "/bin/java", start: 100, stack: 3})
	for pid, exe := range map[int]string{41: "/bin/sh", 42: "/bin/java (deleted)"} {
		kid := fakeProcess{pid: pid, ppid: 40, comm: "sh", cmdline: "sh\x00", exe: exe, start: 400, stack: 4, flags: noExec}
		b.put(kid)
		b.sweep()
		kid.state, kid.exe, kid.cmdline, kid.stack = "Z", "", "", 0
		b.put(kid)
	}
	b.sweep()
	type row struct {
		pid        int
		was        string
		beforeExec bool
		waited     int64
	}
	var got []row
	b.table.Unwaited(func(p *event.Process) bool {
		got = append(got, row{p.PID, p.Was, p.BeforeExec, p.Waited})
		return true
	})
	want := []row{{20, "sh", false, 1}, {30, "", true, 0}, {32, "", false, 0}, {40, "", false, 0}, {41, "", true, 0}, {42, "", false, 0}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(row{})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
