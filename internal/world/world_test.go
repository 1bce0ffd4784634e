package world

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

var epoch = time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)

// feed plays a stream into a World: it numbers lines and stamps them.
type feed struct {
	t   *testing.T
	w   *World
	now time.Time // pid1's and the viewer's wall clock
	off time.Duration
	seq uint64
}

func newFeed(t *testing.T) *feed { return &feed{t: t, w: New(), now: epoch} }

// viewer is the viewer's time.
func (f *feed) viewer() time.Time { return f.now.Add(f.off) }

func (f *feed) pass(d time.Duration) { f.now = f.now.Add(d) }

// send stamps and applies.
func (f *feed) send(ev event.Event) {
	f.t.Helper()
	f.stamp(ev)
	f.w.Apply(ev, f.viewer())
}

func (f *feed) stamp(ev event.Event) {
	h := ev.Header()
	h.TS = f.now
	if h.Type.Numbered() {
		f.seq++
		h.Seq = f.seq
	}
}

func (f *feed) hello() {
	f.send(&event.Hello{
		Head: event.Head{Type: event.TypeHello}, PID: 1, Role: "init",
		Started: epoch, FirstSeq: 1, LastSeq: f.seq,
	})
}

func id(pid int) event.ID { return event.ID{PID: pid, Start: uint64(pid) * 10} }

func (f *feed) start(pid, ppid int, comm string) {
	e := event.New(event.TypeStart).(*event.Start)
	e.ID, e.PPID, e.Comm, e.Started = id(pid), ppid, comm, f.now
	e.Cmdline, e.CmdlineHow = []string{comm, "-x"}, event.HowSeen
	f.send(e)
}

func (f *feed) exec(pid, ppid int, comm, was string) {
	e := event.New(event.TypeExec).(*event.Exec)
	e.ID, e.PPID, e.Comm, e.Was = id(pid), ppid, comm, was
	f.send(e)
}

func (f *feed) zombie(pid, parent int) *event.Zombie {
	e := event.New(event.TypeZombie).(*event.Zombie)
	e.ID, e.Comm, e.Code = id(pid), fmt.Sprint("p", pid), 0
	e.Parent = event.Proc{ID: id(parent), Comm: "hoarder"}
	f.send(e)
	return e
}

func (f *feed) zombieGone(pid, parent int) {
	e := event.New(event.TypeZombieGone).(*event.ZombieGone)
	e.ID, e.Parent = id(pid), event.Proc{ID: id(parent)}
	f.send(e)
}

func (f *feed) reap(pid int, end event.Ended) {
	e := event.New(event.TypeReap).(*event.Reap)
	e.ID, e.PPID, e.Comm, e.Ended, e.LifetimeMS = id(pid), 1, "x", end, int64(pid)
	f.send(e)
}

// row is a line of a processes answer.
func row(pid, ppid int, state string) *event.Process {
	e := event.New(event.TypeProcess).(*event.Process)
	e.ID, e.PPID, e.State, e.Threads, e.Comm = id(pid), ppid, state, 1, fmt.Sprint("r", pid)
	return e
}

// rows sends an answer that takes into account all that was sent before.
func (f *feed) rows(list ...*event.Process) { f.rowsAsOf(f.seq, list...) }

func (f *feed) rowsAsOf(seq uint64, list ...*event.Process) {
	for _, r := range list {
		f.send(r)
	}
	f.send(&event.ProcessesEnd{Head: event.Head{Type: event.TypeProcessesEnd}, Count: len(list), AsOfSeq: seq})
}

// tree draws the tree with two spaces a level; ghosts have a cross.
func (f *feed) tree() string {
	var b strings.Builder
	f.w.Walk(func(p *Process, depth int, last []bool) bool {
		if len(last) != depth+1 {
			f.t.Errorf("depth %d with %d levels", depth, len(last))
		}
		mark := p.State
		if p.Ghost() {
			mark = "+"
		}
		fmt.Fprintf(&b, "%s%d%s ", strings.Repeat(".", depth), p.PID, mark)
		return true
	})
	return strings.TrimSpace(b.String())
}

