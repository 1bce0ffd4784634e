package ui

import (
	"pid1/event"
	"pid1/internal/world"
)

// arrange shares out the screen and builds the rows of the view.
func (m *model) arrange() {
	m.stale = true
	m.trouble = append(m.connTrouble(m.trouble[:0]), m.shown.trouble...)
	troubles := len(m.trouble)
	// The Zombies view and the Detail have the advice below, the Overview has all of
	// it.
	m.advice = nil
	if troubles > 0 && m.trouble[0].advice != "" && m.view != zombieView && m.view != detailView {
		m.advice = wrap(clean(m.trouble[0].advice, m.theme.ascii), m.width-adviceIndent-2)
	}
	f := frameFor(m.width, m.height, troubles, len(m.advice), m.view == overview)
	m.shareOut(&f)
	// A verdict that comes or goes moves the body, not the selection.
	if d := f.top() - m.frame.top(); m.frame.body > 0 && f.body > 0 && d == m.frame.body-f.body {
		m.tree.list.off += d
		m.zombies.list.off += d
		m.reaps.list.off += d
	}
	m.frame = f
	if f.body > 0 {
		m.room = f.body
	}
	m.buildRows(max(m.room, 2))
}

// buildRows builds the rows of the view for so many lines. They point into the
// scene, so they are made anew with it, seen or not.
func (m *model) buildRows(lines int) {
	switch m.view {
	case treeView:
		m.tree.build(&m.shown, &m.opt, lines-1)
	case zombieView:
		panel := 0
		if len(m.shown.groups) > 0 {
			panel = min(max(lines/2, 1), 9)
		}
		m.zombies.build(&m.shown, lines-1-panel)
		m.words = m.zombies.explain(&m.shown, m.theme, m.width-2, panel-1)
		if panel > 1 {
			m.words = append([]string{""}, m.words...)
		}
	case reapView:
		m.reaps.build(&m.shown, &m.opt, lines-2)
	case detailView:
		m.detail.build(m, lines-1)
	}
}

// shareOut takes from the body what the scrubber and an open menu need.
func (m *model) shareOut(f *frame) {
	if m.position != nil && f.body >= 4 {
		f.scrubber = true
		f.body--
	}
	if m.menu != nil {
		f.menu = m.menu.lines(f.body)
		f.body -= f.menu
	}
}

// connTrouble adds what is wrong with the connection.
func (m *model) connTrouble(dst []finding) []finding {
	if m.conn == Live || m.conn == Connecting && m.connNote == "" || m.conn == Ended && m.connNote == "" {
		return dst
	}
	f := finding{word: "NO FEED", text: m.connNote}
	if f.text == "" {
		f.text = "the connection broke"
	}
	switch {
	case m.shown.over != nil:
		f.word = "PID1 GONE"
		f.text = "it ended at " + m.theme.clock(m.shown.over.TS, false) + " with status " + itoa(m.shown.over.Status)
	case m.shown.main != nil:
		f.word = "PID1 GONE"
		f.text = "COMMAND ended at " + m.theme.clock(m.shown.main.TS, false) + ": " + world.Status(m.shown.main.Ended)
	}
	if m.shown.hello != nil {
		f.text += "; what you see is from " + m.theme.clock(m.connSince, false)
	}
	return append(dst, f)
}

// lens is how the view's list is looked at, nil where there is none.
func (m *model) lens() *lens {
	switch m.view {
	case treeView:
		return &m.tree.lens
	case zombieView:
		return &m.zombies.lens
	case reapView:
		return &m.reaps.lens
	}
	return nil
}

// filter is that of the view, nil where it has none.
func (m *model) filter() *filter {
	if l := m.lens(); l != nil {
		return &l.filter
	}
	return nil
}

// focus is the part of a list that moving needs.
type focus interface {
	move(n int)
	moveTo(i int)
	page(n int)
	screen() int
	size() int
	line(i int) int
	selection() int
	// expand makes all of the list fit, until restore is called.
	expand() (restore func())
}

func (l *list[K]) screen() int    { return l.height }
func (l *list[K]) size() int      { return len(l.keys) }
func (l *list[K]) line(y int) int { return l.at(y) }
func (l *list[K]) selection() int { return l.sel }

func (l *list[K]) expand() (restore func()) {
	off, height, sel := l.off, l.height, l.sel
	l.off, l.height, l.sel = 0, len(l.keys), -1
	return func() { l.off, l.height, l.sel = off, height, sel }
}

// list is the list of the view, nil where it has none.
func (m *model) list() focus {
	switch m.view {
	case treeView:
		return &m.tree.list
	case zombieView:
		return &m.zombies.list
	case reapView:
		return &m.reaps.list
	case detailView:
		return &m.detail
	}
	return nil
}

// selectedID is the process the selection is on, if it is on one.
func (m *model) selectedID() (event.ID, bool) {
	switch m.view {
	case treeView:
		k, ok := m.tree.list.selected()
		return k.id, ok && k.fold == noneFolded
	case zombieView:
		k, ok := m.zombies.list.selected()
		if r := m.zombies.current(); r != nil && r.mark == noFold && r.count == 1 {
			return r.id, ok
		}
		return k.parent, ok
	case reapView:
		if e := m.reaps.current(); e != nil {
			return e.ID, true
		}
	case detailView:
		return m.detail.of.id, true
	}
	return event.ID{}, false
}
