package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

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
	m.overviewLast(c, "Last failure", m.shown.lastFailed)
	if m.shown.lastKilled != m.shown.lastFailed {
		m.overviewLast(c, "Last killed", m.shown.lastKilled)
	}
	m.overviewLast(c, "Last orphan", m.shown.lastOrphan)
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
		if i == most {
			note(c, "and "+itoa(len(m.trouble)-i)+" more")
			break
		}
		for j, w := range wrap(clean(f.word+"  "+f.text, c.t.ascii), c.width-4) {
			if !c.row(false) {
				return
			}
			c.to(1)
			if j == 0 {
				c.put(bad, "! ")
			}
			c.to(3)
			c.put(plain, w)
			c.end(plain)
		}
		if f.advice != "" && c.row(false) {
			c.to(3)
			c.put(strong, c.t.arrow+" ")
			c.text(strong, f.advice, c.width)
			c.end(plain)
		}
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
	case s.filling:
		return "full in " + age(s.full) + " at this rate; then nothing can be started"
	case s.zrate < 0.05 || len(s.trouble) == 0:
		return ""
	case s.limit > 0:
		left := time.Duration(float64(s.limit-s.used) / s.zrate * float64(time.Minute))
		return "full in " + age(left) + " at " + signed(s.zrate) + " zombies/min; then nothing can be started"
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

// overviewLast tells of the newest reap of a kind.
func (m *model) overviewLast(c *canvas, name string, e *event.Reap) {
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
	by := "nobody seen"
	if e.Origin != nil {
		by, _ = origin(&m.shown, e)
		if up := above(e); !m.shown.here(e.Origin.ID) && up != "" {
			by += " of " + up
		}
	}
	tail := ", created by " + clean(by, c.t.ascii)
	what := clean(command(e.Comm, e.Cmdline, false), c.t.ascii)
	ago := ", " + age(max(0, m.shown.now.Sub(m.shown.seenAt(e)))) + " ago"
	if labelWidth+len(st)+2+len(itoa(e.PID))+1+cellWidth(what)+cellWidth(tail)+len(ago) <= c.width {
		tail += ago
	}
	c.put(look, st)
	c.put(plain, "  "+itoa(e.PID)+" ")
	c.text(plain, what, c.width-c.x-min(cellWidth(tail), c.width/2))
	c.text(faint, tail, c.width)
	c.end(plain)
}

// above names the parent of who created a dead process, where it is known.
func above(e *event.Reap) string {
	for i, a := range e.Lineage {
		if a.PID == e.Origin.PID && i+1 < len(e.Lineage) {
			up := e.Lineage[i+1]
			return doctor.Name(event.Proc{ID: event.ID{PID: up.PID}, Comm: up.Comm})
		}
	}
	return ""
}

// panel is a part of the Overview that stands beside others.
type panel struct {
	title string
	lines []panelLine
}

type panelLine struct {
	number string
	text   string // bytes from outside
	look   style
	bar    float64 // 0…1, drawn instead of text where label is set
	label  string
}

// overviewPanels draws as many of the tables as there is room for, the most telling
// ones first.
func (m *model) overviewPanels(c *canvas) {
	s := &m.shown.summary
	if s.Reaps == 0 {
		note(c, noReaps(&m.shown))
		return
	}
	all := []panel{
		tallyPanel("How they ended", s.Statuses, true),
		lifePanel(s),
		tallyPanel("Failures", s.Failures, true),
		tallyPanel("Created by", s.Origins, false),
		tallyPanel("Commands", s.Commands, false),
		notesPanel(&m.shown, m.theme),
	}
	columns := min(max((c.width-1)/28, 1), 3)
	// Each band takes what it needs, and leaves four lines for each that follows.
	bands := (len(all) + columns - 1) / columns
	bands = min(bands, max((c.height-c.lines)/5, 1))
	for band := range bands {
		row := all[band*columns : min((band+1)*columns, len(all))]
		lines := c.height - c.lines - 5*(bands-band-1)
		longest := 0
		for _, p := range row {
			longest = max(longest, len(p.lines))
		}
		drawBand(c, row, columns, min(lines, longest+1))
		if band+1 < bands {
			blank(c)
		}
	}
}

