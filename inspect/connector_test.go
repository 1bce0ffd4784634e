package inspect

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/nstest"
)

// procMessage makes a message of the kernel's.
func procMessage(what uint32, at uint64, words ...uint32) []byte {
	order := binary.NativeEndian
	data := make([]byte, 16+24)
	order.PutUint32(data, what)
	order.PutUint64(data[8:], at)
	for i, w := range words {
		order.PutUint32(data[16+4*i:], w)
	}
	b := make([]byte, nlHeader+cnHeader)
	order.PutUint32(b, uint32(len(b)+len(data)))
	order.PutUint32(b[nlHeader:], cnProc)
	order.PutUint32(b[nlHeader+4:], cnProc)
	order.PutUint16(b[nlHeader+16:], uint16(len(data)))
	return append(b, data...)
}

func TestParseProcEvents(t *testing.T) {
	var b []byte
	b = append(b, procMessage(procNone, 1, uint32(unix.EPERM))...)
	b = append(b, procMessage(procFork, 2, 10, 11, 20, 21)...)
	b = append(b, procMessage(0x200, 3, 30, 31)...) // PROC_EVENT_COMM
	b = append(b, procMessage(procExec, 4, 40, 41)...)
	b = append(b, procMessage(procExit, 5, 50, 51, 3<<8, 17)...)
	b = append(b, procMessage(procExit, 6, 0, 1, 0, 17)...)                // a PID nobody has
	b = append(b, procMessage(procExit, 7, 60, 1<<31, 0, 17)...)           // and another
	b = append(b, procMessage(procExec, 8, 70, 71)[:nlHeader+cnHeader]...) // cut off
	var got []procEvent
	parseProcEvents(b, func(ev procEvent) { got = append(got, ev) })
	want := []procEvent{
		{what: procNone, at: 1, code: int(unix.EPERM)},
		{what: procFork, at: 2, parent: 11, pid: 20, tgid: 21},
		{what: procExec, at: 4, pid: 40, tgid: 41},
		{what: procExit, at: 5, pid: 50, tgid: 51, code: 3 << 8},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestSeenGoneBeforeItIsTold: what the kernel tells comes later than a look that
// finds the process gone, or never.
func TestSeenGoneBeforeItIsTold(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Self = 0 })
	b.table.isTold(true)
	kid := fakeProcess{pid: 21, ppid: 1, comm: "kid", cmdline: "kid\x00", start: b.ticks(0)}
	b.put(kid)
	b.sweep()
	b.clock.pass(50 * time.Millisecond)
	died := b.clock.Boot()
	b.remove(21)
	b.clock.pass(50 * time.Millisecond)
	b.events = nil
	b.look(21)
	b.told()
	b.table.exited(21, true, 3<<8, died)
	b.told(`exit 21 kid "kid" seen 3 lived 50`)

	kid.start = b.ticks(0)
	b.put(kid)
	b.sweep()
	b.remove(21)
	b.events = nil
	b.look(21)
	b.told()
	b.clock.pass(word)
	b.look(21)
	b.told(`exit 21 kid "kid" seen -1 lived -1`)
}

func FuzzParseProcEvents(f *testing.F) {
	f.Add(procMessage(procFork, 2, 10, 11, 20, 21))
	f.Add(append(procMessage(procExit, 5, 50, 51, 3<<8, 17), procMessage(procNone, 1, 0)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		parseProcEvents(b, func(ev procEvent) {
			n++
			if ev.what != procNone && (ev.pid <= 0 || ev.pid > maxPID || ev.tgid <= 0 || ev.tgid > maxPID || ev.code > 0xffff) {
				t.Errorf("nobody is %+v", ev)
			}
		})
		if most := len(b) / (nlHeader + cnHeader + 20); n > most {
			t.Errorf("%d events in %d bytes", n, len(b))
		}
	})
}

