package ui

import "slices"

// natural is the order things come in: by start, by severity, by time.
const natural = -1

// lens is how a list is looked at: what of it, in which order, by which columns.
type lens struct {
	filter filter
	cols   []column
	sortBy int // index of a column, or natural
	invert bool
	hidden [16]bool // columns the user took away
	at     []place  // the columns on the screen, as drawn last
}

func newLens(cols []column) lens { return lens{cols: cols, sortBy: natural} }

// ordered reports whether the list is not in its natural order.
func (l *lens) ordered() bool { return l.sortBy != natural || l.invert }

// sort orders list by the chosen column, equals in their natural order. compare
// tells how a and b stand in a column.
func (l *lens) sort(list []int, compare func(col, a, b int) int) {
	if l.sortBy == natural {
		if l.invert {
			slices.Reverse(list)
		}
		return
	}
	sign := 1
	if l.cols[l.sortBy].desc != l.invert {
		sign = -1
	}
	slices.SortStableFunc(list, func(a, b int) int { return sign * compare(l.sortBy, a, b) })
}

// choose sorts by a column; by the one it is sorted by already, the other way
// round.
func (l *lens) choose(col int) {
	if l.sortBy == col {
		l.invert = !l.invert
		return
	}
	l.sortBy, l.invert = col, false
}

// step goes to the column after the one sorted by, or before; the natural order is
// one of the ring.
func (l *lens) step(n int) {
	ring := len(l.cols) + 1
	l.sortBy = (l.sortBy+1+n+ring)%ring - 1
	l.invert = false
}

// order names the order in a word or two; empty: the natural one.
func (l *lens) order(t *theme) string {
	if !l.ordered() {
		return ""
	}
	if l.sortBy == natural {
		return "inverted"
	}
	mark := t.sortUp
	if l.cols[l.sortBy].desc != l.invert {
		mark = t.sortDown
	}
	return "sort " + l.cols[l.sortBy].name + mark
}

// layout chooses the columns that fit, as layout does.
func (l *lens) layout(width, least int) []place {
	l.at = layout(l.cols, l.hidden[:len(l.cols)], width, least)
	return l.at
}

// column finds the column at cell x of the heading; -1: none.
func (l *lens) column(x, indent int) int {
	for i, p := range l.at {
		end := p.x + p.width
		if i+1 < len(l.at) {
			end = l.at[i+1].x
		}
		if x >= indent+p.x && x < indent+end {
			return p.col
		}
	}
	return -1
}

// heading draws the columns' names, the one sorted by marked.
func (l *lens) heading(c *canvas, indent int) {
	if !c.row(false) {
		return
	}
	for _, p := range l.at {
		c.to(indent + p.x)
		col := &l.cols[p.col]
		name, look := bound(col.name, p.width), title
		if p.col == l.sortBy {
			look = barOn
		}
		if col.right {
			c.pad(p.width - len(name))
		}
		c.put(look, name)
	}
	c.end(plain)
}
