package inspect

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pid1/event"
)

// watched runs a source on the real /proc until the test ends, and returns a channel
// of what it tells, in short, of processes whose name or source passes.
func watched(t *testing.T, src Source, pass func(ev event.Event) bool) (*Table, <-chan string) {
	t.Helper()
	told := make(chan string, 1000)
	table := NewTable(Config{FS: openProc(t), Emit: func(ev event.Event) {
		if pass(ev) {
			told <- short(ev)
		}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- src.Run(ctx, table) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the source ended with %v", err)
		}
		table.Close()
	})
	return table, told
}

func next(t *testing.T, told <-chan string) string {
	t.Helper()
	select {
	case s := <-told:
		return s
	case <-time.After(time.Minute):
		t.Fatal("nothing is told")
		return ""
	}
}

// copyOf makes a copy of the test binary under a name of its own, so that its
// processes are told from all others.
func copyOf(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSample sees a process come and go, with the bell and without.
func TestSample(t *testing.T) {
	for _, c := range []struct {
		name   string
		bell   bool
		states []string
	}{
		{"bell", true, []string{"source sample on "}},
		{"no bell", false, []string{"source sample on ", "source sample on looking every 20ms, since it cannot watch for programs: none of the usual folders is there"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			name := "sampled" + c.name[:2]
			path := copyOf(t, dir, name)
			places := []string{dir + "/missing"}
			if c.bell {
				places = append(places, dir)
			}
			src := &sample{places: func() ([]string, error) { return places, nil }}
			_, told := watched(t, src, func(ev event.Event) bool {
				switch e := ev.(type) {
				case *event.Start:
					return e.Comm == name
				case *event.Exec:
					return e.Comm == name
				case *event.Exit:
					return e.Comm == name
				case *event.Source:
					return true
				}
				return false
			})
			for _, want := range c.states {
				if got := next(t, told); got != want {
					t.Fatalf("%q, want %q", got, want)
				}
			}
			cmd := exec.Command(path, name)
			cmd.Env = []string{helperEnv + "=named"}
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			pid := cmd.Process.Pid
			want := fmt.Sprintf("start %d %s %q seen from %d", pid, name, path+" "+name, os.Getpid())
			// On a busy machine it can be told before its exec, and that after it.
			later := fmt.Sprintf("exec %d %s %q seen", pid, name, path+" "+name)
			if got := next(t, told); !strings.HasPrefix(got, later) &&
				(!strings.HasPrefix(got, want) || !strings.HasSuffix(got, " seen")) {
				t.Errorf("told %q, want %q", got, want)
			}
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			want = fmt.Sprintf("exit %d %s", pid, name)
			if got := next(t, told); !strings.HasPrefix(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// TestSampleIsWoken: a process pid1 spawned is looked at at once, whatever it is.
func TestSampleIsWoken(t *testing.T) {
	quiet := t.TempDir()
	cmd, _ := helper(t, "named", "woken")
	b, err := newBell([]string{quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	table := NewTable(Config{FS: openProc(t)})
	defer table.Close()
	table.wakeable(b.wake)
	table.Spawned(cmd.Process.Pid)
	if rang, err := b.wait(time.Hour); !rang || err != nil {
		t.Errorf("not woken: %v %v", rang, err)
	}
	if rang, err := b.wait(-1); rang || err != nil {
		t.Errorf("woken twice: %v %v", rang, err)
	}
}

func TestBell(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "program")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := newBell([]string{dir, dir + "/", file})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if b.rung() {
		t.Error("it rings before anything happened")
	}
	for range 2000 { // more than fits one read
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadFile(file + "2"); err == nil {
			t.Fatal("there is no such file")
		}
	}
	if rang, err := b.wait(time.Hour); !rang || err != nil {
		t.Errorf("it does not ring: %v %v", rang, err)
	}
	b.rung()
	if b.rung() {
		t.Error("it rings on")
	}
	if rang, err := b.wait(-1); rang || err != nil {
		t.Errorf("%v %v, want the time to be over", rang, err)
	}
	if _, err := os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	if !b.rung() {
		t.Error("it does not ring after a wait that was over")
	}
}

func TestBellPlaces(t *testing.T) {
	got := bellPlaces("/opt/bin:relative::/usr/bin/:"+strings.Repeat("/x:", 3), "/")
	for _, want := range []string{"/etc/ld.so.cache", "/opt/bin", "/usr/bin", "/bin", "/x"} {
		if n := count(got, want); n != 1 {
			t.Errorf("%s is there %d times: %q", want, n, got)
		}
	}
	if slices.Contains(got, "relative") || slices.Contains(got, "") {
		t.Errorf("a relative folder is watched: %q", got)
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, ":/%d", i)
	}
	if got := bellPlaces(many.String(), "/"); len(got) != maxWatches {
		t.Errorf("%d places are watched", len(got))
	}
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

// TestSampleGivesUp: whatever happens to a source, it says so and harms nothing else.
func TestSampleGivesUp(t *testing.T) {
	none := NewTable(Config{})
	fake := newBench(t)
	hostile := newBench(t, func(c *Config) {
		c.Redact = func([]string) []string { panic("no idea") }
	})
	hostile.table.cfg.FS.own = true
	for _, c := range []struct {
		table *Table
		want  string
	}{
		{none, "cannot look at processes: there is no /proc"},
		{fake.table, "cannot look at processes: " + fake.dir + " is no /proc"},
		{hostile.table, "cannot go on: no idea"},
	} {
		var told []string
		c.table.cfg.Emit = func(ev event.Event) { told = append(told, short(ev)) }
		err := Sample("").Run(t.Context(), c.table)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
		if len(told) == 0 || told[len(told)-1] != "source sample off "+c.want {
			t.Errorf("told %q", told)
		}
		c.table.Counts() // nothing stays locked
		c.table.Dying(30)
		if !c.table.look.mu.TryLock() {
			t.Fatal("the looker stays locked")
		}
		c.table.look.mu.Unlock()
	}
}

func TestNewPIDs(t *testing.T) {
	f := newFakeProc(t)
	fs, err := OpenFS(f.dir)
	f.must(err)
	defer fs.Close()
	list, err := newLister(fs)
	f.must(err)
	defer list.close()
	n := newcomers{r: &reader{fs: fs}, list: list}
	now := time.Unix(1000, 0)
	for _, pid := range []int{3, 90, 101, 103, 200} {
		f.put(fakeProcess{pid: pid, comm: "x", start: 1})
	}
	for _, c := range []struct {
		after   time.Duration
		loadavg string
		born    int
		want    []int
	}{
		{0, "0 0 0 1/1 100\n", 0, nil}, // where it begins
		{0, "0 0 0 1/1 100\n", 0, nil},
		{0, "0 0 0 1/1 102\n", 0, []int{101}},
		{0, "0 0 0 1/1 102\n", 102, nil}, // too soon to look for it again
		{glance, "0 0 0 1/1 102\n", 0, []int{102}},
		{glance, "0 0 0 1/1 102\n", 0, nil},
		{unborn, "0 0 0 1/1 102\n", 0, nil},
		{unborn, "0 0 0 1/1 105\n", 0, []int{103}},
		{glance, "0 0 0 1/1 10", 0, nil},            // short
		{glance, "gVisor has no such\n", 0, nil},    //
		{glance, "0 0 0 1/1 9999999\n", 0, nil},     // no PID
		{glance, "0 0 0 1/1 4\n", 0, []int{200, 3}}, // began anew
		{glance, "0 0 0 1/1 4\n", 201, []int{201}},
		{unborn, "0 0 0 1/1 4\n", 0, nil},
		{unborn, "0 0 0 1/1 4\n", 202, []int{202}},
		{unborn, "0 0 0 1/1 4\n", 203, nil},
		{unborn, "0 0 0 1/1 95\n", 4, []int{90}}, // 4 was long in coming: the sweep sees it
	} {
		now = now.Add(c.after)
		if c.born != 0 {
			f.put(fakeProcess{pid: c.born, comm: "x", start: 1})
		}
		f.must(writeFile(f.dir, "loadavg", c.loadavg))
		if got := n.look(now); !slices.Equal(c.want, got) {
			t.Errorf("%q, born %d: %v, want %v", c.loadavg, c.born, got, c.want)
		}
	}
	if len(n.known) > 2 {
		t.Errorf("it remembers %v", n.known)
	}
}

func TestBudget(t *testing.T) {
	now := time.Unix(100, 0)
	b := budget{every: 10, most: time.Second}
	spend := func(d time.Duration) bool {
		began := now
		now = now.Add(d)
		return b.spend(began, now)
	}
	for range 10 {
		if !spend(100*time.Millisecond) && b.left > 0 {
			t.Fatal("it says there is nothing left of something")
		}
	}
	if spend(time.Second) {
		t.Errorf("%v are left of a second after two", b.left)
	}
	now = now.Add(time.Hour)
	if !spend(time.Millisecond) || b.left != b.most-time.Millisecond {
		t.Errorf("%v are left after an hour", b.left)
	}
}

// TestYoung goes through what a young process can do between looks.
func TestYoung(t *testing.T) {
	b := newBench(t)
	s := &sampling{t: b.table, l: &b.table.look}
	defer s.end()
	now := time.Unix(1000, 0)
	p := fakeProcess{pid: 20, ppid: 1, comm: "sh", cmdline: "sh\x00", start: b.ticks(0), flags: noExec, stack: 1}
	b.put(p)
	s.first(20, now)
	y := &s.young[0]
	pass := func(d time.Duration) {
		now = now.Add(d)
		b.clock.pass(d)
	}
	change := func() { // in place, since the file is held open
		held := y.file
		b.put(p)
		closeFD(held.fd)
		fd, err := s.l.r.open(20, "stat")
		b.must(err)
		y.file.fd = fd
	}
	pass(settle + 2*glance)
	if !s.again(y, now, true) {
		t.Error("it is given up before it execed")
	}
	b.told(`start 20 sh "sh" seen`)
	pass(time.Second)
	p.comm, p.cmdline, p.flags, p.stack = "app", "app\x00", 0, 2
	change()
	if !s.again(y, now, false) || len(b.events) != 0 {
		t.Error("it is looked at though nothing rang")
	}
	if !s.again(y, now, true) || y.grown(now) {
		t.Error("it is not young again after its exec")
	}
	b.told(`exec 20 app "app" seen was sh`)
	pass(settle + 2*glance)
	if s.again(y, now, true) {
		t.Error("it is looked at for ever")
	}
}

// TestYoungDie: the file of one that ended is closed though nothing rings any more, at
// once where its end is told, and else with the next sweep.
func TestYoungDie(t *testing.T) {
	for _, c := range []struct {
		name string
		told bool
	}{{"told", true}, {"swept", false}} {
		t.Run(c.name, func(t *testing.T) {
			table, _ := realTable(t, func(int, int) bool { return false })
			s := &sampling{t: table, l: &table.look}
			defer s.end()
			if c.told {
				if s.attend(); s.l.ends == nil {
					t.Skip("no ends are told here")
				}
			}
			cmd, end := helper(t, "named", "young")
			now := time.Now()
			if !s.first(cmd.Process.Pid, now.Add(-time.Second)) {
				t.Fatal("it is not there")
			}
			s.young[0].noExec = true
			s.weed(now)
			s.mournAt(now, 0)
			if len(s.young) != 1 {
				t.Fatal("it is given up though it may still exec")
			}
			s.young[0].since = now.Add(-time.Second)
			end()
			if c.told {
				s.mournAt(now, 0)
			} else if err := s.sweep(); err != nil {
				t.Fatal(err)
			}
			if len(s.young) != 0 {
				t.Error("it is held when it is gone")
			}
		})
	}
}

// TestQuietSweeps: while nobody is born every second sweep is put off.
func TestQuietSweeps(t *testing.T) {
	b := newBench(t)
	newest := func(pid int) {
		b.must(os.WriteFile(filepath.Join(b.dir, "loadavg"), fmt.Appendf(nil, "0.00 0.01 0.02 1/99 %d\n", pid), 0o644))
	}
	s := &sampling{t: b.table, l: &b.table.look}
	newest(20)
	b.must(s.sweep())
	for i, c := range []struct {
		newest int
		soon   bool // something was executed
		swept  bool
	}{
		{20, false, false}, // nobody was born
		{20, false, true},  // not twice
		{20, false, false},
		{21, false, true},
		{21, true, true},
		{21, false, false},
	} {
		newest(c.newest)
		if c.soon {
			s.sweepSoon()
		}
		before := b.table.sweeps
		b.must(s.sweepUnlessQuiet())
		if swept := b.table.sweeps != before; swept != c.swept {
			t.Errorf("%d: swept: %v, want %v", i, swept, c.swept)
		}
		if wait := s.next.Sub(s.swept); c.swept && wait != sweepEvery && wait != sweepShare*s.cost || !c.swept && wait < sweepQuiet {
			t.Errorf("%d: the next one comes after %v", i, wait)
		}
	}
}
