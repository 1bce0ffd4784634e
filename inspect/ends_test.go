package inspect

import (
	"os"
	"os/exec"
	"runtime"
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
	n.open(cmd.Process.Pid, 0)
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
		if pid, _, ok := n.holds(&ev); ok {
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
		n.open(pid, 0)
		n.open(pid, 0)
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
	n.open(os.Getpid(), 0)
	n.keep(os.Getpid(), 0)
	n.open(os.Getpid(), 0)
	n.keep(os.Getpid(), 5)
	if n.keep(os.Getpid(), 6); len(n.held) != 0 {
		t.Errorf("%+v are held", n.held)
	}
	n.most = 0
	if n.open(os.Getpid(), 0); len(n.held) != 0 {
		t.Error("it holds more than it may")
	}
	var none *ends
	none.open(1, 0)
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
	before := time.Now()
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
	// A busy machine lets us hear late, and that is not known then.
	if got := time.Duration(exit.LifetimeMS) * time.Millisecond; got >= 0 && got < lived-20*time.Millisecond || got > time.Since(before)+20*time.Millisecond {
		t.Errorf("it lived %v, told are %v", lived, got)
	}
}

// TestUnsettled: what was seen of a process before it is gone is what it was in the end
// only if it cannot have become another program meanwhile.
func TestUnsettled(t *testing.T) {
	const ms = time.Millisecond
	was := entry{noExec: true, first: 100 * ms, last: 110 * ms}
	for _, c := range []struct {
		what   string
		change func(e *entry)
		want   bool
	}{
		{"it forked", func(*entry) {}, true},
		{"it execed", func(e *entry) { e.noExec = false }, false},
		{"it was seen dead", func(e *entry) { e.deadAt = 1 }, false},
		{"it called exit_group", func(e *entry) { e.exitAt = 1 }, false},
		{"it ran for long", func(e *entry) { e.last = 100*ms + forkMemory }, false},
	} {
		e := was
		if c.change(&e); e.unsettled() != c.want {
			t.Errorf("%s: %v, want %v", c.what, !c.want, c.want)
		}
	}
}

// attending is a Sample that looks when it is told to, and notes who is gone.
func attending(t *testing.T) (s *sampling, exits map[int]event.Exit, zombies map[int]bool) {
	t.Helper()
	exits, zombies = map[int]event.Exit{}, map[int]bool{}
	table := NewTable(Config{FS: openProc(t), Emit: func(ev event.Event) {
		switch e := ev.(type) {
		case *event.Zombie:
			zombies[e.PID] = true
		case *event.Exit:
			exits[e.PID] = *e
		}
	}})
	t.Cleanup(table.Close)
	s = &sampling{t: table, l: &table.look}
	runtime.LockOSThread()
	t.Cleanup(func() {
		s.end()
		runtime.UnlockOSThread()
	})
	if s.attend(); s.l.ends == nil {
		t.Skip("no ends are told here")
	}
	s.mournAt(time.Now(), 0)
	return s, exits, zombies
}

// TestWhenItEnded: an end is told with a time only if it is known to have been then.
func TestWhenItEnded(t *testing.T) {
	born := func(t *testing.T, s *sampling) (pid int, end func()) {
		t.Helper()
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if !s.first(cmd.Process.Pid, time.Now()) {
			t.Fatal("it is not there")
		}
		time.Sleep(50 * time.Millisecond) // so that it is not known for that it is young
		s.mournAt(time.Now(), 0)
		return cmd.Process.Pid, func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	// known has a process end and be heard of until its lifetime is told, and right: a busy
	// machine lets us hear late.
	known := func(t *testing.T, s *sampling, exits map[int]event.Exit, hear func(end func())) {
		for range 20 {
			before := time.Now()
			pid, end := born(t, s)
			after := time.Now()
			hear(end)
			got := time.Duration(exits[pid].LifetimeMS) * time.Millisecond
			switch {
			case got < 0:
			case got < time.Since(after)-30*time.Millisecond || got > time.Since(before)+20*time.Millisecond:
				t.Fatalf("told is %+v", exits[pid])
			default:
				return
			}
		}
		t.Error("it is never known")
	}
	t.Run("heard at once", func(t *testing.T) {
		s, exits, _ := attending(t)
		known(t, s, exits, func(end func()) {
			s.mournAt(time.Now(), 0)
			end()
			s.mournAt(time.Now(), 0)
		})
	})
	t.Run("waited for", func(t *testing.T) {
		s, exits, _ := attending(t)
		if s.turns.now().waited == 0 {
			t.Skip("the kernel does not account for turns")
		}
		known(t, s, exits, func(end func()) {
			ended := make(chan bool)
			time.AfterFunc(100*time.Millisecond, func() {
				end()
				close(ended)
			})
			fd := []unix.PollFd{{Fd: int32(s.l.ends.descriptor()), Events: unix.POLLIN}}
			before := s.turns.now()
			for n := 0; n < 1; n, _ = unix.Poll(fd, 60_000) {
			}
			woken := before.woken(s.turns.now(), s.t.cfg.Clock.Boot())
			<-ended // and reaped
			s.mournAt(time.Now(), woken)
		})
	})
	t.Run("heard late", func(t *testing.T) {
		s, exits, _ := attending(t)
		pid, end := born(t, s)
		end()
		time.Sleep(100 * time.Millisecond)
		s.mournAt(time.Now(), 0)
		if e, ok := exits[pid]; !ok || e.LifetimeMS != event.Unknown {
			t.Errorf("told is %+v", e)
		}
	})
	t.Run("dead before", func(t *testing.T) {
		s, exits, zombies := attending(t)
		pid, reap := zombie(t, "exit")
		time.Sleep(50 * time.Millisecond)
		s.mournAt(time.Now(), 0)
		s.first(pid, time.Now())
		s.mournAt(time.Now(), 0)
		time.Sleep(settle)
		s.mournAt(time.Now(), 0)
		reap()
		s.mournAt(time.Now(), 0)
		if err := s.t.Sweep(); err != nil {
			t.Fatal(err)
		}
		if e, ok := exits[pid]; !ok || e.LifetimeMS != event.Unknown || !zombies[pid] {
			t.Errorf("told is %+v, a zombie: %v", e, zombies[pid])
		}
	})
}

// TestZombiesOfABurst: who died in a crowd is told as soon as any other.
func TestZombiesOfABurst(t *testing.T) {
	s, _, zombies := attending(t)
	pid, _ := zombie(t, "exit")
	s.first(pid, time.Now())
	s.mournAt(time.Now().Add(-settle), 0) // it took that long to come to this one
	s.mournAt(time.Now(), 0)
	time.Sleep(settle + time.Millisecond)
	s.mournAt(time.Now(), 0)
	if !zombies[pid] {
		t.Error("it is not told")
	}
}

// TestTurns: one who waits is let to a processor once, and it is known how late.
func TestTurns(t *testing.T) {
	for _, c := range []struct {
		what          string
		before, after turn
		want          time.Duration
	}{
		{"at once", turn{5, 10}, turn{6, 10}, time.Second - glance},
		{"late", turn{5, 10}, turn{6, 10 + 30*time.Millisecond}, time.Second - glance - 30*time.Millisecond},
		{"it did not wait", turn{5, 10}, turn{5, 10}, 0},
		{"it was stopped", turn{5, 10}, turn{7, 10}, 0},
		{"not known", turn{}, turn{}, 0},
		{"not known before", turn{4, 0}, turn{5, 10}, 0},
		{"not known after", turn{4, 10}, turn{}, 0},
	} {
		if got := c.before.woken(c.after, time.Second); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := reader{fs: openProc(t)}
	own := newTurns(&r)
	defer own.close()
	before := own.now()
	if before.waited == 0 {
		t.Skip("the kernel does not account for turns")
	}
	ts := unix.NsecToTimespec(int64(5 * time.Millisecond))
	if err := unix.Nanosleep(&ts, nil); err != nil {
		t.Fatal(err)
	}
	if after := own.now(); after.slept <= before.slept || after.waited < before.waited {
		t.Errorf("%+v, and after a sleep %+v", before, after)
	}
}

// TestStatusOfTheLost: how a process ended is what was seen of its zombie, where that was
// seen; what the pidfd says is its first thread's.
func TestStatusOfTheLost(t *testing.T) {
	for _, c := range []struct {
		what string
		was  entry
		told int
		want event.Ended
	}{
		{"not seen dead", entry{exit: -1}, 7 << 8, event.Ended{Code: 7}},
		{"seen dead", entry{exit: 0x86, deadAt: 1}, 6, event.Ended{Code: event.Unknown, Signal: "SIGABRT", Core: true}},
		{"seen dead, status hidden", entry{exit: -1, deadAt: 1}, 6, event.Ended{Code: event.Unknown, Signal: "SIGABRT"}},
		{"its first thread was seen dead", entry{exit: -1, deadAt: 1, leaderless: true}, 6, event.Ended{Code: event.Unknown}},
		{"nothing is known", entry{exit: -1}, -1, event.Ended{Code: event.Unknown}},
	} {
		var got event.Ended
		table := NewTable(Config{Emit: func(ev event.Event) {
			if e, ok := ev.(*event.Exit); ok {
				got = e.Ended
			}
		}})
		e := c.was
		e.id = event.ID{PID: 20, Start: 5}
		table.byPID[20] = &e
		table.lost(20, 5, death{status: c.told})
		table.Close()
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
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
	n.open(cmd.Process.Pid, 0)
	n.keep(cmd.Process.Pid, 1)
	end()
	if got := n.status(cmd.Process.Pid, 1); got != 7<<8 {
		t.Errorf("it ended with %#x, want 0x700", got)
	}
}
