package ui

import (
	"strconv"
	"strings"

	"pid1/event"
	"pid1/internal/world"
)

// spot is a place the user was at: a view and what was selected in it.
type spot struct {
	view   view
	tree   treeKey
	zombie zombieKey
	reap   uint64
	detail target
}

// spotsKept is how many steps back are remembered.
const spotsKept = 50

func (m *model) spot() spot {
	s := spot{view: m.view}
	switch m.view {
	case treeView:
		s.tree, _ = m.tree.list.selected()
	case zombieView:
		s.zombie, _ = m.zombies.list.selected()
	case reapView:
		s.reap, _ = m.reaps.list.selected()
	case detailView:
		s.detail = m.detail.of
	}
	return s
}

// jump does what leads somewhere else and remembers where it was.
func (m *model) jump(do func()) {
	was := m.spot()
	do()
	if m.spot() != was {
		m.back = append(m.back, was)
		m.back = m.back[max(0, len(m.back)-spotsKept):]
		m.forward = m.forward[:0]
	}
}

// travel goes to the last spot of from and leaves the present one in to.
func (m *model) travel(from, to *[]spot) {
	n := len(*from)
	if n == 0 {
		m.say(faint, "there is nothing further")
		return
	}
	s := (*from)[n-1]
	*from = (*from)[:n-1]
	*to = append(*to, m.spot())
	if s.view == detailView {
		m.detail.open(s.detail)
	}
	m.show(s.view)
	m.arrange()
	switch s.view {
	case treeView:
		if s.tree.fold != noneFolded || !m.reveal(s.tree.id) {
			m.tree.list.choose(s.tree)
		}
	case zombieView:
		m.zombies.list.choose(s.zombie)
	case reapView:
		m.reaps.list.choose(s.reap)
	}
}

// tab is the view whose tab is lit: in the Detail, the one it was opened in.
func (m *model) tab() view {
	if m.view == detailView {
		return m.under
	}
	return m.view
}

// openDetail shows everything about one process.
func (m *model) openDetail(t target) {
	m.jump(func() {
		if m.view != detailView {
			m.under = m.view
		}
		m.detail.open(t)
		m.show(detailView)
	})
}

func (m *model) closeDetail() { m.jump(func() { m.show(m.under) }) }

// enter opens what is selected.
func (m *model) enter() {
	switch m.view {
	case treeView:
		if k, ok := m.tree.list.selected(); ok && k.fold != noneFolded {
			m.tree.toggle()
			return
		}
	case reapView:
		if e := m.reaps.current(); e != nil {
			m.openDetail(target{id: e.ID, reap: e.Seq})
		}
		return
	}
	if id, ok := m.selectedID(); ok && id.PID > 0 {
		m.openDetail(target{id: id})
	} else if ok {
		m.say(faint, "that parent is outside the container")
	}
}

// owner goes to the parent that owns what is selected: that should wait for a
// zombie, that created what was reaped.
func (m *model) owner() {
	switch m.view {
	case treeView:
		if r := m.tree.current(); r != nil {
			if up := m.shown.procs[r.p].parent; up >= 0 {
				m.jump(func() { m.reveal(m.shown.procs[up].id) })
				return
			}
		}
		m.say(faint, "nothing above it is in the container")
	case zombieView:
		if k, ok := m.zombies.list.selected(); ok {
			m.toTree(k.parent)
		}
	case reapView:
		if e := m.reaps.current(); e != nil {
			m.toOrigin(e)
		}
	case detailView:
		if id, ok := m.detail.parent(); ok {
			m.openDetail(target{id: id})
		} else {
			m.say(faint, "its parent is not known")
		}
	}
}

// toOrigin goes to who created a dead process, living or dead.
func (m *model) toOrigin(e *event.Reap) {
	o := e.Origin
	switch {
	case o == nil:
		m.say(faint, "nobody saw who created "+itoa(e.PID))
	case m.shown.here(o.ID):
		m.toTree(o.ID)
	case !m.toReap(o.ID):
		m.say(faint, name(*o)+" is gone, and its end is not kept")
	}
}

// toTree shows a process in the tree.
func (m *model) toTree(id event.ID) {
	m.jump(func() {
		m.show(treeView)
		m.arrange()
		if !m.reveal(id) {
			m.say(faint, itoa(id.PID)+" is not in the tree")
		}
	})
}

