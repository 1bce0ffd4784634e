package ui

// canvas collects the lines of a frame. Text is cut at the width, and every line
// is filled to it only where a look needs that (the selected row, the bars).
type canvas struct {
	b      []byte
	t      *theme
	width  int
	height int // lines allowed
	lines  int // lines begun
	x      int // cells used on the line
	cur    style
	set    bool // cur is in force
	sel    bool // the line is the selected row
}

func (c *canvas) begin(t *theme, width, height int) {
	c.b = c.b[:0]
	c.t, c.width, c.height = t, width, height
	c.lines, c.x, c.set, c.sel = 0, 0, false, false
}

// row begins a line and reports whether there is room for it.
func (c *canvas) row(selected bool) bool {
	if c.lines >= c.height {
		return false
	}
	if c.lines > 0 {
		c.b = append(c.b, '\n')
	}
	c.lines++
	c.x, c.set, c.sel = 0, false, selected
	return true
}

// end closes the line; fill extends the look s over the rest of it.
func (c *canvas) end(s style) {
	if c.sel || s != plain {
		c.use(s)
		c.spaces(c.width - c.x)
	}
	if c.set {
		c.b = append(c.b, sgrReset...)
	}
}

func (c *canvas) use(s style) {
	if c.set && c.cur == s {
		return
	}
	if !c.set && s == plain && !c.sel {
		return
	}
	if c.sel {
		c.b = append(c.b, c.t.onSel[s]...)
	} else {
		c.b = append(c.b, c.t.on[s]...)
	}
	c.cur, c.set = s, true
}

func (c *canvas) spaces(n int) {
	for ; n > 0 && c.x < c.width; n-- {
		c.b = append(c.b, ' ')
		c.x++
	}
}

// to moves on to column x.
func (c *canvas) to(x int) {
	if c.x < x {
		c.use(plain)
		c.spaces(x - c.x)
	}
}

// text writes s, from outside or not, made harmless and cut to limit cells with
// an ellipsis.
func (c *canvas) text(s style, text string, limit int) {
	limit = min(limit, c.width-c.x)
	if limit <= 0 || text == "" {
		return
	}
	c.use(s)
	start := len(c.b)
	b, n, rest := appendClean(c.b, text, limit, c.t.ascii)
	if rest {
		if n == limit { // make room for the ellipsis
			b, n, _ = appendClean(c.b[:start], text, limit-1, c.t.ascii)
		}
		b = append(b, c.t.ellipsis...)
		n++
	}
	c.b = b
	c.x += n
}

// put writes the program's own text: glyphs are one cell each.
func (c *canvas) put(s style, text string) {
	if text == "" || c.x >= c.width {
		return
	}
	c.use(s)
	if isPlain(text) {
		n := min(len(text), c.width-c.x)
		c.b = append(c.b, text[:n]...)
		c.x += n
		return
	}
	for _, r := range text {
		if c.x >= c.width {
			return
		}
		c.b = append(c.b, string(r)...)
		c.x++
	}
}

// right writes text into the w cells from here, at their right end.
func (c *canvas) right(s style, text string, w int) {
	c.pad(w - cellWidth(text))
	c.put(s, text)
}

// left writes text into the w cells from here, at their left end.
func (c *canvas) left(s style, text string, w int) {
	x := c.x
	c.text(s, text, w)
	c.to(x + w)
}

func (c *canvas) pad(n int) {
	if n > 0 {
		c.use(plain)
		c.spaces(n)
	}
}
