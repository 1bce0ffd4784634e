package export

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pid1/client"
	"pid1/event"
	"pid1/internal/world"
)

const (
	// silence is for how long a feed may say nothing and still be up: stats come every
	// ten seconds at least.
	silence = 30 * time.Second

	// rowsEvery is how often the process table is asked for: what no event tells, such
	// as what a parent does about SIGCHLD. rowsSoon is the least time between two
	// requests, where one is needed now.
	rowsEvery = 10 * time.Second
	rowsSoon  = time.Second

	// bulkMost bounds what a feed may tell of processes between two process tables, in
	// bytes: a container that lies may fill its own world, not the exporter's memory.
	bulkMost = 64 << 20

	// sayMost is how much is said about one feed in a minute.
	sayMost = 6

	// reapsKept is enough of a World that nobody asks for reaps.
	reapsKept = 1

	rowsID = "rows"
)

// feed is what is known of one feed.
type feed struct {
	name   string
	own    *own
	log    func(feed, what string)
	follow *client.Follower
	stop   context.CancelFunc

	mu    sync.Mutex // guards all below; nobody waits for anything while holding it
	world *world.World
	names names
	life  *life // nil before the first hello

	connected bool
	heard     time.Time // when something came last
	seen      uint64    // the last event
	target    uint64    // the history ends here
	from      uint64    // events after this one count
	first     bool      // no event of this life has come
	read      bool      // the history of this life is in
	rows      bool      // the process table came since the connection was made

	asked   time.Time // for the process table
	waiting bool      // for its answer
	bulk    int       // bytes of what world keeps, at most
	table   int       // of these, of the table that comes in

	minute time.Time // in which said sentences were said
	said   int
}

func newFeed(name string, own *own, log func(feed, what string)) *feed {
	own.begin(name)
	return &feed{name: name, own: own, log: log, world: newWorld(), names: names{}}
}

func newWorld() *world.World {
	w := world.New()
	w.KeepReaps(reapsKept)
	return w
}

// take folds in what the Follower tells.
func (f *feed) take(u client.Update, now time.Time) {
	f.mu.Lock()
	switch {
	case u.Event != nil:
		f.weigh(u.Event, len(u.Line), now)
		f.apply(u.Event, now)
	case u.State == client.Live:
		f.live(u, now)
	case u.State == client.Lost:
		f.lost(u, now)
	}
	ask := f.wantsRows(now)
	if ask {
		f.asked, f.waiting = now, true
	}
	f.mu.Unlock()
	if ask {
		// An error is one of the connection, which is told otherwise.
		_ = f.follow.Send(event.Request{Op: event.OpProcesses, ID: rowsID})
	}
}

// live is told that there is a connection. The caller holds mu.
func (f *feed) live(u client.Update, now time.Time) {
	f.own.connects.WithLabelValues(f.name).Inc()
	what := "connected at " + u.Path
	if !u.Resumed {
		if f.life != nil {
			f.own.restarts.WithLabelValues(f.name).Inc()
			what += ", to another pid1 than before"
		}
		f.begin(u.Hello, now)
	}
	f.connected, f.heard, f.target = true, now, u.Hello.LastSeq
	f.rows, f.waiting = false, false
	f.world.Apply(u.Hello, now)
	f.caughtUp()
	f.say(what, now)
}

// begin forgets another pid1. The caller holds mu.
func (f *feed) begin(h *event.Hello, now time.Time) {
	again := f.life != nil
	f.life = newLife()
	f.life.begin(f.name)
	f.life.since = now
	f.seen, f.from, f.first, f.read = 0, 0, true, false
	if !h.Started.IsZero() {
		f.life.since = h.Started
	}
	if again && h.FirstSeq > 1 {
		f.own.lost.WithLabelValues(f.name).Add(float64(h.FirstSeq - 1))
	}
}

// lost is told that there is no connection. The caller holds mu.
func (f *feed) lost(u client.Update, now time.Time) {
	if u.Err != nil && (f.connected || f.said == 0 && f.life == nil) {
		f.say(u.Err.Error(), now)
	}
	f.connected, f.waiting = false, true
}

// say tells people, but not of everything in a feed that comes and goes all the time.
// The caller holds mu.
func (f *feed) say(what string, now time.Time) {
	if now.Sub(f.minute) >= time.Minute {
		f.minute, f.said = now, 0
	}
	if f.said++; f.said <= sayMost {
		f.log(f.name, what)
	}
}