// toReap goes to the newest reap of a process, if it is kept. Without a start time
// any process that had the PID will do.
func (m *model) toReap(id event.ID) bool {
	if m.view != reapView && !m.paused {
		m.takeReaps()
	}
	for i := len(m.shown.reaps) - 1; i >= 0; i-- {
		e := m.shown.reaps[i]
		if e.PID != id.PID || id.Start != 0 && e.Start != id.Start {
			continue
		}
		m.jump(func() {
			m.show(reapView)
			m.arrange()
			if !m.reaps.list.choose(e.Seq) {
				m.reaps.filter.set("")
				m.reaps.failures = false
				m.arrange()
				m.reaps.list.choose(e.Seq)
			}
		})
		return true
	}
	return false
}

// reveal selects a process in the tree, opening what hides it.
func (m *model) reveal(id event.ID) bool {
	s, t := &m.shown, m.tree
	at := s.find(id)
	if at < 0 {
		return false
	}
	p := &s.procs[at]
	key := treeKey{id: p.id}
	if t.list.choose(key) {
		return true
	}
	for up := p.parent; up >= 0; up = s.procs[up].parent {
		t.closed[treeKey{id: s.procs[up].id}] = false
		t.openFold(s, up)
	}
	m.arrange()
	if !t.list.choose(key) { // the filter hides it
		t.filter.set("")
		t.zombiesOnly, t.noGhosts = false, false
		m.arrange()
		if !t.list.choose(key) {
			t.openFold(s, at)
			m.arrange()
		}
	}
	return t.list.choose(key)
}

// openFold opens the fold that process i may be in.
func (t *tree) openFold(s *scene, i int) {
	p := &s.procs[i]
	if p.parent < 0 {
		return
	}
	t.closed[s.foldOf(i)] = false
}

// gotoPID goes to the process that has a PID, or had it.
func (m *model) gotoPID(text string) {
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || pid <= 0 {
		m.say(warn, "a PID is a number: "+text)
		return
	}
	for i := range m.shown.procs {
		if p := &m.shown.procs[i]; p.id.PID == pid && !p.gone {
			m.toTree(p.id)
			return
		}
	}
	if m.toReap(event.ID{PID: pid}) {
		m.say(plain, itoa(pid)+" is dead; this is its end")
		return
	}
	m.say(warn, "no process has or had the PID "+itoa(pid)+", as far as is known")
}

// next goes to the next line that matches; without a filter, that is wrong.
func (m *model) next(dir int) {
	var hit func(i int) bool
	l := m.list()
	switch m.view {
	case treeView:
		hit = func(i int) bool {
			r := &m.tree.rows[i]
			hides := !r.isFold() && r.mark == isClosed
			if m.tree.filter.active() {
				return !r.aside || hides && m.tree.below[r.p]
			}
			p := &m.shown.procs[r.p]
			return r.key.fold == zombiesFolded || !r.isFold() && p.zombie() || hides && p.zunder > 0
		}
	case zombieView:
		hit = func(i int) bool { return m.zombies.rows[i].mark != noFold }
	case reapView:
		hit = func(i int) bool { return m.reaps.filter.active() || m.reaps.rows[i].Failed() }
	}
	n := l.size()
	for step := 1; step <= n; step++ {
		i := ((l.selection()+dir*step)%n + n) % n
		if hit(i) {
			if (i-l.selection())*dir < 0 {
				m.say(faint, "around the end")
			}
			l.moveTo(i)
			return
		}
	}
	m.say(faint, "no match")
}

// toggleFollow begins to follow the selected process, or ends it.
func (m *model) toggleFollow() {
	id, ok := m.followable()
	switch {
	case !ok:
		m.say(faint, "no process is selected")
	case m.follow == id:
		m.follow = event.ID{}
		m.say(plain, itoa(id.PID)+" is followed no more")
	default:
		m.follow = id
		m.say(plain, "following "+itoa(id.PID)+": its end will be told here")
	}
}

func (m *model) followable() (event.ID, bool) {
	id, ok := m.selectedID()
	return id, ok && id.PID > 0 && m.shown.here(id)
}

// watchFollowed tells when the followed process has ended.
func (m *model) watchFollowed() {
	if m.follow.PID == 0 || m.shown.hello == nil || m.shown.here(m.follow) {
		return
	}
	text := itoa(m.follow.PID) + ", which you followed, is gone"
	if i := m.shown.find(m.follow); i >= 0 {
		p := &m.shown.procs[i]
		text = itoa(p.id.PID) + " " + p.command(false) + ", which you followed, ended"
		if p.ended.Known() {
			text += ": " + world.Status(p.ended)
		}
		if p.age >= 0 {
			text += ", after " + age(p.age)
		}
	}
	m.follow = event.ID{}
	m.say(warn, text)
	m.flash.sticky = true
}
