package world

import (
	"time"

	"pid1/doctor"
	"pid1/event"
)

// bucketTime is the resolution of a ledger.
const bucketTime = 5 * time.Second

const (
	buckets       = int64(Window / bucketTime)
	minuteBuckets = int64(time.Minute / bucketTime)
	// fastBirths in the last minute are enough to measure a rate by that minute.
	fastBirths = 5
	// minElapsed is the least time a rate is divided by.
	minElapsed = 10 * time.Second
)

// ledger counts, for one parent, the zombies that came and went over the last
// Window. Times are since World.base.
type ledger struct {
	id      event.ID
	held    []*Process
	ring    [buckets]bucket
	head    int64 // number of the newest bucket that is valid
	began   bool
	first   time.Duration // the first birth ever seen
	last    time.Duration // the last one
	touched time.Duration // when anything happened
}

type bucket struct{ born, gone int32 }

func bucketOf(t time.Duration) int64 {
	n := int64(t / bucketTime)
	if t < 0 && t%bucketTime != 0 {
		n--
	}
	return n
}

// at gives the bucket of t, nil when that is further back than the ring reaches.
func (l *ledger) at(t time.Duration) *bucket {
	n := bucketOf(t)
	if !l.began {
		l.began, l.head = true, n
	}
	for ; l.head < n; l.head++ {
		if n-l.head > buckets {
			l.ring = [buckets]bucket{}
			l.head = n
			break
		}
		l.ring[index(l.head+1)] = bucket{}
	}
	if l.head-n >= buckets {
		return nil
	}
	return &l.ring[index(n)]
}

func index(n int64) int64 { return (n%buckets + buckets) % buckets }

func (l *ledger) birth(t time.Duration) {
	if b := l.at(t); b != nil {
		b.born++
	}
	if l.first == 0 && l.last == 0 || t < l.first {
		l.first = t
	}
	l.last = max(l.last, t)
	l.touched = max(l.touched, t)
}

func (l *ledger) death(t time.Duration) {
	if b := l.at(t); b != nil {
		b.gone++
	}
	l.touched = max(l.touched, t)
}

// sum adds up the buckets from number n to the newest.
func (l *ledger) sum(n, now int64) (born, gone int) {
	for n = max(n, now-buckets+1); n <= now; n++ {
		if n > l.head || l.head-n >= buckets {
			continue
		}
		b := l.ring[index(n)]
		born += int(b.born)
		gone += int(b.gone)
	}
	return born, gone
}

// measure fills in what the ledger knows: ev.Count and ev.Observed are given.
func (l *ledger) measure(ev *doctor.Evidence, now time.Duration) {
	cur := bucketOf(now)
	start := time.Duration(cur-buckets+1) * bucketTime
	start = max(start, now-ev.Observed)
	ev.Window = now - start
	ev.Born, ev.Gone = l.sum(cur-buckets+1, cur)
	ev.Before = max(0, ev.Count-ev.Born+ev.Gone)
	ev.Grew = l.grew(ev, cur, bucketOf(start))
	ev.RatePerMin = l.rate(ev, now, start)
}

// grew is the net growth. A parent that waits now and then makes a sawtooth,
// whose two ends say nothing: the low points of the two halves do.
func (l *ledger) grew(ev *doctor.Evidence, cur, start int64) int {
	if ev.Gone == 0 {
		return ev.Count - ev.Before
	}
	low := [2]int{ev.Count, ev.Count}
	half := start + (cur-start+1)/2
	count := ev.Count
	for n := cur; n >= start; n-- {
		i := 1
		if n < half {
			i = 0
			if n == half-1 {
				low[0] = count
			}
		}
		low[i] = min(low[i], count)
		born, gone := l.sum1(n)
		count = max(0, count-born+gone)
	}
	low[0] = min(low[0], ev.Before)
	return low[1] - low[0]
}

// sum1 is what one bucket holds.
func (l *ledger) sum1(n int64) (born, gone int) {
	if !l.began || n > l.head || l.head-n >= buckets {
		return 0, 0
	}
	b := l.ring[index(n)]
	return int(b.born), int(b.gone)
}

// rate is the net growth per minute, as told at [World.Zombies].
func (l *ledger) rate(ev *doctor.Evidence, now, start time.Duration) float64 {
	if ev.Born == 0 && ev.Gone == 0 {
		return 0
	}
	net := ev.Born - ev.Gone
	if ev.Born > 0 && l.first > start {
		start = l.first
		net--
	}
	cur := bucketOf(now)
	if born, gone := l.sum(cur-minuteBuckets+1, cur); born >= fastBirths {
		if minute := time.Duration(cur-minuteBuckets+1) * bucketTime; minute > start {
			start, net = minute, born-gone
		}
	}
	perMin := float64(net) / max(now-start, minElapsed).Minutes()
	if since := now - l.last; ev.Born > 0 && since > 0 {
		perMin = min(perMin, 1/since.Minutes())
	}
	return perMin
}

// trend is the count over Window in TrendPoints steps.
func (l *ledger) trend(now, observed time.Duration) []int {
	const step = int(buckets) / TrendPoints
	out := make([]int, TrendPoints)
	count := len(l.held)
	cur := bucketOf(now)
	for i := TrendPoints - 1; i >= 0; i-- {
		if end := now - time.Duration((TrendPoints-1-i)*step)*bucketTime; now-end > observed {
			out[i] = -1
			continue
		}
		out[i] = count
		last := cur - int64((TrendPoints-1-i)*step)
		for n := last; n > last-int64(step); n-- {
			born, gone := l.sum1(n)
			count = max(0, count-born+gone)
		}
	}
	return out
}
