package vigil

import (
	"time"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// What makes a leak worth a warning. A viewer calls it one sooner: whoever looks at
// a screen can look again, a line in a log stays.
const (
	fastCount, fastAge = 10, 10 * time.Second // of a parent that was never seen to wait
	ripeCount, ripeAge = 4, 45 * time.Second
	slowCount, slowAge = 5, time.Minute // of one that waits for others, perhaps now and then
	// settleAgain is how long a parent that leaked before has to be quiet until it is
	// told again; it doubles each time.
	settleAgain    = time.Minute
	settleAgainMax = time.Hour
)

// leaks are those that were told and are not over, and those that are.
type leaks struct {
	open  map[event.ID]*leak
	past  map[event.ID]past
	quota quota
}

type leak struct {
	parent  event.Proc
	verdict doctor.Verdict
	peak    int // the most zombies it held
}

// past is a leak that is over.
type past struct {
	times int
	ended time.Time
}

func (l *leaks) init() {
	l.open = map[event.ID]*leak{}
	l.past = map[event.ID]past{}
	l.quota.warned = map[event.ID]bool{}
}

// see takes in the present of one parent and reports whether its leak began, or in
// which words it is over.
func (l *leaks) see(g *world.Group, now time.Time) (began bool, over string) {
	e := &g.Evidence
	leaking := e.Leaks(g.Verdict)
	o := l.open[g.Parent.ID]
	if o == nil {
		if !leaking || !ripe(e) || !l.settled(g.Parent.ID, now) {
			return false, ""
		}
		l.open[g.Parent.ID] = &leak{parent: g.Parent, verdict: g.Verdict, peak: e.Count}
		return true, ""
	}
	o.peak, o.parent, o.verdict = max(o.peak, e.Count), g.Parent, g.Verdict
	if leaking && 2*e.Count > o.peak || 2*e.Count > o.peak && e.Newest < world.Window {
		return false, ""
	}
	l.close(g.Parent.ID, now)
	return false, doctor.Over(e, o.peak, true)
}

func ripe(e *doctor.Evidence) bool {
	if 2*e.Newest > e.Oldest {
		return false // it came to an end by itself
	}
	if e.Waited > 0 || e.Gone > 0 {
		return e.Count >= slowCount && e.Oldest >= slowAge
	}
	return e.Count >= fastCount && e.Oldest >= fastAge || e.Count >= ripeCount && e.Oldest >= ripeAge
}

// settled reports whether a parent that leaked before has been quiet since, for
// long enough to be told again.
func (l *leaks) settled(id event.ID, now time.Time) bool {
	p, ok := l.past[id]
	return !ok || now.Sub(p.ended) >= min(settleAgain<<min(p.times, 10), settleAgainMax)
}

func (l *leaks) close(id event.ID, now time.Time) {
	delete(l.open, id)
	p := l.past[id]
	l.past[id] = past{p.times + 1, now}
}

// pastKept is how many leaks that are over are remembered without a look whether
// their parents still live.
const pastKept = 64

// prune forgets what is over for parents that are gone.
func (l *leaks) prune(now time.Time, alive func(event.ID) bool) {
	if len(l.past) <= pastKept {
		return
	}
	for id, p := range l.past {
		if now.Sub(p.ended) > settleAgainMax || !alive(id) {
			delete(l.past, id)
			delete(l.quota.warned, id)
		}
	}
}

// quotaEvery is the time in which quotaMax leaks at most are told to people.
const (
	quotaEvery = 10 * time.Minute
	quotaMax   = 8
)

// quota keeps the log readable where very many parents leak.
type quota struct {
	warned map[event.ID]bool // whose beginning was told
	since  time.Time
	count  int
}

// pass returns what to say to people; empty: nothing.
func (q *quota) pass(words string, began bool, id event.ID) string {
	if !began {
		if !q.warned[id] {
			return ""
		}
		delete(q.warned, id)
		return words
	}
	if now := time.Now(); now.Sub(q.since) >= quotaEvery {
		q.since, q.count = now, 0
	}
	q.count++
	switch {
	case q.count < quotaMax:
		q.warned[id] = true
		return words
	case q.count == quotaMax:
		return "More parents leak zombies than are told here; pid1top zombies lists them."
	}
	return ""
}