func (f *feed) wantTree(want string) {
	f.t.Helper()
	if got := f.tree(); got != want {
		f.t.Errorf("tree\n got %s\nwant %s", got, want)
	}
}

func TestTree(t *testing.T) {
	tests := []struct {
		name string
		play func(*feed)
		want string
	}{
		{"events alone, as in a recording", func(f *feed) {
			f.start(1, 0, "pid1")
			f.start(8, 1, "sh")
			f.start(9, 8, "date")
		}, "1 .8 ..9"},
		{"pid1 is known from its hello", func(f *feed) {
			f.hello()
			f.start(8, 1, "sh")
		}, "1 .8"},
		{"and is the same process in the rows", func(f *feed) {
			f.hello()
			f.start(8, 1, "sh")
			f.rows(row(8, 1, "S"), row(1, 0, "S"))
		}, "1S .8S"},
		{"told of before its parent", func(f *feed) {
			f.start(9, 8, "date")
			f.start(8, 1, "sh")
			f.start(1, 0, "pid1")
		}, "1 .8 ..9"},
		{"rows replace the living", func(f *feed) {
			f.start(1, 0, "pid1")
			f.start(8, 1, "sh")
			f.rows(row(9, 1, "R"), row(1, 0, "S"))
		}, "1S .8+ .9R"},
		{"a ghost stays under its parent, then goes", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			f.reap(8, event.Ended{Code: 0})
			f.wantTree("1S .8+")
			f.pass(GhostTime - time.Millisecond)
			f.w.Advance(f.viewer())
			f.wantTree("1S .8+")
			f.pass(time.Millisecond)
			f.w.Advance(f.viewer())
		}, "1S"},
		{"an orphan moves below pid1, its ghost of a parent stays", func(f *feed) {
			f.hello()
			f.rows(row(1, 0, "S"), row(8, 1, "S"), row(9, 8, "S"))
			f.reap(8, event.Ended{Code: 0})
			f.wantTree("1S .8+ ..9S")
			o := event.New(event.TypeOrphan).(*event.Orphan)
			o.ID = id(9)
			f.send(o)
		}, "1S .8+ .9S"},
		{"the kids of a ghost that went rise a level", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"), row(9, 8, "S"))
			f.reap(8, event.Ended{Code: 0})
			f.pass(GhostTime)
			f.w.Advance(f.viewer())
		}, "1S .9S"},
		{"a reap of something never seen becomes a ghost", func(f *feed) {
			f.hello()
			f.rows(row(1, 0, "S"))
			f.reap(8, event.Ended{Code: 0})
		}, "1S .8+"},
		{"but not when it is history", func(f *feed) {
			e := event.New(event.TypeReap).(*event.Reap)
			e.ID, e.PPID = id(8), 1
			f.stamp(e)
			f.pass(time.Hour)
			f.hello()
			f.w.Apply(e, f.viewer())
			f.rows(row(1, 0, "S"))
		}, "1S"},
		{"rows older than an event lose", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			f.start(9, 1, "new")
			f.reap(8, event.Ended{Code: 0})
			f.rowsAsOf(f.seq-2, row(1, 0, "S"), row(8, 1, "R"))
		}, "1S .8+ .9"},
		{"an answer that breaks off changes nothing", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			f.send(row(1, 0, "S"))
			f.send(&event.ProcessesEnd{Head: event.Head{Type: event.TypeProcessesEnd}, Count: 2})
		}, "1S .8S"},
		{"rows newer than a mistaken end win", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			f.zombieGone(8, 1)
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
		}, "1S .8S"},
		{"a reused PID is another process", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			e := event.New(event.TypeStart).(*event.Start)
			e.ID, e.PPID = event.ID{PID: 8, Start: 999}, 1
			f.send(e)
		}, "1S .8+ .8"},
		{"a start time learnt later is the same process", func(f *feed) {
			e := event.New(event.TypeStart).(*event.Start)
			e.ID, e.PPID = event.ID{PID: 8}, 1
			f.send(e)
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
		}, "1S .8S"},
		{"a circle of parents is no tree and does not hang", func(f *feed) {
			f.rows(row(1, 0, "S"), row(8, 9, "S"), row(9, 8, "S"))
		}, "1S 9S .8S"},
		{"a zombie names a parent whose start is lost", func(f *feed) {
			f.zombie(9, 8)
		}, "8 .9Z"},
		{"another pid1 on the same socket", func(f *feed) {
			f.hello()
			f.rows(row(1, 0, "S"), row(8, 1, "S"))
			f.seq = 0
			f.send(&event.Hello{Head: event.Head{Type: event.TypeHello}, PID: 1, Role: "init", Started: f.now.Add(time.Second)})
			f.start(1, 0, "pid1")
		}, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFeed(t)
			f.t = t
			tt.play(f)
			f.wantTree(tt.want)
		})
	}
}

