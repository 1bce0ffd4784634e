package record

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/journal"
	"pid1/internal/nstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recording is a journal that is recorded.
type recording struct {
	*Recorder
	t    *testing.T
	j    *journal.Journal
	warn chan string
}

func begin(t *testing.T, ring journal.Config, cfg Config) *recording {
	t.Helper()
	r := &recording{t: t, j: journal.New(ring), warn: make(chan string, 100)}
	cfg.retry = 1e7 // 10 ms
	cfg.Warn = func(err error) { r.warn <- err.Error() }
	cfg.Hello = func() *event.Hello {
		h := event.New(event.TypeHello).(*event.Hello)
		h.PID, h.Role = 1, "init"
		return h
	}
	r.Recorder = Start(r.j, cfg)
	t.Cleanup(func() {
		r.Close()
		r.j.Close()
	})
	return r
}

func (r *recording) append(n int) {
	for range n {
		ev := event.New(event.TypeReap).(*event.Reap)
		ev.PID, ev.Comm, ev.Code = 42, "worker", 0
		r.j.Append(ev)
	}
}

// warned waits for a warning that holds text.
func (r *recording) warned(text string) {
	r.t.Helper()
	for {
		select {
		case got := <-r.warn:
			if strings.Contains(got, text) {
				return
			}
		case <-r.t.Context().Done():
			r.t.Fatalf("no warning of %q came", text)
		}
	}
}

// read returns the events of a file, which begins with a hello and has nothing
// but whole lines.
func read(t *testing.T, path string) []event.Event {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Event
	for i, line := range bytes.SplitAfter(text, []byte{'\n'}) {
		if len(line) == 0 {
			break
		}
		ev, err := event.Decode(line)
		if err != nil || ev == nil || !bytes.HasSuffix(line, []byte{'\n'}) {
			t.Fatalf("%s, line %d: %v: %q", path, i+1, err, line)
		}
		if i == 0 && ev.Header().Type != event.TypeHello {
			t.Errorf("%s begins with %s", path, line)
		}
		all = append(all, ev)
	}
	return all
}

// until waits for cond, as long as the test may last.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !cond() {
		select {
		case <-look.C:
		case <-t.Context().Done():
			t.Fatalf("%s did not come", what)
		}
	}
}

// lines counts the lines of a file; 0 where there is none.
func lines(path string) int {
	text, _ := os.ReadFile(path)
	return bytes.Count(text, []byte{'\n'})
}

// account checks that events follow each other without a hole, from the first on,
// and returns how many were there and how many a gap stands for.
func account(t *testing.T, events []event.Event, first uint64) (there, lost uint64) {
	t.Helper()
	next := first
	for _, ev := range events {
		switch e := ev.(type) {
		case *event.Hello:
			if e.LastSeq+1 != next && next > 1 {
				t.Errorf("a hello says that %d is next, and it is %d", e.LastSeq+1, next)
			}
		case *event.Gap:
			if e.FromSeq != next || e.Lost != e.ToSeq-e.FromSeq+1 {
				t.Errorf("after %d comes %+v", next-1, e)
			}
			next = e.ToSeq + 1
			lost += e.Lost
		default:
			if seq := ev.Header().Seq; seq != next {
				t.Fatalf("after %d comes %d", next-1, seq)
			}
			next++
			there++
		}
	}
	return there, lost
}

func TestRecordsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	r := begin(t, journal.Config{}, Config{Path: path})
	r.append(1000)
	end := event.New(event.TypeEnd).(*event.End)
	end.Reason = event.EndExit
	r.j.Append(end)
	r.Close()
	events := read(t, path)
	if n, lost := account(t, events, 1); n != 1001 || lost != 0 {
		t.Errorf("%d events recorded, %d lost; want 1001", n, lost)
	}
	if e, ok := events[len(events)-1].(*event.End); !ok || e.Reason != event.EndExit {
		t.Errorf("it ends with %+v", events[len(events)-1])
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	// The next pid1 goes on in the same file.
	r = begin(t, journal.Config{}, Config{Path: path})
	r.append(1)
	r.Close()
	events = read(t, path)[1002:]
	if len(events) != 2 || events[0].Header().Type != event.TypeHello || events[1].Header().Seq != 1 {
		t.Errorf("the second pid1 wrote %v", events)
	}
}