// drawBand draws panels side by side, in so many lines.
func drawBand(c *canvas, row []panel, columns, lines int) {
	each := (c.width - 1) / columns
	for y := range lines {
		if !c.row(false) {
			return
		}
		for i, p := range row {
			c.to(1 + i*each)
			switch {
			case y == 0:
				c.put(title, bound(p.title, each-1))
			case y-1 < len(p.lines) && y == lines-1 && len(p.lines) > y:
				c.put(faint, "       and "+itoa(len(p.lines)-y+1)+" more")
			case y-1 < len(p.lines):
				p.lines[y-1].draw(c, each)
			}
		}
		c.end(plain)
	}
}

func (l *panelLine) draw(c *canvas, width int) {
	end := c.x + width - 1
	if l.label != "" {
		c.right(plain, l.label, 6)
		c.put(plain, " ")
		c.put(l.look, gauge(l.bar, max(width-17, 3), c.t.ascii))
		c.put(plain, " "+l.number)
		return
	}
	if l.number != "" {
		c.right(plain, l.number, 6)
		c.put(plain, " ")
	}
	c.text(l.look, l.text, end-c.x)
}

// tallyPanel lists the most frequent; names tell by themselves that they are of
// failures, or the count of these is told.
func tallyPanel(name string, list []world.Tally, own bool) panel {
	p := panel{title: name}
	for i := range list {
		t := &list[i]
		l := panelLine{number: itoa(t.Count), text: t.Name}
		if t.Fails > 0 {
			l.look = bad
			if !own {
				l.text += ", " + itoa(t.Fails) + " failed"
			}
		}
		p.lines = append(p.lines, l)
	}
	if len(p.lines) == 0 {
		p.lines = []panelLine{{text: "none", look: faint}}
	}
	return p
}

// manyPIDs is how many processes of one name are counted together.
const manyPIDs = 3

// byProgram counts those who created processes by their name alone where many of
// one name came and went: "25 sh", "26 sh", "27 sh" tell nothing.
func byProgram(list []world.Tally) []world.Tally {
	bare := func(t *world.Tally) string {
		_, comm, _ := strings.Cut(t.Name, " ")
		return comm
	}
	pids := map[string]int{}
	for i := range list {
		pids[bare(&list[i])]++
	}
	var out []world.Tally
	at := map[string]int{}
	for _, t := range list {
		comm := bare(&t)
		n := pids[comm]
		if comm == "" || n < manyPIDs {
			out = append(out, t)
			continue
		}
		i, there := at[comm]
		if !there {
			at[comm] = len(out)
			t.Name = comm + " x" + itoa(n)
			out = append(out, t)
			continue
		}
		out[i].Count += t.Count
		out[i].Fails += t.Fails
	}
	slices.SortStableFunc(out, func(a, b world.Tally) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// lifePanel is the histogram of how long the dead had lived.
func lifePanel(s *world.Summary) panel {
	p := panel{title: "How long they lived"}
	if s.Known == 0 {
		p.lines = []panelLine{{text: "unknown", look: faint}}
		return p
	}
	p.title += " (p50 " + span(s.P50) + ")"
	top := 0
	for _, n := range s.Lifetimes {
		top = max(top, n)
	}
	for i, n := range s.Lifetimes {
		l := panelLine{number: itoa(n), bar: float64(n) / float64(top), look: accent}
		if i < len(world.LifetimeBounds) {
			l.label = "<" + roundSpan(world.LifetimeBounds[i])
		} else {
			l.label = "more"
		}
		p.lines = append(p.lines, l)
	}
	return p
}

// roundSpan writes a round duration: 10ms 1s 10m 1h.
func roundSpan(d time.Duration) string {
	switch {
	case d < time.Second:
		return itoa(int64(d/time.Millisecond)) + "ms"
	case d < time.Minute:
		return itoa(int64(d/time.Second)) + "s"
	case d < time.Hour:
		return itoa(int64(d/time.Minute)) + "m"
	}
	return itoa(int64(d/time.Hour)) + "h"
}