func TestEventsAppliedTwiceCountOnce(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.reap(8, event.Ended{Code: 1})
	again := event.New(event.TypeReap).(*event.Reap)
	again.ID, again.Code, again.Seq = id(8), 1, f.seq
	f.w.Apply(again, f.viewer())
	if got := f.w.Reaps().Len(); got != 1 {
		t.Errorf("%d reaps, want 1", got)
	}
}

func TestGap(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.rows(row(1, 0, "S"))
	if f.w.NeedRows() {
		t.Error("needs rows right after an answer")
	}
	f.send(&event.Gap{Head: event.Head{Type: event.TypeGap}, Lost: 7, FromSeq: 1, ToSeq: 7})
	if !f.w.NeedRows() || f.w.Lost() != 7 || f.w.LastSeq() != 7 {
		t.Errorf("after a gap of 7: needs rows %t, lost %d, last seq %d", f.w.NeedRows(), f.w.Lost(), f.w.LastSeq())
	}
}

// The viewer's clock stands apart from pid1's by an hour: ages come out right, in
// events and in rows.
func TestAgesWithClocksApart(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(off.String(), func(t *testing.T) { agesWithClocksApart(t, off) })
	}
}

func agesWithClocksApart(t *testing.T, off time.Duration) {
	f := newFeed(t)
	f.off = off
	f.hello()
	f.start(8, 1, "sh")
	f.pass(20 * time.Second)
	f.zombie(9, 8)
	f.pass(30 * time.Second)
	if age, ok := f.w.ByPID(8).Age(f.viewer()); !ok || age != 50*time.Second {
		t.Errorf("age %v %t, want 50s", age, ok)
	}
	if got := f.w.ByPID(9).Dead(f.viewer()); got != 30*time.Second {
		t.Errorf("dead for %v, want 30s", got)
	}
	r := row(8, 1, "S")
	r.AgeMS = 3600_000
	f.rows(r)
	if age, _ := f.w.ByPID(8).Age(f.viewer()); age != time.Hour {
		t.Errorf("age %v, want the row's 1h", age)
	}
}

func TestZombieKeepsItsCommandLine(t *testing.T) {
	f := newFeed(t)
	f.start(8, 1, "sh")
	f.start(9, 8, "r9")
	z := row(9, 8, "Z")
	z.ZombieMS = 1000
	f.rows(row(8, 1, "S"), z)
	if diff := cmp.Diff([]string{"r9", "-x"}, f.w.ByPID(9).KeptCmdline); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"r9", "-x"}, f.w.ByPID(9).Args()); diff != "" {
		t.Error(diff)
	}
}

