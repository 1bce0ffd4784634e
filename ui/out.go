package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"pid1/doctor"
)

// flash is what the screen says in the last line, for a moment.
type flash struct {
	text   string // may hold bytes from outside
	look   style
	until  time.Time
	sticky bool // until the next key
}

// flashFor is how long.
const flashFor = 6 * time.Second

func (m *model) say(look style, text string) {
	m.flash = flash{text: text, look: look, until: m.wall.Add(flashFor)}
	m.stale = true
}

// flashing reports whether there is something said still.
func (m *model) flashing() bool {
	return m.flash.text != "" && (m.flash.sticky || m.wall.Before(m.flash.until))
}

// copyOut copies what is selected to the clipboard of the terminal, by OSC 52.
func (m *model) copyOut() tea.Cmd {
	text := m.selectedText()
	if text == "" {
		m.say(faint, "nothing to copy")
		return nil
	}
	first, _, more := strings.Cut(text, "\n")
	if more {
		first += " " + m.theme.ellipsis
	}
	m.say(good, "copied, if your terminal lets programs do that: "+first)
	return tea.SetClipboard(text)
}

// selectedText is what is selected, for pasting elsewhere: a line, or all there is
// to say about it. It is made harmless: it may be pasted into a shell.
func (m *model) selectedText() string {
	switch m.view {
	case treeView:
		if r := m.tree.current(); r != nil {
			p := &m.shown.procs[r.p]
			return clean(itoa(p.id.PID)+" "+p.command(true), m.theme.ascii)
		}
	case zombieView:
		if r := m.zombies.current(); r != nil {
			f := &m.shown.groups[r.group].Finding
			lines := append([]string{f.Summary}, f.Evidence...)
			return cleanLines(append(lines, f.Advice...), m.theme.ascii)
		}
	case reapView:
		if e := m.reaps.current(); e != nil {
			by := ""
			if e.Origin != nil {
				by = ", created by " + doctor.Name(*e.Origin)
			}
			return clean(m.theme.clock(e.TS, true)+" "+itoa(e.PID)+" "+command(e.Comm, e.Cmdline, true)+": "+statusOf(e)+by, m.theme.ascii)
		}
	case overview, detailView:
		return m.whole()
	}
	return ""
}

func cleanLines(lines []string, ascii bool) string {
	for i := range lines {
		lines[i] = clean(lines[i], ascii)
	}
	return strings.Join(lines, "\n")
}

// wholeWidth is the least width of a view that is written out.
const wholeWidth = 160

// whole is all of the view as text, not just what fits on the screen.
func (m *model) whole() string {
	lines := m.frame.body + 2
	if l := m.list(); l != nil {
		defer l.expand()()
		lines = max(l.size(), 1) + 20
	}
	var c canvas
	c.begin(m.theme, max(m.width, wholeWidth), lines)
	m.drawBody(&c)
	text := strings.Split(ansi.Strip(string(c.b)), "\n")
	for i := range text {
		text[i] = strings.TrimRight(text[i], " ")
	}
	return strings.TrimRight(strings.Join(text, "\n"), "\n") + "\n"
}

// fileName is the name proposed for a file.
func (m *model) fileName() string {
	return "pid1top-" + strings.ToLower(viewNames[m.view]) + m.now.In(m.theme.zone).Format("-150405") + ".txt"
}

// wroteMsg says what became of writing a file.
type wroteMsg struct {
	path  string
	lines int
	err   error
}

// write writes the view to a new file.
func (m *model) write(path string) tea.Cmd {
	text := m.whole()
	head := "pid1top " + viewNames[m.view]
	if h := m.shown.hello; h != nil && h.Host != "" {
		head += " of " + clean(h.Host, m.theme.ascii)
	}
	text = head + ", " + m.now.In(m.theme.zone).Format(time.RFC3339) + "\n\n" + text
	return func() tea.Msg {
		return wroteMsg{path, strings.Count(text, "\n"), writeNew(path, text)}
	}
}

func (m *model) wrote(msg wroteMsg) {
	if msg.err != nil {
		m.say(bad, "cannot write "+msg.path+": "+reason(msg.err))
		return
	}
	m.say(good, itoa(msg.lines)+" lines written to "+msg.path)
}
