package ui

import "pid1/internal/world"

// drawOverview draws what is going on, in figures.
func (m *model) drawOverview(c *canvas) {
	s := &m.shown
	m.overviewTrouble(c)
	blank(c)
	if c.row(false) {
		c.to(1)
		c.put(title, "PIDs")
		c.put(plain, "  "+m.pidsText())
		c.end(plain)
	}
	if c.row(false) {
		c.to(1)
		c.put(title, "Reaps")
		c.put(plain, " "+itoa(s.totals.Reaps)+", "+rate(s.reapRate)+"/s ")
		c.put(faint, bars(s.perSecond, min(30, c.width/3), c.t.ascii))
		c.put(plain, "  "+itoa(s.totals.Failed)+" failed, "+itoa(s.totals.Adopted)+" orphans")
		c.end(plain)
	}
	if s.summary.Known > 0 && c.row(false) {
		c.to(1)
		c.put(title, "Lived")
		c.put(plain, " half less than "+span(s.summary.P50)+", 99% less than "+span(s.summary.P99))
		c.end(plain)
	}
	blank(c)
	m.tallies(c)
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
	for i := range m.trouble {
		f := &m.trouble[i]
		if i == 4 {
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

func (m *model) pidsText() string {
	s := &m.shown
	out := itoa(s.alive) + " processes, " + plural(s.dead, "zombie")
	if s.used < 0 {
		return out
	}
	out += "; the container uses " + itoa(s.used)
	if s.limit > 0 {
		out += " of " + itoa(s.limit) + " (" + percent(float64(s.used)/float64(s.limit)) + ")"
	} else {
		out += ", no limit known"
	}
	if s.filling {
		out += ", full in " + age(s.full) + " at this rate"
	}
	return out
}

// tallies draws the most frequent ends, commands and origins side by side.
func (m *model) tallies(c *canvas) {
	s := &m.shown.summary
	cols := []struct {
		name string
		list []world.Tally
	}{{"How they ended", s.Statuses}, {"Commands", s.Commands}, {"Created by", s.Origins}}
	if c.width < 72 {
		cols = cols[:2]
	}
	each := (c.width - 1) / len(cols)
	longest := 0
	for _, col := range cols {
		longest = max(longest, len(col.list))
	}
	if longest == 0 {
		note(c, "pid1 has reaped nothing yet")
		return
	}
	for y := -1; y < min(longest, 8); y++ {
		if !c.row(false) {
			return
		}
		for i, col := range cols {
			c.to(1 + i*each)
			switch {
			case y < 0:
				c.put(title, col.name)
			case y < len(col.list):
				t := &col.list[y]
				c.right(plain, itoa(t.Count), 6)
				c.put(plain, " ")
				look := plain
				if t.Fails > 0 {
					look = bad
				}
				failed := ""
				if t.Fails > 0 && i > 0 {
					failed = " (" + itoa(t.Fails) + " failed)"
				}
				c.text(look, t.Name+failed, each-9)
			}
		}
		c.end(plain)
	}
}
