package export

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"pid1/client"
	"pid1/event"
	"pid1/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder returns a folder whose paths are short enough for a socket.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ex")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// pid1 is a feed without a pid1: a real journal and a real socket, with events and
// rows made up here.
type pid1 struct {
	t    testing.TB
	j    *journal.Journal
	s    *journal.Server
	path string
	born time.Time

	mu   sync.Mutex // guards rows
	rows []*event.Process
}

func newPID1(t testing.TB, path string) *pid1 {
	t.Helper()
	p := &pid1{t: t, j: journal.New(journal.Config{}), path: path, born: time.Now().Add(-time.Hour)}
	t.Cleanup(func() { p.stop(); p.j.Close() })
	return p
}

// serve begins to listen; stop ends it, and what was appended stays.
func (p *pid1) serve() {
	p.t.Helper()
	var err error
	p.s, err = journal.Listen(p.j, journal.ServerConfig{
		Paths: []string{p.path},
		Hello: func() *event.Hello { return hello(p.born) },
		Stats: func(s *event.Stats) { s.Processes, s.PIDsUsed, s.PIDsLimit = 7, 40, 100 },
		Processes: func(yield func(*event.Process) bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, r := range p.rows {
				if !yield(r) {
					return
				}
			}
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pid1) stop() {
	if p.s != nil {
		p.s.Close()
		p.s = nil
	}
}

func (p *pid1) row(pid, ppid int, state, comm string) *event.Process {
	r := event.New(event.TypeProcess).(*event.Process)
	r.PID, r.Start, r.PPID, r.State, r.Comm, r.Threads, r.AgeMS = pid, uint64(pid), ppid, state, comm, 1, 60_000
	if state == "Z" {
		r.ZombieMS = 30_000
	}
	p.mu.Lock()
	p.rows = append(p.rows, r)
	p.mu.Unlock()
	return r
}

func (p *pid1) reaps(n int) {
	for range n {
		p.j.Append(reap(event.Ended{Code: 0}))
	}
}

func hello(born time.Time) *event.Hello {
	h := event.New(event.TypeHello).(*event.Hello)
	h.Program, h.PID, h.Role, h.Host, h.Trace, h.Started, h.PIDNS = "1.0", 1, "init", "web-7f9c", "sample", born, 42
	return h
}

func reap(end event.Ended) *event.Reap {
	r := event.New(event.TypeReap).(*event.Reap)
	r.PID, r.Comm, r.Ended, r.LifetimeMS = 77, "sleep", end, 140
	return r
}

// run follows feeds until the test ends.
func run(t testing.TB, cfg Config) (*Exporter, *prometheus.Registry) {
	t.Helper()
	x := New(cfg)
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { defer close(done); x.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return x, registry(t, x)
}

func registry(t testing.TB, x *Exporter) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(x); err != nil {
		t.Fatal(err)
	}
	return reg
}

// value is that of the metric with these labels, as name, value pairs; ok is false
// where there is none.
func value(t testing.TB, reg prometheus.Gatherer, name string, labels ...string) (v float64, ok bool) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if !has(m, labels) {
				continue
			}
			switch {
			case m.Counter != nil:
				return m.Counter.GetValue(), true
			case m.Gauge != nil:
				return m.Gauge.GetValue(), true
			case m.Histogram != nil:
				return float64(m.Histogram.GetSampleCount()), true
			}
		}
	}
	return 0, false
}

