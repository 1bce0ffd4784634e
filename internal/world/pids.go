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
	// gaugeSteps is at how many samples a number has to have grown, and gaugeRise by
	// how much, to speak of a rate, where the time before that is not looked at.
	gaugeSteps = 3
	gaugeRise  = 5
	// gaugeSoon is at least how long that took: less is a program that starts, unless
	// the limit is gaugeUrgent away.
	gaugeSoon   = 30 * time.Second
	gaugeUrgent = 2 * time.Minute
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
// where that is enough to tell, else since longer. What comes and goes is no growth:
// the low points count. ok is false where it is not in sight.
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
		if span < 10*gaugeEvery {
			continue
		}
		if steps < gaugeSteps {
			perSecond = float64(last.used-s.used) / span.Seconds()
			continue
		}
		var rise int64
		if rise, perSecond = lows(g.samples[i:]); rise >= gaugeRise {
			soon, ok := until(limit-last.used, perSecond)
			still, _ := lows(g.samples[(i+n)/2:])
			if span >= gaugeSoon || ok && soon <= gaugeUrgent && still > 0 {
				break
			}
		}
		perSecond = 0
	}
	return until(limit-last.used, perSecond)
}

// lows is by how much the low point of the last third of the time is above that of
// the first, and how much that is per second.
func lows(list []sample) (rise int64, perSecond float64) {
	first, last := list[0], list[len(list)-1]
	third := last.at.Sub(first.at) / 3
	low, high := first, last
	for _, s := range list {
		switch {
		case s.at.Sub(first.at) < third && s.used < low.used:
			low = s
		case s.at.Sub(first.at) >= 2*third && s.used <= high.used && (s.used < high.used || s.at.Before(high.at)):
			high = s
		}
	}
	rise = high.used - low.used
	return rise, float64(rise) / high.at.Sub(low.at).Seconds()
}

// until is when so many are used up at a rate; ok is false where that is not in
// sight.
func until(left int64, perSecond float64) (in time.Duration, ok bool) {
	seconds := float64(max(0, left)) / perSecond
	if perSecond <= 0 || seconds > (365*24*time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

func (w *World) applyStats(e *event.Stats, now time.Time) {
	w.stats = e
	w.anchor(&e.Head, now)
	if e.PIDsUsed >= 0 {
		w.pids.Add(now, e.PIDsUsed)
	}
}

// PIDs are the PIDs in use by the cgroup and its limit, event.Unknown where there
// is none or it cannot be read.
func (w *World) PIDs() (used, limit int64) {
	if w.stats == nil {
		return event.Unknown, event.Unknown
	}
	return w.stats.PIDsUsed, w.stats.PIDsLimit
}

// Ceiling is where PIDs end: the cgroup's limit, or where there is none the lowest
// of the kernel's own, which the whole machine shares. Name is its own name for it:
// "pids.max", "kernel.pid_max" or "kernel.threads-max". Unknown, and no name: nobody
// told.
func (w *World) Ceiling() (limit int64, name string) {
	s := w.stats
	switch {
	case s == nil:
		return event.Unknown, ""
	case s.PIDsLimit > 0:
		return s.PIDsLimit, "pids.max"
	case s.PIDMax > 0 && (s.ThreadsMax <= 0 || s.PIDMax <= s.ThreadsMax):
		return s.PIDMax, "kernel.pid_max"
	case s.ThreadsMax > 0:
		return s.ThreadsMax, "kernel.threads-max"
	}
	return event.Unknown, ""
}

// Full is when the PIDs reach their [World.Ceiling]: as the zombies of groups grow,
// or, where that is sooner by far, as the use grew. With the kernel's limit it is
// the latest time: others on the machine use PIDs, too. ok is false where it is not
// in sight.
func (w *World) Full(groups []Group) (in time.Duration, ok bool) {
	used, _ := w.PIDs()
	limit, _ := w.Ceiling()
	if limit <= 0 {
		return 0, false
	}
	if used < 0 {
		used = int64(len(w.byPID)) // threads not counted
	}
	perMin := 0.0
	for i := range groups {
		if g := &groups[i]; g.Evidence.Leaks(g.Verdict) {
			perMin += max(0, g.RatePerMin)
		}
	}
	in, ok = w.pids.Full(limit)
	if leak, leaks := until(limit-used, perMin/60); leaks && (!ok || 2*in > leak) {
		return leak, true
	}
	return in, ok
}
