package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"
)

func TestParseStat(t *testing.T) {
	const tail = " S 1 42 7 34816 42 4194304 100 0 0 0 3 4 0 0 20 0 2 0 255079 1256374272 517 " +
		"18446744073709551615 1 1 140737321118048 0 0 0 0 2143420159 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 256\n"
	want := Stat{
		PID: 42, State: 'S', PPID: 1, PGID: 42, SID: 7, TTY: 34816, Flags: 0x400000,
		Utime: 3, Stime: 4, Threads: 2, Start: 255079, RSS: 517, Stack: 140737321118048, Exit: 256,
		ExitSignal: 17, Minflt: 100,
	}
	for _, comm := range []string{
		"sleep", "", "a) S 1 (", "5 (x) (", ")", "(", "))", "new\nline", "tab\t ", "\x1b]0;x\x07", "\xff\xfe",
		"123456789012345", "kworker/u4:1-events_freezable_power_",
	} {
		var got Stat
		if !parseStat([]byte("42 ("+comm+")"+tail), &got) {
			t.Errorf("%q: not read", comm)
			continue
		}
		want.Comm = []byte(comm)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: -want +got\n%s", comm, d)
		}
	}
}

func TestParseStatShort(t *testing.T) {
	// A kernel that leaves out what comes last still tells what counts.
	var got Stat
	if !parseStat([]byte("7 (x) Z 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99"), &got) {
		t.Fatal("not read")
	}
	want := Stat{PID: 7, Comm: []byte("x"), State: 'Z', PPID: 1, PGID: 7, SID: 7, Flags: 4, Threads: 1, Start: 99, Exit: -1}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for _, line := range []string{
		"", "5", "5 (x)", "5 (x) ", "5 x S 1", "(x) S 1", "x (x) S 1", "5 )x( S 1", "5 (x) SS 1",
		"5 (x) S 1 2 3", "7 (x) Z 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 -9",
		"5 (" + strings.Repeat("x", maxComm+1) + ") S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 99",
	} {
		if parseStat([]byte(line), &got) {
			t.Errorf("%q was read as a stat line: %+v", line, got)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	if line, err := os.ReadFile("/proc/self/stat"); err == nil {
		f.Add(line)
	}
	f.Add([]byte("5 (x)"))
	f.Add([]byte("5 (x) ("))
	f.Add([]byte("5 (a) S 1 () S 1"))
	f.Add([]byte("5 (\n) Z -1 -1 -1 99999999999999999999 -"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var st Stat
		if parseStat(line, &st) && (len(st.Comm) > maxComm || st.PID < 0) {
			t.Errorf("%q became %+v", line, st)
		}
	})
}

// TestStatAsProcfs compares every process there is with what an independent reader
// of /proc makes of it. That one panics on names such as "5 (x" (v0.23.0), which is
// one reason for a reader of our own; the benchmarks show the other.
func TestStatAsProcfs(t *testing.T) {
	r := reader{fs: openProc(t)}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		theirs, ok := procfsStat(pid)
		var ours Stat
		if !ok || r.stat(pid, &ours) != nil || theirs.Starttime != ours.Start {
			continue
		}
		again, ok := procfsStat(pid)
		if !ok || again != theirs {
			continue // it changed meanwhile
		}
		compared++
		got := fmt.Sprint(ours.PID, string(ours.Comm), ours.PPID, ours.PGID, ours.SID, ours.TTY,
			ours.Flags, ours.Threads, ours.Start, ours.RSS)
		want := fmt.Sprint(theirs.PID, theirs.Comm, theirs.PPID, theirs.PGRP, theirs.Session, theirs.TTY,
			theirs.Flags, theirs.NumThreads, theirs.Starttime, theirs.RSS)
		if got != want && ours.State == theirs.State[0] {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if compared == 0 {
		t.Error("no process to compare")
	}
}

// procfsStat guards against the panic.
func procfsStat(pid int) (st procfs.ProcStat, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	p, err := procfs.NewProc(pid)
	if err != nil {
		return st, false
	}
	st, err = p.Stat()
	return st, err == nil
}

func TestCmdlineAsProcfs(t *testing.T) {
	a := argsReader{fs: openProc(t)}
	defer a.leave()
	p, err := procfs.NewProc(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.CmdLine()
	if err != nil {
		t.Fatal(err)
	}
	kept, cut, err := a.read(os.Getpid())
	if err != nil || cut {
		t.Fatal(cut, err)
	}
	if d := cmp.Diff(want, splitArgs(kept)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
