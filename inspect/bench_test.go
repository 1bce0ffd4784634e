package inspect

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

func openProc(t testing.TB) *FS {
	t.Helper()
	fs, err := OpenFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	return fs
}

func BenchmarkParseStat(b *testing.B) {
	line, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		b.Fatal(err)
	}
	var st Stat
	b.ReportAllocs()
	for b.Loop() {
		parseStat(line, &st)
	}
}

func BenchmarkStat(b *testing.B) {
	r := reader{fs: openProc(b)}
	var st Stat
	b.ReportAllocs()
	for b.Loop() {
		if err := r.stat(os.Getpid(), &st); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStatOpen(b *testing.B) {
	r := reader{fs: openProc(b)}
	var st Stat
	fd, err := r.open(os.Getpid(), "stat")
	if err != nil {
		b.Fatal(err)
	}
	defer closeFD(fd)
	b.ReportAllocs()
	for b.Loop() {
		if err := r.statAgain(fd, &st); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOwner(b *testing.B) {
	r := reader{fs: openProc(b)}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.owner(os.Getpid()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgs(b *testing.B) {
	a := argsReader{fs: openProc(b)}
	defer a.leave()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := a.read(os.Getpid()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgsInline(b *testing.B) {
	r := reader{fs: openProc(b)}
	buf := make([]byte, MaxCmdline+1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.read(os.Getpid(), "cmdline", buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	r := reader{fs: openProc(b)}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.cursor(); !ok {
			b.Fatal("no cursor")
		}
	}
}

func BenchmarkListNew(b *testing.B) {
	fs := openProc(b)
	l, err := newLister(fs)
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	if _, err := l.between(0, maxPID, nil); err != nil {
		b.Fatal(err)
	}
	r := reader{fs: fs}
	pid, _ := r.cursor()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.between(pid, pid, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookFresh(b *testing.B) {
	fs := openProc(b)
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	t := NewTable(Config{FS: fs, Self: os.Getpid()})
	defer t.Close()
	t.Sweep()
	pid := cmd.Process.Pid
	b.ReportAllocs()
	for b.Loop() {
		t.mu.Lock()
		t.remove(t.byPID[pid], 1)
		t.mu.Unlock()
		t.look.process(pid, notKept, 0, 0)
	}
}

func BenchmarkLookAgain(b *testing.B) {
	fs := openProc(b)
	t := NewTable(Config{FS: fs, Self: 1})
	defer t.Close()
	t.Sweep()
	b.ReportAllocs()
	for b.Loop() {
		t.look.process(os.Getpid(), notKept, 0, 0)
	}
}

// BenchmarkStatProcfs is the peer of BenchmarkStat.
func BenchmarkStatProcfs(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := procfs.NewProc(os.Getpid())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Stat(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkArgsProcfs is the peer of BenchmarkArgs.
func BenchmarkArgsProcfs(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := procfs.NewProc(os.Getpid())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.CmdLine(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDying is what observation adds to a reap: of a process nobody saw, and of
// one that is known with its ancestors.
func BenchmarkDying(b *testing.B) {
	pid, reap := zombie(b, "exit")
	defer reap()
	b.Run("unseen", func(b *testing.B) {
		t := NewTable(Config{FS: openProc(b), Self: os.Getpid()})
		defer t.Close()
		b.ReportAllocs()
		for b.Loop() {
			t.Dying(pid)
		}
	})
	b.Run("known", func(b *testing.B) {
		t := NewTable(Config{FS: openProc(b), Self: 1})
		defer t.Close()
		if err := t.Sweep(); err != nil {
			b.Fatal(err)
		}
		e := t.byPID[pid]
		b.ReportAllocs()
		for b.Loop() {
			t.Dying(pid)
			t.mu.Lock()
			t.byPID[pid], e.left = e, false
			t.join(e, e.last)
			t.mu.Unlock()
		}
	})
}

// BenchmarkSweep tells what a sweep costs for each process.
func BenchmarkSweep(b *testing.B) {
	t := NewTable(Config{FS: openProc(b), Self: 1})
	defer t.Close()
	helper(b, "hoard", "200", "0")
	b.ReportAllocs()
	sweeps := 0
	for b.Loop() {
		if err := t.Sweep(); err != nil {
			b.Fatal(err)
		}
		sweeps++
	}
	n, _ := t.Counts()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sweeps*n), "ns/process")
}

// BenchmarkTable tells how much memory an entry takes.
func BenchmarkTable(b *testing.B) {
	const n = 10_000
	fake := newBench(b)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		t := NewTable(Config{FS: fake.table.cfg.FS, Clock: fake.clock, Self: 1})
		for i := range n {
			t.merge(&sight{
				st:       Stat{PID: 2 + i, PPID: 1 + i/10, PGID: 2, SID: 2, State: 'S', Threads: 1, Start: 100, Comm: []byte("worker")},
				argsRead: true, args: []byte("worker\x00--number\x00of\x00many"), at: time.Second, sweep: 1,
			})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/process")
		runtime.KeepAlive(t)
	}
}
