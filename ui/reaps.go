package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// reaps is the Reaps view: every death pid1 saw to, the newest at the bottom.
type reaps struct {
	list list[uint64] // by seq
	rows []*event.Reap
	lens
	failures bool
	path     bool // the program is shown with its folder
	order    []int
	seen     uint64 // newest seq when the tail was left
	fresh    int    // rows that came since

	failed   int           // of the rows
	p50, p99 time.Duration // lifetimes of the rows; negative: unknown
	measured [3]uint64     // what failed, p50 and p99 were counted over
}

func newReaps() *reaps {
	r := &reaps{lens: newLens(reapColumns), p50: -1, p99: -1}
	r.list.tail = true
	return r
}

func (r *reaps) build(s *scene, o *Options, height int) {
	// What is newest stands at the end in the order of time alone.
	r.list.tail = r.list.tail && !r.ordered()
	tailed := r.list.tail
	r.rows = r.rows[:0]
	keys := r.list.buffer()
	r.fresh = 0
	for _, e := range s.reaps {
		if r.failures && !e.Failed() || r.filter.active() && !r.filter.matchReap(e, o, s.now.Add(-s.skew)) {
			continue
		}
		r.rows = append(r.rows, e)
		if e.Seq > r.seen {
			r.fresh++
		}
	}
	r.measure()
	if r.ordered() {
		r.reorder()
	}
	for _, e := range r.rows {
		keys = append(keys, e.Seq)
	}
	r.list.sync(keys, height, nil)
	if tailed {
		r.follow()
	}
}

// reorder sorts the rows.
func (r *reaps) reorder() {
	r.order = r.order[:0]
	for i := range r.rows {
		r.order = append(r.order, i)
	}
	r.sort(r.order, func(col, a, b int) int { return compareReaps(col, r.rows[a], r.rows[b]) })
	sorted := make([]*event.Reap, len(r.rows))
	for i, j := range r.order {
		sorted[i] = r.rows[j]
	}
	r.rows = sorted
}

// compareReaps tells how a and b stand in a column.
func compareReaps(col int, a, b *event.Reap) int {
	switch col {
	case rTime:
		return cmp.Compare(a.Seq, b.Seq)
	case rPID:
		return cmp.Compare(a.PID, b.PID)
	case rOrigin:
		return cmp.Compare(originPID(a), originPID(b))
	case rLife:
		return cmp.Compare(a.LifetimeMS, b.LifetimeMS)
	case rCPU:
		return cmp.Compare(reapCPU(a), reapCPU(b))
	case rStatus:
		return strings.Compare(world.Status(a.Ended), world.Status(b.Ended))
	}
	return compareCommands(a.Comm, a.Cmdline, b.Comm, b.Cmdline)
}

func originPID(e *event.Reap) int {
	if e.Origin == nil {
		return event.Unknown
	}
	return e.Origin.PID
}

// reapCPU is the CPU time a dead process used; negative: unknown.
func reapCPU(e *event.Reap) time.Duration {
	if e.Rusage == nil {
		return -1
	}
	return cpuTime(e.Rusage.UtimeMS, e.Rusage.StimeMS)
}

// current is the selected reap, nil where there is none.
func (r *reaps) current() *event.Reap {
	if r.list.sel < 0 || r.list.sel >= len(r.rows) {
		return nil
	}
	return r.rows[r.list.sel]
}

// follow notes what has been seen while the tail runs.
func (r *reaps) follow() {
	for _, e := range r.rows {
		r.seen = max(r.seen, e.Seq)
	}
	r.fresh = 0
}

// bottom goes back to the newest and stays there.
func (r *reaps) bottom() {
	r.list.tail = true
	r.list.moveTo(len(r.list.keys) - 1)
	r.follow()
}

const (
	rTime = iota
	rPID
	rOrigin
	rLife
	rCPU
	rStatus
	rCommand
)

var reapColumns = []column{
	rTime:    {name: "TIME", width: 12, keep: 4},
	rPID:     {name: "PID", width: 7, right: true, keep: 8},
	rOrigin:  {name: "ORIGIN", width: 22, keep: 2},
	rLife:    {name: "LIFE", width: 6, right: true, desc: true, keep: 3},
	rCPU:     {name: "CPU", width: 6, right: true, desc: true, keep: 1},
	rStatus:  {name: "STATUS", width: 12, keep: 9},
	rCommand: {name: "COMMAND"},
}

func (r *reaps) draw(c *canvas, s *scene) {
	at := r.layout(c.width-3, min(24, c.width/3))
	r.heading(c, 3)
	if len(r.rows) == 0 {
		r.nothing(c, s)
		return
	}
	for line := range r.list.height {
		i := r.list.at(line)
		if i < 0 {
			blank(c)
			continue
		}
		if !c.row(i == r.list.sel) {
			return
		}
		r.drawRow(c, s, r.rows[i], at)
		c.end(plain)
	}
	r.summary(c, s)
}

