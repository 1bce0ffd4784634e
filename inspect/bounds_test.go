package inspect

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"pid1/event"
)

// seenAlive is what a look sees of a process that runs a program of its own.
func seenAlive(pid, ppid int, at time.Duration) *sight {
	args := fmt.Sprintf("program%d\x00--with=%0100d", pid, pid)
	return &sight{
		st: Stat{PID: pid, PPID: ppid, PGID: pid, SID: pid, State: 'S', Threads: 1, Start: 100, Stack: uint64(pid),
			Comm: fmt.Appendf(nil, "program%d", pid)},
		at: at, args: []byte(args), argsRead: true,
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestTwentyThousandProcesses come and go, all different, and leave nothing but the
// room a map keeps.
func TestTwentyThousandProcesses(t *testing.T) {
	const n = 20000
	b := newBench(t)
	b.sweep()
	b.table.cfg.Emit = func(event.Event) {}
	before := heap()
	for i := range n {
		b.table.merge(seenAlive(100+i, 99+i/100, b.clock.Boot()))
	}
	if got, _ := b.table.Counts(); got != n+1 {
		t.Errorf("%d processes are known, want %d and pid1", got, n)
	}
	if each := (heap() - before) / n; each > 4096 {
		t.Errorf("a process takes %d bytes", each)
	}
	last, rows := 0, 0
	b.table.mu.Lock()
	b.table.sweeps, b.table.swept = 1, b.clock.Boot() // this /proc does not have them
	b.table.mu.Unlock()
	b.table.Processes(func(p *event.Process) bool {
		if p.PID <= last {
			t.Fatalf("row %d comes after %d", p.PID, last)
		}
		last, rows = p.PID, rows+1
		return true
	})
	if rows != n+1 {
		t.Errorf("%d rows, want %d", rows, n+1)
	}
	for i := range n {
		b.table.lost(100+i, 100, death{status: -1})
	}
	b.clock.pass(time.Minute)
	b.sweep()
	if got := len(b.table.byPID); got != 1 {
		t.Errorf("%d processes are left", got)
	}
	if got := len(b.table.groups); got > 1 {
		t.Errorf("%d groups are left", got)
	}
	if left := heap() - before; left > 4<<20 {
		t.Errorf("%d bytes are left of what is gone", left)
	}
	runtime.KeepAlive(b)
}

// TestMoreThanFit: what a full table does not follow is counted, and followed once
// there is room.
func TestMoreThanFit(t *testing.T) {
	const over = 1000
	b := newBench(t)
	b.sweep()
	b.table.cfg.Emit = func(event.Event) {}
	for i := range DefaultMaxProcesses - 1 + over {
		b.table.merge(seenAlive(100+i, 1, b.clock.Boot()))
	}
	if n, _ := b.table.Counts(); n != DefaultMaxProcesses || b.table.Untracked() != over {
		t.Errorf("%d are followed and %d are not, want %d and %d", n, b.table.Untracked(), DefaultMaxProcesses, over)
	}
	b.table.lost(100, 100, death{status: -1})
	b.table.merge(seenAlive(maxPID, 1, b.clock.Boot()))
	if _, c, ok := maybe(b.table, maxPID); !ok || c.Comm != fmt.Sprint("program", maxPID) {
		t.Error("there is room, and a new process was not followed")
	}
}

func maybe(t *Table, pid int) (id event.ID, c event.Command, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byPID[pid]; e != nil {
		return e.id, e.command(), true
	}
	return id, c, false
}

// TestLongCommandLines: real ones, longer than what is kept.
func TestLongCommandLines(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
	}{
		{"an argument", []string{strings.Repeat("ä", 10000)}},
		{"many arguments", strings.Split(strings.Repeat("a ", 300), " ")},
		{"both", strings.Split(strings.Repeat(strings.Repeat("x", 100)+" ", 300), " ")},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command("sh", append([]string{"-c", "echo; read x", "name"}, c.args...)...)
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close(); _ = cmd.Wait() }()
			if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // it has execed
				t.Fatal(err)
			}
			table := NewTable(Config{FS: openProc(t)})
			defer table.Close()
			if err := table.Sweep(); err != nil {
				t.Fatal(err)
			}
			_, got, ok := table.Command(cmd.Process.Pid)
			if !ok || !got.CmdlineCut || got.CmdlineHow != event.HowSeen {
				t.Fatalf("got %.100q cut %v %s", got.Cmdline, got.CmdlineCut, got.CmdlineHow)
			}
			if n := len(strings.Join(got.Cmdline, "\x00")); n > MaxCmdline || len(got.Cmdline) > MaxArgs {
				t.Errorf("%d bytes in %d arguments are kept, want %d in %d at most", n, len(got.Cmdline), MaxCmdline, MaxArgs)
			}
			// What is kept is what it begins with.
			for i, arg := range got.Cmdline[4:] {
				if !strings.HasPrefix(c.args[i], arg) {
					t.Errorf("argument %d is %.20q", i, arg)
				}
			}
		})
	}
}
