package ui

import (
	"strings"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// drawOverview draws what is going on, in figures.
func (m *model) drawOverview(c *canvas) {
	m.overviewTrouble(c)
	if m.frame.body >= 14 {
		blank(c)
	}
	m.overviewPIDs(c)
	m.overviewReaps(c)
	m.overviewLast(c, "Last failure", m.shown.lastFailed, 2)
	if m.shown.lastKilled != m.shown.lastFailed {
		m.overviewLast(c, "Last killed", m.shown.lastKilled, 1)
	}
	m.overviewLast(c, "Last orphan", m.shown.lastOrphan, 0)
	if c.height-c.lines > 4 {
		blank(c)
	}
	m.overviewPanels(c)
}

func (m *model) overviewTrouble(c *canvas) {
	if len(m.trouble) == 0 {
		if c.row(false) {
			c.to(1)
			if m.conn == Live {
				c.put(good, "Nothing is wrong: every parent waits for its children.")
			} else {
				c.put(plain, "Nothing was wrong when the connection was last there.")
			}
			c.end(plain)
		}
		return
	}
	most := min(max(m.frame.body/6, 1), 4)
	for i := range m.trouble {
		f := &m.trouble[i]
		why := ""
		if f.subject.PID != 0 {
			why = "3 why"
		}
		if i == most {
			note(c, "and "+itoa(len(m.trouble)-i)+" more")
			break
		}
		for j, w := range wrap(clean(f.word+"  "+f.text, c.t.ascii), c.width-5-len(why)) {
			if !c.row(false) {
				return
			}
			c.to(1)
			if j == 0 {
				c.put(bad, "! ")
			}
			c.to(3)
			c.put(plain, w)
			if j == 0 && why != "" {
				c.to(c.width - len(why) - 1)
				c.put(accent, why)
			}
			c.end(plain)
		}
		m.overviewAdvice(c, f.advice)
	}
}

// overviewAdvice says what to do: on as many lines as it takes where there is room
// for them and the figures, else on one.
func (m *model) overviewAdvice(c *canvas, advice string) {
	if advice == "" {
		return
	}
	lines := wrap(clean(advice, c.t.ascii), c.width-adviceIndent-2)
	if most := max(c.height/8, 1); len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " " + c.t.ellipsis
	}
	for i, w := range lines {
		if !c.row(false) {
			return
		}
		if i == 0 {
			c.to(3)
			c.put(strong, c.t.arrow+" ")
		}
		c.to(adviceIndent)
		c.text(strong, w, c.width-c.x)
		c.end(plain)
	}
}

// labelWidth is where the Overview's figures begin.
const labelWidth = 14

// label begins a line of the Overview and reports whether there is room for it.
func label(c *canvas, name string) bool {
	if !c.row(false) {
		return false
	}
	c.to(1)
	c.put(title, name)
	c.to(labelWidth)
	return true
}

// overviewPIDs tells the PIDs in use, and what happens if nothing is done.
func (m *model) overviewPIDs(c *canvas) {
	s := &m.shown
	if !label(c, "PIDs") {
		return
	}
	switch {
	case s.used < 0 && s.ceiling > 0:
		c.text(plain, "not known, of "+itoa(s.ceiling)+" (the machine's "+s.ceilingName+")", c.width)
	case s.used < 0:
		c.put(plain, "no figures from the container's limits")
	case s.limit > 0:
		share := float64(s.used) / float64(s.limit)
		look := good
		switch {
		case share >= 0.95:
			look = bad
		case share >= 0.8:
			look = warn
		}
		c.put(look, gauge(share, min(20, c.width/5), c.t.ascii))
		c.put(plain, " "+itoa(s.used)+" of "+itoa(s.limit)+" ("+percent(share)+")")
	case s.ceiling > 0:
		c.text(plain, itoa(s.used)+" of "+itoa(s.ceiling)+" (the machine's "+s.ceilingName+")", c.width)
	default:
		c.put(plain, itoa(s.used)+" in use, no limit known")
	}
	c.text(faint, "   "+itoa(s.alive)+" alive, "+plural(s.dead, "zombie"), c.width)
	c.end(plain)
	if text := fate(s); text != "" && label(c, "") {
		c.text(warn, text, c.width)
		c.end(plain)
	}
}

