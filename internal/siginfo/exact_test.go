//go:build linux && (amd64 || arm64)

package siginfo_test

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

// catchable calls f for every signal but KILL, STOP, and SIGCHLD.
func catchable(f func(unix.Signal)) {
	for sig := unix.Signal(1); sig <= 64; sig++ {
		switch sig {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD:
		default:
			if len(emulator()) == 0 || emulated(sig) {
				f(sig)
			}
		}
	}
}

// emulated reports whether qemu-user can deliver a signal. It needs some for
// itself and for its C library, and version 7.2 dies of a fault's signal that is
// sent to it, whatever the handler does.
func emulated(sig unix.Signal) bool {
	switch sig {
	case unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV:
		return false
	}
	return sig < 32 || sig > 34 && sig < 63
}

func TestEverySignal(t *testing.T) {
	r := openExact(t)
	if !r.Exact() {
		t.Error("Exact() = false")
	}
	s := startSender(t)
	catchable(func(sig unix.Signal) {
		s.do("kill %d 1", sig)
		got := <-r.Signals()
		want := siginfo.Info{Signal: sig, Code: siginfo.User, PID: s.pid, UID: s.uid}
		if got != want {
			t.Errorf("received %+v, want %+v", got, want)
		}
	})
	wantNothing(s, r)
	if lost := r.Lost(); lost != 0 {
		t.Errorf("Lost() = %d", lost)
	}
}

// TestAllAtOnce sends every signal before it takes any, but SIGCONT: the kernel
// drops a pending one when a signal that stops is sent.
func TestAllAtOnce(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	want := make(map[unix.Signal]int)
	catchable(func(sig unix.Signal) {
		if sig != unix.SIGCONT {
			s.do("kill %d 1", sig)
			want[sig]++
		}
	})
	got := make(map[unix.Signal]int)
	for range want {
		got[(<-r.Signals()).Signal]++
	}
	wantNothing(s, r)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

func TestQueuedRealTime(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	const count = 300
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_SIGPENDING, &limit); err != nil || limit.Cur < 32*count {
		t.Skipf("RLIMIT_SIGPENDING is %d (%v), too low for %d", limit.Cur, err, 32*count)
	}
	const first, signals = 35, 28
	for sig := first; sig < first+signals; sig++ {
		s.do("queue %d %d %d", sig, count, 1000*sig)
	}
	got := make(map[uint64]siginfo.Info)
	for range signals * count {
		info := <-r.Signals()
		got[info.Value] = info
	}
	wantNothing(s, r)
	for sig := first; sig < first+signals; sig++ {
		for i := range count {
			value := uint64(1000*sig + i)
			want := siginfo.Info{Signal: unix.Signal(sig), Code: siginfo.Queue, PID: s.pid, UID: s.uid, Value: value}
			if got[value] != want {
				t.Fatalf("received %+v, want %+v", got[value], want)
			}
		}
	}
	if lost := r.Lost(); lost != 0 {
		t.Errorf("Lost() = %d", lost)
	}
}

func TestThreadDirected(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGUSR1, 40} {
		s.do("tgkill %d 1 0 %d", sig, unix.Gettid())
		want := siginfo.Info{Signal: sig, Code: siginfo.TKill, PID: s.pid, UID: s.uid}
		if got := <-r.Signals(); got != want {
			t.Errorf("received %+v, want %+v", got, want)
		}
	}
	wantNothing(s, r)
}

// TestOwn checks that a process does not tell itself.
func TestOwn(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGUSR1, unix.SIGSEGV, 40} {
		if len(emulator()) > 0 && !emulated(sig) {
			continue
		}
		if err := unix.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader.Close()
	if _, err := writer.WriteString("x"); err == nil {
		t.Error("wrote to a closed pipe")
	}
	wantNothing(s, r)
}

func TestChildren(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	s.do("kill %d 10000", unix.SIGCHLD)
	s.do("kill %d 1", unix.SIGTERM)
	if got := <-r.Signals(); got.Signal != unix.SIGTERM || got.PID != s.pid {
		t.Errorf("received %v, want SIGTERM from pid %d", got, s.pid)
	}
	<-r.Children()
	wantNothing(s, r)
	// One at a time, none is missed: what is waiting belongs to those before.
	for range 100 {
		select {
		case <-r.Children():
		default:
		}
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
		<-r.Children()
	}
	if lost := r.Lost(); lost != 0 {
		t.Errorf("Lost() = %d", lost)
	}
}

