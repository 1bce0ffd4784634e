package ui

import (
	"strings"
	"time"

	"charm.land/lipgloss/v2"
)

// style is one of the few looks the screen has.
type style uint8

// The looks. Every one of them says something that the text beside it says too.
const (
	plain  style = iota
	strong       // what the eye should find first
	faint        // what is over or beside the point
	good
	warn
	bad
	accent // names, keys
	title  // column headings
	barOn  // the chosen tab
	barOff // the bars above and below
	alarm  // the verdict line
	styles
)

// look declares the looks with Lip Gloss, in the terminal's own 16 colours.
func look(s style, color bool) lipgloss.Style {
	l := lipgloss.NewStyle()
	switch s {
	case strong:
		l = l.Bold(true)
	case faint:
		l = l.Faint(true)
	case good:
		if color {
			l = l.Foreground(lipgloss.Green)
		}
	case warn:
		if l = l.Bold(true); color {
			l = l.Foreground(lipgloss.Yellow)
		}
	case bad:
		if l = l.Bold(true); color {
			l = l.Foreground(lipgloss.Red)
		}
	case accent:
		if color {
			l = l.Foreground(lipgloss.Cyan)
		} else {
			l = l.Bold(true)
		}
	case title:
		if l = l.Underline(true); color {
			l = l.Faint(true)
		}
	case barOn:
		l = l.Bold(true).Reverse(true)
	case alarm:
		if l = l.Bold(true); color {
			l = l.Foreground(lipgloss.BrightWhite).Background(lipgloss.Red)
		} else {
			l = l.Reverse(true)
		}
	}
	return l
}

// theme holds what drawing needs: the looks as the escape sequences that begin
// them, so that a row costs no more than a few appends, and the glyphs.
//
// Each sequence resets first: a look never leaks into the next.
type theme struct {
	color, ascii bool
	zone         *time.Location
	on, onSel    [styles]string // onSel: on the selected row

	branch, last, pipe, blank string // tree
	open, closed, leaf        string // folds
	ellipsis, session, cross  string
	bullet, arrow             string
	upDown, sortUp, sortDown  string
	dot                       string
	past, future              string // of the scrubber
}

const sgrReset = "\x1b[m"

func newTheme(color, ascii bool, zone *time.Location) *theme {
	t := &theme{
		color: color, ascii: ascii, zone: zone,
		branch: "├─", last: "└─", pipe: "│  ", blank: "   ",
		open: "▾", closed: "▸", leaf: " ",
		ellipsis: "…", session: "●", cross: "✗", bullet: "●", arrow: "→",
		upDown: "↑↓", sortUp: "▲", sortDown: "▼", dot: "·", past: "━", future: "─",
	}
	if ascii {
		t.branch, t.last, t.pipe = "|-", "`-", "|  "
		t.open, t.closed = "-", "+"
		t.ellipsis, t.session, t.cross, t.bullet, t.arrow = "~", "*", "x", "*", "->"
		t.upDown, t.sortUp, t.sortDown, t.dot = "Up/Dn", "^", "v", "-"
		t.past, t.future = "=", "-"
	}
	for s := range styles {
		t.on[s] = sgrReset + opening(look(s, color))
		t.onSel[s] = sgrReset + opening(lipgloss.NewStyle().Reverse(true).Bold(s == strong || s == warn || s == bad))
	}
	return t
}

// opening is the sequence with which Lip Gloss begins a style.
func opening(l lipgloss.Style) string {
	before, _, found := strings.Cut(l.Render("x"), "x")
	if !found {
		return ""
	}
	return before
}

// clock writes a time of day, with the milliseconds if wanted.
func (t *theme) clock(at time.Time, milli bool) string {
	switch {
	case at.IsZero():
		return "--:--:--"
	case milli:
		return at.In(t.zone).Format("15:04:05.000")
	}
	return at.In(t.zone).Format("15:04:05")
}

// WantColor says whether to use colours when nobody chose: not with a NO_COLOR of
// any value but the empty one (no-color.org), and not on a dumb terminal. lookup
// is os.LookupEnv.
func WantColor(lookup func(string) (string, bool)) bool {
	if v, _ := lookup("NO_COLOR"); v != "" {
		return false
	}
	v, _ := lookup("TERM")
	return v != "dumb"
}
