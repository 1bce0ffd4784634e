package ui

import (
	"strings"
	"time"
)

// Below this nothing but a status line is drawn.
const (
	leastWidth  = 40
	leastHeight = 8
)

// frame says which lines of the screen go to what.
type frame struct {
	verdict int // lines: none, or the verdict and what there is room for of its advice
	tabs    bool
	body    int
	menu    int // lines of the open menu, under the body
	// scrubber: there is a line that tells where in a recording the screen is.
	scrubber bool
	foot     bool
}

// top is the number of lines above the body.
func (f frame) top() int {
	n := 1 + f.verdict
	if f.tabs {
		n++
	}
	return n
}

// frameFor shares out the lines of the screen. advice is how many lines there are
// of it; told: the body tells the troubles.
func frameFor(w, h, troubles, advice int, told bool) frame {
	if w < leastWidth || h < leastHeight {
		return frame{}
	}
	f := frame{tabs: true, foot: true}
	if troubles > 0 && h >= 18 && !told {
		f.verdict = 1
		switch {
		case h >= 28:
			f.verdict += min(advice, 2)
		case h >= 24:
			f.verdict += min(advice, 1)
		}
	}
	f.body = h - f.top() - 1
	return f
}

// segment is a part of a line that can go when there is no room.
type segment struct {
	text string
	look style
	keep int
}

// drawSegments draws those that fit, leaving out the least important.
func drawSegments(c *canvas, segs []segment, width int) {
	for {
		used, left, lowest := 0, 0, -1
		for i, s := range segs {
			if s.text == "" {
				continue
			}
			left++
			used += cellWidth(s.text)
			if lowest < 0 || s.keep < segs[lowest].keep {
				lowest = i
			}
		}
		if used <= width || lowest < 0 {
			break
		}
		if left == 1 {
			break // the last one is cut by the canvas
		}
		segs[lowest].text = ""
	}
	for _, s := range segs {
		c.put(s.look, s.text)
	}
}

// drawStatus draws the first line.
func (m *model) drawStatus(c *canvas) {
	if !c.row(false) {
		return
	}
	s := &m.shown
	tiny := m.frame.body == 0
	state, look := m.connection()
	host := ""
	if s.hello != nil {
		host = clean(bound(s.hello.Host, 40), m.theme.ascii)
	}
	segs := []segment{
		{" pid1top", strong, 2},
		{pre(" ", host), accent, 3},
		{" " + state, look, 8},
		{m.verdictWord(), m.verdictWordLook(), 9},
		{"   procs " + itoa(s.alive+s.dead), plain, 5},
		{"  Z " + itoa(s.dead), zombieLook(s), 10},
		{pre(" ", m.zombieTrend()), zombieLook(s), 4},
		{"   reaps " + itoa(s.totals.Reaps), plain, 6},
		{" " + rate(s.reapRate) + "/s", plain, 4},
		{" " + bars(s.perSecond, 8, c.t.ascii), faint, 1},
		{pre("   fail ", m.failShare()), plain, 3},
		{pre("   ", m.lostText()), warn, 7},
	}
	if tiny {
		segs[0].text = ""
		segs[2].text = " " + m.connectionShort()
	}
	at := m.theme.clock(s.now, false)
	if m.position == nil && !m.told() {
		at = m.theme.clock(m.wall, false) // the scene stands still, the time does not
	}
	room := c.width - len(at) - 2
	if c.width < 60 {
		room = c.width
	}
	drawSegments(c, segs, room)
	if room < c.width {
		c.to(c.width - len(at) - 1)
		c.put(faint, at)
	}
	c.end(plain)
}