func (r *reaps) nothing(c *canvas, s *scene) {
	blank(c)
	switch {
	case r.filter.active():
		note(c, "no reaps with "+r.filter.text+"; Esc shows everything")
	case r.failures && len(s.reaps) > 0:
		note(c, "no failures among "+plural(len(s.reaps), "reap")+"; ! shows everything")
	default:
		note(c, noReaps(s))
	}
}

// noReaps says why there are none.
func noReaps(s *scene) string {
	if s.hello != nil && s.hello.Role == "local" {
		return "nobody tells of reaps here: this is a look at /proc, without a pid1"
	}
	return "pid1 has reaped nothing yet"
}

func (r *reaps) drawRow(c *canvas, s *scene, e *event.Reap, at []place) {
	if c.sel {
		c.put(strong, ">")
	}
	c.to(1)
	look := plain
	if e.Failed() {
		look = bad
		c.put(bad, c.t.cross)
	}
	for _, pl := range at {
		c.to(3 + pl.x)
		switch pl.col {
		case rTime:
			c.left(faint, c.t.clock(e.TS, true), pl.width)
		case rPID:
			c.right(plain, itoa(e.PID), pl.width)
		case rOrigin:
			text, st := origin(s, e)
			c.left(st, text, pl.width)
		case rLife:
			d := time.Duration(-1)
			if e.LifetimeMS >= 0 {
				d = time.Duration(e.LifetimeMS) * time.Millisecond
			}
			c.right(plain, span(d), pl.width)
		case rCPU:
			cpu := "-"
			if d := reapCPU(e); d >= 0 {
				cpu = span(d)
			}
			c.right(faint, cpu, pl.width)
		case rStatus:
			c.left(look, statusOf(e), pl.width)
		case rCommand:
			if e.Main {
				c.put(warn, "main ")
			}
			if e.ExecSession {
				c.put(accent, c.t.session+" ")
			}
			c.text(plain, command(e.Comm, e.Cmdline, r.path), c.width)
		}
	}
}

// statusOf writes how a process ended.
func statusOf(e *event.Reap) string {
	st := world.Status(e.Ended)
	if e.OOM != "" {
		st += " OOM"
	}
	return st
}

// origin writes who created a dead process, and how sure that is.
func origin(s *scene, e *event.Reap) (string, style) {
	o := e.Origin
	switch {
	case o == nil && e.Main, o == nil && e.PPID == 0:
		return "-", faint
	case o == nil:
		return "? (unseen)", faint
	}
	text := itoa(o.PID) + " " + o.Comm
	if o.How == event.HowInferred {
		text = "~" + text
	}
	if !s.here(o.ID) {
		return text + " (gone)", faint
	}
	return text, plain
}

// summary is the line under the reaps.
func (r *reaps) summary(c *canvas, s *scene) {
	if !c.row(false) {
		return
	}
	c.to(1)
	if !r.list.tail {
		if r.fresh > 0 {
			c.put(warn, itoa(r.fresh)+" new below")
		} else {
			c.put(faint, "nothing new below")
		}
		c.put(plain, ", ")
		c.put(accent, "G")
		c.put(plain, " resumes   ")
	} else {
		c.put(good, "newest")
		c.put(plain, "   ")
	}
	c.put(faint, "reaps/s ")
	c.put(plain, bars(s.perSecond, 12, c.t.ascii))
	c.put(faint, "   life p50 ")
	c.put(plain, span(r.p50))
	c.put(faint, " p99 ")
	c.put(plain, span(r.p99))
	c.put(faint, "   fail ")
	look := plain
	if r.failed > 0 {
		look = bad
	}
	c.put(look, itoa(r.failed))
	c.put(faint, " of "+itoa(len(r.rows)))
	c.end(plain)
}

// measure counts over the rows, when they are others than before.
func (r *reaps) measure() {
	// By the newest, the oldest and the number: the rows are in the order of time.
	var now [3]uint64
	if n := len(r.rows); n > 0 {
		now = [3]uint64{r.rows[0].Seq, r.rows[n-1].Seq, uint64(n)}
	}
	if now == r.measured {
		return
	}
	r.measured, r.failed, r.p50, r.p99 = now, 0, -1, -1
	all := make([]int64, 0, len(r.rows))
	for _, e := range r.rows {
		if e.Failed() {
			r.failed++
		}
		if e.LifetimeMS >= 0 {
			all = append(all, e.LifetimeMS)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(q float64) time.Duration {
		return time.Duration(all[min(int(q*float64(len(all))), len(all)-1)]) * time.Millisecond
	}
	r.p50, r.p99 = at(0.50), at(0.99)
}
