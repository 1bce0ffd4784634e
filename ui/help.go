package ui

import "slices"

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

// meaning is what a word on the screen means that does not say it by itself.
type meaning struct {
	show string
	in   where
	help string
}

var glossary = []meaning{
	{"Z 11", everywhere, "zombies: dead, and their parent did not"},
	{"", everywhere, "wait for them; +20/m: more each minute"},
	{"reaps", everywhere, "the dead that pid1 waited for"},
	{"fail", everywhere, "of them, not exit 0: a status, a signal"},
	{"S", inTree, "R runs  S sleeps  D stuck  T stopped"},
	{"", inTree, "Z zombie  X gone, for 3 seconds  ? unseen"},
	{"KIDS", inTree, "children, those among Z too"},
	{"Z", inTree, "children it should wait for"},
	{"REAPED", inTree, "children it did wait for, as far as seen"},
	{"OLDEST", inZombies, "for how long the first of them is dead"},
	{"SIGCHLD", inZombies, "what the parent does on a child's death:"},
	{"", inZombies, "a handler may be there and never wait"},
	{"leaking", inZombies, "not waited for, more and more"},
	{"held", inZombies, "not waited for, no more than before"},
	{"ORIGIN", inReaps, "who created it; (gone): died before it"},
	{"~812", inReaps | inOverview, "it seems so: inferred, nobody saw it"},
	{"LIFE", inReaps, "from its start to its death"},
	{"p50 p99", inReaps, "half of them, 99 of 100 lived no longer"},
	{"orphans", inOverview, "their parent died first: pid1 reaps them"},
	{"Created", inOverview, "who started what pid1 reaped"},
	{"x11", inOverview, "so many processes of that name"},
	{"(exact)", inDetail, "seen by the kernel's word, not by a look"},
	{"(seen)", inDetail, "seen in /proc while it lived"},
}

const partWords = "Words"

// helpEntry is a line of the help: a key, a word, the heading of a part, or nothing.
type helpEntry struct {
	b    *binding
	w    *meaning
	part string
}

// layHelp lists the lines of the help, and says in how many columns they stand and how
// many lines each has. It scrolls no further than there is something to see.
func (m *model) layHelp() (all []helpEntry, columns, per int) {
	part := ""
	for _, b := range m.helpLines() {
		if b.part != part {
			if part != "" {
				all = append(all, helpEntry{})
			}
			part = b.part
			all = append(all, helpEntry{part: part})
		}
		all = append(all, helpEntry{b: b})
	}
	all = append(all, helpEntry{}, helpEntry{part: partWords})
	for i := range glossary {
		if w := &glossary[i]; w.in.has(m.view) {
			all = append(all, helpEntry{w: w})
		}
	}
	columns = 1
	if m.width >= 96 && len(all) > m.frame.body {
		columns = 2
	}
	per = (len(all) + columns - 1) / columns
	m.helpOff = min(max(m.helpOff, 0), max(per-m.frame.body, 0))
	return all, columns, per
}

// drawHelp draws the keys and the words of the view, in two columns where there is
// room.
func (m *model) drawHelp(c *canvas) {
	all, columns, per := m.layHelp()
	for y := m.helpOff; y < min(per, m.helpOff+m.frame.body); y++ {
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
			case e.w != nil:
				c.put(plain, " ")
				c.left(accent, e.w.show, 8)
				c.text(plain, e.w.help, end-c.x)
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

// lookupHelp finds what a key does while the help is open: it scrolls in every view,
// also in those that do not.
func (m *model) lookupHelp(key string) action {
	for i := range bindings {
		if b := &bindings[i]; b.part == partMove && slices.Contains(b.keys, key) {
			return b.act
		}
	}
	return m.lookup(key)
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
