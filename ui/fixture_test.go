package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pid1/event"
)

// noon is when every test's world begins.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// feed makes events with their numbers and times in order.
type feed struct {
	seq uint64
	now time.Time
	out []event.Event
}

func newFeed() *feed { return &feed{now: noon} }

func (f *feed) add(e event.Event) {
	h := e.Header()
	h.TS = f.now
	if h.Type.Numbered() {
		f.seq++
		h.Seq = f.seq
	}
	f.out = append(f.out, e)
}

// take hands out what was made since the last call.
func (f *feed) take() []event.Event {
	out := f.out
	f.out = nil
	return out
}

func id(pid int) event.ID { return event.ID{PID: pid, Start: uint64(pid) * 10} }

func (f *feed) hello() {
	h := event.New(event.TypeHello).(*event.Hello)
	h.Program, h.PID, h.Role, h.Host, h.Trace = "1", 1, "init", "web-7f9c", "sample"
	h.Command = []string{"/app/start.sh"}
	h.Started = f.now.Add(-76 * time.Hour)
	f.add(h)
}

func (f *feed) row(pid, ppid, uid int, state string, old time.Duration, comm string, args ...string) *event.Process {
	p := event.New(event.TypeProcess).(*event.Process)
	p.ID, p.PPID, p.UID, p.GID = id(pid), ppid, uid, uid
	p.Comm, p.Cmdline, p.State, p.Threads = comm, args, state, 1
	p.AgeMS, p.Started = old.Milliseconds(), f.now.Add(-old)
	f.add(p)
	return p
}

func (f *feed) rowsEnd(n int) {
	e := event.New(event.TypeProcessesEnd).(*event.ProcessesEnd)
	e.Count, e.AsOfSeq = n, f.seq
	f.add(e)
}

func (f *feed) start(pid, ppid int, comm string, args ...string) {
	e := event.New(event.TypeStart).(*event.Start)
	e.ID, e.PPID, e.UID, e.GID, e.Comm, e.Cmdline = id(pid), ppid, 1000, 1000, comm, args
	e.Started = f.now
	f.add(e)
}

func (f *feed) zombie(pid, ppid int, parent, comm string, args ...string) {
	e := event.New(event.TypeZombie).(*event.Zombie)
	e.ID, e.UID, e.GID, e.Comm, e.Cmdline, e.Code = id(pid), 1000, 1000, comm, args, 0
	e.Parent = event.Proc{ID: id(ppid), Comm: parent}
	f.add(e)
}

func (f *feed) reap(pid, code int, signal string, life time.Duration, origin *event.Proc, comm string, args ...string) *event.Reap {
	e := event.New(event.TypeReap).(*event.Reap)
	e.ID, e.PPID, e.UID, e.GID, e.Comm, e.Cmdline = id(pid), 1, 1000, 1000, comm, args
	e.Code, e.Signal, e.LifetimeMS, e.Adopted, e.Origin = code, signal, life.Milliseconds(), true, origin
	e.Rusage = &event.Rusage{UtimeMS: float64(life.Milliseconds()) / 4}
	f.add(e)
	return e
}

func (f *feed) stats(reaps, failed uint64, zombies int) {
	e := event.New(event.TypeStats).(*event.Stats)
	e.Reaps, e.Failed, e.Adopted, e.Zombies, e.LastSeq = reaps, failed, reaps/2, zombies, f.seq
	e.PIDsUsed, e.PIDsLimit = 214, 4096
	f.add(e)
}

const day = 24 * time.Hour

// healthy is a small container in which nothing is wrong.
func (f *feed) healthy() {
	f.hello()
	f.healthyRows()
	f.rowsEnd(9)
	f.stats(18214, 218, 0)
}

func (f *feed) healthyRows() {
	f.row(1, 0, 0, "S", 3*day+4*time.Hour, "pid1", "pid1", "--", "/app/start.sh")
	f.row(7, 1, 0, "S", 3*day+4*time.Hour, "start.sh", "/bin/sh", "/app/start.sh")
	f.row(31, 7, 0, "S", 3*day, "cron", "cron", "-f")
	p := f.row(812, 7, 1000, "S", 3*day+3*time.Hour, "gunicorn", "gunicorn:", "master", "[app:wsgi]")
	p.SigChld = "default"
	f.row(830, 812, 1000, "S", 2*day, "gunicorn", "gunicorn:", "worker")
	f.row(831, 812, 1000, "R", 2*day, "gunicorn", "gunicorn:", "worker")
	f.row(832, 812, 1000, "D", 59*time.Second, "gunicorn", "gunicorn:", "worker")
	s := f.row(771, 0, 0, "S", 12*time.Minute, "bash", "bash")
	s.ExecSession = true
	f.row(790, 771, 0, "S", 11*time.Minute, "less", "less", "/var/log/app.log")
}

// workers adds n children of 7 that all run one command.
func (f *feed) workers(n int) {
	for i := range n {
		f.start(2000+i, 7, "sleep", "sleep", itoa(1000+i))
	}
}

