package inspect

import (
	"fmt"
	"testing"
	"time"
)

// TestBuriedStaysBuried has a look begin between Dying and the wait that ends the
// zombie: it sees the zombie, and must not take it for a new process.
func TestBuriedStaysBuried(t *testing.T) {
	b := newBench(t)
	b.sweep()
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "x", start: 100, state: "Z"})
	b.table.Dying(20)
	b.look(20)
	b.remove(20)
	b.look(20)
	b.told()
}

// TestGoneBeforeItsExecWasSeen: what was seen between fork and exec is not what
// the process was.
func TestGoneBeforeItsExecWasSeen(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "sh", cmdline: "sh\x00", start: 100, stack: 20})
	b.sweep()
	b.events = nil
	b.put(fakeProcess{pid: 21, ppid: 20, comm: "sh", cmdline: "sh\x00", start: b.ticks(0), stack: 20, flags: noExec})
	b.look(21)
	b.remove(21)
	b.look(21)
	b.told(`exit 21  "" none -1 from 20 sh "sh" seen lived 0`)

	// A zombie tells that there was no exec.
	b.put(fakeProcess{pid: 22, ppid: 20, comm: "sh", cmdline: "sh\x00", start: b.ticks(0), stack: 20, flags: noExec})
	b.look(22)
	b.put(fakeProcess{pid: 22, ppid: 20, comm: "sh", start: b.ticks(0), flags: noExec, state: "Z", exit: 256})
	b.look(22)
	b.remove(22)
	b.look(22)
	b.told(`exit 22 sh "sh" seen 1 from 20 sh "sh" seen lived 0`)

	// What has not execed by now is not about to.
	b.put(fakeProcess{pid: 23, ppid: 20, comm: "sh", cmdline: "sh\x00", start: b.ticks(0), stack: 20, flags: noExec})
	b.look(23)
	b.clock.pass(forkMemory)
	b.look(23)
	b.remove(23)
	b.look(23)
	b.told(`start 23 sh "sh" seen from 20 sh "sh" seen`, `exit 23 sh "sh" seen -1 from 20 sh "sh" seen lived 5000`)
}

// TestParentThatExecedInTheSameTick: the parent was looked at in the tick its child
// began in, but before it execed.
func TestParentThatExecedInTheSameTick(t *testing.T) {
	b := newBench(t)
	b.clock.pass(5 * time.Millisecond) // within a tick
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "old", cmdline: "old\x00", start: 100, stack: 20})
	b.sweep()
	b.events = nil
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", cmdline: "app\x00", start: 100, stack: 21})
	b.put(fakeProcess{pid: 30, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(0)})
	b.look(30)
	b.told(`exec 20 app "app" seen was old`, `start 30 kid "kid" seen from 20 app "app" seen`)
}

// TestInTheMidstOfBeingReaped: what is left of a process then has no session, group
// and parent any more.
func TestInTheMidstOfBeingReaped(t *testing.T) {
	b := newBench(t)
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", start: 100})
	b.put(fakeProcess{pid: 21, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(0)})
	b.sweep()
	b.must(writeFile(b.dir, "21/stat", fmt.Sprintf("21 (kid) X 0 -1 -1 0 -1 0 0 0 0 0 0 0 0 0 20 0 0 0 %d 0 0\n", b.ticks(0))))
	b.events = nil
	b.look(21)
	b.remove(21)
	b.look(21)
	b.told(`exit 21 kid "kid" seen -1 from 20 app "" seen lived 0`)
	if ev := b.table.out.exit; ev.SID != 21 || ev.PGID != 21 || ev.PPID != 20 {
		t.Errorf("session %d, group %d, parent %d", ev.SID, ev.PGID, ev.PPID)
	}
}

// TestKilledAfterItsExec: the kernel told that it was about to exec, and a signal
// killed it before it was seen again.
func TestKilledAfterItsExec(t *testing.T) {
	b := newBench(t)
	sh := fakeProcess{pid: 21, ppid: 20, comm: "sh", cmdline: "sh\x00-c\x00exec sh\x00", start: b.ticks(0), stack: 21}
	exec := func() {
		b.look(21)
		s := sight{moment: execing, at: b.clock.Boot(), st: Stat{
			PID: 21, PPID: sh.ppid, PGID: 21, SID: 21, State: 'S', Threads: 1, Start: sh.start, Stack: 21, Comm: []byte("sh"),
		}}
		b.table.merge(&s)
		b.clock.pass(50 * time.Millisecond)
		b.events = nil
	}
	b.put(sh)
	exec()
	b.remove(21)
	b.look(21)
	b.told(`exit 21  "" none -1 from 20  "" seen lived -1`)

	sh.ppid = 1
	sh.start++
	b.put(sh)
	exec()
	sh.state, sh.stack = "Z", 0
	b.put(sh)
	b.dying(21, `reap 21 sh "" none lived 90 dead -1 adopted`)
}

// TestExecsTwice: what was read of a program does not hold for the next of the same name,
// though the kernel held that when it was first seen; and a thread that called exit_group
// before, and came too late, has ended nothing.
func TestExecsTwice(t *testing.T) {
	b := newBench(t)
	p := fakeProcess{pid: 21, ppid: 20, comm: "sh", cmdline: "sh\x00a\x00", start: b.ticks(0), stack: 21}
	b.put(p)
	b.look(21)
	b.events = nil
	held := func(m moment, stack uint64, code int) {
		b.table.merge(&sight{moment: m, at: b.clock.Boot(), code: code, st: Stat{
			PID: 21, PPID: 20, PGID: 21, SID: 21, State: 'S', Threads: 2, Start: p.start, Stack: stack, Comm: []byte("sh"),
		}})
		b.clock.pass(time.Second)
	}
	held(exiting, 21, 3)
	held(execing, 22, 0)
	b.told(`exec 21 sh "" none was sh`)
	p.cmdline, p.stack = "sh\x00b\x00", 22
	b.put(p)
	b.look(21)
	held(exiting, 22, 4)
	b.remove(21)
	b.look(21)
	b.told(`exit 21 sh "sh b" exact 4 from 20  "" seen lived 2000`)
}
