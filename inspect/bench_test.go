package inspect

import (
	"os"
	"os/exec"
	"testing"

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
		t.look.process(pid, notHeld, 0, 0)
	}
}

func BenchmarkLookAgain(b *testing.B) {
	fs := openProc(b)
	t := NewTable(Config{FS: fs, Self: 1})
	defer t.Close()
	t.Sweep()
	b.ReportAllocs()
	for b.Loop() {
		t.look.process(os.Getpid(), notHeld, 0, 0)
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
