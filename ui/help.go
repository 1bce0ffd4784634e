package ui

// helpLines are the keys of the table, by part; what has no meaning here and now is
// left out.
func (m *model) helpLines() []*binding {
	var out []*binding
	for i := range bindings {
		if b := &bindings[i]; m.offers(b) {
			out = append(out, b)
		}
	}
	return out
}

// drawHelp draws the keys of the view, in two columns where there is room.
func (m *model) drawHelp(c *canvas) {
	type entry struct {
		b    *binding
		part string
	}
	var all []entry
	part := ""
	for _, b := range m.helpLines() {
		if b.part != part {
			if part != "" {
				all = append(all, entry{})
			}
			part = b.part
			all = append(all, entry{part: part})
		}
		all = append(all, entry{b: b})
	}
	room := m.frame.body
	columns := 1
	if c.width >= 96 && len(all) > room {
		columns = 2
	}
	per := (len(all) + columns - 1) / columns
	m.helpOff = min(max(m.helpOff, 0), max(per-room, 0))
	for y := m.helpOff; y < min(per, m.helpOff+room); y++ {
		if !c.row(false) {
			return
		}
		for col := range columns {
			i := col*per + y
			if i >= len(all) {
				break
			}
			c.to(1 + col*(c.width/columns))
			end := c.width
			if col+1 < columns {
				end = (col + 1) * (c.width / columns)
			}
			switch e := all[i]; {
			case e.b != nil:
				c.put(plain, " ")
				c.left(accent, m.keyText(e.b.show), 8)
				c.text(plain, e.b.help, end-c.x)
			case e.part != "":
				c.put(title, e.part)
				if e.part == partShow {
					c.put(faint, " in "+viewNames[m.view])
				}
			}
		}
		c.end(plain)
	}
}

// keyText is the name of a key; arrows are words in ASCII.
func (m *model) keyText(s string) string {
	if !m.theme.ascii {
		return s
	}
	out := ""
	for _, r := range s {
		switch r {
		case '↑':
			out += "Up"
		case '↓':
			out += "Down"
		case '←':
			out += "Left"
		case '→':
			out += "Right"
		default:
			out += string(r)
		}
	}
	return out
}