// leak lets 812 gather n zombies, one every three seconds.
func (f *feed) leak(n int) {
	for i := range n {
		f.now = f.now.Add(3 * time.Second)
		f.start(9120+i, 812, "convert", "convert", "-resize", "200", itoa(i)+".png")
		f.zombie(9120+i, 812, "gunicorn", "convert", "convert", "-resize", "200", "a.png")
	}
}

// deaths adds a few reaps of every kind.
func (f *feed) deaths(n int) {
	cron := &event.Proc{ID: id(31), Comm: "cron", How: event.HowSeen}
	gone := &event.Proc{ID: id(600), Comm: "bash", How: event.HowInferred}
	for i := range n {
		f.now = f.now.Add(700 * time.Millisecond)
		pid := 10000 + i
		switch i % 5 {
		case 0:
			f.reap(pid, 0, "", 140*time.Millisecond, cron, "sh", "sh", "-c", "date")
		case 1:
			f.reap(pid, event.Unknown, "SIGKILL", 2010*time.Millisecond, cron, "ffmpeg", "ffmpeg", "-i", "in.mp4").OOM = "probable"
		case 2:
			r := f.reap(pid, 127, "", 0, nil, "sh")
			r.LifetimeMS, r.Rusage = event.Unknown, nil
		case 3:
			f.reap(pid, 0, "", 3*time.Minute, gone, "curl", "curl", "-fsS", "http://localhost/healthz")
		case 4:
			f.reap(pid, 1, "", 80*time.Millisecond, cron, "test", "test", "-f", "/run/x").ExecSession = true
		}
	}
}

// hostile adds processes that named themselves to do harm.
func (f *feed) hostile() {
	f.start(3000, 7, "\x1b[2J\x1b[31m", "\x1b]0;owned\x07", "a\nb\tc\rd")
	f.start(3001, 7, "caf\xe9\xff", "caf\xe9", "half \xe2\x82", "\xc0\xaf")
	f.start(3002, 7, "\u202egnp.exe", "\u202egnp.exe", "\u200dzero\u200b", "\u2066x\u2069")
	f.start(3003, 7, "漢字", "漢字", "かな", "🙂", "e\u0301\u0301\u0301\u0301\u0301x", "👩\u200d👩\u200d👧", "🇩🇪")
	f.start(3004, 7, "(a) S 1", "", "", "\x00", "\x7f", "\u009b31m")
	f.zombie(3005, 7, "\x1b[7mparent", "\x9b\x9b", "\x1bc", "\x18")
	f.reap(3006, 0, "", time.Second, &event.Proc{ID: id(5), Comm: "\x1b[5m\n"}, "\x1b[1m", "\x1b[1m", "\u202e")
}

// post is a Signaller that keeps what is sent.
type post struct {
	sent []string
	able error
	fail error
}

func (p *post) Able(*event.Hello) error { return p.able }

func (p *post) Signal(_ context.Context, to event.ID, sig string) error {
	p.sent = append(p.sent, sig+" "+itoa(to.PID)+" "+itoa(to.Start))
	return p.fail
}

// tape is a Scrubber that keeps what it is told.
type tape struct {
	sourceFunc
	first, last time.Time
	pos         Position
	told        []string
}

func newTape(last time.Time) *tape {
	return &tape{first: noon, last: last, pos: Position{At: last, Index: 80, Total: 80, Speed: 1}}
}

func (p *tape) String() string                { return strings.Join(p.told, " ") }
func (p *tape) Span() (first, last time.Time) { return p.first, p.last }
func (p *tape) Position() Position            { return p.pos }
func (p *tape) Seek(t time.Time)              { p.told = append(p.told, "seek "+t.Format("15:04:05")) }
func (p *tape) Step(n int)                    { p.told = append(p.told, "step "+itoa(n)) }

func (p *tape) Play(on bool, speed float64) {
	p.told = append(p.told, fmt.Sprint("play ", on, speed))
	p.pos.Playing = on
}

// screen is a model of a size that has seen a feed.
func screen(w, h int, o Options, fill func(*feed)) (*model, *feed) {
	o.Zone = time.UTC
	if o.User == nil {
		o.User = func(uid int) string { return map[int]string{0: "root", 1000: "app"}[uid] }
	}
	m := newModel(o)
	m.resize(w, h)
	f := newFeed()
	if fill != nil {
		// The events come one by one at their times, as they would.
		fill(f)
		m.now = noon
		for _, e := range f.take() {
			m.receive(batchMsg{Batch{Events: []event.Event{e}, State: Live}, e.Header().TS})
		}
	}
	return m, f
}

// bring brings what the feed made since to the model.
func bring(m *model, f *feed) {
	m.receive(batchMsg{Batch{Events: f.take(), State: Live}, f.now})
}

// gone lets pid1 say that it ends.
func (f *feed) gone(status int) {
	me := event.New(event.TypeMainExit).(*event.MainExit)
	me.ID, me.Code, me.Status = id(7), status, status
	f.add(me)
	e := event.New(event.TypeShutdown).(*event.Shutdown)
	e.Reason, e.Status = "main_exit", status
	f.add(e)
}

// gap loses n events.
func (f *feed) gap(n uint64) {
	e := event.New(event.TypeGap).(*event.Gap)
	e.Lost, e.FromSeq, e.ToSeq = n, f.seq+1, f.seq+n
	f.seq += n
	f.add(e)
}
