package doctor

import (
	"fmt"
	"slices"
	"time"
)

// Cadence is a rhythm: so many each time, every so often. The zero Cadence is
// none.
type Cadence struct {
	Each  int
	Every time.Duration
}

// String writes a Cadence as "26 every 5m"; empty for none.
func (c Cadence) String() string {
	if c.Each == 0 {
		return ""
	}
	return fmt.Sprintf("%d every %s", c.Each, Span(c.Every))
}

// What it takes to call something a rhythm.
const (
	minBeats   = 4           // single events of it, or groups of them
	minEvery   = time.Second // faster is a rate
	outOfStep  = 0.15        // of the interval may a beat be early or late
	gapOfBeats = 4.0         // times the gap within a group is the gap between groups at least
	staleBeats = 2.5         // intervals without a beat end a rhythm
)

// CadenceOf finds the rhythm in events, given how long ago each of them was, in
// any order. What happened in groups, such as everything a job of cron leaves
// behind, counts by groups. It gives none where there is no rhythm, or where the
// rhythm has ended.
func CadenceOf(ago []time.Duration) Cadence {
	if len(ago) < minBeats {
		return Cadence{}
	}
	ago = slices.Clone(ago)
	slices.Sort(ago)
	slices.Reverse(ago) // the first comes first
	starts, sizes := groups(ago)
	if len(starts) < minBeats {
		return Cadence{}
	}
	intervals := make([]time.Duration, len(starts)-1)
	for i := range intervals {
		intervals[i] = starts[i] - starts[i+1]
	}
	every := median(intervals)
	if every < minEvery || float64(ago[len(ago)-1]) > staleBeats*float64(every) {
		return Cadence{}
	}
	slack := max(time.Duration(outOfStep*float64(every)), minEvery/4)
	if !most(intervals, func(d time.Duration) bool { return d >= every-slack && d <= every+slack }) {
		return Cadence{}
	}
	// The last group may still be coming in.
	each := median(sizes[:len(sizes)-1])
	if !most(sizes[:len(sizes)-1], func(n int) bool { return 4*n >= 3*each && 4*n <= 5*each }) {
		return Cadence{}
	}
	return Cadence{Each: each, Every: every}
}

// groups splits events at the gaps that are much longer than the others.
func groups(ago []time.Duration) (starts []time.Duration, sizes []int) {
	gaps := make([]time.Duration, 0, len(ago)-1)
	for i := range ago[1:] {
		gaps = append(gaps, max(ago[i]-ago[i+1], 10*time.Millisecond)) // start times tick so
	}
	slices.Sort(gaps)
	split, widest := time.Duration(0), gapOfBeats
	for i := range gaps[1:] {
		if r := float64(gaps[i+1]) / float64(gaps[i]); r >= widest {
			split, widest = gaps[i+1], r
		}
	}
	for i, a := range ago {
		if i == 0 || max(ago[i-1]-a, 10*time.Millisecond) >= split {
			starts, sizes = append(starts, a), append(sizes, 0)
		}
		sizes[len(sizes)-1]++
	}
	return starts, sizes
}

func median[T int | time.Duration](list []T) T {
	s := slices.Clone(list)
	slices.Sort(s)
	return s[len(s)/2]
}

// most reports whether at least four of five hold.
func most[T any](list []T, holds func(T) bool) bool {
	n := 0
	for _, v := range list {
		if holds(v) {
			n++
		}
	}
	return 5*n >= 4*len(list)
}
