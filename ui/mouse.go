package ui

import (
	tea "charm.land/bubbletea/v2"
)

// wheel scrolls.
func (m *model) wheel(at tea.Mouse) {
	n := 3
	if at.Button == tea.MouseWheelUp {
		n = -n
	} else if at.Button != tea.MouseWheelDown {
		return
	}
	switch l := m.list(); {
	case m.menu != nil:
		m.menu.move(n / 3)
	case m.help:
		m.helpOff += n
	case l != nil:
		l.page(n)
	}
	m.arrange()
}

// click selects a row, a view, a key of the footer, or the column to sort by.
func (m *model) click(at tea.Mouse) tea.Cmd {
	if at.Button != tea.MouseLeft || m.frame.body == 0 {
		return nil
	}
	top := m.frame.top()
	var cmd tea.Cmd
	switch y := at.Y - top; {
	case m.menu != nil:
		return m.clickMenu(at.Y)
	case y == -1:
		for v, end := range m.tabEnds {
			if at.X < end {
				m.help = false
				m.jump(func() { m.show(view(v)) })
				break
			}
		}
	case at.Y == m.height-1 && m.prompt.kind == noPrompt:
		for _, k := range m.footEnds {
			if at.X >= k.from && at.X < k.to {
				if m.help {
					return m.pressHelp(k.act)
				}
				return m.do(k.act)
			}
		}
	case m.frame.scrubber && at.Y == m.height-2:
		m.clickScrubber(at.X)
	case m.help:
	case y == 0 && m.lens() != nil:
		if col := m.lens().column(at.X, m.indent()); col >= 0 {
			m.lens().choose(col)
		}
	default:
		cmd = m.clickRow(y - 1)
	}
	m.arrange()
	return cmd
}

// clickRow selects the row on a line; the one that is selected already, it opens.
func (m *model) clickRow(y int) tea.Cmd {
	l := m.list()
	if l == nil || m.view == detailView {
		return nil
	}
	i := l.line(y)
	switch {
	case i < 0:
	case i == l.selection():
		return m.do(actDetail)
	default:
		l.moveTo(i)
	}
	return nil
}

// indent is where the columns of the view begin.
func (m *model) indent() int {
	if m.view == reapView {
		return 3
	}
	return 1
}
