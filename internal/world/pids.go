package world

import (
	"slices"
	"strconv"
	"time"

	"pid1/event"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Gauge foresees when a growing number reaches its limit. The zero Gauge is
// ready to use.
type Gauge struct{ samples []sample }

type sample struct {
	at   time.Time
	used int64
}

// How a Gauge samples: every second for a minute, more and more rarely before
// that, back to Window.
const (
	gaugeEvery = time.Second
	gaugeFine  = time.Minute
	gaugeRough = 10 * time.Second
	// gaugeSteps is at how many samples a number has to have grown to speak of a rate,
	// where the time before that is not looked at.
	gaugeSteps = 3
)

// Add takes note of how much is in use at a time. Times do not decrease.
func (g *Gauge) Add(at time.Time, used int64) {
	if n := len(g.samples); n > 0 && at.Sub(g.samples[n-1].at) < gaugeEvery {
		g.samples[n-1].used = max(g.samples[n-1].used, used)
		return
	}
	g.samples = append(g.samples, sample{at, used})
	n := len(g.samples)
	last := at
	g.samples = slices.DeleteFunc(g.samples, func(s sample) bool {
		n--
		switch ago := at.Sub(s.at); {
		case ago > Window:
			return true
		case n > 0 && ago > gaugeFine && s.at.Sub(last) < gaugeRough && s.at.After(last):
			return true
		}
		last = s.at
		return false
	})
}

// Full is when limit is reached if the use grows on as it did: in the last seconds
// where that is enough to tell, else since longer. ok is false where it is not in
// sight.
func (g *Gauge) Full(limit int64) (in time.Duration, ok bool) {
	n := len(g.samples)
	if n < 2 || limit <= 0 {
		return 0, false
	}
	last := g.samples[n-1]
	perSecond, steps := 0.0, 0
	for i := n - 2; i >= 0; i-- {
		s, next := g.samples[i], g.samples[i+1]
		if next.used > s.used {
			steps++
		}
		span := last.at.Sub(s.at)
		if span < 2*gaugeEvery {
			continue
		}
		perSecond = float64(last.used-s.used) / span.Seconds()
		// Enough to tell: a rise of several steps over several seconds.
		if steps >= gaugeSteps && span >= 10*gaugeEvery {
			break
		}
	}
	if perSecond <= 0 {
		return 0, false
	}
	left := float64(max(0, limit-last.used)) / perSecond
	if left > (365 * 24 * time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(left * float64(time.Second)), true
}

func (w *World) applyStats(e *event.Stats, now time.Time) {
	w.stats = e
	w.anchor(&e.Head, now)
	if e.PIDsUsed >= 0 {
		w.pids.Add(now, e.PIDsUsed)
	}
}

// PIDs are the PIDs in use by the cgroup and its limit, event.Unknown where there
// is none or it cannot be read. full is when the limit is reached if the use grows
// on as it did, see [Gauge.Full]; ok is false where that is not in sight.
func (w *World) PIDs() (used, limit int64, full time.Duration, ok bool) {
	if w.stats == nil {
		return event.Unknown, event.Unknown, 0, false
	}
	used, limit = w.stats.PIDsUsed, w.stats.PIDsLimit
	if used < 0 || limit <= 0 {
		return used, limit, 0, false
	}
	full, ok = w.pids.Full(limit)
	return used, limit, full, ok
}

// Full is when the limit of PIDs is reached: as the use grew, or where nobody
// followed that, as the zombies of groups grow. ok is false where it is not in sight.
func (w *World) Full(groups []Group) (in time.Duration, ok bool) {
	used, limit, in, ok := w.PIDs()
	if ok || used < 0 || limit <= 0 {
		return in, ok
	}
	perMin := 0.0
	for i := range groups {
		if g := &groups[i]; g.Evidence.Leaks(g.Verdict) {
			perMin += max(0, g.RatePerMin)
		}
	}
	left := float64(max(0, limit-used))
	if perMin <= 0 || left/perMin > (365*24*time.Hour).Minutes() {
		return 0, false
	}
	return time.Duration(left / perMin * float64(time.Minute)), true
}