// What is written is there at once, not when the recorder ends.
func TestIsThereAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	r := begin(t, journal.Config{}, Config{Path: path})
	r.append(1)
	until(t, "the line", func() bool { return lines(path) == 2 })
}

func TestRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	const size = 8 << 10
	r := begin(t, journal.Config{}, Config{Path: path, MaxSize: size, Keep: 3})
	r.append(1000) // about 20 files
	r.Close()
	var events []event.Event
	for _, name := range []string{path + ".3", path + ".2", path + ".1", path} {
		st, err := os.Stat(name)
		if err != nil || st.Mode() != 0o600 || st.Size() > size {
			t.Errorf("%s: %v %v %d bytes", name, err, st.Mode(), st.Size())
		}
		events = append(events, read(t, name)...)
	}
	first := events[1].Header().Seq
	if n, lost := account(t, events, first); first < 2 || n != 1000-first+1 || lost != 0 {
		t.Errorf("%d events from %d on, %d lost", n, first, lost)
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 4 {
		t.Errorf("there are %v", names)
	}
	if h := events[0].(*event.Hello); h.FirstSeq != first || h.Role != "init" {
		t.Errorf("the oldest begins with %+v", h)
	}

	alone := filepath.Join(t.TempDir(), "alone")
	r = begin(t, journal.Config{}, Config{Path: alone, MaxSize: size})
	r.append(1000)
	r.Close()
	if names, _ := filepath.Glob(alone + "*"); len(names) != 1 {
		t.Errorf("keeping none there are %v", names)
	}
}

// A pid1 that was killed leaves a line that has no end.
func TestGoesOnAfterALineWithoutEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	cut := `{"v":1,"type":"hello","ts":"2026-01-02T03:04:05Z"}` + "\n" + `{"v":1,"type":"reap","se`
	if err := os.WriteFile(path, []byte(cut), 0o644); err != nil {
		t.Fatal(err)
	}
	r := begin(t, journal.Config{}, Config{Path: path})
	r.append(3)
	r.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(string(text), cut+"\n"+`{"v":1,"type":"hello",`)
	if !ok || strings.Count(rest, "\n") != 4 {
		t.Errorf("the file holds %s", text)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
}

func TestBeginsAnewWhereTheFileWasMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	r := begin(t, journal.Config{}, Config{Path: path})
	r.append(10)
	r.j.Append(event.New(event.TypeSource)) // whatever it is, it has number 11
	until(t, "the first events", func() bool { return lines(path) == 12 })
	if err := os.Rename(path, path+".mine"); err != nil {
		t.Fatal(err)
	}
	until(t, "another file", func() bool {
		r.append(1)
		return lines(path) > 0
	})
	r.Close()
	if n, lost := account(t, append(read(t, path+".mine"), read(t, path)...), 1); lost != 0 || n != r.j.Counts().Last {
		t.Errorf("%d events in both files, %d lost, want %d", n, lost, r.j.Counts().Last)
	}
}