func has(m *dto.Metric, labels []string) bool {
	got := map[string]string{}
	for _, l := range m.GetLabel() {
		got[l.GetName()] = l.GetValue()
	}
	for i := 0; i < len(labels); i += 2 {
		if got[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// until waits for a metric to have a value.
func until(t testing.TB, reg prometheus.Gatherer, want float64, name string, labels ...string) {
	t.Helper()
	eventually(t, func() (bool, any) {
		got, ok := value(t, reg, name, labels...)
		return ok && got == want, []any{name, labels, got, ok, "want", want}
	})
}

// eventually waits for what comes at once on an idle machine.
func eventually(t testing.TB, look func() (ok bool, state any)) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := look()
		if ok {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited too long; now: %v", state)
		case <-tick.C:
		}
	}
}

// fold is one feed that is told what a test says, without a connection.
type fold struct {
	t    testing.TB
	f    *feed
	reg  *prometheus.Registry
	seq  uint64
	said []string
}

func newFold(t testing.TB) *fold {
	t.Helper()
	d := &fold{t: t}
	x := New(Config{})
	d.f = newFeed("web", x.own, func(_, what string) { d.said = append(d.said, what) })
	d.f.follow = &client.Follower{}
	x.feeds["web"] = d.f
	d.reg = registry(t, x)
	return d
}

// connect tells of a connection to a pid1 that has the events from first to last.
func (d *fold) connect(resumed bool, born time.Time, first, last uint64) {
	h := hello(born)
	h.TS, h.FirstSeq, h.LastSeq = time.Now(), first, last
	d.f.take(client.Update{State: client.Live, Hello: h, Path: "/s", Resumed: resumed}, time.Now())
	if !resumed {
		d.seq = max(first, 1) - 1
	}
}

// tell sends an event; those that are numbered get the next number.
func (d *fold) tell(events ...event.Event) {
	for _, ev := range events {
		h := ev.Header()
		h.TS = time.Now()
		if g, ok := ev.(*event.Gap); ok {
			d.seq = g.ToSeq
		} else if h.Type.Numbered() {
			d.seq++
			h.Seq = d.seq
		}
		d.f.take(client.Update{State: client.Live, Event: ev}, time.Now())
	}
}

func (d *fold) lose() { d.f.take(client.Update{State: client.Lost, Retry: time.Second}, time.Now()) }

// table is the answer to a request for the process table.
func (d *fold) table(rows ...*event.Process) {
	for _, r := range rows {
		r.Re = rowsID
		d.tell(r)
	}
	end := event.New(event.TypeProcessesEnd).(*event.ProcessesEnd)
	end.Re, end.Count = rowsID, len(rows)
	d.tell(end)
}

// want checks a metric; -1: there is none.
func (d *fold) want(v float64, name string, labels ...string) {
	d.t.Helper()
	got, ok := value(d.t, d.reg, name, labels...)
	if !ok {
		got = -1
	}
	if got != v {
		d.t.Errorf("%s%v is %v, want %v", name, labels, got, v)
	}
}

// everything makes one at least of all that is told of.
func (p *pid1) everything() {
	for _, end := range []event.Ended{{Code: 0}, {Code: 1}, {Code: event.Unknown, Signal: "SIGKILL"}, {Code: event.Unknown}} {
		r := reap(end)
		r.Adopted = true
		p.j.Append(r)
	}
	leak := event.New(event.TypeLeak).(*event.Leak)
	leak.State, leak.Verdict = "began", "leaking"
	oom := event.New(event.TypeOOM).(*event.OOM)
	oom.Kills = 1
	exit := event.New(event.TypeExit).(*event.Exit)
	exit.Code, exit.LifetimeMS = 0, 20
	p.j.Append(leak)
	p.j.Append(oom)
	p.j.Append(exit)
	p.row(20, 1, "S", "gunicorn")
	p.row(21, 20, "Z", "sh")
}

// exposed is all that can be told of.
func exposed(t testing.TB) []*dto.MetricFamily {
	t.Helper()
	p := newPID1(t, folder(t)+"/s/web.sock")
	p.everything()
	p.serve()
	_, reg := run(t, Config{Sockets: []string{p.path}})
	until(t, reg, 1, "pid1_exits_total", "outcome", "exit_zero")
	until(t, reg, 1, "pid1_zombies", "feed", "web", "parent", "gunicorn")
	until(t, reg, 100, "pid1_pids_limit")
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}
