package ui

import (
	"strings"

	"pid1/doctor"
)

// draw draws the parents, and under them the sentence on the selected one.
func (z *zombies) draw(c *canvas, s *scene, words []string) {
	at := z.layout(c.width-1, min(28, c.width/3))
	z.heading(c, 1)
	if len(z.rows) == 0 {
		z.nothing(c)
		return
	}
	for line := range z.list.height {
		i := z.list.at(line)
		if i < 0 {
			blank(c)
			continue
		}
		if !c.row(i == z.list.sel) {
			return
		}
		if c.sel {
			c.put(strong, ">")
		}
		z.drawRow(c, s, &z.rows[i], at)
		c.end(plain)
	}
	for _, w := range words {
		if !c.row(false) {
			return
		}
		look := plain
		if strings.HasPrefix(w, c.t.arrow) {
			look = strong
		} else if strings.HasPrefix(w, "  ") {
			look = faint
		}
		c.to(1)
		c.text(look, w, c.width)
		c.end(plain)
	}
}

func (z *zombies) nothing(c *canvas) {
	blank(c)
	switch {
	case z.filter.active():
		note(c, "no zombies with "+z.filter.text+"; Esc shows everything")
	default:
		note(c, "No zombies: every parent waits for its children.")
	}
}

func (z *zombies) drawRow(c *canvas, s *scene, r *zombieRow, at []place) {
	g := &s.groups[r.group]
	if r.mark == noFold {
		z.drawKind(c, r)
		return
	}
	look, mark := verdictLook(g.Verdict), c.t.open
	if r.mark == isClosed {
		mark = c.t.closed
	}
	for _, pl := range at {
		c.to(1 + pl.x)
		switch pl.col {
		case zParent:
			c.put(accent, mark+" ")
			c.text(strong, name(g.Parent), pl.width-2)
		case zCount:
			c.right(look, itoa(r.count), pl.width)
		case zRate:
			r := signed(g.RatePerMin)
			if r == "0" && g.Verdict == doctor.Leaking {
				r = "?" // not known yet
			}
			c.right(plain, r, pl.width)
		case zOldest:
			c.right(plain, age(g.Oldest), pl.width)
		case zNewest:
			c.right(plain, age(g.Newest), pl.width)
		case zSigchld:
			sig := g.Evidence.SigChld
			switch {
			case g.Evidence.Blocked:
				sig = "blocked"
			case sig == "":
				sig = "?"
			}
			c.left(plain, sig, pl.width)
		case zTrend:
			c.put(look, bars(floats(g.Trend), pl.width, c.t.ascii))
		case zVerdict:
			c.left(look, words(g.Verdict), pl.width)
		}
	}
}

// drawKind draws zombies of one program over the whole line.
func (z *zombies) drawKind(c *canvas, r *zombieRow) {
	c.to(3)
	if r.count == 1 {
		c.right(faint, itoa(r.id.PID), 7)
	} else {
		c.right(plain, itoa(r.count)+"x", 7)
	}
	c.to(11)
	tail := "oldest " + age(r.oldest)
	if r.count == 1 {
		tail = "for " + age(r.oldest)
	}
	if r.status != "" {
		tail = r.status + "  " + tail
	}
	room := c.width - c.x - 1
	if len(tail) > room/2 {
		tail = ""
	}
	c.put(plain, "<")
	room -= len(tail) + 4
	if r.mixed {
		room -= 2
	}
	c.text(plain, r.text, room)
	if r.mixed {
		c.put(faint, " "+c.t.ellipsis)
	}
	c.put(plain, ">")
	if tail != "" {
		c.put(plain, "  ")
		c.put(faint, tail)
	}
}

// words writes a verdict for people.
func words(v doctor.Verdict) string {
	switch v {
	case doctor.InheritedByExec:
		return "from an exec"
	case doctor.ThreadsAlive:
		return "threads alive"
	}
	return strings.ReplaceAll(string(v), "_", " ")
}

func verdictLook(v doctor.Verdict) style {
	switch {
	case v == doctor.Leaking:
		return bad
	case v.Trouble():
		return warn
	}
	return plain
}

// explain is what the Zombies view says under the list about the selected parent:
// the sentence, how it is known, and what to do, in at most lines lines.
func (z *zombies) explain(s *scene, t *theme, width, lines int) []string {
	r := z.current()
	if r == nil || lines <= 0 {
		return nil
	}
	g := &s.groups[r.group]
	f := &g.Finding
	head := words(g.Verdict)
	head = strings.ToUpper(head[:1]) + head[1:] + " " + sinceWhen(g, s.now, t) + ": "
	out := wrap(clean(head+f.Summary, t.ascii), width)
	if lines == 1 && len(f.Advice) > 0 {
		return []string{t.arrow + " " + clean(f.Advice[0], t.ascii)}
	}
	var advice []string
	for _, a := range f.Advice {
		for i, w := range wrap(clean(a, t.ascii), width-3) {
			if i == 0 {
				advice = append(advice, t.arrow+" "+w)
			} else {
				advice = append(advice, "  "+strings.Repeat(" ", cellWidth(t.arrow)-1)+w)
			}
		}
	}
	room := lines - len(out)
	if room > len(advice) {
		for _, e := range f.Evidence {
			if room <= len(advice) {
				break
			}
			out = append(out, "  "+clean(e, t.ascii))
			room--
		}
	}
	if out = append(out, advice...); len(out) > lines {
		out = out[:lines]
		out[lines-1] += t.ellipsis
	}
	return out
}

// wrap breaks clean text at its spaces.
func wrap(text string, width int) []string {
	width = max(width, 10)
	var out []string
	line, n := "", 0
	for _, w := range strings.Fields(text) {
		cw := cellWidth(w)
		if n > 0 && n+1+cw > width {
			out = append(out, line)
			line, n = "", 0
		}
		if n > 0 {
			line += " "
			n++
		}
		line += w
		n += cw
	}
	if n > 0 {
		out = append(out, line)
	}
	if len(out) == 0 {
		out = append(out, "")
	}
	return out
}