// fate says what happens if nothing is done; empty where nothing does.
func fate(s *scene) string {
	switch {
	case s.filling && s.limit > 0:
		return "full in " + age(s.full) + " at this rate; then nothing can be started"
	case s.filling:
		return "used up in " + age(s.full) + " at this rate, sooner if others on the machine take them; then nothing can be started"
	case s.zrate < 0.05 || len(s.trouble) == 0:
		return ""
	}
	return itoa(int(s.zrate*60)) + " zombies more in an hour; each holds a PID, and PIDs run out"
}

func (m *model) overviewReaps(c *canvas) {
	s := &m.shown
	if !label(c, "Reaps") {
		return
	}
	c.put(plain, itoa(s.totals.Reaps)+", "+rate(s.reapRate)+"/s ")
	c.put(faint, bars(s.perSecond, min(30, c.width/4), c.t.ascii))
	c.put(plain, "  "+itoa(s.totals.Failed)+" failed, "+itoa(s.totals.Adopted)+" orphans")
	if t := m.lostText(); t != "" {
		c.put(warn, ", "+t)
	}
	c.end(plain)
}

// overviewLast tells of the newest reap of a kind: in two lines where one is too
// narrow and so many lines are left for what follows.
func (m *model) overviewLast(c *canvas, name string, e *event.Reap, follow int) {
	if e == nil || !label(c, name) {
		return
	}
	look := plain
	if e.Failed() {
		look = bad
	}
	st := world.Status(e.Ended)
	if e.OOM != "" {
		st += ", out of memory"
	}
	tail := ", nobody saw who created it"
	if e.Origin != nil {
		by, _ := origin(&m.shown, e)
		if up := m.shown.above(e); up != "" && (e.Adopted || !m.shown.here(e.Origin.ID)) {
			by += " of " + up
		}
		tail = ", created by " + clean(by, c.t.ascii)
	}
	what := clean(command(e.Comm, e.Cmdline, false), c.t.ascii)
	ago := ", " + age(max(0, m.shown.now.Sub(m.shown.seenAt(e)))) + " ago"
	if labelWidth+len(st)+2+len(itoa(e.PID))+1+cellWidth(what)+cellWidth(tail)+len(ago) <= c.width {
		tail += ago
	}
	c.put(look, st)
	c.put(plain, "  "+itoa(e.PID)+" ")
	if c.x+cellWidth(what)+cellWidth(tail) > c.width && c.width < 90 && c.height-c.lines > follow {
		c.text(plain, what, c.width)
		c.end(plain)
		label(c, "")
		c.text(faint, strings.TrimPrefix(tail, ", "), c.width)
		c.end(plain)
		return
	}
	c.text(plain, what, c.width-c.x-min(cellWidth(tail), c.width/2))
	c.text(faint, tail, c.width)
	c.end(plain)
}

// above names the parent of who created a dead process, where it is known: who
// created it is often gone, and its parent the one to look at.
func (s *scene) above(e *event.Reap) string {
	for i, a := range e.Lineage {
		if a.PID == e.Origin.PID && i+1 < len(e.Lineage) {
			up := e.Lineage[i+1]
			if s.hello != nil && up.PID == s.hello.PID {
				return "" // pid1 itself is nobody to look at
			}
			return doctor.Name(event.Proc{ID: event.ID{PID: up.PID}, Comm: up.Comm})
		}
	}
	if i := s.find(e.Origin.ID); i >= 0 && s.procs[i].parent >= 0 {
		up := &s.procs[s.procs[i].parent]
		return doctor.Name(event.Proc{ID: up.id, Comm: up.comm})
	}
	return ""
}