// weigh takes note of how much the world may keep of an event, and makes a new world
// when it is too much. The caller holds mu.
func (f *feed) weigh(ev event.Event, size int, now time.Time) {
	switch e := ev.(type) {
	case *event.Reap, *event.Exit, *event.Stats, *event.ZombieGone, *event.Gap:
		return
	case *event.Process:
		f.table += size
	case *event.ProcessesEnd:
		if e.Re == rowsID {
			f.bulk, f.table = f.table, 0 // what is not in it is gone
		}
		return
	}
	f.bulk += size
	if f.bulk <= bulkMost {
		return
	}
	f.say("it tells of more processes than can be kept; what is known of them is forgotten", now)
	f.bulk, f.table, f.rows = 0, 0, false
	h := f.world.Hello()
	f.world = newWorld()
	if h != nil {
		f.world.Apply(h, now)
	}
}

// apply folds in one event. The caller holds mu.
func (f *feed) apply(ev event.Event, now time.Time) {
	f.heard = now
	f.world.Apply(ev, now)
	switch e := ev.(type) {
	case *event.ProcessesEnd:
		if e.Re == rowsID {
			f.waiting, f.rows = false, true
		}
	case *event.Error:
		if e.Re == rowsID {
			f.waiting = false
		}
	case *event.Gap:
		f.own.lost.WithLabelValues(f.name).Add(float64(e.Lost))
		f.number(e.FromSeq, e.ToSeq, now)
	}
	seq := ev.Header().Seq
	if seq <= f.seen {
		return
	}
	f.number(seq, seq, now)
	if seq > f.from && f.life != nil {
		f.life.count(f.name, ev)
	}
	f.caughtUp()
}

// number takes note of the events from first to last. The caller holds mu.
func (f *feed) number(first, last uint64, now time.Time) {
	if f.first && first > 1 && f.life != nil {
		// The history does not reach back to the beginning. An exporter before this one
		// may have counted what there is of it: to count it again would be wrong.
		f.from, f.life.since = f.target, now
	}
	f.first = false
	f.seen = max(f.seen, last)
	f.caughtUp()
}

func (f *feed) caughtUp() { f.read = f.read || f.life != nil && f.seen >= f.target }

// wantsRows reports whether it is time to ask for the process table. The caller
// holds mu.
func (f *feed) wantsRows(now time.Time) bool {
	if !f.connected || f.waiting || f.seen < f.target {
		return false
	}
	since := now.Sub(f.asked)
	return since >= rowsEvery || since >= rowsSoon && f.world.NeedRows()
}

// up reports whether what is known is of now. The caller holds mu.
func (f *feed) up(now time.Time) bool {
	return f.connected && f.read && now.Sub(f.heard) < silence
}

// collect tells what is known.
func (f *feed) collect(ch chan<- prometheus.Metric, now time.Time) {
	f.mu.Lock()
	up := f.up(now)
	out := []prometheus.Metric{f.gauge(descUp, truth(up))}
	if h := f.world.Hello(); h != nil {
		out = append(out, f.gauge(descInfo, 1, harmless(h.Program, labelMax), harmless(h.Host, labelMax),
			harmless(h.Role, labelMax), harmless(h.Trace, labelMax)))
		if !h.Started.IsZero() {
			out = append(out, f.gauge(descStart, float64(h.Started.UnixMilli())/1000))
		}
	}
	if up {
		out = f.present(out, now)
	}
	var counted *life
	if f.read {
		counted = f.life
	}
	f.mu.Unlock()
	for _, m := range out {
		ch <- m
	}
	if counted != nil {
		counted.collect(ch)
	}
}

// present appends what is as it is now. The caller holds mu.
func (f *feed) present(out []prometheus.Metric, now time.Time) []prometheus.Metric {
	if s := f.world.Stats(); s != nil {
		out = append(out, f.gauge(descProcesses, float64(s.Processes)))
		if s.PIDsUsed >= 0 {
			out = append(out, f.gauge(descPIDs, float64(s.PIDsUsed)))
		}
		if s.PIDsLimit > 0 {
			out = append(out, f.gauge(descLimit, float64(s.PIDsLimit)))
		}
	}
	if !f.rows {
		return out // who is a zombie is not known yet
	}
	held, oldest := f.names.share(f.world.Zombies(now), now)
	for name, n := range held {
		out = append(out, f.gauge(descZombies, float64(n), name))
	}
	if oldest > 0 {
		out = append(out, f.gauge(descOldest, oldest.Seconds()))
	}
	found := map[string]int{}
	for _, v := range troubles {
		found[string(v)] = 0
	}
	for _, j := range f.world.Findings(now) {
		found[verdict(j.Verdict)]++
	}
	for v, n := range found {
		out = append(out, f.gauge(descFindings, float64(n), v))
	}
	return out
}

func (f *feed) gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, value, append([]string{f.name}, labels...)...)
	if err != nil {
		return prometheus.NewInvalidMetric(d, fmt.Errorf("cannot tell of the feed %s: %w", f.name, err))
	}
	return m
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
