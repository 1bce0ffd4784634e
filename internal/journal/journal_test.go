package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"pid1/event"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// newTest makes a Journal of small slabs, so that a few events make it turn.
func newTest(t testing.TB, cfg Config, slab int) *Journal {
	t.Helper()
	j := newJournal(cfg, slab, time.Millisecond)
	t.Cleanup(j.Close)
	return j
}

func reap(pid int) *event.Reap {
	r := event.New(event.TypeReap).(*event.Reap)
	r.PID, r.Code, r.Comm = pid, 0, "sleep"
	r.Cmdline = []string{"sleep", "0.1"}
	return r
}

func started(pid int) *event.Start {
	s := event.New(event.TypeStart).(*event.Start)
	s.PID = pid
	return s
}

// decode reads lines, which are all whole.
func decode(t testing.TB, lines []byte) []event.Event {
	t.Helper()
	var evs []event.Event
	for line := range bytes.Lines(lines) {
		ev, err := event.Decode(line)
		if err != nil || line[len(line)-1] != '\n' {
			t.Fatalf("%q: %v", line, err)
		}
		evs = append(evs, ev)
	}
	return evs
}

// seqs tells what lines hold: the numbers, and gaps as "A-B lost".
func seqs(t testing.TB, lines []byte) []string {
	t.Helper()
	var out []string
	for _, ev := range decode(t, lines) {
		if g, ok := ev.(*event.Gap); ok {
			if g.Lost != g.ToSeq-g.FromSeq+1 || g.TS.IsZero() {
				t.Errorf("a gap that does not add up: %+v", g)
			}
			out = append(out, fmt.Sprintf("%d-%d lost", g.FromSeq, g.ToSeq))
			continue
		}
		out = append(out, fmt.Sprint(ev.Header().Seq))
	}
	return out
}

func all(r *Reader) []byte {
	var out []byte
	for {
		lines := r.Next()
		if len(lines) == 0 {
			return out
		}
		out = append(out, lines...)
	}
}

func TestAppendNumbersAndKeepsATimeThatIsSet(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	j := newTest(t, Config{Now: func() time.Time { return now }}, slabSize)
	a, b := reap(7), started(8)
	b.TS = now.Add(-time.Hour)
	if x, y := j.Append(a), j.Append(b); x != 1 || y != 2 {
		t.Fatalf("numbers %d, %d", x, y)
	}
	got := decode(t, all(j.NewReader(0)))
	want := []event.Event{a, b}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if !a.TS.Equal(now) || !b.TS.Equal(now.Add(-time.Hour)) {
		t.Errorf("times %v, %v", a.TS, b.TS)
	}
	if d := cmp.Diff(Counts{First: 1, Last: 2, Reaps: 1}, j.Counts()); d != "" {
		t.Error(d)
	}
}

func TestReaderStartsAnywhere(t *testing.T) {
	j := newTest(t, Config{Reaps: 1000}, 1024)
	for i := range 100 {
		j.Append(reap(i))
	}
	for after := range uint64(100) {
		got := seqs(t, all(j.NewReader(after)))
		if len(got) != int(100-after) || got[0] != fmt.Sprint(after+1) {
			t.Fatalf("after %d: %v", after, got)
		}
	}
	if got := all(j.NewReader(100)); got != nil {
		t.Errorf("there is nothing after the last: %s", got)
	}
}

func TestOldEventsGoAndAreTold(t *testing.T) {
	for _, c := range []struct {
		name      string
		cfg       Config
		events    int
		starts    int // before each reap
		slab      int // bytes
		keep, max uint64
	}{
		{"by reaps", Config{Reaps: 50, Bytes: 1 << 20}, 500, 0, 1 << 10, 50, 70},
		{"by reaps among others", Config{Reaps: 50, Bytes: 1 << 20}, 500, 1, 1 << 10, 100, 130},
		{"by bytes", Config{Reaps: 5000, Bytes: 8 << 10}, 500, 0, 1 << 10, 30, 60},
		{"never fewer than two slabs", Config{Reaps: 1, Bytes: 1}, 500, 0, 1 << 10, 1, 20},
		{"more than a batch", Config{Reaps: 1000, Bytes: 1 << 20}, 5000, 0, slabSize, 1000, 2000},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newTest(t, c.cfg, c.slab)
			slow := j.NewReader(0)
			j.Append(reap(1))
			if got := seqs(t, all(slow)); len(got) != 1 {
				t.Fatal(got)
			}
			for i := range c.events {
				for range c.starts {
					j.Append(started(i))
				}
				j.Append(reap(i))
			}
			n := j.Counts()
			if kept := n.Last - n.First + 1; kept < c.keep || kept > c.max {
				t.Errorf("%d events kept, want %d to %d", kept, c.keep, c.max)
			}
			got := seqs(t, all(slow))
			want := []string{fmt.Sprintf("2-%d lost", n.First-1)}
			for seq := n.First; seq <= n.Last; seq++ {
				want = append(want, fmt.Sprint(seq))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if lost := j.Counts().Lost; lost != n.First-2 {
				t.Errorf("%d counted as lost, want %d", lost, n.First-2)
			}
		})
	}
}