func TestReaps(t *testing.T) {
	f := newFeed(t)
	f.hello()
	for i := range ReapsKept + 10 {
		end := event.Ended{Code: 0}
		if i%4 == 0 {
			end = event.Ended{Code: event.Unknown, Signal: "SIGKILL"}
		}
		f.reap(100+i, end)
		if i%100 == 99 {
			f.pass(time.Second)
		}
	}
	r := f.w.Reaps()
	if r.Len() != ReapsKept || r.At(0).PID != 110 || r.At(r.Len()-1).PID != 100+ReapsKept+9 {
		t.Errorf("%d reaps from %d to %d", r.Len(), r.At(0).PID, r.At(r.Len()-1).PID)
	}
	tot := f.w.Totals()
	if want := (Totals{Reaps: ReapsKept, Failed: ReapsKept / 4, FailShare: 0.25}); tot != want {
		t.Errorf("totals %+v, want %+v", tot, want)
	}
	f.send(&event.Stats{Head: event.Head{Type: event.TypeStats}, Reaps: 90000, Failed: 7, LastSeq: f.seq - 3})
	if tot := f.w.Totals(); tot.Reaps != 90003 {
		t.Errorf("%d reaps, want those of the stats and the 3 since", tot.Reaps)
	}
	if diff := cmp.Diff([]int{100, 100, 100}, f.w.ReapSeries(f.viewer(), 3)); diff != "" {
		t.Error(diff)
	}
	if got := f.w.ReapRate(f.viewer()); got != 100 {
		t.Errorf("%v reaps a second, want 100", got)
	}
	s := f.w.Summary()
	if s.P50 != 2157*time.Millisecond || s.P99 != 4165*time.Millisecond {
		t.Errorf("p50 %v p99 %v", s.P50, s.P99)
	}
	if diff := cmp.Diff([]Tally{{"exit 0", 3072, 0}, {"SIGKILL", 1024, 1024}}, s.Statuses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0, 0, 890, 3206, 0, 0, 0, 0}, s.Lifetimes); diff != "" {
		t.Error(diff)
	}
}

func TestPIDsFull(t *testing.T) {
	f := newFeed(t)
	for used := int64(100); used <= 160; used += 10 {
		f.send(&event.Stats{Head: event.Head{Type: event.TypeStats}, PIDsUsed: used, PIDsLimit: 200})
		f.pass(10 * time.Second)
	}
	used, limit := f.w.PIDs()
	full, ok := f.w.Full(nil)
	if used != 160 || limit != 200 || full != 40*time.Second || !ok {
		t.Errorf("%d of %d, full in %v %t", used, limit, full, ok)
	}
}

// What was learnt stays bounded however long the stream is.
func TestBounded(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.rows(row(1, 0, "S"))
	for i := range 20000 {
		f.start(100+i, 1, "sh")
		f.zombie(100000+i, 100+i)
		f.zombieGone(100000+i, 100+i)
		f.reap(100+i, event.Ended{Code: 0})
		f.pass(time.Millisecond)
	}
	f.pass(Window)
	f.w.Advance(f.viewer())
	if len(f.w.procs) != 1 || len(f.w.byPID) != 1 || len(f.w.ledgers) != 0 || len(f.w.ghosts) != 0 || len(f.w.top.kids) != 1 {
		t.Errorf("left: %d processes, %d by PID, %d ledgers, %d ghosts, %d roots",
			len(f.w.procs), len(f.w.byPID), len(f.w.ledgers), len(f.w.ghosts), len(f.w.top.kids))
	}
}

func BenchmarkApply(b *testing.B) {
	w := New()
	now := epoch
	rows := make([]*event.Process, 5000)
	for i := range rows {
		rows[i] = row(i+1, i/10, "S")
	}
	end := &event.ProcessesEnd{Head: event.Head{Type: event.TypeProcessesEnd}, Count: len(rows)}
	b.Run("answer of 5000 rows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, r := range rows {
				w.Apply(r, now)
			}
			w.Apply(end, now)
		}
	})
	b.Run("start and reap", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s := event.New(event.TypeStart).(*event.Start)
			s.ID, s.PPID = event.ID{PID: 10000 + i%20000, Start: uint64(100000 + i)}, 1
			w.Apply(s, now)
			r := event.New(event.TypeReap).(*event.Reap)
			r.ID, r.PPID = s.ID, 1
			now = now.Add(time.Millisecond)
			w.Apply(r, now)
		}
	})
}
