package inspect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pid1/event"
)

// fakeProc is a /proc of files, for what real processes cannot be made to do at
// will.
type fakeProc struct {
	t   testing.TB
	dir string
}

// fakeProcess is one process of a fakeProc.
type fakeProcess struct {
	pid, ppid  int
	pgid, sid  int // 0: pid
	comm       string
	state      string // "": S
	start      uint64
	stack      uint64
	flags      uint64
	threads    int // 0: 1
	exit       int
	cmdline    string // with \0 between the arguments
	exe        string
	cgroup     string
	unreadable bool // what the kernel hides from strangers
}

func newFakeProc(t testing.TB) *fakeProc { return &fakeProc{t, t.TempDir()} }

func (f *fakeProc) put(p fakeProcess) {
	f.t.Helper()
	if p.pgid == 0 {
		p.pgid = p.pid
	}
	if p.sid == 0 {
		p.sid = p.pid
	}
	if p.state == "" {
		p.state = "S"
	}
	dir := filepath.Join(f.dir, strconv.Itoa(p.pid))
	line := fmt.Sprintf("%d (%s) %s %d %d %d 0 -1 %d 0 0 0 0 7 8 0 0 20 0 %d 0 %d 4096 10 1 1 1 %d%s %d\n",
		p.pid, p.comm, p.state, p.ppid, p.pgid, p.sid, p.flags, max(1, p.threads), p.start, p.stack,
		strings.Repeat(" 0", 23), p.exit)
	f.must(os.RemoveAll(dir))
	f.must(os.MkdirAll(dir, 0o755))
	f.must(os.WriteFile(filepath.Join(dir, "stat"), []byte(line), 0o644))
	f.must(os.WriteFile(filepath.Join(dir, "cmdline"), []byte(p.cmdline), 0o644))
	f.must(os.WriteFile(filepath.Join(dir, "cgroup"), []byte(p.cgroup), 0o644))
	switch {
	case p.unreadable: // not a link: reading it as one fails otherwise than with ENOENT
		f.must(os.WriteFile(filepath.Join(dir, "exe"), nil, 0o600))
	case p.exe != "":
		f.must(os.Symlink(p.exe, filepath.Join(dir, "exe")))
	}
}

func (f *fakeProc) remove(pid int) { f.must(os.RemoveAll(filepath.Join(f.dir, strconv.Itoa(pid)))) }

func (f *fakeProc) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// bench is a Table over a fakeProc with a clock that stands.
type bench struct {
	*fakeProc
	clock  *fakeClock
	table  *Table
	events []string
}

// newBench makes a Table whose Self is 1, with process 1 in place.
func newBench(t testing.TB, change ...func(*Config)) *bench {
	b := &bench{fakeProc: newFakeProc(t), clock: newFakeClock()}
	b.put(fakeProcess{pid: 1, comm: "pid1", cmdline: "pid1\x00app\x00", start: 10})
	fs, err := OpenFS(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{FS: fs, Clock: b.clock, Self: 1, Emit: b.emit}
	for _, c := range change {
		c(&cfg)
	}
	b.table = NewTable(cfg)
	t.Cleanup(func() {
		b.table.Close()
		fs.Close()
	})
	return b
}

func (b *bench) emit(ev event.Event) { b.events = append(b.events, short(ev)) }

// short is an event in few words: its type, process, and what it knows.
func short(ev event.Event) string {
	who := func(id event.ID, c event.Command) string {
		return fmt.Sprintf("%d %s %q %s", id.PID, c.Comm, strings.Join(c.Cmdline, " "), c.CmdlineHow)
	}
	how := func(e event.Ended) string {
		if e.Signal != "" {
			return " " + e.Signal
		}
		return fmt.Sprintf(" %d", e.Code)
	}
	from := func(p *event.Proc) string {
		if p == nil {
			return ""
		}
		return fmt.Sprintf(" from %d %s %q %s", p.PID, p.Comm, strings.Join(p.Cmdline, " "), p.How)
	}
	s := string(ev.Header().Type) + " "
	switch e := ev.(type) {
	case *event.Start:
		s += who(e.ID, e.Command) + from(e.Origin)
		if e.ExecSession {
			s += " exec session"
		}
	case *event.Exec:
		s += who(e.ID, e.Command) + " was " + e.Was
	case *event.Orphan:
		s += who(e.ID, e.Command) + from(e.Origin)
	case *event.Zombie:
		s += fmt.Sprintf("%s%s of %d %s", who(e.ID, e.Command), how(e.Ended), e.Parent.PID, e.Parent.Comm)
		if e.Threads > 0 {
			s += fmt.Sprintf(" threads %d", e.Threads)
		}
		if e.SeenBefore {
			s += " seen before"
		}
	case *event.ZombieGone:
		s += fmt.Sprintf("%s of %d after %d", who(e.ID, e.Command), e.Parent.PID, e.ZombieMS)
	case *event.Exit:
		s += fmt.Sprintf("%s%s%s lived %d", who(e.ID, e.Command), how(e.Ended), from(e.Origin), e.LifetimeMS)
	case *event.Reap:
		s += fmt.Sprintf("%s%s", who(e.ID, e.Command), from(e.Origin))
		for _, a := range e.Lineage {
			s += fmt.Sprintf(" <%d %s", a.PID, a.Comm)
		}
		s += fmt.Sprintf(" lived %d dead %d", e.LifetimeMS, e.ZombieMS)
		if e.Adopted {
			s += " adopted"
		}
		if e.ExecSession {
			s += " exec session"
		}
	case *event.Source:
		s += e.Name + " " + e.State + " " + e.Reason
	}
	return s
}

func (b *bench) sweep() {
	b.t.Helper()
	b.must(b.table.Sweep())
}

// look looks at one process as a source does between sweeps.
func (b *bench) look(pid int) {
	b.table.look.mu.Lock()
	defer b.table.look.mu.Unlock()
	b.table.look.process(pid, notKept, 0, 0)
}

// told checks the events since the last call.
func (b *bench) told(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.events, want) {
		b.t.Errorf("told\n  %s\nwant\n  %s", strings.Join(b.events, "\n  "), strings.Join(want, "\n  "))
	}
	b.events = nil
}

// dying checks the reap of a process.
func (b *bench) dying(pid int, want string) *event.Reap {
	b.t.Helper()
	r := b.table.Dying(pid)
	if got := short(r); got != want {
		b.t.Errorf("got  %s\nwant %s", got, want)
	}
	b.remove(pid)
	return r
}

// ticks is the start of a process that began d ago.
func (b *bench) ticks(agoMS int64) uint64 {
	return uint64((b.clock.boot.Milliseconds() - agoMS) / 10)
}

func writeFile(dir, name, text string) error {
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}