func pre(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func zombieLook(s *scene) style {
	switch {
	case len(s.trouble) > 0 && s.dead > 0:
		return bad
	case s.dead > 0:
		return warn
	}
	return plain
}

func (m *model) zombieTrend() string {
	s := &m.shown
	if s.dead == 0 {
		return ""
	}
	r := ""
	if x := signed(s.zrate); x != "0" {
		r = x + "/m "
	}
	return r + bars(s.ztrend[:], 6, m.theme.ascii)
}

func (m *model) failShare() string {
	if m.shown.totals.Reaps == 0 {
		return ""
	}
	return percent(m.shown.totals.FailShare)
}

func (m *model) lostText() string {
	if m.shown.lost == 0 {
		return ""
	}
	return itoa(m.shown.lost) + " lost"
}

// connection writes the state of the connection, or of the screen.
func (m *model) connection() (string, style) {
	if m.position != nil && m.conn != Ended {
		return replayState(m.position), accent
	}
	if m.paused {
		return "PAUSED " + age(m.wall.Sub(m.pausedAt)) + ", +" + itoa(m.held), warn
	}
	ago := ""
	if !m.connSince.IsZero() {
		ago = " since " + m.theme.clock(m.connSince, false)
	}
	again := ""
	if d := m.retryAt.Sub(m.wall); !m.retryAt.IsZero() && d > 0 {
		again = ", again in " + itoa(int64((d+time.Second-1)/time.Second)) + "s"
	}
	switch m.conn {
	case Live:
		return "LIVE", good
	case Connecting:
		return "connecting" + again, warn
	case Lost:
		if m.shown.over != nil || m.shown.main != nil {
			return "PID1 GONE" + ago + again, bad
		}
		return "LOST" + ago + again, bad
	}
	return "ENDED" + ago, warn
}

// connectionShort is connection in one word.
func (m *model) connectionShort() string {
	s, _ := m.connection()
	if i := strings.IndexAny(s, " ,"); i > 0 && !strings.HasPrefix(s, "PID1 GONE") {
		return s[:i]
	}
	return s
}

// verdictWord tells in the status line whether something is wrong: in full where
// there is no line of its own for it.
func (m *model) verdictWord() string {
	switch {
	case len(m.trouble) == 0 && m.shown.hello != nil && m.conn == Live && !m.paused:
		return "  healthy"
	case len(m.trouble) == 0 || m.frame.verdict > 0:
		return ""
	}
	f := m.trouble[0]
	text := "  ! " + f.word
	if who := clean(f.who, m.theme.ascii); who != "" {
		text += " " + bound(who, 24)
	}
	return text
}

func (m *model) verdictWordLook() style {
	if len(m.trouble) > 0 {
		return bad
	}
	return good
}

// adviceIndent is where the advice begins.
const adviceIndent = 5

// drawVerdict draws what is wrong, who does it, and what to do.
func (m *model) drawVerdict(c *canvas) {
	if m.frame.verdict == 0 || len(m.trouble) == 0 || !c.row(false) {
		return
	}
	f := &m.trouble[0]
	why := ""
	if m.view != zombieView && m.view != detailView && f.subject.PID != 0 {
		why = "3 why "
	}
	if n := len(m.trouble) - 1; n > 0 {
		why = itoa(n) + " more   " + why
	}
	c.put(alarm, " ! "+f.word+"  ")
	room, text := c.width-c.x-len(why)-2, f.text
	if f.brief != "" && cellWidth(clean(text, c.t.ascii)) > room {
		text = f.brief
	}
	c.text(alarm, text, room)
	c.use(alarm)
	c.spaces(c.width - len(why) - c.x)
	c.put(alarm, why)
	c.end(alarm)
	for i := range m.frame.verdict - 1 {
		if !c.row(false) {
			return
		}
		if i == 0 {
			c.put(strong, "   "+c.t.arrow+" ")
		}
		c.to(adviceIndent)
		text := m.advice[i]
		if i == m.frame.verdict-2 && i < len(m.advice)-1 {
			text += " " + c.t.ellipsis
		}
		c.text(strong, text, c.width-c.x)
		c.end(plain)
	}
}

// drawFoot draws the keys, or what is being typed.
func (m *model) drawFoot(c *canvas) {
	if !m.frame.foot || !c.row(false) {
		return
	}
	switch {
	case m.question != nil:
		m.drawQuestion(c)
		return
	case m.prompt.kind != noPrompt:
		m.drawPrompt(c)
		return
	case m.flashing():
		c.text(m.flash.look, " "+m.flash.text, c.width)
		c.end(plain)
		return
	}
	m.drawKeys(c)
}

// footKey is where a key stands in the footer.
type footKey struct {
	from, to int
	act      action
}

// drawKeys draws the keys that fit.
func (m *model) drawKeys(c *canvas) {
	var keys []*binding
	used := 1
	for i := range bindings {
		if b := &bindings[i]; b.foot != "" && m.offers(b) {
			keys = append(keys, b)
			used += footWidth(b)
		}
	}
	for used > c.width && len(keys) > 0 {
		lowest := 0
		for i, b := range keys {
			if b.rank < keys[lowest].rank {
				lowest = i
			}
		}
		used -= footWidth(keys[lowest])
		keys = append(keys[:lowest:lowest], keys[lowest+1:]...)
	}
	c.put(plain, " ")
	m.footEnds = m.footEnds[:0]
	for _, b := range keys {
		key, _, _ := strings.Cut(b.show, " ")
		from := c.x
		c.put(accent, key)
		c.put(plain, " "+b.foot)
		m.footEnds = append(m.footEnds, footKey{from, c.x, b.act})
		c.put(plain, "  ")
	}
	if text := m.unseenText(); text != "" && c.x+len(text) < c.width {
		c.to(c.width - len(text) - 1)
		c.put(faint, text)
	}
	c.end(plain)
}

// unseenText says what the Overview has no room for; empty: nothing.
func (m *model) unseenText() string {
	if m.view != overview || m.help || m.unseen == 0 {
		return ""
	}
	return plural(m.unseen, "table") + " more in a larger window"
}

func footWidth(b *binding) int {
	key, _, _ := strings.Cut(b.show, " ")
	return cellWidth(key) + len(b.foot) + 3
}
