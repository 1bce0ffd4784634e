package inspect

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// attentive is a pollable ends, or a skipped test.
func attentive(t *testing.T) *ends {
	t.Helper()
	n, err := newEnds()
	if err != nil {
		t.Skipf("no ends are told here: %v", err)
	}
	t.Cleanup(n.close)
	return n
}

// exitTold reports whether the kernel keeps how a process ended for who holds a pidfd.
func exitTold(t *testing.T) bool {
	t.Helper()
	n := attentive(t)
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.open(cmd.Process.Pid)
	n.keep(cmd.Process.Pid, 1)
	_ = cmd.Wait()
	return n.status(cmd.Process.Pid, 1) >= 0
}

// told waits until n tells of something, and returns the events by PID.
func (n *ends) told(t *testing.T) map[int]uint32 {
	t.Helper()
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(n.descriptor()), Events: unix.POLLIN}}, 60_000); err != nil {
		t.Fatal(err)
	}
	got := map[int]uint32{}
	list, err := n.take()
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range list {
		if pid, ok := n.holds(&ev); ok {
			got[pid] |= ev.Events
		}
	}
	return got
}

// A process' end is told when it dies, and once more when it is reaped: then how it
// ended is known, whoever reaped it.
func TestEnds(t *testing.T) {
	n := attentive(t)
	if list, err := n.take(); len(list) > 0 || err != nil || n.status(1, 1) != -1 {
		t.Error("it tells of somebody before there was one")
	}
	for script, want := range map[string]int{"exit 7": 7 << 8, "kill -KILL $$": 9} {
		cmd := exec.Command("sh", "-c", "read x; "+script)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := cmd.Process.Pid
		n.open(pid)
		n.open(pid)
		if !n.keep(pid, 50) || n.keep(pid, 50) || len(n.held) != 1 {
			t.Errorf("it is held as %+v", n.held)
		}
		if got, _ := n.take(); len(got) > 0 || n.status(pid, 50) != -1 {
			t.Errorf("%d events of who lives", len(got))
		}
		in.Close()
		if got := n.told(t); got[pid]&unix.EPOLLIN == 0 || got[pid]&unix.EPOLLHUP != 0 {
			t.Errorf("of a death is told %#x", got[pid])
		}
		if n.status(pid, 50) != -1 {
			t.Error("the status of one that is not reaped is known")
		}
		_ = cmd.Wait()
		if exitTold(t) {
			if got := n.told(t); got[pid]&unix.EPOLLHUP == 0 {
				t.Errorf("of a reaping is told %#x", got[pid])
			}
			if got := n.status(pid, 50); got != want {
				t.Errorf("%q ended with %#x, want %#x", script, got, want)
			}
			if n.status(pid, 51) != -1 {
				t.Error("the status is told of another process with that PID")
			}
		}
		n.forget(pid)
	}
	// Who is another one than was thought is let go.
	n.open(os.Getpid())
	n.keep(os.Getpid(), 0)
	n.open(os.Getpid())
	n.keep(os.Getpid(), 5)
	if n.keep(os.Getpid(), 6); len(n.held) != 0 {
		t.Errorf("%+v are held", n.held)
	}
	n.most = 0
	if n.open(os.Getpid()); len(n.held) != 0 {
		t.Error("it holds more than it may")
	}
	var none *ends
	none.open(1)
	none.forget(1)
	none.close()
	if list, err := none.take(); list != nil || err != nil || none.keep(1, 1) || none.status(1, 1) != -1 || none.descriptor() != -1 || none.due(time.Now()) != 0 {
		t.Error("nobody knows something")
	}
}

// TestEndIsTold: what a signal killed, and its parent reaped at once, is told with
// its signal and its lifetime, though nobody was there to see it.
func TestEndIsTold(t *testing.T) {
	if !exitTold(t) {
		t.Skip("the kernel does not tell how a process ended (Linux 6.15)")
	}
	cmd := exec.Command("sleep", "1000")
	var exit event.Exit
	_, told := watched(t, Sample(os.Getenv("PATH")), func(ev event.Event) bool {
		switch e := ev.(type) {
		case *event.Start:
			return e.PPID == os.Getpid() && e.Comm == "sleep"
		case *event.Exit:
			if e.PPID == os.Getpid() && e.Comm == "sleep" {
				exit = *e
				return true
			}
		}
		return false
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	next(t, told)
	time.Sleep(300 * time.Millisecond) // nobody looks at it any more
	_ = cmd.Process.Signal(syscall.SIGSEGV)
	lived := time.Since(begun)
	_ = cmd.Wait()
	next(t, told)
	if e := exit; e.Signal != "SIGSEGV" {
		t.Errorf("it ended with %+v", e.Ended)
	}
	if got := time.Duration(exit.LifetimeMS) * time.Millisecond; got < lived-20*time.Millisecond {
		t.Errorf("it lived %v, told are %v", lived, got)
	}
}

// TestUnsettled: what was seen of a process before it is gone is what it was in the end
// only if nothing speaks against that.
func TestUnsettled(t *testing.T) {
	const ms = time.Millisecond
	was := entry{noExec: true, state: 'S', first: 100 * ms, stateAt: 101 * ms, last: 110 * ms}
	for _, c := range []struct {
		what   string
		change func(e *entry)
		rang   time.Duration
		want   bool
	}{
		{"it slept", func(*entry) {}, 0, false},
		{"it slept, and then some program was started", func(*entry) {}, 111 * ms, true},
		{"nobody hears of programs", func(*entry) {}, deaf, true},
		{"it ran", func(e *entry) { e.state = 'R' }, 0, true},
		{"it slept for a moment", func(e *entry) { e.stateAt = 109 * ms }, 0, true},
		{"it execed", func(e *entry) { e.noExec = false }, deaf, false},
		{"it was seen dead", func(e *entry) { e.deadAt = 1 }, deaf, false},
		{"it called exit_group", func(e *entry) { e.exitAt = 1 }, deaf, false},
		{"it ran for long", func(e *entry) { e.state, e.last = 'R', 100*ms+forkMemory }, deaf, false},
	} {
		e := was
		if c.change(&e); e.unsettled(c.rang) != c.want {
			t.Errorf("%s: %v, want %v", c.what, !c.want, c.want)
		}
	}
}

// TestEndsAreReleased: nothing is held of what Self reaped, also where the kernel does not
// tell of reaping.
func TestEndsAreReleased(t *testing.T) {
	table, _ := realTable(t, func(int, int) bool { return false })
	table.cfg.Self = os.Getpid()
	table.look.ends = attentive(t)
	pid, reap := zombie(t, "exit")
	if err := table.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, ok := table.look.ends.held[pid]; !ok {
		t.Fatal("a sweep does not attend to who is there")
	}
	table.Dying(pid)
	reap()
	if err := table.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, ok := table.look.ends.held[pid]; ok {
		t.Error("it is held when it is gone")
	}
	table.look.ends = nil // it is closed before the Table
}

// TestEndOfLeaderless: the status is that of the process, not of its first thread, which
// ended before.
func TestEndOfLeaderless(t *testing.T) {
	if !exitTold(t) {
		t.Skip("the kernel does not tell how a process ended (Linux 6.15)")
	}
	n := attentive(t)
	cmd, end := helper(t, "leaderless")
	n.open(cmd.Process.Pid)
	n.keep(cmd.Process.Pid, 1)
	end()
	if got := n.status(cmd.Process.Pid, 1); got != 7<<8 {
		t.Errorf("it ended with %#x, want 0x700", got)
	}
}
