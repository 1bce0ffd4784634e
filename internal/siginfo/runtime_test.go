//go:build linux && (amd64 || arm64)

package siginfo_test

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestFault: one that is sent is a signal, one that an instruction caused is
// Go's panic.
func TestFault(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	for range 3 {
		if len(emulator()) == 0 || emulated(unix.SIGSEGV) {
			s.do("kill %d 1", unix.SIGSEGV)
			if got := <-r.Signals(); got.Signal != unix.SIGSEGV {
				t.Errorf("received %v, want SIGSEGV", got)
			}
		}
		func() {
			defer func() {
				err, ok := recover().(runtime.Error)
				if !ok || !strings.Contains(err.Error(), "nil pointer") {
					t.Errorf("recovered %v, want a nil pointer dereference", err)
				}
			}()
			var s *sender
			s.pid++
		}()
	}
	wantNothing(s, r)
}

// TestPreemption stops goroutines that only a signal can stop. Without SIGURG's
// handler the collection would never begin.
func TestPreemption(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	var stop atomic.Bool
	done := make(chan struct{})
	loops := runtime.GOMAXPROCS(0)
	for range loops {
		go func() {
			for n := 0; !stop.Load(); n++ {
			}
			done <- struct{}{}
		}()
	}
	for range 3 {
		runtime.GC()
	}
	stop.Store(true)
	for range loops {
		<-done
	}
	// A signal for every thread, 33.
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPID, 0, 0, 0); errno != 0 && errno != unix.ENOTSUP {
		t.Errorf("AllThreadsSyscall: %v", errno)
	}
	wantNothing(s, r)
}

// cpuTime returns the processor time the process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Nano())
}

// TestProfile checks that the profiler's timer is the runtime's.
func TestProfile(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Skip(err)
	}
	// The timer counts processor time, so this ends.
	end := cpuTime(t) + 100*time.Millisecond
	for cpuTime(t) < end {
	}
	pprof.StopCPUProfile()
	wantNothing(s, r)
	s.do("kill %d 1", unix.SIGPROF)
	if got := <-r.Signals(); got.Signal != unix.SIGPROF || got.PID != s.pid {
		t.Errorf("received %v, want SIGPROF from pid %d", got, s.pid)
	}
}

// TestRestart checks that a handler does not end a system call with EINTR.
func TestRestart(t *testing.T) {
	r := openExact(t)
	s := startSender(t)
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ends[0])
	defer unix.Close(ends[1])
	tid, result := make(chan int), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tid <- unix.Gettid()
		_, err := unix.Read(ends[0], make([]byte, 1))
		result <- err
	}()
	thread := <-tid
	for !sleeping(t, thread) {
		runtime.Gosched()
	}
	s.do("tgkill %d 1 0 %d", unix.SIGUSR1, thread)
	<-r.Signals()
	if _, err := unix.Write(ends[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Errorf("read: %v", err)
	}
}

// sleeping reports whether a thread is waiting in read(2), proc_pid_syscall(5).
func sleeping(t *testing.T, tid int) bool {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
	if err != nil {
		t.Skip(err)
	}
	number, _, _ := strings.Cut(string(text), " ")
	// Under an emulator the numbers are those of the machine below.
	return number == strconv.Itoa(unix.SYS_READ) || len(emulator()) > 0 && number != "running\n"
}
