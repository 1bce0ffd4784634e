package ui

import (
	tea "charm.land/bubbletea/v2"
)

// press acts on a key.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key == "ctrl+c" {
		return tea.Quit
	}
	switch {
	case m.question != nil:
		return m.pressQuestion(key)
	case m.menu != nil:
		return m.pressMenu(key)
	case m.prompt.kind != noPrompt:
		if done, cmd := m.pressPrompt(key, k.Text); done {
			return cmd
		}
	}
	if m.help {
		return m.pressHelp(m.lookupHelp(key))
	}
	return m.do(m.lookup(key))
}

// do carries an action out.
func (m *model) do(a action) tea.Cmd {
	m.flash = flash{}
	var cmd tea.Cmd
	switch {
	case a == noAction:
		return nil
	case a == actQuit && m.view == detailView:
		m.closeDetail()
	case a == actQuit, a == actInterrupt:
		return tea.Quit
	case m.moves(a), m.narrows(a), m.scrub(a):
	case a >= actView1 && a <= actView4:
		m.jump(func() { m.show(view(a - actView1)) })
	case a == actNextView:
		m.jump(func() { m.show((m.tab() + 1) % tabs) })
	case a == actPrevView:
		m.jump(func() { m.show((m.tab() + tabs - 1) % tabs) })
	default:
		cmd = m.doElse(a)
	}
	if m.view == reapView && m.reaps.list.tail {
		m.reaps.follow()
	}
	m.arrange()
	return cmd
}

// doElse carries out what is neither moving nor narrowing.
func (m *model) doElse(a action) tea.Cmd {
	switch a {
	case actDetail:
		m.enter()
	case actGoto:
		m.prompt.open(askPID, "")
	case actOwner:
		m.owner()
	case actEarlier:
		m.travel(&m.back, &m.forward)
	case actLater:
		m.travel(&m.forward, &m.back)
	case actFollow:
		m.toggleFollow()
	case actNext:
		m.next(1)
	case actPrev:
		m.next(-1)
	case actFilter:
		m.prompt.open(askFilter, m.filter().text)
	case actSort:
		m.openColumns()
	case actPause:
		m.pause()
	case actSeek:
		m.prompt.open(askTime, "")
	case actSignal:
		m.openSignals()
	case actCopy:
		return m.copyOut()
	case actWrite:
		m.prompt.open(askFile, m.fileName())
	case actMouse:
		m.mouse = !m.mouse
		if !m.mouse {
			m.say(plain, "the mouse selects text now; m takes it back")
		}
	case actHelp:
		m.help, m.helpOff = true, 0
	case actBack:
		if f := m.filter(); f != nil && f.text != "" {
			f.set("")
		} else if m.view == detailView {
			m.closeDetail()
		}
	}
	return nil
}

// moves carries out what moves the selection, and reports whether a is such.
func (m *model) moves(a action) bool {
	l := m.list()
	switch a {
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
	default:
		return false
	}
	return true
}

// narrows carries out what changes how the list is looked at, and reports whether a
// is such.
func (m *model) narrows(a action) bool {
	switch a {
	case actFold:
		m.folds().fold()
	case actUnfold:
		m.folds().unfold()
	case actToggle:
		m.folds().toggle()
	case actToggleAll:
		m.folds().toggleAll()
	case actFlat:
		m.tree.flat = !m.tree.flat
	case actPath:
		if m.view == reapView {
			m.reaps.path = !m.reaps.path
		} else {
			m.tree.path = !m.tree.path
		}
	case actZombiesOnly:
		m.tree.zombiesOnly = !m.tree.zombiesOnly
	case actGhosts:
		m.tree.noGhosts = !m.tree.noGhosts
	case actFailures:
		m.reaps.failures = !m.reaps.failures
	case actInvert:
		m.lens().invert = !m.lens().invert
	case actSortLeft:
		m.lens().step(-1)
	case actSortRight:
		m.lens().step(1)
	default:
		return false
	}
	return true
}

// folding is a list with folds.
type folding interface {
	fold()
	unfold()
	toggle()
	toggleAll()
}

func (m *model) folds() folding {
	if m.view == zombieView {
		return m.zombies
	}
	return m.tree
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
	case actBottom:
		m.helpOff = len(bindings) + len(glossary) // and no further than there is any
	case actHelp, actBack, actQuit:
		m.help = false
	case actView1, actView2, actView3, actView4, actNextView, actPrevView:
		m.help = false
		return m.do(a)
	}
	m.arrange()
	return nil
}

// pressPrompt acts on a key while something is typed, and reports whether it was
// for that: what moves the selection up and down still does.
func (m *model) pressPrompt(key, text string) (done bool, cmd tea.Cmd) {
	p := &m.prompt
	switch key {
	case "enter":
		cmd = m.answer()
	case "esc":
		if p.kind == askFilter {
			m.filter().set("")
		}
		*p = prompt{}
	case "backspace", "ctrl+h":
		if p.text == "" {
			*p = prompt{}
			break
		}
		p.edit(key)
	case "up", "down", "pgup", "pgdown", "ctrl+f", "ctrl+b", "ctrl+d":
		return false, nil
	default:
		if !p.edit(key) {
			if text == "" {
				return false, nil
			}
			p.insert(text)
		}
	}
	m.typed()
	return true, cmd
}

// typed takes note of a changed text.
func (m *model) typed() {
	if m.prompt.kind == askFilter {
		m.filter().set(m.prompt.text)
	}
	m.arrange()
}

// answer does what the typed line is for.
func (m *model) answer() tea.Cmd {
	p := m.prompt
	m.prompt = prompt{}
	switch p.kind {
	case askPID:
		m.gotoPID(p.text)
	case askTime:
		m.seek(p.text)
	case askFile:
		if p.text != "" {
			return m.write(p.text)
		}
	}
	return nil
}

// show goes to a view.
func (m *model) show(v view) {
	m.view, m.prompt = v, prompt{}
	if !m.paused {
		m.take(false)
	}
	m.frame = frame{}
}

// pause holds the screen still, or lets it go on.
func (m *model) pause() {
	if m.paused {
		m.paused = false
		m.take(false)
		return
	}
	m.take(true)
	m.paused, m.pausedAt, m.held = true, m.wall, 0
}
