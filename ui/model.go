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
	opt    Options
	theme  *theme
	source Source // asked for more than events where it can tell: Inspector, Scrubber

	width, height int
	assumed       bool // the terminal did not tell its size

	world *world.World
	shown scene
	now   time.Time // in a recording, its time
	wall  time.Time // the viewer's, always

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
	under   view // the one the Detail was opened in
	tree    *tree
	zombies *zombies
	reaps   *reaps
	detail  detail
	words   []string // under the zombies

	inspected     inspected
	follow        event.ID // PID 0: nobody is followed
	back, forward []spot

	frame    frame
	room     int       // lines of the body when it was there last
	trouble  []finding // what is wrong, the connection first
	advice   []string  // on the first of them, wrapped
	help     bool
	helpOff  int
	prompt   prompt
	menu     *menu
	question *question
	flash    flash
	mouse    bool

	canvas   canvas
	drawn    string
	stale    bool
	tabEnds  []int
	footEnds []footKey
	unseen   int // tables there was no room for
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
		return m, m.inspect()
	case tickMsg:
		m.tick(msg.at)
		if m.assumed {
			return m, tea.Batch(tea.RequestWindowSize, m.inspect())
		}
		return m, m.inspect()
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
		// What was drawn for another size, a guessed one at first, may have left the
		// terminal with a scrolling region: give it back the whole screen.
		return m, tea.Sequence(tea.Raw("\x1b[r"), tea.ClearScreen)
	case tea.KeyPressMsg:
		return m, tea.Batch(m.press(msg), m.inspect())
	case tea.PasteMsg:
		if m.prompt.kind != noPrompt {
			m.prompt.insert(msg.Content)
			m.typed()
		}
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	case tea.MouseClickMsg:
		return m, tea.Batch(m.click(msg.Mouse()), m.inspect())
	case inspectMsg:
		m.answered(msg)
	case signalMsg:
		m.signalled(msg)
	case wroteMsg:
		m.wrote(msg)
	case probeMsg:
		return m, tea.Raw(probe)
	}
	return m, nil
}

// tick lets time pass.
func (m *model) tick(at time.Time) {
	m.wall = at
	if m.position == nil && m.told() {
		m.now = at
	}
	m.world.Advance(m.now)
	m.look()
}

// told reports whether somebody tells what is. When nobody does, what was known last
// stays as it was: nothing is known to be older now.
func (m *model) told() bool { return m.conn == Live || m.conn == Connecting }

// receive folds a batch in.
func (m *model) receive(b batchMsg) {
	m.wall = b.at
	if b.Reset {
		m.world, m.applied = world.New(), time.Time{}
	}
	if b.Position != nil {
		m.position, b.at = b.Position, b.Position.At
	}
	if b.State != m.conn || m.connSince.IsZero() {
		m.connSince, m.now = b.at, b.at
	}
	m.conn, m.connNote, m.retryAt = b.State, b.Note, b.RetryAt
	if m.position != nil || m.told() {
		m.now = b.at
	}
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
	m.world.Advance(m.now)
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
	m.take(false)
	m.watchFollowed()
	m.arrange()
}

// take makes the scene the present; all of it, not just what the view shows, when
// everything is set.
func (m *model) take(everything bool) {
	m.shown.take(m.world, m.now, m.view, everything, m.theme)
	if m.view == detailView || everything {
		m.detail.take(m.world, &m.shown, m.now)
	}
}

// takeReaps takes the reaps for a view that shows none of them.
func (m *model) takeReaps() { m.shown.takeReaps(m.world.Reaps()) }

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
	if m.frame.body == 0 && m.frame.menu == 0 {
		m.drawTiny(c)
		return string(c.b)
	}
	m.drawVerdict(c)
	m.drawTabs(c)
	c.height = m.frame.top() + m.frame.body
	m.drawBody(c)
	for c.lines < c.height {
		blank(c)
	}
	if m.menu != nil {
		c.height += m.frame.menu
		m.menu.draw(c, m.frame.menu)
	}
	c.height = m.height
	m.drawScrubber(c)
	m.drawFoot(c)
	return string(c.b)
}

// drawTiny says why there is nothing under the status line.
func (m *model) drawTiny(c *canvas) {
	if c.row(false) {
		c.text(faint, " more in "+itoa(leastWidth)+"x"+itoa(leastHeight)+" and larger", c.width)
		c.end(plain)
	}
}

func (m *model) drawBody(c *canvas) {
	switch {
	case m.help:
		m.drawHelp(c)
	case m.shown.hello == nil && len(m.shown.procs) == 0:
		m.drawWaiting(c)
	case m.view == overview:
		m.drawOverview(c)
	case m.view == treeView:
		m.tree.draw(c, &m.shown, &m.opt, m.follow)
	case m.view == zombieView:
		m.zombies.draw(c, &m.shown, m.words)
	case m.view == reapView:
		m.reaps.draw(c, &m.shown)
	case m.view == detailView:
		m.detail.draw(c)
	}
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
