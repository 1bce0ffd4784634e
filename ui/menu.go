package ui

import (
	tea "charm.land/bubbletea/v2"
)

// menu is a short list to choose from, under the body.
type menu struct {
	title string
	hint  string
	items []menuItem
	sel   int
	off   int
	// choose acts on Enter; the menu is closed by then.
	choose func(i int) tea.Cmd
	// mark acts on Space; nil: there is nothing to mark.
	mark func(i int)
	// redo makes the items anew after something was marked.
	redo func() []menuItem
}

type menuItem struct {
	text, note string
	on         bool // marked
}

func (n *menu) move(by int) { n.sel = min(max(n.sel+by, 0), len(n.items)-1) }

// pressMenu acts on a key while a menu is open.
func (m *model) pressMenu(key string) tea.Cmd {
	n := m.menu
	switch key {
	case "up", "k", "shift+tab":
		n.move(-1)
	case "down", "j", "tab":
		n.move(1)
	case "home", "g", "pgup":
		n.move(-len(n.items))
	case "end", "G", "pgdown":
		n.move(len(n.items))
	case "space":
		if n.mark != nil {
			n.mark(n.sel)
			n.items = n.redo()
		}
	case "enter":
		return m.chooseMenu()
	case "esc", "q":
		m.menu = nil
	}
	m.arrange()
	return nil
}

func (m *model) chooseMenu() tea.Cmd {
	n := m.menu
	m.menu = nil
	cmd := n.choose(n.sel)
	m.arrange()
	return cmd
}

// clickMenu chooses the item on a line of the screen; beside the menu, nothing.
func (m *model) clickMenu(y int) tea.Cmd {
	i := y - (m.frame.top() + m.frame.body) - 1 + m.menu.off
	if i < 0 || i >= len(m.menu.items) || y >= m.height-1 {
		m.menu = nil
		m.arrange()
		return nil
	}
	m.menu.sel = i
	return m.chooseMenu()
}

// lines is how many lines the menu takes where there are so many.
func (n *menu) lines(body int) int {
	if body < 6 {
		return body
	}
	return min(len(n.items)+1, body-3)
}

// draw draws the menu in so many lines.
func (n *menu) draw(c *canvas, lines int) {
	if !c.row(false) {
		return
	}
	c.text(alarm, " "+n.title, c.width)
	if at := c.width - cellWidth(n.hint) - 1; at > c.x+1 {
		c.use(alarm)
		c.spaces(at - c.x)
		c.put(alarm, n.hint)
	}
	c.end(alarm)
	room := lines - 1
	n.off = max(min(n.off, n.sel), n.sel-room+1, 0)
	for y := range room {
		i := n.off + y
		if !c.row(i == n.sel) {
			return
		}
		if i >= len(n.items) {
			c.end(plain)
			continue
		}
		it := &n.items[i]
		mark := "  "
		if i == n.sel {
			mark = "> "
		}
		c.put(strong, mark)
		if n.mark != nil {
			box := "[ ] "
			if it.on {
				box = "[x] "
			}
			c.put(accent, box)
		}
		c.left(strong, it.text, 14)
		c.put(plain, " ")
		c.text(faint, it.note, c.width)
		c.end(plain)
	}
}

// openColumns opens the menu of the columns: which are shown, and which one the
// list is sorted by.
func (m *model) openColumns() {
	l := m.lens()
	items := func() []menuItem {
		first := menuItem{text: naturalName[m.view], note: "the order they come in", on: true}
		out := []menuItem{first}
		for i := range l.cols {
			it := menuItem{text: l.cols[i].name, on: !l.hidden[i]}
			if i == l.sortBy {
				it.note = "sorted by this"
			}
			out = append(out, it)
		}
		return out
	}
	m.menu = &menu{
		title: "Sort " + viewNames[m.view] + " by", hint: "Enter sorts  Space shows or hides  Esc",
		items: items(), redo: items, sel: l.sortBy + 1,
		choose: func(i int) tea.Cmd {
			if i == 0 {
				l.sortBy, l.invert = natural, false
			} else {
				l.choose(i - 1)
			}
			return nil
		},
		mark: func(i int) {
			// The one that takes the rest of the line is what the others are about.
			if i > 0 && l.cols[i-1].width > 0 {
				l.hidden[i-1] = !l.hidden[i-1]
			}
		},
	}
}

// naturalName is what the natural order of a list is called.
var naturalName = [views]string{treeView: "start", zombieView: "worst first", reapView: "time"}
