package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pid1/internal/world"
)

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
	m.unseen = 0
	if s.Reaps == 0 {
		note(c, noReaps(&m.shown))
		if len(m.shown.notes) > 0 {
			blank(c)
			p := notesPanel(&m.shown, m.theme)
			drawBand(c, []panel{p}, 1, min(c.height-c.lines, len(p.lines)+1))
		}
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
	if c.height-c.lines < 3 { // a heading alone tells nothing
		m.unseen = len(all)
		return
	}
	columns := min(max((c.width-1)/28, 1), 3)
	// Each band takes what it needs, and leaves four lines for each that follows.
	bands := (len(all) + columns - 1) / columns
	bands = min(bands, max((c.height-c.lines)/5, 1))
	m.unseen = max(len(all)-bands*columns, 0)
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