// blockAll blocks all signals on the calling thread until the test ends.
func blockAll(t *testing.T) (unblock func()) {
	t.Helper()
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOrder has many signals wait for one thread: the kernel hands them out by
// number, and one must not interrupt the handler of another.
func TestOrder(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unblock := blockAll(t)
	var want, got []unix.Signal
	catchable(func(sig unix.Signal) {
		switch sig {
		case unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS:
			return // the kernel puts these in front
		case unix.SIGCONT:
			return // dropped for the next that stops
		case unix.SIGURG:
			return // merged with one of the runtime's for this thread
		}
		want = append(want, sig)
		s.do("tgkill %d 1 0 %d", sig, unix.Gettid())
	})
	unblock()
	for range want {
		got = append(got, (<-r.Signals()).Signal)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestExitSignal: a child that tells of its end with another signal than
// SIGCHLD, clone(2), whose number less 32 is a fault's.
func TestExitSignal(t *testing.T) {
	r := openExact(t)
	if len(emulator()) > 0 {
		t.Skip("the emulator has no exit signals")
	}
	const sig = 32 + unix.SIGILL
	if _, err := fork(sig, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	const exited = 1 // CLD_EXITED
	if got, want := <-r.Signals(), (siginfo.Info{Signal: sig, Code: exited}); got != want {
		t.Errorf("received %+v, want %+v", got, want)
	}
}

// TestLost fills the queue.
func TestLost(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	siginfo.ShrinkQueue(t)
	const count = 1000
	s.do("queue 40 %d 0", count)
	siginfo.AwaitLost(t, r, 1)
	// What was not lost arrives, and nothing else.
	received := uint64(0)
	for received+r.Lost() < count {
		select {
		case info := <-r.Signals():
			if info.Signal == 40 {
				received++
			}
		default:
			runtime.Gosched()
		}
	}
	if received+r.Lost() != count {
		t.Errorf("received %d and lost %d of %d", received, r.Lost(), count)
	}
	wantNothing(s, r)
}

func TestInstallLater(t *testing.T) {
	needExact(t)
	const left = unix.SIGUSR1
	signal.Ignore(left)
	defer signal.Reset(left)
	r := open(t, siginfo.Options{Leave: 1 << (left - 1)})
	s := startSender(t)
	s.do("kill %d 1", left)
	wantNothing(s, r)
	// What a child inherits.
	out, err := exec.Command("grep", "SigIgn", "/proc/self/status").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); !strings.HasSuffix(got, "200") && len(emulator()) == 0 {
		t.Errorf("a child was started with %s, want SIGUSR1 in it", got)
	}
	for range 2 { // the second time it is skipped
		if err := r.Install(1 << (left - 1)); err != nil {
			t.Fatal(err)
		}
		s.do("kill %d 1", left)
		if got := <-r.Signals(); got.Signal != left || got.PID != s.pid {
			t.Errorf("received %v, want SIGUSR1 from pid %d", got, s.pid)
		}
	}
	wantNothing(s, r)
}

func TestOpenTwice(t *testing.T) {
	r := openExact(t)
	if _, err := siginfo.Open(siginfo.Options{Portable: true}); err == nil {
		t.Fatal("opened a second one")
	}
	if err := r.Install(^uint64(0)); err != nil { // nothing is left to do
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	if _, open := <-r.Signals(); open {
		t.Error("Signals is open after Close")
	}
	if err := r.Install(1); err == nil {
		t.Error("installed after Close")
	}
	// Now os/signal has its signals back.
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR1, unix.SIGTERM)
	defer signal.Stop(c)
	s := startSender(t)
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGTERM} {
		s.do("kill %d 1", sig)
		if got := <-c; got != sig {
			t.Errorf("os/signal got %v, want %v", got, sig)
		}
	}
}

// TestReopen checks that a Receiver does not see its predecessor's signals.
func TestReopen(t *testing.T) {
	needExact(t)
	s := startSender(t)
	for range 50 {
		r := open(t, siginfo.Options{})
		s.do("kill %d 1", unix.SIGUSR2)
		if (<-r.Signals()).PID != s.pid {
			t.Error("no sender")
		}
		wantNothing(s, r)
		r.Close()
		siginfo.WriteLeftovers(t)
	}
	r := open(t, siginfo.Options{})
	wantNothing(s, r)
}
