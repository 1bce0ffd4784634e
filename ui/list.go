package ui

// list is the selection and the scroll position of a view, apart from what the
// rows are. It knows rows by their keys, which stay the same while the world
// moves; the selected row keeps its line on the screen however many rows come and
// go around it. Only the user moves the selection.
type list[K comparable] struct {
	keys   []K
	sel    int  // index of the selected row; meaningless while there are no rows
	off    int  // index of the row on the first line; negative: empty lines first
	height int  // lines on the screen
	tail   bool // the selection stays on the last row, whatever comes
	placed bool // the user chose the row: its line is kept even beside empty lines
	spare  []K  // for sync to be free of garbage
}

// sync takes over a new set of rows. fallback, which may be nil, names the row
// that now stands for one that is no longer there: a fold, a parent.
func (l *list[K]) sync(keys []K, height int, fallback func(K) (K, bool)) {
	line := l.sel - l.off
	old, had := l.keys, len(l.keys) > 0
	l.spare, l.keys = old, keys
	l.height = max(height, 1)
	switch {
	case len(keys) == 0:
		l.sel, l.off = 0, 0
		return
	case l.tail:
		l.sel = len(keys) - 1
		l.off = max(0, len(keys)-l.height)
		return
	case !had:
		l.sel, l.off = 0, 0
		return
	}
	if l.sel < len(keys) && l.sel < len(old) && keys[l.sel] == old[l.sel] {
		// Nothing moved above: the common case.
	} else if i, ok := l.find(old, fallback); ok {
		l.sel = i
	} else {
		l.sel = min(l.sel, len(keys)-1)
	}
	l.off = l.sel - min(max(line, 0), l.height-1)
	l.bound()
}

// find looks for the row the selection is on now: the same row, what stands for
// it, or the nearest of its old neighbours, those after it first: they moved up
// into its line.
func (l *list[K]) find(old []K, fallback func(K) (K, bool)) (int, bool) {
	at := min(l.sel, len(old)-1)
	if i := index(l.keys, old[at]); i >= 0 {
		return i, true
	}
	if fallback != nil {
		if k, ok := fallback(old[at]); ok {
			if i := index(l.keys, k); i >= 0 {
				return i, true
			}
		}
	}
	where := make(map[K]int, len(l.keys))
	for i, k := range l.keys {
		where[k] = i
	}
	for _, k := range old[at+1:] {
		if i, ok := where[k]; ok {
			return i, true
		}
	}
	for j := at - 1; j >= 0; j-- {
		if i, ok := where[old[j]]; ok {
			return i, true
		}
	}
	return 0, false
}

// bound keeps at least half of the screen filled. Within that the selection's
// line is kept even where the list ends: a row that moves is worse than an empty
// line.
func (l *list[K]) bound() {
	slack := 0
	if l.placed {
		slack = l.height / 2
	}
	n := len(l.keys)
	l.off = min(l.off, max(0, n-l.height)+slack, n-1)
	l.off = max(l.off, -slack)
	l.show()
}

// show scrolls as little as it takes to have the selection on the screen.
func (l *list[K]) show() {
	l.off = min(l.off, l.sel)
	l.off = max(l.off, l.sel-l.height+1)
}

// move moves the selection by n rows. Moving off the end stops the tail.
func (l *list[K]) move(n int) { l.moveTo(l.sel + n) }

// moveTo selects row i. The user moves: no empty lines are kept where the list
// could fill them.
func (l *list[K]) moveTo(i int) {
	n := len(l.keys)
	if n == 0 {
		return
	}
	l.placed = true
	l.sel = min(max(i, 0), n-1)
	if l.sel < n-1 {
		l.tail = false
	}
	l.off = min(max(l.off, 0), max(0, n-l.height))
	l.show()
}

// page moves by a part of a screen, taking the view along, so that the selection
// stays on its line where it can.
func (l *list[K]) page(n int) {
	if len(l.keys) == 0 {
		return
	}
	l.off += n
	l.moveTo(l.sel + n)
}

// choose selects the row with the key and reports whether there is one.
func (l *list[K]) choose(k K) bool {
	i := index(l.keys, k)
	if i >= 0 {
		l.moveTo(i)
	}
	return i >= 0
}

// selected is the key of the selected row.
func (l *list[K]) selected() (k K, ok bool) {
	if l.sel < 0 || l.sel >= len(l.keys) {
		return k, false
	}
	return l.keys[l.sel], true
}

// at is the index of the row on a line of the screen, -1 where there is none.
func (l *list[K]) at(line int) int {
	i := l.off + line
	if line < 0 || line >= l.height || i < 0 || i >= len(l.keys) {
		return -1
	}
	return i
}

// below is how many rows are under the screen's last line.
func (l *list[K]) below() int { return max(0, len(l.keys)-l.off-l.height) }

// above is how many rows are over the screen's first line.
func (l *list[K]) above() int { return max(0, l.off) }

// buffer is an empty slice to build the next keys in.
func (l *list[K]) buffer() []K { return l.spare[:0] }

func index[K comparable](keys []K, k K) int {
	for i := range keys {
		if keys[i] == k {
			return i
		}
	}
	return -1
}
