package world

import (
	"time"

	"pid1/doctor"
	"pid1/event"
)

// bucketTime is the resolution of a ledger.
const bucketTime = 5 * time.Second

const buckets = int64(Window/bucketTime) + 1 // the newest is not over yet

// ledger counts, for one parent, the zombies that came and went over the last
// Window. Times are since World.base.
type ledger struct {
	id      event.ID
	held    []*Process
	ring    [buckets]bucket
	head    int64 // number of the newest bucket that is valid
	oldest  int64 // number of the first bucket there ever was
	began   bool
	pace    pace
	touched time.Duration // when anything happened
}

// bucket is what happened in one bucketTime, and the lowest count in it.
type bucket struct{ born, gone, low int32 }

func bucketOf(t time.Duration) int64 {
	n := int64(t / bucketTime)
	if t < 0 && t%bucketTime != 0 {
		n--
	}
	return n
}

// at gives the bucket of t, nil when that is further back than the ring reaches.
// count is how many are held right now, before the change.
func (l *ledger) at(t time.Duration, count int) *bucket {
	n := bucketOf(t)
	if !l.began {
		l.began, l.head, l.oldest = true, n, n
		l.ring[index(n)].low = int32(count)
	}
	if n-l.head > buckets {
		l.head = n - buckets
	}
	for ; l.head < n; l.head++ {
		l.ring[index(l.head+1)] = bucket{low: int32(count)}
	}
	if l.head-n >= buckets {
		return nil
	}
	l.oldest = min(l.oldest, n)
	return &l.ring[index(n)]
}

func index(n int64) int64 { return (n%buckets + buckets) % buckets }

// birth and death count a zombie that came or went; held is as it was before.
func (l *ledger) birth(t time.Duration) {
	if b := l.at(t, len(l.held)); b != nil {
		b.born++
	}
	l.pace.birth(t)
	l.touched = max(l.touched, t)
}

func (l *ledger) death(t time.Duration) {
	if b := l.at(t, len(l.held)); b != nil {
		b.gone++
		b.low = min(b.low, int32(len(l.held)-1))
	}
	l.pace.death(t)
	l.touched = max(l.touched, t)
}

// sum adds up the buckets from number n to number to.
func (l *ledger) sum(n, to int64) (born, gone int) {
	for n = max(n, to-buckets+1); n <= to; n++ {
		b, g := l.sum1(n)
		born += b
		gone += g
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
// whose two ends say nothing: its low points do. Those of the last third of the
// time are held against those of the third before; the first third, in which such
// a parent rises from nothing to what it always has, is left out.
func (l *ledger) grew(ev *doctor.Evidence, cur, start int64) int {
	if ev.Gone == 0 {
		return ev.Count - ev.Before
	}
	start = max(start, l.oldest)
	third := (cur - start + 1) / 3
	if third == 0 {
		return 0
	}
	low := func(from, to int64) int {
		v := ev.Count
		for n := from; n < to; n++ {
			if n <= l.head && l.head-n < buckets {
				v = min(v, int(l.ring[index(n)].low))
			}
		}
		return v
	}
	last := cur + 1 - third
	return low(last, cur+1) - low(last-third, last)
}

// sum1 is what one bucket holds.
func (l *ledger) sum1(n int64) (born, gone int) {
	if !l.began || n > l.head || l.head-n >= buckets {
		return 0, 0
	}
	b := l.ring[index(n)]
	return int(b.born), int(b.gone)
}

// rate is the net growth per minute, as told at [World.Zombies]; 0 where it is not
// known yet.
func (l *ledger) rate(ev *doctor.Evidence, now, start time.Duration) float64 {
	switch c := ev.Cadence; {
	case c.Each > 0 && ev.Gone == 0:
		return float64(c.Each) / c.Every.Minutes()
	case ev.Born == 0:
		return float64(-ev.Gone) / max(now-start, bucketTime).Minutes()
	}
	return l.pace.perMin(start, now)
}

// trend is the count over Window in TrendPoints steps.
func (l *ledger) trend(now, observed time.Duration) []int {
	const step = int(buckets) / TrendPoints
	out := make([]int, TrendPoints)
	count := len(l.held)
	cur := bucketOf(now)
	for i := TrendPoints - 1; i >= 0; i-- {
		if end := now - time.Duration((TrendPoints-1-i)*step)*bucketTime; now-end >= observed {
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
