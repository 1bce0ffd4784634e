package ui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
	"pid1/internal/world"
)

// batchMsg is news from the Source, and when it came.
type batchMsg struct {
	Batch
	at time.Time
}

// tickMsg says what time it is.
type tickMsg struct{ at time.Time }

// model is the root of the program: what is known, what is shown, and where the
// user is in it. Update and View do no I/O and read no clock.
type model struct {
	opt   Options
	theme *theme

	width, height int
	assumed       bool // the terminal did not tell its size

	world *world.World
	shown scene
	now   time.Time

	position  *Position // in a recording; nil elsewhere
	applied   time.Time // in a recording: the time of its newest event
	conn      ConnState
	connSince time.Time // when conn became what it is
	connNote  string
	retryAt   time.Time

	paused   bool
	pausedAt time.Time
	held     int // events that came in while paused

	view    view
	frame   frame
	trouble []finding // what is wrong, the connection first
	advice  []string  // on the first of them, wrapped
	tree    *tree
	zombies *zombies
	reaps   *reaps
	words   []string // under the zombies
	help    bool
	helpOff int
	editing bool
	mouse   bool

	canvas  canvas
	drawn   string
	stale   bool
	tabEnds []int
}

func newModel(o Options) *model {
	zone := o.Zone
	if zone == nil {
		zone = time.Local
	}
	return &model{
		opt: o, theme: newTheme(o.Color, o.ASCII, zone),
		world: world.New(), view: treeView, mouse: true, stale: true,
		tree: newTree(), zombies: newZombies(), reaps: newReaps(),
	}
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case batchMsg:
		m.receive(msg)
	case tickMsg:
		if m.position == nil {
			m.now = msg.at
		}
		m.world.Advance(m.now)
		m.look()
		if m.assumed {
			return m, tea.RequestWindowSize
		}
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
		// What was drawn for another size, a guessed one at first, may have left the
		// terminal with a scrolling region: give it back the whole screen.
		return m, tea.Sequence(tea.Raw("\x1b[r"), tea.ClearScreen)
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.editing {
			m.typed(m.filter().text + msg.Content)
		}
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	case tea.MouseClickMsg:
		m.click(msg.Mouse())
	}
	return m, nil
}

// receive folds a batch in.
func (m *model) receive(b batchMsg) {
	if b.Reset {
		m.world, m.applied = world.New(), time.Time{}
	}
	if b.Position != nil {
		m.position, b.at = b.Position, b.Position.At
	}
	m.now = b.at
	if b.State != m.conn || m.connSince.IsZero() {
		m.connSince = b.at
	}
	m.conn, m.connNote, m.retryAt = b.State, b.Note, b.RetryAt
	for _, ev := range b.Events {
		at := b.at
		if m.position != nil && ev != nil {
			// A clock that was set back holds the world's time up, for a while.
			if ts := ev.Header().TS; ts.After(m.applied) {
				m.applied = ts
			}
			at = m.applied
		}
		m.world.Apply(ev, at)
	}
	m.world.Advance(b.at)
	if m.paused {
		for _, ev := range b.Events {
			if ev != nil && ev.Header().Type.Numbered() {
				m.held++
			}
		}
	}
	m.look()
}

// look takes the scene anew, unless it is to stand still.
func (m *model) look() {
	if m.paused {
		m.stale = true
		return
	}
	m.shown.take(m.world, m.now, m.view, false)
	m.arrange()
}

// arrange shares out the screen and builds the rows of the view.
func (m *model) arrange() {
	m.stale = true
	m.trouble = append(m.connTrouble(m.trouble[:0]), m.shown.trouble...)
	troubles := len(m.trouble)
	// The Zombies view has the advice below, the Overview has all of it.
	m.advice = nil
	if troubles > 0 && m.trouble[0].advice != "" && m.view != zombieView {
		m.advice = wrap(clean(m.trouble[0].advice, m.theme.ascii), m.width-adviceIndent-2)
	}
	f := frameFor(m.width, m.height, troubles, len(m.advice), m.view == overview)
	// A verdict that comes or goes moves the body, not the selection.
	if d := f.top() - m.frame.top(); m.frame.body > 0 && f.body > 0 && d == m.frame.body-f.body {
		m.tree.list.off += d
		m.zombies.list.off += d
		m.reaps.list.off += d
	}
	m.frame = f
	if f.body == 0 {
		return
	}
	switch m.view {
	case treeView:
		m.tree.build(&m.shown, f.body-1)
	case zombieView:
		panel := 0
		if len(m.shown.groups) > 0 {
			panel = min(max(f.body/2, 1), 9)
		}
		m.zombies.build(&m.shown, f.body-1-panel)
		m.words = m.zombies.explain(&m.shown, m.theme, m.width-2, panel-1)
		if panel > 1 {
			m.words = append([]string{""}, m.words...)
		}
	case reapView:
		m.reaps.build(&m.shown, f.body-2)
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

func (m *model) resize(w, h int) {
	m.width, m.height = max(w, 0), max(h, 0)
	m.frame = frame{} // a new size moves everything
	m.arrange()
}

// View implements tea.Model.
func (m *model) View() tea.View {
	if m.stale {
		m.drawn = m.draw()
		m.stale = false
	}
	v := tea.NewView(m.drawn)
	v.AltScreen = true
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// draw draws the screen.
func (m *model) draw() string {
	c := &m.canvas
	c.begin(m.theme, m.width, m.height)
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	m.drawStatus(c)
	if m.frame.body == 0 {
		return string(c.b)
	}
	m.drawVerdict(c)
	m.drawTabs(c)
	c.height = m.frame.top() + m.frame.body
	switch {
	case m.help:
		m.drawHelp(c)
	case m.shown.hello == nil && len(m.shown.procs) == 0:
		m.drawWaiting(c)
	case m.view == overview:
		m.drawOverview(c)
	case m.view == treeView:
		m.tree.draw(c, &m.shown, &m.opt)
	case m.view == zombieView:
		m.zombies.draw(c, &m.shown, m.words)
	case m.view == reapView:
		m.reaps.draw(c, &m.shown)
	}
	for c.lines < c.height {
		blank(c)
	}
	c.height = m.height
	m.drawFoot(c)
	return string(c.b)
}

// drawWaiting draws the body while nothing has come.
func (m *model) drawWaiting(c *canvas) {
	blank(c)
	switch m.conn {
	case Connecting, Live:
		note(c, "waiting for pid1 to tell")
	case Lost:
		note(c, "no pid1 to listen to yet")
	case Ended:
		note(c, "nothing came")
	}
	if m.connNote != "" {
		for _, w := range wrap(clean(m.connNote, m.theme.ascii), m.width-4) {
			note(c, w)
		}
	}
}

// filter is that of the view, nil where it has none.
func (m *model) filter() *filter {
	switch m.view {
	case treeView:
		return &m.tree.filter
	case zombieView:
		return &m.zombies.filter
	case reapView:
		return &m.reaps.filter
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
}

func (l *list[K]) screen() int    { return l.height }
func (l *list[K]) size() int      { return len(l.keys) }
func (l *list[K]) line(y int) int { return l.at(y) }

// list is the list of the view, nil where it has none.
func (m *model) list() focus {
	switch m.view {
	case treeView:
		return &m.tree.list
	case zombieView:
		return &m.zombies.list
	case reapView:
		return &m.reaps.list
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
		return k.parent, ok
	}
	return event.ID{}, false
}