func TestMemoryIsBoundedAndUsedAgain(t *testing.T) {
	j := newTest(t, Config{Reaps: 1000, Bytes: 16 << 10}, 1024)
	seen := map[*slab]bool{}
	for i := range 10_000 {
		j.Append(reap(i))
		lines, kept := 0, 0
		for i := range j.ring.slots {
			s := j.ring.slots[i].Load()
			if s == nil {
				continue
			}
			_, used := s.filled()
			lines += used
			if kept += len(s.packed); s.packed == nil {
				kept += used
				seen[s] = true
			}
		}
		if lines > 16<<10 || lines > 4<<10 && kept > lines/2 {
			t.Fatalf("%d bytes are kept of %d bytes of lines, want half at most, of %d", kept, lines, 16<<10)
		}
	}
	if len(seen) > 2 {
		t.Errorf("%d slabs were made, want 2 at most", len(seen))
	}
}

func TestTypesAreChosenAndTheRestIsNotLost(t *testing.T) {
	j := newTest(t, Config{Reaps: 1000}, 1024)
	for i := range 60 {
		j.Append(started(i))
		j.Append(reap(i))
	}
	got := decode(t, all(j.NewReader(10, event.TypeReap, event.TypeLeak)))
	if len(got) != 55 {
		t.Errorf("%d events, want 55", len(got))
	}
	for i, ev := range got {
		if h := ev.Header(); h.Type != event.TypeReap || h.Seq != uint64(12+2*i) {
			t.Fatalf("event %d is %s %d", i, h.Type, h.Seq)
		}
	}
	if got := all(j.NewReader(0, event.TypeLeak)); got != nil {
		t.Errorf("nobody leaked: %s", got)
	}
	if lost := j.Counts().Lost; lost != 0 {
		t.Errorf("%d lost", lost)
	}
}

// Every line must begin as the filter expects it to.
func TestLinesBeginWithTheirType(t *testing.T) {
	for _, typ := range []event.Type{event.TypeReap, event.TypeStart, event.TypeProcess, event.TypeError} {
		ev := event.New(typ)
		ev.Header().Seq = 5
		if line := event.Append(nil, ev); !bytes.HasPrefix(line, lineStart(typ)) {
			t.Errorf("%s does not begin with %s", line, lineStart(typ))
		}
	}
}

// warnings collects what Warn is told.
type warnings struct {
	mu   sync.Mutex
	list []string
	came chan struct{}
}

func newWarnings() *warnings { return &warnings{came: make(chan struct{}, 1000)} }

func (w *warnings) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, err.Error())
	w.came <- struct{}{}
}

func (w *warnings) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.list, "\n")
}

// A broken event must cost pid1 nothing: no panic, no number.
func TestWhatCannotBeKeptTakesNoNumber(t *testing.T) {
	w := newWarnings()
	j := newTest(t, Config{Warn: w.warn}, slabSize)
	var nilReap *event.Reap
	for _, c := range []struct {
		ev   event.Event
		want string
	}{
		{nil, "nil pointer"},
		{nilReap, "nil pointer"},
		{&event.Reap{}, `type ""`},
		{event.New(event.TypeError), `type "error"`},
		{event.New(event.TypeHello), `type "hello"`},
	} {
		if seq := j.Append(c.ev); seq != 0 {
			t.Errorf("%v got the number %d", c.ev, seq)
		}
		<-w.came
		if got := w.all(); !strings.Contains(got, c.want) {
			t.Errorf("no word of %s in %q", c.want, got)
		}
	}
	if seq := j.Append(reap(1)); seq != 1 {
		t.Errorf("the first that can be kept is %d", seq)
	}
}

