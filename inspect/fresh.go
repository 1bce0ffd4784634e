package inspect

import (
	"slices"
	"time"
)

// unborn is how long at least a PID that was given out is looked for. fork takes the
// PID first and shows the process when it is complete, which can take a while when
// the one who forks loses its core in between.
const unborn = 10 * time.Millisecond

// newcomers finds new processes by the newest PID, which the kernel tells: what it
// costs depends on how many are new and not on how many there are.
type newcomers struct {
	r    *reader
	list *lister

	cursor int       // the newest PID at the last look
	floor  int       // those from here to the cursor are looked for
	mark   int       // the floor to come
	marked time.Time // when mark was the newest
	listed time.Time // when they were last looked for
	known  []int     // those that were found already
	found  []int
}

// look returns the processes that came since it was first called and that it has
// not returned yet. The result is valid until the next call.
func (n *newcomers) look(now time.Time) []int {
	cursor, ok := n.r.cursor()
	switch {
	case !ok:
		return nil
	case n.cursor == 0:
		n.cursor, n.floor, n.mark, n.marked = cursor, cursor, cursor, now
		return nil
	case cursor == n.cursor && (n.floor == cursor || now.Sub(n.listed) < glance):
		return nil
	}
	n.cursor, n.listed = cursor, now
	// Errors mean that there is nothing to see; the sweep will tell.
	n.found = n.found[:0]
	low := n.floor
	if cursor < low { // the PIDs began anew
		n.found, _ = n.list.between(low, maxPID, n.found)
		low = 0
	}
	n.found, _ = n.list.between(low, cursor, n.found)
	n.found = slices.DeleteFunc(n.found, func(pid int) bool { return slices.Contains(n.known, pid) })
	n.known = append(n.known, n.found...)
	if now.Sub(n.marked) >= unborn {
		n.floor, n.mark, n.marked = n.mark, cursor, now
		n.known = slices.DeleteFunc(n.known, func(pid int) bool { return !n.above(pid) })
	}
	return n.found
}

// above reports whether pid is one of those from the floor to the cursor.
func (n *newcomers) above(pid int) bool {
	if n.floor <= n.cursor {
		return n.floor < pid && pid <= n.cursor
	}
	return n.floor < pid || pid <= n.cursor
}
