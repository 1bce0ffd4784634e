package world

import (
	"strconv"
	"time"

	"pid1/event"
)

func itoa(n int) string { return strconv.Itoa(n) }

// pidsSample is how many PIDs were in use at a moment.
type pidsSample struct {
	at   time.Time
	used int64
}

// pidsEvery is how far apart samples of the PIDs in use are kept.
const pidsEvery = 5 * time.Second

func (w *World) applyStats(e *event.Stats, now time.Time) {
	w.stats, w.statsAt = e, now
	w.anchor(&e.Head, now)
	if e.PIDsUsed < 0 {
		return
	}
	if n := len(w.pids); n > 0 && now.Sub(w.pids[n-1].at) < pidsEvery {
		return
	}
	w.pids = append(w.pids, pidsSample{now, e.PIDsUsed})
	for len(w.pids) > 1 && now.Sub(w.pids[0].at) > Window {
		w.pids = w.pids[1:]
	}
}

// PIDs are the PIDs in use by the cgroup and its limit, event.Unknown where there
// is none or it cannot be read. full is when the limit is reached if the use grows
// on as it did over the last Window; ok is false where that is not in sight.
func (w *World) PIDs() (used, limit int64, full time.Duration, ok bool) {
	if w.stats == nil {
		return event.Unknown, event.Unknown, 0, false
	}
	used, limit = w.stats.PIDsUsed, w.stats.PIDsLimit
	if used < 0 || limit <= 0 || len(w.pids) == 0 {
		return used, limit, 0, false
	}
	first := w.pids[0]
	span := w.statsAt.Sub(first.at)
	grew := used - first.used
	if span < 2*pidsEvery || grew <= 0 {
		return used, limit, 0, false
	}
	left := float64(max(0, limit-used)) / float64(grew) * float64(span)
	if left > float64(365*24*time.Hour) {
		return used, limit, 0, false
	}
	return used, limit, time.Duration(left), true
}