func TestALogThatPanicsStopsNothing(t *testing.T) {
	came := make(chan struct{}, 10)
	j := newTest(t, Config{Warn: func(error) { came <- struct{}{}; panic("full") }}, slabSize)
	for range 2 {
		j.Append(nil)
		<-came
	}
	r := j.NewReader(0)
	changed := r.Changed()
	j.Append(reap(1))
	<-changed
}

func TestLongLinesAreCutAndSayIt(t *testing.T) {
	long := strings.Repeat("x", 128<<10)
	hostile := strings.Repeat("\x1b", 128<<10)
	binary := strings.Repeat("\xff", 128<<10)
	many := make([]event.Survivor, 5000)
	for i := range many {
		many[i] = event.Survivor{ID: event.ID{PID: i}, Outcome: "killed"}
	}
	type check func(t *testing.T, ev event.Event)
	command := func(want string) check {
		return func(t *testing.T, ev event.Event) {
			r := ev.(*event.Reap)
			if !r.CmdlineCut || r.Cmdline[0] != "sh" || !strings.HasPrefix(want, r.Cmdline[len(r.Cmdline)-1]) {
				t.Errorf("cut %v, %d arguments", r.CmdlineCut, len(r.Cmdline))
			}
		}
	}
	for _, c := range []struct {
		name  string
		ev    event.Event
		check check
	}{
		{"cmdline", func() event.Event { r := reap(1); r.Cmdline = []string{"sh", "-c", long}; return r }(), command(long)},
		{"escapes", func() event.Event { r := reap(1); r.Cmdline = []string{"sh", hostile}; return r }(), command(hostile)},
		{"binary", func() event.Event { r := reap(1); r.Cmdline = []string{"sh", binary}; return r }(), command(binary)},
		{"origin", func() event.Event {
			r := reap(1)
			r.Origin = &event.Proc{ID: event.ID{PID: 5}, Comm: "bash", Cmdline: []string{"bash", long}, How: event.HowSeen}
			return r
		}(), func(t *testing.T, ev event.Event) {
			r := ev.(*event.Reap)
			want := &event.Proc{ID: event.ID{PID: 5}, Comm: "bash", How: event.HowSeen}
			if d := cmp.Diff(want, r.Origin); d != "" || r.CmdlineCut || len(r.Cmdline) != 2 {
				t.Errorf("only the origin's command line is too long: %s %v", d, r.Command)
			}
		}},
		{"exe", func() event.Event { r := reap(1); r.Exe = long; return r }(), func(t *testing.T, ev event.Event) {
			if exe := ev.(*event.Reap).Exe; exe != "" {
				t.Errorf("a part of a path is another path: %d bytes", len(exe))
			}
		}},
		{"text", func() event.Event {
			l := event.New(event.TypeLeak).(*event.Leak)
			l.Summary = strings.Repeat("é", 64<<10)
			return l
		}(), func(t *testing.T, ev event.Event) {
			if s := ev.(*event.Leak).Summary; !strings.HasSuffix(s, "é…") {
				t.Errorf("ends in %q", s[len(s)-9:])
			}
		}},
		{"survivors", func() event.Event {
			s := event.New(event.TypeShutdown).(*event.Shutdown)
			s.Survivors = many
			return s
		}(), func(t *testing.T, ev event.Event) {
			if !ev.(*event.Shutdown).SurvivorsCut {
				t.Error("it does not say that the list is cut")
			}
			if n := len(ev.(*event.Shutdown).Survivors); n < 100 || n >= 5000 {
				t.Errorf("%d survivors", n)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWarnings()
			j := newTest(t, Config{Warn: w.warn}, slabSize)
			before := string(event.Append(nil, c.ev))
			j.Append(c.ev)
			c.ev.Header().Seq, c.ev.Header().TS = 0, time.Time{}
			if string(event.Append(nil, c.ev)) != before {
				t.Error("the event itself was changed")
			}
			lines := all(j.NewReader(0))
			if len(lines) > MaxLine || len(lines) == 0 {
				t.Fatalf("%d bytes", len(lines))
			}
			c.check(t, decode(t, lines)[0])
			if c.name == "survivors" {
				<-w.came
				if !strings.Contains(w.all(), "end of a list") {
					t.Errorf("not told: %s", w.all())
				}
			}
		})
	}
}

// A reader that asks again and again is one reader.
func TestWhoWaitsIsCountedOnce(t *testing.T) {
	j := newTest(t, Config{}, 1<<10)
	a, b := j.NewReader(0), j.NewReader(0)
	for range 10 {
		a.Changed()
	}
	b.Changed()
	if n := j.bell.wake(); n != 2 {
		t.Errorf("%d readers were woken, want 2", n)
	}
	a.Changed()
	if n := j.bell.wake(); n != 1 {
		t.Errorf("%d readers were woken, want 1", n)
	}
}

// Whoever copies from a slab must not see it filled anew.
func TestAPinnedSlabStaysAsItIs(t *testing.T) {
	j := newTest(t, Config{Bytes: 4 << 10}, 1<<10)
	for range 20 {
		j.Append(reap(1))
	}
	old := j.ring.head.Load()
	s := j.ring.pin(old)
	lines, used := s.filled()
	before := string(s.buf[:used])
	for range 200 {
		j.Append(reap(2))
	}
	if j.ring.pin(old) != nil {
		t.Error("what is no longer there is found")
	}
	if n, used := s.filled(); n != lines || string(s.buf[:used]) != before {
		t.Errorf("%d lines were %d:\n%s", n, lines, s.buf[:used])
	}
	s.unpin()
}

// Several append and several read, at their own speed, over a ring that turns
// all the time: everybody gets every event once, in order, or is told.
func TestConcurrentReadersMissNothingUntold(t *testing.T) {
	const writers, each, readers = 3, 8000, 4
	j := newTest(t, Config{Reaps: 100}, 2048)
	end := make(chan struct{})
	var read sync.WaitGroup
	for i := range readers {
		read.Go(func() {
			r := j.NewReader(0)
			got, lost := follow(t, r, end, i)
			if got+lost != writers*each {
				t.Errorf("reader %d: %d read and %d lost are %d, want %d", i, got, lost, got+lost, writers*each)
			}
		})
	}
	var write sync.WaitGroup
	for range writers {
		write.Go(func() {
			for i := range each {
				j.Append(reap(i))
			}
		})
	}
	write.Wait()
	close(end)
	read.Wait()
}

// follow reads until end and then what is left. Every slow-th reader dawdles.
func follow(t *testing.T, r *Reader, end <-chan struct{}, slow int) (got, lost uint64) {
	next := uint64(1)
	for {
		ended := false
		select {
		case <-end:
			ended = true
		default:
		}
		lines := r.Next()
		for _, ev := range decode(t, lines) {
			if g, ok := ev.(*event.Gap); ok {
				if g.FromSeq != next {
					t.Errorf("a gap from %d, want %d", g.FromSeq, next)
				}
				lost += g.Lost
				next = g.ToSeq + 1
				continue
			}
			if seq := ev.Header().Seq; seq != next {
				t.Errorf("event %d, want %d", seq, next)
			}
			next++
			got++
		}
		if len(lines) == 0 && ended {
			return got, lost
		}
		if len(lines) == 0 && slow%2 == 0 {
			changed := r.Changed()
			if len(r.Next()) == 0 {
				select {
				case <-changed:
				case <-end:
				}
			} else {
				r.Reset(next - 1)
			}
		}
	}
}

// Nobody is woken late for good: whoever waits after an empty look gets the next
// event's signal.
func TestEveryAppendWakesWhoWaits(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	r := j.NewReader(0)
	for i := range 200 {
		changed := r.Changed()
		if len(r.Next()) != 0 {
			t.Fatal("nothing was appended")
		}
		j.Append(reap(i))
		<-changed
		if len(r.Next()) == 0 {
			t.Fatal("woken for nothing")
		}
	}
}

// The first event after a quiet moment wakes at once; the next wake-up is the later
// the more were woken.
func TestManyReadersAreWokenLessOften(t *testing.T) {
	for _, c := range []struct {
		readers int
		want    time.Duration
	}{{1, pace}, {3, 9 * pace}, {1000, maxPace}} {
		synctest.Test(t, func(t *testing.T) {
			j := newJournal(Config{}, slabSize, pace)
			defer j.Close()
			began, woken := time.Now(), [2]time.Duration{}
			for i := range woken {
				var changed <-chan struct{}
				for range c.readers {
					changed = j.NewReader(0).Changed()
				}
				j.Append(reap(i))
				<-changed
				woken[i] = time.Since(began)
			}
			if woken != [2]time.Duration{0, c.want} {
				t.Errorf("%d readers were woken after %v, want 0 and %v", c.readers, woken, c.want)
			}
		})
	}
}

func TestNoteOfManyFaults(t *testing.T) {
	var got error
	tell(func(err error) { got = err }, 3, errors.New("x"))
	if got == nil || got.Error() != "x (the last of 3 such events)" {
		t.Error(got)
	}
}
