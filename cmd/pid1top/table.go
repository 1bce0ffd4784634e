package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// page collects text for standard output: it knows the terminal's width, whether
// colours are wanted, and writes all at once.
type page struct {
	bytes.Buffer
	width int // in cells; 0: unlimited
	color bool
	ascii bool
}

// page begins one. A terminal is as wide as it says; elsewhere lines are as long
// as they need to be, unless COLUMNS says otherwise.
func (a *app) page() *page {
	p := &page{ascii: a.ascii}
	tty := isTerminal(a.out)
	if n, err := strconv.Atoi(a.env["COLUMNS"]); err == nil && n > 0 {
		p.width = n
	} else if tty {
		p.width = terminalWidth(a.out)
	}
	switch a.color {
	case "always":
		p.color = true
	case "auto":
		p.color = tty && a.env["NO_COLOR"] == "" && a.env["TERM"] != "dumb"
	}
	return p
}

func (a *app) print(p *page) error {
	_, err := p.WriteTo(a.out)
	return err
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil && ws.Col > 0 {
		return int(ws.Col)
	}
	return 80
}

// The looks, as SGR parameters (ECMA-48).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	amber = "33"
	green = "32"
)

func (p *page) paint(look, s string) string {
	if !p.color || look == "" || s == "" {
		return s
	}
	return "\x1b[" + look + "m" + s + "\x1b[0m"
}

// line writes clean text as a line, cut to the width.
func (p *page) line(look, format string, a ...any) {
	s := fmt.Sprintf(format, a...)
	if p.ascii {
		s = ascii(s)
	}
	if p.width > 0 {
		s = cut(s, p.width, p.mark())
	}
	p.WriteString(p.paint(look, s))
	p.WriteByte('\n')
}

// para writes clean text as lines of at most the width, or 80 cells, indented.
func (p *page) para(indent, text string) {
	width := 80
	if p.width > 0 {
		width = p.width
	}
	if p.ascii {
		text = ascii(text)
	}
	line := indent
	// What follows the first line stands below its first word.
	hang := strings.Repeat(" ", cells(indent))
	for _, word := range strings.Fields(text) {
		if cells(line) > cells(hang) && cells(line)+1+cells(word) > width {
			p.WriteString(line + "\n")
			line = hang
		}
		if cells(line) > cells(hang) {
			line += " "
		}
		line += word
	}
	p.WriteString(line + "\n")
}

// mark ends what was cut.
func (p *page) mark() string {
	if p.ascii {
		return "~"
	}
	return "…"
}

// column is one of a table; those on the right edge of a number end there.
type column struct {
	title string
	right bool
	max   int // cells at most; 0: no limit
}

// row is a line of a table. Its cells are clean text.
type row struct {
	cells []string
	look  string
}

// table writes rows below their titles. Every column is as wide as its widest
// cell; the last takes what is left of the line.
func (p *page) table(columns []column, rows []row) {
	wide := make([]int, len(columns))
	for i, c := range columns {
		wide[i] = len(c.title)
	}
	for _, r := range rows {
		for i := range r.cells {
			if p.ascii {
				r.cells[i] = ascii(r.cells[i])
			}
			if m := columns[i].max; m > 0 {
				r.cells[i] = cut(r.cells[i], m, p.mark())
			}
			wide[i] = max(wide[i], cells(r.cells[i]))
		}
	}
	titles := row{look: bold}
	for _, c := range columns {
		titles.cells = append(titles.cells, c.title)
	}
	p.row(columns, wide, titles)
	for _, r := range rows {
		p.row(columns, wide, r)
	}
}

func (p *page) row(columns []column, wide []int, r row) {
	var b strings.Builder
	for i, s := range r.cells {
		if i > 0 {
			b.WriteByte(' ')
		}
		pad := strings.Repeat(" ", max(0, wide[i]-cells(s)))
		switch {
		case columns[i].right:
			b.WriteString(pad + s)
		case i < len(r.cells)-1:
			b.WriteString(s + pad)
		default:
			b.WriteString(s)
		}
	}
	p.line(r.look, "%s", b.String())
}
