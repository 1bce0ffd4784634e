package world

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pid1/event"
)

// Reaps is a ring of the newest reaps.
type Reaps struct {
	ring []*event.Reap
	next int
	seen uint64
	most int // 0: ReapsKept
}

func (r *Reaps) add(e *event.Reap) {
	r.seen++
	most := r.most
	if most == 0 {
		most = ReapsKept
	}
	if len(r.ring) < most {
		r.ring = append(r.ring, e)
		return
	}
	r.ring[r.next] = e
	r.next = (r.next + 1) % most
}

// Len is how many reaps are kept.
func (r *Reaps) Len() int { return len(r.ring) }

// At is the i-th reap kept, 0 the oldest.
func (r *Reaps) At(i int) *event.Reap { return r.ring[(r.next+i)%len(r.ring)] }

// KeepReaps bounds the reaps kept, ReapsKept otherwise, to most, for who looks at
// many feeds and lists no reaps. It is called before the first Apply; most is 1 or more.
func (w *World) KeepReaps(most int) { w.reaps.most = most }

// Seen counts the reaps that ever came in: At(i) is number Seen-Len+i of them.
func (r *Reaps) Seen() uint64 { return r.seen }

// Reaps are the newest reaps.
func (w *World) Reaps() *Reaps { return &w.reaps }

// Totals are counters over pid1's whole life where the feed told them (its stats,
// and the reaps since), else over the events that came in.
type Totals struct {
	Reaps, Failed, Adopted uint64
	// FailShare is failed reaps among those kept in the ring whose end is known,
	// 0…1.
	FailShare float64
}

// Totals counts the reaps.
func (w *World) Totals() Totals {
	var t Totals
	var known, failed int
	asOf := uint64(0)
	if w.stats != nil {
		t.Reaps, t.Failed, t.Adopted = w.stats.Reaps, w.stats.Failed, w.stats.Adopted
		asOf = w.stats.LastSeq
	}
	for i := range w.reaps.Len() {
		e := w.reaps.At(i)
		if e.Known() {
			known++
		}
		if e.Failed() {
			failed++
		}
		if e.Seq <= asOf {
			continue
		}
		t.Reaps++
		if e.Failed() {
			t.Failed++
		}
		if e.Adopted {
			t.Adopted++
		}
	}
	if known > 0 {
		t.FailShare = float64(failed) / float64(known)
	}
	return t
}

// seriesLen is how many seconds a series remembers.
const seriesLen = 128

// series counts reaps per second.
type series struct {
	ring  [seriesLen]struct{ all, failed int32 }
	head  int64
	began bool
}

func second(t time.Duration) int64 {
	n := int64(t / time.Second)
	if t < 0 && t%time.Second != 0 {
		n--
	}
	return n
}

func slot(n int64) int64 { return (n%seriesLen + seriesLen) % seriesLen }

func (s *series) add(t time.Duration, failed bool) {
	n := second(t)
	if !s.began {
		s.began, s.head = true, n
	}
	if n-s.head > seriesLen {
		s.ring = [seriesLen]struct{ all, failed int32 }{}
		s.head = n
	}
	for ; s.head < n; s.head++ {
		s.ring[slot(s.head+1)] = struct{ all, failed int32 }{}
	}
	if s.head-n >= seriesLen {
		return
	}
	s.ring[slot(n)].all++
	if failed {
		s.ring[slot(n)].failed++
	}
}

func (s *series) get(n int64) (all, failed int) {
	if !s.began || n > s.head || s.head-n >= seriesLen {
		return 0, 0
	}
	c := s.ring[slot(n)]
	return int(c.all), int(c.failed)
}

// ReapSeries counts the reaps of each of the last n complete seconds, oldest
// first; n is at most 120.
func (w *World) ReapSeries(now time.Time, n int) []int {
	out := make([]int, min(n, 120))
	cur := second(now.Sub(w.base))
	for i := range out {
		out[i], _ = w.rate.get(cur - int64(len(out)-i))
	}
	return out
}