// TestToldByTheKernel: what the kernel tells of processes that nobody sees die.
func TestToldByTheKernel(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Self = 0 })
	b.put(fakeProcess{pid: 20, ppid: 1, comm: "app", cmdline: "app\x00", start: 100})
	b.sweep()
	for _, c := range []struct {
		name    string
		threads int
		told    func(at time.Duration)
		want    string
	}{
		{"its status", 1, func(at time.Duration) { b.table.exited(21, true, 3<<8, at) },
			`exit 21 kid "kid" seen 3 from 20 app "app" exact lived 50`},
		{"a signal", 1, func(at time.Duration) { b.table.exited(21, true, int(unix.SIGKILL), at) },
			`exit 21 kid "kid" seen SIGKILL from 20 app "app" exact lived 50`},
		{"all threads end with one status", 2, func(at time.Duration) {
			b.table.exited(21, false, 0, at) // that one was earlier
			b.table.exited(21, true, 3<<8, at)
			b.table.exited(21, false, 3<<8, at)
		}, `exit 21 kid "kid" seen 3 from 20 app "app" exact lived -1`},
		{"its leader ends before the others", 2, func(at time.Duration) {
			b.table.exited(21, true, 0, at)
			b.table.exited(21, false, 3<<8, at)
		}, `exit 21 kid "kid" seen -1 from 20 app "app" exact lived -1`},
		{"it execed and died", 1, func(at time.Duration) {
			b.table.execed(21, at)
			b.table.exited(21, true, 0, at)
		}, `exit 21  "" none 0 from 20 app "app" exact lived 50`},
		{"it is told of what was before it", 1, func(at time.Duration) {
			b.table.exited(21, true, 3<<8, at-time.Second)
			b.table.execed(21, at-time.Second)
		}, `exit 21 kid "kid" seen -1 from 20 app "app" exact lived -1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.put(fakeProcess{pid: 21, ppid: 20, comm: "kid", cmdline: "kid\x00", start: b.ticks(0), threads: c.threads})
			b.look(21)
			b.table.created(21, 20, b.clock.Boot())
			b.clock.pass(50 * time.Millisecond)
			c.told(b.clock.Boot())
			b.clock.pass(time.Minute)
			b.remove(21)
			b.events = nil
			b.look(21)
			b.told(c.want)
		})
	}
}

// TestConnector is told by the real kernel, of programs that end at once and of
// threads.
func TestConnector(t *testing.T) {
	nstest.Root(t)
	c, err := OpenConnector()
	if err != nil {
		nstest.Lacking(t, "connector", err.Error())
	}
	ours := map[int]bool{}
	table, told := watched(t, c, func(ev event.Event) bool {
		switch e := ev.(type) {
		case *event.Start:
			// What others do on this machine is not looked at.
			if e.Origin != nil && e.Origin.PID == os.Getpid() {
				ours[e.PID] = true
			}
			return ours[e.PID]
		case *event.Exit:
			return ours[e.PID]
		}
		return false
	})
	// Who comes and goes during a sweep is not looked at, and the first takes longest.
	for swept := time.Duration(0); swept == 0; time.Sleep(10 * time.Millisecond) {
		table.mu.Lock()
		swept = table.swept
		table.mu.Unlock()
	}
	for _, p := range []struct {
		script string
		want   string
	}{
		{"exit 3", " 3 from"},
		{"kill -9 $$", " SIGKILL from"},
	} {
		cmd := exec.Command("sh", "-c", "sleep 0.5; "+p.script)
		_ = cmd.Run()
		pid := cmd.Process.Pid
		who := fmt.Sprintf("%d sh %q seen", pid, "sh -c sleep 0.5; "+p.script)
		// When it starts, it can be before its exec or in the midst of it.
		for _, want := range []string{fmt.Sprintf("start %d ", pid), "exit " + who + p.want} {
			if got := next(t, told); !strings.HasPrefix(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		}
	}
}

// TestConnectorLoses has the kernel tell more than there is room for.
func TestConnectorLoses(t *testing.T) {
	nstest.Root(t)
	c, err := OpenConnector()
	if err != nil {
		nstest.Lacking(t, "connector", err.Error())
	}
	if cerr := c.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096)
	}); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	for range 50 {
		if err := exec.Command("true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	_, told := watched(t, c, func(ev event.Event) bool { return ev.Header().Type == event.TypeSource })
	if got := next(t, told); got != "source connector on " {
		t.Errorf("told %q", got)
	}
	if got := next(t, told); !strings.HasPrefix(got, "source connector on some of what the kernel told came too fast") {
		t.Errorf("told %q", got)
	}
}

func TestConnectorRefused(t *testing.T) {
	nstest.Root(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHelperConnector$", "-test.v")
	cmd.Env = append(os.Environ(), "INSPECT_CONNECTOR=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in a PID namespace: %v\n%s", err, out)
	}
}

// TestHelperConnector is run by TestConnectorRefused in a PID namespace.
func TestHelperConnector(t *testing.T) {
	if os.Getenv("INSPECT_CONNECTOR") == "" {
		t.Skip("it is a part of TestConnectorRefused")
	}
	c, err := OpenConnector()
	if err == nil {
		c.Close()
		t.Fatal("it was opened, and will tell nothing")
	}
	t.Log(err)
}

var _ Source = (*Connector)(nil)
