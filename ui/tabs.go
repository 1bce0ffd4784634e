package ui

import "strings"

// drawTabs draws the views to choose from and how the list is narrowed.
func (m *model) drawTabs(c *canvas) {
	if !m.frame.tabs || !c.row(false) {
		return
	}
	c.put(plain, " ")
	m.tabEnds = m.tabEnds[:0]
	for v, text := range m.tabNames() {
		if view(v) == m.tab() {
			c.put(barOn, "["+text+"]")
		} else {
			c.put(plain, " "+text+" ")
		}
		m.tabEnds = append(m.tabEnds, c.x)
	}
	right := m.narrowing()
	if n := cellWidth(right); n > 0 {
		if room := c.width - c.x - 2; room < n {
			right = m.count()
			n = cellWidth(right)
		}
		if n < c.width-c.x {
			c.to(c.width - n - 1)
			c.put(faint, right)
		}
	}
	c.end(plain)
}

// tabNames are the views' names, as long as they fit: all of them, then without
// the Overview's, then the chosen one's alone.
func (m *model) tabNames() [tabs]string {
	var names [tabs]string
	for keep := range 3 {
		used := 1
		for v := range tabs {
			names[v] = itoa(int(v) + 1)
			if keep == 0 || v == m.tab() || keep == 1 && v != overview {
				names[v] += " " + viewNames[v]
			}
			if v == zombieView && m.shown.dead > 0 {
				names[v] += "(" + itoa(m.shown.dead) + ")"
			}
			used += len(names[v]) + 2
		}
		// In the first round room is left for what the right end says.
		if used <= m.width-24 || keep > 0 && used <= m.width {
			break
		}
	}
	return names
}

// narrowing says what of all there is the view shows.
func (m *model) narrowing() string {
	if m.help {
		return m.count()
	}
	var parts []string
	if l := m.lens(); l != nil {
		if o := l.order(m.theme); o != "" {
			parts = append(parts, o)
		}
		if l.filter.active() {
			parts = append(parts, "filter "+cut(clean(l.filter.text, m.theme.ascii), 24, m.theme))
		}
	}
	if m.follow.PID != 0 {
		parts = append(parts, "follow "+itoa(m.follow.PID))
	}
	switch m.view {
	case treeView:
		if m.tree.zombiesOnly {
			parts = append(parts, "zombies only")
		}
		if m.tree.flat {
			parts = append(parts, "flat")
		}
		if m.tree.noGhosts {
			parts = append(parts, "no ghosts")
		}
	case reapView:
		if m.reaps.failures {
			parts = append(parts, "failures only")
		}
	}
	return strings.Join(append(parts, m.count()), "   ")
}

// count says how many lines of the whole are shown, and where the screen is in
// them.
func (m *model) count() string {
	if m.help {
		_, _, per := m.layHelp()
		return "Help" + more(m.helpOff, max(0, per-m.helpOff-m.frame.body), m.theme)
	}
	switch m.view {
	case treeView:
		s := &m.shown
		n := plural(s.alive+s.dead, "proc")
		if m.tree.narrowed() {
			n = itoa(m.tree.shown) + " of " + itoa(len(s.procs)) + " match"
		}
		return n + more(m.tree.list.above(), m.tree.list.below(), m.theme)
	case zombieView:
		return plural(len(m.shown.groups), "parent") + more(m.zombies.list.above(), m.zombies.list.below(), m.theme)
	case reapView:
		n := itoa(len(m.reaps.rows)) + " kept"
		if all := len(m.shown.reaps); all != len(m.reaps.rows) {
			n = itoa(len(m.reaps.rows)) + " of " + itoa(all)
		}
		return n + more(m.reaps.list.above(), m.reaps.list.below(), m.theme)
	}
	if m.view == detailView {
		return "Detail of " + itoa(m.detail.of.id.PID) + more(m.detail.off, max(0, len(m.detail.lines)-m.detail.off-m.detail.height), m.theme)
	}
	return ""
}

// cut shortens clean text to so many cells.
func cut(text string, cells int, t *theme) string {
	if cellWidth(text) <= cells {
		return text
	}
	out := ""
	for _, r := range text {
		if cellWidth(out+string(r)) >= cells {
			break
		}
		out += string(r)
	}
	return out + t.ellipsis
}

// more says how much is beyond the screen's edges.
func more(above, below int, t *theme) string {
	up, down := "↑", "↓"
	if t.ascii {
		up, down = "^", "v"
	}
	out := ""
	if above > 0 {
		out += "  " + up + itoa(above) + " above"
	}
	if below > 0 {
		out += "  " + down + itoa(below) + " below"
	}
	return out
}
