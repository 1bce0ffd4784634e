package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pid1/event"
)

const noExec = flagForkNoExec

func TestLifeOfAProcess(t *testing.T) {
	b := newBench(t)
	b.sweep()
	b.told() // pid1 is no news to itself
	sh := fakeProcess{pid: 20, ppid: 1, comm: "sh", cmdline: "sh\x00-c\x00x\x00", start: b.ticks(500), stack: 1}
	b.put(sh)
	b.table.Spawned(20)
	b.sweep()
	b.told(`start 20 sh "sh -c x" seen from 1 pid1 "pid1 app" exact`)

	child := fakeProcess{pid: 21, ppid: 20, pgid: 20, sid: 20, comm: "sh", cmdline: "sh\x00-c\x00x\x00",
		start: b.ticks(0), stack: 1, flags: noExec}
	b.put(child)
	b.look(21)
	b.told() // it will exec in a moment
	b.clock.pass(2 * time.Millisecond)
	child.comm, child.cmdline, child.flags, child.stack = "sleep", "sleep\x009\x00", 0, 2
	b.put(child)
	b.look(21)
	b.told(`start 21 sleep "sleep 9" seen from 20 sh "sh -c x" seen`)
	child.comm, child.cmdline, child.stack = "cat", "cat\x00", 3
	b.put(child)
	b.look(21)
	b.told(`exec 21 cat "cat" seen was sleep`)
	child.comm = "renamed" // not by exec
	b.put(child)
	b.look(21)
	b.told()

	b.remove(20)
	child.ppid = 1
	b.put(child)
	b.sweep()
	b.told(`orphan 21 renamed "cat" seen from 20 sh "sh -c x" seen`, `exit 20 sh "sh -c x" seen -1 from 1 pid1 "pid1 app" exact lived 502`)

	b.clock.pass(time.Second)
	child.state, child.stack, child.cmdline = "Z", 0, ""
	b.put(child)
	b.dying(21, `reap 21 renamed "cat" seen from 20 sh "sh -c x" seen <20 sh <1 pid1 lived 1002 dead -1 adopted`)
	b.sweep()
	b.told()
	if n, z := b.table.Counts(); n != 1 || z != 0 {
		t.Errorf("%d processes and %d zombies are left, want pid1 alone", n, z)
	}
}

func TestSpawned(t *testing.T) {
	b := newBench(t)
	b.sweep()
	main := fakeProcess{pid: 20, ppid: 1, comm: "app", state: "Z", start: b.ticks(30)}
	b.put(main)
	b.table.Spawned(20)
	b.dying(20, `reap 20 app "" none from 1 pid1 "pid1 app" exact <1 pid1 lived 30 dead -1`)
	b.put(main) // the same PID again, not spawned
	b.dying(20, `reap 20 app "" none lived 30 dead -1 adopted`)
}

