package inspect

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// What a source was told by the kernel at the moment it happened, at the time at
// since boot. A PID means the process that had it then: an event about one that is
// not in the table any more is dropped.

// monotonic is the clock the kernel's events go by. It stands while the system sleeps.
func (t *Table) monotonic() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(fmt.Sprintf("cannot read CLOCK_MONOTONIC: %v", err))
	}
	return time.Duration(ts.Nano())
}

// wasThen returns the process that had pid at a time; nil: it is not known.
func (t *Table) wasThen(pid int, at time.Duration) *entry {
	if e := t.byPID[pid]; e != nil && sinceBoot(e.id.Start) <= at {
		return e
	}
	return nil
}

// created takes in that parent forked pid.
func (t *Table) created(pid, parent int, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.wasThen(pid, at+tick)
	if e == nil || e.own || parent <= 0 {
		return
	}
	e.how = event.HowExact
	if p := t.wasThen(parent, at); p != nil {
		e.line = p.children()
		return
	}
	e.line = []*person{{id: event.ID{PID: parent}}}
}

// execed takes in that pid changed its program: what it was seen to run before, it
// does not run any more.
func (t *Table) execed(pid int, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.wasThen(pid, at); e != nil {
		e.execedAt = at
	}
}

// word is how long what the kernel tells of an exit may be behind what is seen.
const word = time.Second

// awaits reports whether the kernel is still to tell how e ended, which is gone.
func (t *Table) awaits(e *entry) bool {
	if !t.told || e.hint != 0 || e.deadAt != 0 {
		return false
	}
	now := t.epoch.now()
	if e.lostAt == 0 {
		e.lostAt = now
	}
	return now-e.lostAt < word
}

// isTold says whether a source is told of every exit.
func (t *Table) isTold(yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = yes
}

// exited takes in that a thread of pid ended, leader: the one that has its number.
// The process ends with its last thread; its status is the leader's, unless another
// thread ends all that are left with one of its own.
func (t *Table) exited(pid int, leader bool, code int, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.wasThen(pid, at)
	switch {
	case e == nil:
	case leader:
		e.hint = code + 1
		if e.threads <= 1 && e.deadAt == 0 {
			e.state, e.stateAt = 'Z', at
			e.deadAt, e.prompt = max(at, 1), true
		}
		if e.lostAt != 0 {
			t.vanish(e, e.lostAt)
		}
	case e.hint != 0 && e.hint != code+1:
		e.hint = hintMixed
	}
}

// hintMixed is entry.hint when the threads ended with several statuses.
const hintMixed = -1

// takeHint makes use of what was told of the end of e, now that it is gone without
// having been seen dead.
func (e *entry) takeHint() {
	if e.exit < 0 && e.hint > 0 {
		e.exit, e.leaderless = e.hint-1, false
	}
}