// ReapRate is reaps per second over the last ten complete seconds, or over as much
// of them as was observed.
func (w *World) ReapRate(now time.Time) float64 {
	span := int64(10)
	if o := int64(w.Observed(now) / time.Second); o < span {
		span = max(1, o)
	}
	cur, sum := second(now.Sub(w.base)), 0
	for n := cur - span; n < cur; n++ {
		all, _ := w.rate.get(n)
		sum += all
	}
	return float64(sum) / float64(span)
}

// LifetimeBounds are the upper bounds of the lifetime histogram; what lived longer
// than the last is counted in one more bar.
var LifetimeBounds = []time.Duration{
	10 * time.Millisecond, 100 * time.Millisecond, time.Second, 10 * time.Second,
	time.Minute, 10 * time.Minute, time.Hour,
}

// Tally is a name and how often it occurred.
type Tally struct {
	Name  string // bytes from outside: make harmless before drawing
	Count int
	Fails int // of these, failed
}

// Summary is what the reaps kept in the ring have in common.
type Summary struct {
	Reaps     int
	Known     int // of these, whose lifetime is known
	P50, P99  time.Duration
	Lifetimes []int   // per LifetimeBounds, and one more
	Statuses  []Tally // "exit 0", "SIGKILL", …; most frequent first
	Commands  []Tally // by comm
	Origins   []Tally // by "PID comm" of the parent that created them; "?" unknown
	Failures  []Tally // the failed, by command and end: "ffmpeg SIGKILL"
	OOM       int     // probable victims of the OOM killer
}

// Summary looks through the reaps kept. It takes about a millisecond when they
// are 4,096: keep it until Reaps().Seen() changes.
func (w *World) Summary() Summary {
	s := Summary{Reaps: w.reaps.Len(), Lifetimes: make([]int, len(LifetimeBounds)+1)}
	var lives []time.Duration
	statuses, commands, origins, failures := tallies{}, tallies{}, tallies{}, tallies{}
	for i := range w.reaps.Len() {
		e := w.reaps.At(i)
		if e.LifetimeMS >= 0 {
			d := time.Duration(e.LifetimeMS) * time.Millisecond
			lives = append(lives, d)
			bar, _ := slices.BinarySearch(LifetimeBounds, d+1)
			s.Lifetimes[bar]++
		}
		if e.OOM != "" {
			s.OOM++
		}
		statuses.add(Status(e.Ended), e.Failed())
		commands.add(e.Comm, e.Failed())
		origins.add(originName(e.Origin), e.Failed())
		if e.Failed() {
			failures.add(e.Comm+" "+Status(e.Ended), true)
		}
	}
	slices.Sort(lives)
	s.Known = len(lives)
	s.P50, s.P99 = percentile(lives, 50), percentile(lives, 99)
	s.Statuses, s.Commands, s.Origins, s.Failures = statuses.list(), commands.list(), origins.list(), failures.list()
	return s
}

// percentile is the nearest rank: the smallest value that p percent do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// Status writes how a process ended: "exit 0", "SIGKILL", "SIGSEGV core", or "?"
// where it is unknown.
func Status(e event.Ended) string {
	switch {
	case e.Signal != "" && e.Core:
		return e.Signal + " core"
	case e.Signal != "":
		return e.Signal
	case e.Code >= 0:
		return "exit " + itoa(e.Code)
	}
	return "?"
}

func originName(o *event.Proc) string {
	if o == nil {
		return "?"
	}
	if o.Comm == "" {
		return itoa(o.PID)
	}
	return itoa(o.PID) + " " + o.Comm
}

type tallies map[string]*Tally

func (t tallies) add(name string, failed bool) {
	e := t[name]
	if e == nil {
		e = &Tally{Name: name}
		t[name] = e
	}
	e.Count++
	if failed {
		e.Fails++
	}
}

func (t tallies) list() []Tally {
	out := make([]Tally, 0, len(t))
	for _, e := range t {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return out
}