// TestCommandLineIsTrueOrNone goes through what can happen between the last look at a
// process and its death.
func TestCommandLineIsTrueOrNone(t *testing.T) {
	const shell, sleep = "bash\x00loop\x00", "sleep\x001\x00"
	for _, c := range []struct {
		name        string
		seen        fakeProcess
		comm        string
		flags       uint64
		want        string
		unreadable  bool
		readNothing bool
	}{
		{name: "as seen", seen: fakeProcess{comm: "sleep", cmdline: sleep}, comm: "sleep", want: `"sleep 1" seen`},
		{name: "forked and died so", seen: fakeProcess{comm: "bash", cmdline: shell, flags: noExec},
			comm: "bash", flags: noExec, want: `"bash loop" seen`},
		{name: "forked, renamed itself and died so", seen: fakeProcess{comm: "bash", cmdline: shell, flags: noExec},
			comm: "worker", flags: noExec, want: `"bash loop" seen`},
		{name: "execed after it was seen", seen: fakeProcess{comm: "bash", cmdline: shell, flags: noExec},
			comm: "sleep", want: `"" none`},
		{name: "execed the same program", seen: fakeProcess{comm: "bash", cmdline: shell, flags: noExec},
			comm: "bash", want: `"" none`},
		{name: "execed again", seen: fakeProcess{comm: "env", cmdline: "env\x00sleep\x001\x00"},
			comm: "sleep", want: `"" none`},
		{name: "has none", seen: fakeProcess{comm: "x"}, comm: "x", want: `"" none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			p := c.seen
			p.pid, p.ppid, p.start, p.stack = 30, 1, b.ticks(0), 5
			b.put(p)
			b.look(30)
			p.comm, p.flags, p.state, p.cmdline, p.stack = c.comm, c.flags, "Z", "", 0
			b.put(p)
			b.dying(30, fmt.Sprintf("reap 30 %s %s lived 0 dead -1 adopted", c.comm, c.want))
		})
	}
}

func TestCommandLineOfTheParentIsNotReadAgain(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "bash", cmdline: "bash\x00", start: b.ticks(10), stack: 7})
	b.sweep()
	b.put(fakeProcess{pid: 21, ppid: 20, comm: "bash", cmdline: "not read\x00", start: b.ticks(0), stack: 7, flags: noExec})
	b.look(21)
	b.put(fakeProcess{pid: 22, ppid: 20, comm: "bash", cmdline: "other\x00", start: b.ticks(0), stack: 8, flags: noExec})
	b.look(22)
	// Without address space randomization all images start alike.
	b.put(fakeProcess{pid: 23, ppid: 20, comm: "bash", cmdline: "execed\x00", start: b.ticks(0), stack: 7})
	b.look(23)
	b.told(`start 20 bash "bash" seen`, `start 23 bash "execed" seen from 20 bash "bash" seen`)
	b.clock.pass(settle)
	b.look(21)
	b.look(22)
	b.told(`start 21 bash "bash" seen from 20 bash "bash" seen`, `start 22 bash "other" seen from 20 bash "bash" seen`)
}

// TestInTheMidstOfAnExec: for a moment a process has its new name and no arguments.
func TestInTheMidstOfAnExec(t *testing.T) {
	b := newBench(t)
	p := fakeProcess{pid: 20, ppid: 1, comm: "sleep", start: 99, stack: 8}
	b.put(p)
	b.look(20)
	p.cmdline = "sleep\x001\x00"
	b.put(p)
	b.look(20)
	p.state, p.cmdline, p.stack = "Z", "", 0
	b.put(p)
	b.dying(20, `reap 20 sleep "sleep 1" seen lived 999010 dead -1 adopted`)
}

// TestReadInBetween has the program change while its command line is read.
func TestReadInBetween(t *testing.T) {
	var b *bench
	p := fakeProcess{pid: 20, ppid: 1, comm: "new", cmdline: "new\x00", start: 99, stack: 8}
	b = newBench(t)
	b.put(p)
	s := sight{st: Stat{PID: 20, Start: 99, Stack: 7, Comm: []byte("old")}}
	b.table.look.command(20, -1, &s)
	if string(s.st.Comm) != "new" || !s.argsRead || string(s.args) != "new" {
		t.Errorf("%q with %q, want the new program", s.st.Comm, s.args)
	}
	// It dies after the read: what was read is true of the same program only.
	p.state, p.stack = "Z", 0
	b.put(p)
	for was, want := range map[string]bool{"new": true, "old": false} {
		s = sight{st: Stat{PID: 20, Start: 99, Stack: 8, State: 'S', Comm: []byte(was)}}
		b.table.look.command(20, -1, &s)
		if s.argsRead != want {
			t.Errorf("%s died as new and has the command line %q", was, s.args)
		}
	}
	p.cmdline = ""
	b.put(p)
	s = sight{st: Stat{PID: 20, Start: 99, Stack: 8, State: 'S', Comm: []byte("new")}}
	b.table.look.command(20, -1, &s)
	if s.argsRead {
		t.Errorf("of the dead nothing can be read, and %q was", s.args)
	}
}

func TestOrigin(t *testing.T) {
	main := fakeProcess{pid: 20, ppid: 1, comm: "app", cmdline: "app\x00", start: 100, stack: 20}
	for _, c := range []struct {
		name  string
		procs []fakeProcess // looked at in this order
		then  []fakeProcess // how they change
		want  string        // of process 50
	}{
		{"its parent lives", []fakeProcess{main, {pid: 50, ppid: 20}}, nil, " from 20 app \"app\" seen <20 app"},
		{"its parent is looked at for its sake", []fakeProcess{{pid: 50, ppid: 20}}, []fakeProcess{main, {pid: 50, ppid: 20}},
			" from 20  \"\" seen <20 "},
		{"nobody saw it under another parent", []fakeProcess{{pid: 50, ppid: 1}}, nil, ""},
		{"it is in its leader's group", []fakeProcess{main, {pid: 50, ppid: 1, pgid: 20, sid: 20}}, nil,
			" from 20 app \"app\" inferred <20 app"},
		{"it is in its leader's session", []fakeProcess{main, {pid: 50, ppid: 1, sid: 20}}, nil,
			" from 20 app \"app\" inferred <20 app"},
		{"it is in the session its leader made later", []fakeProcess{main, {pid: 30, ppid: 20, pgid: 20, sid: 20, comm: "d", start: 110},
			{pid: 30, ppid: 20, comm: "d", start: 110}, {pid: 50, ppid: 1, sid: 30}}, nil, " from 30 d \"\" inferred <30 d <20 app"},
		{"the number of its group is another's by now", []fakeProcess{{pid: 20, ppid: 1, comm: "late", start: 300},
			{pid: 50, ppid: 1, pgid: 20, sid: 20}}, nil, ""},
		{"it runs the image of another", []fakeProcess{main, {pid: 50, ppid: 1, stack: 20, flags: noExec}}, nil,
			" from 20 app \"app\" inferred <20 app"},
		{"it execed an image like another's", []fakeProcess{main, {pid: 50, ppid: 1, stack: 20}}, nil, ""},
		{"a fork is no proof of whose image it is", []fakeProcess{{pid: 20, ppid: 1, comm: "worker", start: 100, stack: 20, flags: noExec},
			{pid: 50, ppid: 1, stack: 20, flags: noExec}}, nil, ""},
		{"a fork of the image that execed something else is a brother", []fakeProcess{main,
			{pid: 30, ppid: 20, comm: "app", start: 110, stack: 20, flags: noExec}, {pid: 30, ppid: 20, comm: "true", start: 110, state: "Z"},
			{pid: 50, ppid: 1, stack: 20, flags: noExec}}, nil, " from 20 app \"app\" inferred <20 app"},
		{"the parent began after it", []fakeProcess{{pid: 20, ppid: 1, comm: "reaper", start: 300}, {pid: 50, ppid: 20}}, nil, ""},
		{"the parent takes in orphans", []fakeProcess{{pid: 20, ppid: 1, comm: "subreaper", start: 90, sid: 20},
			{pid: 21, ppid: 20, comm: "shell", start: 95}, {pid: 22, ppid: 21, comm: "daemon", start: 96},
			{pid: 22, ppid: 20, comm: "daemon", start: 96}, {pid: 50, ppid: 20}}, nil, ""},
		{"the parent turns out to take in orphans", []fakeProcess{{pid: 20, ppid: 1, comm: "subreaper", start: 90, sid: 20},
			{pid: 50, ppid: 20}, {pid: 21, ppid: 20, comm: "shell", start: 95}, {pid: 22, ppid: 21, comm: "daemon", start: 96},
			{pid: 22, ppid: 20, comm: "daemon", start: 96}}, nil, " from 20 subreaper \"\" inferred <20 subreaper"},
		{"the parent is outside", []fakeProcess{{pid: 50, ppid: 0}}, nil, ""},
		{"ancestors", []fakeProcess{main, {pid: 30, ppid: 20, comm: "a", start: 110}, {pid: 40, ppid: 30, comm: "b", start: 120},
			{pid: 50, ppid: 40}}, nil, " from 40 b \"\" seen <40 b <30 a <20 app"},
		{"the parent was something else then", []fakeProcess{main, {pid: 50, ppid: 20}, {pid: 20, ppid: 1, comm: "next", cmdline: "next\x00", start: 100, stack: 21}},
			nil, " from 20 app \"app\" seen <20 app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.sweep()
			outside := ""
			for _, p := range append(c.procs, c.then...) {
				if p.pid == 50 {
					p.comm, p.start = "x", 200
					if p.ppid == 0 {
						outside = " exec session"
					}
				}
				b.put(p)
				b.look(p.pid)
			}
			b.put(fakeProcess{pid: 50, ppid: 1, comm: "x", start: 200, state: "Z"})
			b.dying(50, fmt.Sprintf(`reap 50 x "" none%s lived 998000 dead -1 adopted%s`, c.want, outside))
		})
	}
}

func TestParentIsLookedAtAlong(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "old", cmdline: "old\x00", start: 100, stack: 20})
	b.put(fakeProcess{pid: 29, ppid: 20, comm: "elder", start: 200, stack: 29})
	b.sweep()
	b.told(`start 20 old "old" seen`, `start 29 elder "" none from 20 old "old" seen`)
	b.clock.pass(time.Second)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", cmdline: "app\x00", start: 100, stack: 21})
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(5)})
	b.events = nil
	b.look(30)
	b.told(`exec 20 app "app" seen was old`, `start 30 kid "kid" seen from 20 app "app" seen`)
}

func TestLineageIsBounded(t *testing.T) {
	b := newBench(t)
	const generations = 100
	for i := range generations {
		b.put(fakeProcess{pid: 100 + i, ppid: 99 + i, comm: fmt.Sprint("g", i), start: uint64(100 + i)})
		b.look(100 + i)
		b.remove(99 + i)
		b.look(99 + i)
	}
	if n := len(b.table.byPID[99+generations].children()); n > MaxLineage {
		t.Errorf("%d ancestors are remembered", n)
	}
	b.put(fakeProcess{pid: 99 + generations, ppid: 1, comm: "z", state: "Z", start: 99 + generations})
	r := b.table.Dying(99 + generations)
	if len(r.Lineage) != MaxLineage || r.Lineage[0].Comm != "g98" {
		t.Errorf("lineage %v, want the %d nearest", r.Lineage, MaxLineage)
	}
	if n, _ := b.table.Counts(); n > 1 {
		t.Errorf("%d processes are remembered", n)
	}
}

func TestReuseOfAPID(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "old", cmdline: "old\x00", start: b.ticks(1000), stack: 1})
	b.sweep()
	b.put(fakeProcess{pid: 21, ppid: 20, comm: "kid", start: b.ticks(900)})
	b.sweep()
	b.events = nil
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "new", cmdline: "new\x00", start: b.ticks(0), stack: 2})
	b.put(fakeProcess{pid: 21, ppid: 1, comm: "kid", start: b.ticks(900)})
	b.sweep()
	b.told(`exit 20 old "old" seen -1 lived 1000`, `start 20 new "new" seen`, `orphan 21 kid "" none from 20 old "old" seen`)

	b.put(fakeProcess{pid: 20, ppid: 1, comm: "newer", state: "Z", start: b.ticks(-50)})
	b.dying(20, `reap 20 newer "" none lived 0 dead -1 adopted`)
	b.told(`exit 20 new "new" seen -1 lived 0`)
}

// TestLookAndReapAtOnce has the reaper take a process while a look at it is under
// way: it must not come back.
func TestLookAndReapAtOnce(t *testing.T) {
	b := newBench(t)
	b.sweep()
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "x", start: 100})
	_, since := b.table.known(20)
	b.table.Dying(20)
	s := sight{since: since, st: Stat{PID: 20, PPID: 1, Start: 100, State: 'S', Comm: []byte("x")}}
	b.table.merge(&s)
	if n, _ := b.table.Counts(); n != 1 {
		t.Error("a reaped process came back")
	}
	s.st.Start = 101 // another one with its PID
	b.table.merge(&s)
	if n, _ := b.table.Counts(); n != 2 {
		t.Error("a new process was taken for a reaped one")
	}
	s.st.Start = 99 // what a slow look saw of one that had the PID before
	b.table.merge(&s)
	if e := b.table.byPID[20]; e.id.Start != 101 {
		t.Errorf("an older process took the place of a newer one: %+v", e.id)
	}
}

// TestOvertaken has a look take longer than another that began later: what it saw is
// the past.
func TestOvertaken(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 10, ppid: 1, comm: "sh", cmdline: "sh\x00", start: 50, stack: 7})
	p := fakeProcess{pid: 20, ppid: 10, comm: "sh", cmdline: "sh\x00", start: 100, stack: 7, flags: noExec}
	b.put(p)
	b.sweep()
	old := sight{at: b.clock.Boot(), st: Stat{
		PID: 20, PPID: 10, Start: 100, State: 'S', Threads: 1, Stack: 7, Flags: noExec, Comm: []byte("sh"),
	}}
	_, old.since = b.table.known(20)
	p.comm, p.cmdline, p.stack, p.flags = "true", "true\x00", 8, 0
	b.put(p)
	b.look(20)
	b.table.merge(&old)
	b.events = nil
	b.remove(20)
	b.look(20)
	b.told(`exit 20 true "true" seen -1 from 10 sh "sh" seen lived 999000`)

	// Somebody else has reaped it meanwhile: it does not come back.
	b.table.merge(&old)
	b.told()
	if n, _ := b.table.Counts(); n != 2 {
		t.Errorf("%d processes, want 2: one came back that somebody else reaped", n)
	}
}

// TestGoneForAMoment has /proc show nobody where somebody lives, as it does in the
// moment in which another thread than the first execs: whoever is seen later is back.
func TestGoneForAMoment(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 10, ppid: 1, comm: "sh", cmdline: "sh\x00", start: 50})
	p := fakeProcess{pid: 20, ppid: 10, comm: "job", cmdline: "job\x00", start: 100}
	b.put(p)
	b.sweep()
	b.remove(20)
	b.look(20)
	b.put(p)
	b.sweep()
	if n, _ := b.table.Counts(); n != 3 {
		t.Errorf("%d processes, want 3: one that lives is taken for buried", n)
	}
}

// TestOwnerChanges has processes give up their rights without an exec.
func TestOwnerChanges(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it gives files away; needs root")
	}
	b := newBench(t)
	own := func(pid, uid int) { b.must(os.Chown(filepath.Join(b.dir, strconv.Itoa(pid)), uid, uid)) }
	b.put(fakeProcess{pid: 10, ppid: 1, comm: "old", cmdline: "old\x00", start: 50})
	p := fakeProcess{pid: 20, ppid: 10, comm: "young", cmdline: "young\x00", start: b.ticks(0)}
	b.put(p)
	b.sweep()
	own(10, 1000)
	own(20, 1000)
	uids := func(old, young int) {
		t.Helper()
		if o, y := b.table.byPID[10].uid, b.table.byPID[20].uid; o != old || y != young {
			t.Errorf("the owners are %d and %d, want %d and %d", o, y, old, young)
		}
	}
	b.clock.pass(2 * time.Second)
	b.sweep()
	uids(0, 1000)
	b.clock.pass(refresh)
	b.sweep()
	uids(1000, 1000)
	p.state, p.cmdline = "Z", ""
	b.put(p)
	own(20, 1001)
	b.clock.pass(time.Second)
	b.sweep()
	uids(1000, 1001)
}

func TestExecSession(t *testing.T) {
	b := newBench(t)
	b.sweep()
	b.put(fakeProcess{pid: 2, ppid: 0, comm: "kthreadd", flags: flagKThread, start: 1})
	b.put(fakeProcess{pid: 40, ppid: 0, comm: "sh", start: 100})
	b.put(fakeProcess{pid: 41, ppid: 40, sid: 40, comm: "kid", start: 110})
	b.put(fakeProcess{pid: 42, ppid: 41, comm: "own", start: 120})          // with a session of its own
	b.put(fakeProcess{pid: 43, ppid: 1, sid: 40, comm: "lost", start: 130}) // an orphan when first seen
	b.put(fakeProcess{pid: 44, ppid: 1, comm: "app", start: 140})
	b.sweep()
	b.told(`start 2 kthreadd "" none`, `start 40 sh "" none exec session`,
		`start 41 kid "" none from 40 sh "" seen exec session`, `start 42 own "" none from 41 kid "" seen exec session`,
		`start 43 lost "" none from 40 sh "" inferred exec session`, `start 44 app "" none`)
	b.put(fakeProcess{pid: 45, ppid: 1, sid: 40, comm: "quick", state: "Z", start: 150})
	b.dying(45, `reap 45 quick "" none from 40 sh "" inferred <40 sh lived 998500 dead -1 adopted exec session`)
}

// TestExecSessionOfASubreaper: in a PID namespace shared by several containers a
// process without a parent is another container's, unless it is in our cgroup.
func TestExecSessionOfASubreaper(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Self = 7 })
	b.must(writeFile(b.dir, "self/cgroup", "0::/pod/ours\n"))
	b.put(fakeProcess{pid: 1, ppid: 0, comm: "pause", start: 1, cgroup: "0::/pod/pause\n"})
	b.put(fakeProcess{pid: 7, ppid: 0, comm: "pid1", start: 2, cgroup: "0::/pod/ours\n"})
	b.put(fakeProcess{pid: 8, ppid: 0, comm: "other", start: 3, cgroup: "0::/pod/other\n"})
	b.put(fakeProcess{pid: 9, ppid: 0, comm: "sh", start: 4, cgroup: "0::/pod/ours\n"})
	b.sweep()
	b.told(`start 1 pause "" none`, `start 8 other "" none`, `start 9 sh "" none exec session`)
}

func TestWhenFull(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxProcesses = 10 })
	for i := range 30 {
		b.put(fakeProcess{pid: 100 + i, ppid: 1, comm: "x", start: 100})
	}
	b.sweep()
	b.sweep()
	if n, _ := b.table.Counts(); n != 10 || b.table.Untracked() != 21 {
		t.Errorf("%d processes and %d untracked, want 10 and 21", n, b.table.Untracked())
	}
	b.dying(129, `reap 129 x "" none lived 999000 dead -1 adopted`)
}

func TestRedact(t *testing.T) {
	b := newBench(t, func(c *Config) {
		c.Redact = func(args []string) []string {
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "secret", "***")
			}
			return args
		}
	})
	b.sweep()
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "x", cmdline: "x\x00--pw=secret\x00", start: 100})
	b.sweep()
	b.told(`start 20 x "x --pw=***" seen`)
	// Half a secret does not look like one: what was cut is not told.
	b.put(fakeProcess{pid: 21, ppid: 1, comm: "x", cmdline: "x\x00" + strings.Repeat("a", MaxCmdline-5) + "secret\x00", start: 100})
	b.sweep()
	b.told(`start 21 x "x ***" seen`)
}

// TestHidden: a process of another user that hidepid hides is not gone. It is only
// asked for where PIDs mean the same to kill(2): this process stands for it.
func TestHidden(t *testing.T) {
	b := newBench(t)
	me := os.Getpid()
	b.put(fakeProcess{pid: me, ppid: 1, comm: "su", start: 100})
	b.put(fakeProcess{pid: 1 << 21, ppid: 1, comm: "gone", start: 100})
	b.sweep()
	b.events = nil
	b.table.cfg.FS.own, b.table.cfg.FS.hides = true, true
	b.remove(me)
	b.remove(1 << 21)
	b.sweep()
	b.told(`exit 2097152 gone "" none -1 lived 999000`)
	b.table.cfg.FS.hides = false
	b.sweep()
	b.told(fmt.Sprintf(`exit %d su "" none -1 lived 999000`, me))
}

func TestNothingToSee(t *testing.T) {
	table := NewTable(Config{Self: 1, Clock: newFakeClock()})
	defer table.Close()
	if err := table.Sweep(); err == nil || !strings.Contains(err.Error(), "there is no /proc") {
		t.Errorf("a sweep without /proc: %v", err)
	}
	for range 2 {
		if got := short(table.Dying(20)); got != `reap 20  "" none lived -1 dead -1 adopted` {
			t.Error(got)
		}
	}
	table.Spawned(21)
	if got := short(table.Dying(21)); got != `reap 21  "" none from 1  "" exact <1  lived -1 dead -1` {
		t.Error(got)
	}
	table.Processes(func(*event.Process) bool { t.Error("a row of nothing"); return true })
	if _, err := OpenFS(t.TempDir() + "/none"); err == nil {
		t.Error("opened what is not there")
	}
}
