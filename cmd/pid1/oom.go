package main

import (
	"sync"
	"time"

	"pid1/event"
	"pid1/internal/cgroup"
	"pid1/internal/journal"
)

// oomMemory is how long a rise of the kernel's count of kills for memory can
// explain a death. The count rises before the victim is dead.
const oomMemory = 2 * time.Second

// oomWatch ties the count of kills for want of memory to the deaths that fit.
type oomWatch struct {
	group   *cgroup.Group
	journal *journal.Journal

	mu        sync.Mutex // guards what follows
	total     int64      // the count at the last look; Unknown: none is to be had
	unspent   int64      // kills no death was found for yet
	lastRise  time.Time
	lastCheck time.Time
}

func newOOMWatch(g *cgroup.Group, j *journal.Journal) *oomWatch {
	w := &oomWatch{group: g, journal: j, total: event.Unknown}
	if n, err := g.OOMKills(); err == nil {
		w.total = n
	}
	return w
}

// victim reports whether a process that SIGKILL ended just now was probably
// killed for want of memory.
func (w *oomWatch) victim(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look(now)
	if w.unspent == 0 || now.Sub(w.lastRise) > oomMemory {
		return false
	}
	w.unspent--
	return true
}

// check tells of kills of which no death was seen, such as that of a process
// whose parent reaped it. It looks ten times a second at most.
func (w *oomWatch) check(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.lastCheck) >= 100*time.Millisecond {
		w.lastCheck = now
		w.look(now)
	}
}

// look reads the count. w.mu is held.
func (w *oomWatch) look(now time.Time) {
	if w.total == event.Unknown {
		return
	}
	n, err := w.group.OOMKills()
	if err != nil || n <= w.total {
		return
	}
	if now.Sub(w.lastRise) > oomMemory {
		w.unspent = 0
	}
	w.unspent += n - w.total
	w.lastRise = now
	ev := event.New(event.TypeOOM).(*event.OOM)
	ev.Kills, ev.Total = n-w.total, n
	w.total = n
	w.journal.Append(ev)
}
