package ui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// press acts on a key.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if m.editing && m.edit(key, k.Text) {
		return nil
	}
	a := lookup(m.view, key)
	if m.help {
		return m.pressHelp(a)
	}
	return m.do(a)
}

// do carries an action out.
func (m *model) do(a action) tea.Cmd {
	l := m.list()
	switch a {
	case noAction:
		return nil
	case actQuit, actInterrupt:
		return tea.Quit
	case actUp:
		l.move(-1)
	case actDown:
		l.move(1)
	case actTop:
		l.moveTo(0)
	case actBottom:
		if m.view == reapView {
			m.reaps.bottom()
		} else {
			l.moveTo(l.size() - 1)
		}
	case actPageUp:
		l.page(-max(l.screen()-1, 1))
	case actPageDown:
		l.page(max(l.screen()-1, 1))
	case actHalfUp:
		l.page(-max(l.screen()/2, 1))
	case actHalfDown:
		l.page(max(l.screen()/2, 1))
	case actView1, actView2, actView3, actView4:
		m.show(view(a - actView1))
	case actNextView:
		m.show((m.view + 1) % views)
	case actPrevView:
		m.show((m.view + views - 1) % views)
	case actFold, actUnfold, actToggle:
		m.foldAct(a)
	case actZombiesOnly:
		m.tree.zombiesOnly = !m.tree.zombiesOnly
	case actGhosts:
		m.tree.noGhosts = !m.tree.noGhosts
	case actFailures:
		m.reaps.failures = !m.reaps.failures
	case actFilter:
		m.editing = true
	case actPause:
		m.pause()
	case actMouse:
		m.mouse = !m.mouse
	case actHelp:
		m.help, m.helpOff = true, 0
	case actBack:
		if f := m.filter(); f != nil {
			f.set("")
		}
	}
	if m.view == reapView && m.reaps.list.tail {
		m.reaps.follow()
	}
	m.arrange()
	return nil
}

// pressHelp acts on a key while the help is open: it scrolls, and goes away.
func (m *model) pressHelp(a action) tea.Cmd {
	switch a {
	case actInterrupt:
		return tea.Quit
	case actUp:
		m.helpOff--
	case actDown:
		m.helpOff++
	case actPageUp, actHalfUp:
		m.helpOff -= max(m.frame.body/2, 1)
	case actPageDown, actHalfDown:
		m.helpOff += max(m.frame.body/2, 1)
	case actTop:
		m.helpOff = 0
	case actHelp, actBack, actQuit:
		m.help = false
	case actView1, actView2, actView3, actView4, actNextView, actPrevView:
		m.help = false
		return m.do(a)
	}
	m.arrange()
	return nil
}

// show goes to a view.
func (m *model) show(v view) {
	m.view, m.editing = v, false
	if !m.paused {
		m.shown.take(m.world, m.now, v, false)
	}
	m.frame = frame{}
}

func (m *model) foldAct(a action) {
	type folds interface {
		fold()
		unfold()
		toggle()
	}
	var f folds = m.tree
	if m.view == zombieView {
		f = m.zombies
	}
	switch a {
	case actFold:
		f.fold()
	case actUnfold:
		f.unfold()
	default:
		f.toggle()
	}
}

// pause holds the screen still, or lets it go on.
func (m *model) pause() {
	if m.paused {
		m.paused = false
		m.shown.take(m.world, m.now, m.view, false)
		return
	}
	m.shown.take(m.world, m.now, m.view, true)
	m.paused, m.pausedAt, m.held = true, m.now, 0
}

// edit acts on a key while a filter is typed, and reports whether it was for the
// filter: what moves the selection still does.
func (m *model) edit(key, text string) bool {
	f := m.filter()
	switch key {
	case "enter":
		m.editing = false
		m.arrange()
	case "esc":
		m.editing = false
		m.typed("")
	case "backspace", "ctrl+h":
		if f.text == "" {
			m.editing = false
			m.arrange()
			return true
		}
		_, n := utf8.DecodeLastRuneInString(f.text)
		m.typed(f.text[:len(f.text)-n])
	case "ctrl+u":
		m.typed("")
	case "ctrl+w":
		cut := strings.TrimRight(f.text, " ")
		m.typed(cut[:strings.LastIndexByte(cut, ' ')+1])
	default:
		if text == "" {
			return false
		}
		m.typed(f.text + text)
	}
	return true
}

// maxFilter is how long a filter may be, in bytes.
const maxFilter = 200

// typed sets the filter of the view.
func (m *model) typed(text string) {
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	m.filter().set(bound(text, maxFilter))
	m.arrange()
}

// wheel scrolls.
func (m *model) wheel(at tea.Mouse) {
	n := 3
	if at.Button == tea.MouseWheelUp {
		n = -n
	} else if at.Button != tea.MouseWheelDown {
		return
	}
	if m.help {
		m.helpOff += n
	} else if l := m.list(); l != nil {
		l.page(n)
	}
	m.arrange()
}

// click selects a row or a view.
func (m *model) click(at tea.Mouse) {
	if at.Button != tea.MouseLeft || m.frame.body == 0 {
		return
	}
	top := m.frame.top()
	if at.Y == top-1 {
		for v, end := range m.tabEnds {
			if at.X < end {
				m.help = false
				m.show(view(v))
				break
			}
		}
	} else if l := m.list(); l != nil && !m.help {
		if i := l.line(at.Y - top - 1); i >= 0 {
			l.moveTo(i)
		}
	}
	m.arrange()
}
