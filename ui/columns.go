package ui

// column is one column of a table.
type column struct {
	name  string
	width int  // cells, without the space that follows; 0: the rest of the line
	right bool // numbers
	desc  bool // sorted by, the largest come first
	// keep says how long the column survives when the screen gets narrow: those
	// with the lowest go first.
	keep int
}

// place is a column that is shown, by its index in the table.
type place struct {
	col   int
	x     int
	width int
}

// layout chooses the columns that fit into width, without those hidden. The one of
// width 0 gets what is left, and columns go until that is at least least cells.
func layout(cols []column, hidden []bool, width, least int) []place {
	gone := make([]bool, len(cols))
	copy(gone, hidden)
	for {
		used, lowest := 0, -1
		for i, c := range cols {
			if gone[i] || c.width == 0 {
				continue
			}
			used += c.width + 1
			if lowest < 0 || c.keep < cols[lowest].keep {
				lowest = i
			}
		}
		if width-used >= least || lowest < 0 {
			return places(cols, gone, width, used)
		}
		gone[lowest] = true
	}
}

func places(cols []column, gone []bool, width, used int) []place {
	var out []place
	x := 0
	for i, c := range cols {
		if gone[i] {
			continue
		}
		w := c.width
		if w == 0 {
			w = max(width-used, 0)
		}
		if x >= width || w == 0 {
			continue
		}
		out = append(out, place{col: i, x: x, width: min(w, width-x)})
		x += w + 1
	}
	return out
}
