package truth

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"
)

func signalName(sig unix.Signal) string { return unix.SignalName(sig) }

// verdict is what a comparison with the truth comes to.
type verdict int

const (
	right verdict = iota
	unknown
	wrong
	unasked // it is not known here either
)

// What is compared.
const (
	fieldCommand = iota
	fieldParent
	fieldStatus
	fieldLifetime
	fieldSession
	fields
)

// way is how a process comes and goes.
type way int

const (
	waited way = iota // it execs, and its parent waits for it
	stays             // it execs, and its parent goes 5 ms after the fork
	leaves            // it execs, and its parent goes right after the fork
	forked            // it never execs, and its parent waits for it
	again             // it execs more than once
	killed            // by a signal, whatever it did before
)

var ways = [...]string{
	"execs; its parent waits", "execs; its parent goes after 5 ms", "execs; its parent goes at once",
	"never execs; its parent waits", "execs again", "is killed",
}

// Row counts the processes of one lifetime and one way to come and go.
type Row struct {
	Life  int
	way   way
	Count [fields][unasked + 1]int // by field and verdict
}

func (r *Row) add(v ...verdict) {
	for field, v := range v {
		r.Count[field][v]++
	}
}

// Coverage counts what a feed told.
type Coverage struct {
	Rows  []*Row
	Wrong []string // what it told and was not so
	// Unknown is what it did not tell of those that were not killed.
	Unknown []string
	// Execs counts those that execed more than once and whose end was told,
	// Earlier those of them that were told as what they were before their last exec.
	Execs, Earlier int
	Late           int64 // by how many milliseconds a lifetime was too long at most
	parts          Row   // of those that are not counted
}

func (c *Coverage) row(p *Process) *Row {
	if p.Part {
		return &c.parts
	}
	how := waited
	switch {
	case p.Status&0x7f != 0:
		how = killed
	case len(p.Argv) > 2:
		how = again
	case len(p.Argv) == 1:
		how = forked
	case p.Adopted && p.Linger:
		how = stays
	case p.Adopted:
		how = leaves
	}
	for _, r := range c.Rows {
		if r.Life == p.Life && r.way == how {
			return r
		}
	}
	r := &Row{Life: p.Life, way: how}
	c.Rows = append(c.Rows, r)
	slices.SortFunc(c.Rows, func(a, b *Row) int {
		return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.way, b.way))
	})
	return r
}

// fieldNames are what Unknown calls them.
var fieldNames = [...]string{"command line", "parent", "status", "lifetime", "session"}

// count adds what was told of p.
func (c *Coverage) count(p *Process, v ...verdict) {
	r := c.row(p)
	r.add(v...)
	for field, v := range v {
		if v == unknown && !p.Part && r.way != killed {
			c.Unknown = append(c.Unknown, p.name()+": "+fieldNames[field])
		}
	}
}

// wrong notes what was told of p and is not so.
func (c *Coverage) wrong(p *Process, format string, a ...any) verdict {
	c.Wrong = append(c.Wrong, p.name()+": "+fmt.Sprintf(format, a...))
	return wrong
}

// Print writes the coverage as a table in Markdown.
func (c *Coverage) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "| lifetime | how it comes and goes | processes | command line | original parent | status | lifetime | session |\n"+
		"|--:|---|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range c.Rows {
		life := fmt.Sprintf("%d ms", r.Life)
		if r.Life == 0 {
			life = "`true`"
		}
		text := fmt.Sprintf("| %s | %s | %d |", life, ways[r.way], r.n(fieldCommand))
		for f := range fields {
			text += " " + r.share(f) + " |"
		}
		if err == nil {
			_, err = fmt.Fprintln(w, text)
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(w, "\nWrong values: %d. Told as what they ran before their last exec: %d of the %d that "+
			"execed more than once. Lifetimes too long by %d ms at most.\n", len(c.Wrong), c.Earlier, c.Execs, c.Late)
	}
	return err
}

func (r *Row) n(field int) (n int) {
	for _, k := range r.Count[field][:unasked] {
		n += k
	}
	return n
}

// share is the part of the processes of which a field was told and right.
func (r *Row) share(field int) string {
	if r.n(field) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(r.Count[field][right])/float64(r.n(field)))
}
