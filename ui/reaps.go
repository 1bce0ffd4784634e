package ui

import (
	"slices"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// reaps is the Reaps view: every death pid1 saw to, the newest at the bottom.
type reaps struct {
	list     list[uint64] // by seq
	rows     []*event.Reap
	failures bool
	filter   filter
	seen     uint64 // newest seq when the tail was left
	fresh    int    // rows that came since

	failed   int           // of the rows
	p50, p99 time.Duration // lifetimes of the rows; negative: unknown
	measured [2]uint64     // what failed, p50 and p99 were counted over
}

func newReaps() *reaps {
	r := &reaps{p50: -1, p99: -1}
	r.list.tail = true
	return r
}

func (r *reaps) build(s *scene, height int) {
	tailed := r.list.tail
	r.rows = r.rows[:0]
	keys := r.list.buffer()
	r.fresh = 0
	for _, e := range s.reaps {
		if r.failures && !e.Failed() || r.filter.active() && !r.filter.matchReap(e) {
			continue
		}
		r.rows = append(r.rows, e)
		keys = append(keys, e.Seq)
		if e.Seq > r.seen {
			r.fresh++
		}
	}
	r.list.sync(keys, height, nil)
	r.measure()
	if tailed {
		r.follow()
	}
}

// follow notes what has been seen while the tail runs.
func (r *reaps) follow() {
	if n := len(r.rows); n > 0 {
		r.seen = max(r.seen, r.rows[n-1].Seq)
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
	rLife:    {name: "LIFE", width: 6, right: true, keep: 3},
	rCPU:     {name: "CPU", width: 6, right: true, keep: 1},
	rStatus:  {name: "STATUS", width: 12, keep: 9},
	rCommand: {name: "COMMAND"},
}

func (r *reaps) draw(c *canvas, s *scene) {
	at := layout(reapColumns, c.width-3, min(24, c.width/3))
	heading(c, reapColumns, at, 3)
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
	case s.hello != nil && s.hello.Role == "local":
		note(c, "nobody tells of reaps here: this is a look at /proc, without a pid1")
	default:
		note(c, "pid1 has reaped nothing yet")
	}
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
			if u := e.Rusage; u != nil {
				cpu = span(time.Duration((u.UtimeMS + u.StimeMS) * float64(time.Millisecond)))
			}
			c.right(faint, cpu, pl.width)
		case rStatus:
			st := world.Status(e.Ended)
			if e.OOM != "" {
				st += " OOM"
			}
			c.left(look, st, pl.width)
		case rCommand:
			if e.Main {
				c.put(warn, "main ")
			}
			if e.ExecSession {
				c.put(accent, c.t.session+" ")
			}
			c.text(plain, command(e.Comm, e.Cmdline), c.width)
		}
	}
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
	var now [2]uint64
	if n := len(r.rows); n > 0 {
		now = [2]uint64{r.rows[n-1].Seq, uint64(n)}
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