// A file that is not a recording of ours is left alone, and COMMAND runs on.
func TestRefuses(t *testing.T) {
	hello := `{"v":1,"type":"hello","ts":"2026-01-02T03:04:05Z"}` + "\n"
	for what, c := range map[string]struct {
		put  func(path string) error
		want string
	}{
		"a link":      {func(p string) error { return os.Symlink("victim", p) }, "symbolic link"},
		"a pipe":      {func(p string) error { return unix.Mkfifo(p, 0o600) }, "not a file"},
		"a folder":    {func(p string) error { return os.Mkdir(p, 0o700) }, "folder"},
		"other text":  {func(p string) error { return os.WriteFile(p, []byte("root:x:0:0\n"), 0o600) }, "not a recording"},
		"two names":   {func(p string) error { return os.Link(filepath.Join(filepath.Dir(p), "victim"), p) }, "second name"},
		"no folder":   {func(p string) error { return os.Remove(filepath.Dir(p)) }, "no such file"},
		"older: text": {func(p string) error { return os.WriteFile(p+".1", []byte("mine"), 0o600) }, "r.jsonl.1: it is there and is not"},
		"older: link": {func(p string) error { return os.Symlink("victim", p+".1") }, "r.jsonl.1: it is a symbolic link"},
	} {
		t.Run(what, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			path, victim := filepath.Join(dir, "r.jsonl"), filepath.Join(dir, "victim")
			if what != "no folder" {
				if err := os.WriteFile(victim, []byte(hello), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.put(path); err != nil {
				t.Fatal(err)
			}
			r := begin(t, journal.Config{}, Config{Path: path, MaxSize: 4 << 10, Keep: 2})
			r.append(100)
			r.warned(c.want)
			r.Close()
			if text, err := os.ReadFile(victim); what != "no folder" && (err != nil || string(text) != hello) {
				t.Errorf("the victim holds %q, %v", text, err)
			}
			if what == "other text" {
				if text, err := os.ReadFile(path); string(text) != "root:x:0:0\n" {
					t.Errorf("the file holds %q, %v", text, err)
				}
			}
			if st, err := os.Stat(path); err == nil && strings.HasPrefix(what, "older") && st.Size() > 4<<10 {
				t.Errorf("it grew to %d bytes", st.Size())
			}
		})
	}
}

func TestRefusesAnothersFile(t *testing.T) {
	nstest.Root(t)
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	r := begin(t, journal.Config{}, Config{Path: path})
	r.append(1)
	r.warned("belongs to uid 12345")
	r.Close()
	if st, err := os.Stat(path); err != nil || st.Size() > 0 {
		t.Errorf("%v, %d bytes", err, st.Size())
	}
}

// The disk is full, events come and go, and there is room again: they are counted.
func TestAFullDisk(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=700"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		path, filler := filepath.Join(dir, "r.jsonl"), filepath.Join(dir, "filler")
		r := begin(t, journal.Config{Reaps: 1 << 20, Bytes: 128 << 10}, Config{Path: path})
		r.append(10)
		until(t, "the first events", func() bool { return lines(path) == 11 })
		fill(t, filler)
		r.append(10000) // more than fits into the disk and the ring
		r.warned("no space left on device; trying on")
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		r.warned("again")
		r.append(5)
		r.Close()
		last := r.j.Counts().Last
		n, lost := account(t, read(t, path), 1)
		if lost < 8000 || n < 15 || n+lost != last {
			t.Errorf("%d events recorded and %d lost of %d", n, lost, last)
		}
		var told []string
		for _, ev := range read(t, path) {
			if s, ok := ev.(*event.Source); ok {
				told = append(told, s.Name+" "+s.State)
				if want := fmt.Sprint(lost, " events were lost"); s.State == "on" && !strings.Contains(s.Reason, want) {
					t.Errorf("it says %q, not %q", s.Reason, want)
				}
			}
		}
		if len(told) == 0 || told[len(told)-1] != "record on" {
			t.Errorf("told %v", told)
		}
	})
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

// The limit on a file's size makes it rotate: beyond it the kernel sends SIGXFSZ.
func TestAFileSizeLimit(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "r.jsonl")
		const size = 16 << 10
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size}); err != nil {
			t.Fatal(err)
		}
		r := begin(t, journal.Config{}, Config{Path: path, Keep: 100})
		r.append(500)
		r.Close()
		names, _ := filepath.Glob(path + ".*")
		var events []event.Event
		for i := len(names); i > 0; i-- {
			events = append(events, read(t, path+"."+strconv.Itoa(i))...)
		}
		if n, lost := account(t, append(events, read(t, path)...), 1); n != 500 || lost != 0 || len(names) < 3 {
			t.Errorf("%d events in %d files, %d lost", n, len(names)+1, lost)
		}
	})
}

// Close comes back from a disk that takes nothing, here because the last events
// find no room.
func TestCloseTellsWhatIsMissing(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		r := begin(t, journal.Config{}, Config{Path: filepath.Join(dir, "r.jsonl")})
		r.append(2000)
		r.Close()
		r.warned("cannot record the last events, ")
	})
}
