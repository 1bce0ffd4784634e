package ui

import "pid1/internal/world"

// The columns of the tree. What is least needed to see who is wrong goes first.
const (
	tPID = iota
	tState
	tAge
	tKids
	tZombies
	tReaped
	tUser
	tCommand
)

var treeColumns = []column{
	tPID:     {name: "PID", width: 7, right: true, keep: 9},
	tState:   {name: "S", width: 1, keep: 8},
	tAge:     {name: "AGE", width: 6, right: true, keep: 2},
	tKids:    {name: "KIDS", width: 4, right: true, keep: 4},
	tZombies: {name: "Z", width: 5, right: true, keep: 7},
	tReaped:  {name: "REAPED", width: 6, right: true, keep: 3},
	tUser:    {name: "USER", width: 8, keep: 1},
	tCommand: {name: "COMMAND"},
}

// maxDepth is how many levels of branches are drawn before a row; what is deeper
// shows the nearest.
const maxDepth = 12

// draw draws the heading and the rows on the screen.
func (t *tree) draw(c *canvas, s *scene, o *Options) {
	least := min(30, c.width/2)
	at := layout(treeColumns, c.width-1, least)
	heading(c, treeColumns, at, 1)
	if len(t.rows) == 0 {
		t.nothing(c)
		return
	}
	for line := range t.list.height {
		i := t.list.at(line)
		if i < 0 {
			if c.row(false) {
				c.end(plain)
			}
			continue
		}
		if !c.row(i == t.list.sel) {
			return
		}
		t.drawRow(c, s, &t.rows[i], at, o)
		c.end(plain)
	}
}

func (t *tree) nothing(c *canvas) {
	say := "no processes seen yet"
	switch {
	case t.zombiesOnly && t.filter.active():
		say = "no zombies with " + t.filter.text + "; z and Esc show everything"
	case t.zombiesOnly:
		say = "no zombies; z shows everything"
	case t.filter.active():
		say = "nothing with " + t.filter.text + "; Esc shows everything"
	}
	blank(c)
	note(c, say)
}

func (t *tree) drawRow(c *canvas, s *scene, r *treeRow, at []place, o *Options) {
	p := &s.procs[r.p]
	look := plain
	switch {
	case p.gone, r.aside, r.isFold() && r.gone == r.count:
		look = faint
	case r.key.fold == zombiesFolded || p.zombie():
		look = bad
	}
	if c.sel {
		c.put(strong, ">")
	}
	for _, pl := range at {
		c.to(1 + pl.x)
		switch pl.col {
		case tCommand:
			t.drawCommand(c, s, r, look, pl.width)
		default:
			text, st := treeCell(r, p, pl.col, look, o)
			if treeColumns[pl.col].right {
				c.right(st, text, pl.width)
			} else {
				c.left(st, text, pl.width)
			}
		}
	}
}

// treeCell is what stands in one of the short columns.
func treeCell(r *treeRow, p *proc, col int, look style, o *Options) (string, style) {
	if r.isFold() {
		switch {
		case col == tPID && r.key.fold == zombiesFolded:
			return "+" + itoa(r.count), look
		case col == tPID:
			return itoa(r.count) + "x", look
		case col == tState && r.key.fold == zombiesFolded:
			return "Z", look
		case col == tState && r.gone == r.count:
			return "X", look
		case col == tKids && r.kids > 0:
			return itoa(r.kids), look
		}
		return "", look
	}
	live := !p.gone && !p.zombie()
	switch col {
	case tPID:
		return itoa(p.id.PID), look
	case tState:
		if p.gone {
			return "X", look
		}
		st := look
		if st == plain {
			switch p.state {
			case 'R':
				st = good
			case 'D', 'T', 't':
				st = warn
			}
		}
		return string(rune(p.state)), st
	case tAge:
		return age(p.age), look
	case tKids:
		if !live {
			return "-", look
		}
		return itoa(p.kids), look
	case tZombies:
		switch {
		case !live:
			return "-", look
		case p.zkids > 0:
			return itoa(p.zkids), bad
		}
		return "0", look
	case tReaped:
		if !live || p.reaped == 0 {
			return "-", look
		}
		return itoa(p.reaped), look
	case tUser:
		return user(p.uid, o), look
	}
	return "", look
}

func user(uid int, o *Options) string {
	if uid < 0 {
		return "?"
	}
	if o.User != nil {
		if n := o.User(uid); n != "" {
			return n
		}
	}
	return itoa(uid)
}

// drawCommand draws the branches, what runs, and at the right end how it ended.
func (t *tree) drawCommand(c *canvas, s *scene, r *treeRow, look style, width int) {
	end := c.x + width
	p := &s.procs[r.p]
	t.branches(c, r, width)
	if r.mark == isOpen && r.parent >= 0 {
		c.put(look, c.t.open+" ")
	} else if r.mark == isClosed {
		c.put(accent, c.t.closed+" ")
	} else if r.parent >= 0 {
		c.put(look, " ")
	}
	switch {
	case r.key.fold == zombiesFolded:
		c.put(look, itoa(r.count)+" more zombies")
		return
	case r.isFold():
		c.put(look, itoa(r.count)+" x ")
		c.text(look, r.key.comm, end-c.x)
		if r.gone > 0 && r.gone < r.count {
			c.put(faint, ", "+itoa(r.gone)+" just gone")
		}
		return
	}
	if p.session && r.depth == 0 {
		c.put(accent, c.t.session+" exec session: ")
	}
	fate, short := "", ""
	switch {
	case p.gone:
		short = age(p.goneFor) + " ago"
		fate = world.Status(p.ended) + " " + short
		if !p.ended.Known() {
			fate = "gone " + short
		}
	case p.zombie() && p.threads:
		fate = "threads live on " + age(p.age)
	case p.zombie():
		fate = "defunct " + age(p.age)
	}
	room := end - c.x
	if len(fate) > room/2 {
		fate = short
	}
	if len(fate) > room/2 {
		fate = ""
	}
	if fate != "" {
		room -= len(fate) + 1
	}
	if p.gone || p.zombie() {
		c.put(look, "<")
		c.text(look, p.command(), room-2)
		c.put(look, ">")
	} else {
		if look == plain && p.zkids > 0 {
			look = strong
		}
		c.text(look, p.command(), room)
	}
	if fate != "" {
		c.to(end - len(fate))
		c.put(look, fate)
	}
}

// branches draws the lines that lead to a row: as many levels as half the column
// can hold.
func (t *tree) branches(c *canvas, r *treeRow, width int) {
	if r.parent < 0 {
		return
	}
	levels := min(r.depth, maxDepth, max(width/6, 1))
	var lasts [maxDepth]bool
	row := r
	for i := levels - 1; i >= 0; i-- {
		lasts[i] = row.last
		row = &t.rows[row.parent]
	}
	if levels < r.depth {
		c.put(faint, c.t.ellipsis)
	}
	for i := range levels {
		switch {
		case i < levels-1 && lasts[i]:
			c.put(faint, c.t.blank)
		case i < levels-1:
			c.put(faint, c.t.pipe)
		case lasts[i]:
			c.put(faint, c.t.last)
		default:
			c.put(faint, c.t.branch)
		}
	}
}

// blank leaves a line empty.
func blank(c *canvas) {
	if c.row(false) {
		c.end(plain)
	}
}

// note writes a line of the program's own in the body.
func note(c *canvas, say string) {
	if c.row(false) {
		c.to(2)
		c.text(faint, say, c.width)
		c.end(plain)
	}
}
