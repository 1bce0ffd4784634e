package ui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"pid1/event"
	"pid1/internal/world"
)

// The columns of the tree. What is least needed to see who is wrong goes first.
const (
	tPID = iota
	tState
	tAge
	tKids
	tZombies
	tReaped
	tCPU
	tMem
	tUser
	tCommand
)

var treeColumns = []column{
	tPID:     {name: "PID", width: 7, right: true, keep: 9},
	tState:   {name: "S", width: 1, keep: 8},
	tAge:     {name: "AGE", width: 6, right: true, keep: 2},
	tKids:    {name: "KIDS", width: 4, right: true, desc: true, keep: 4},
	tZombies: {name: "Z", width: 5, right: true, desc: true, keep: 7},
	tReaped:  {name: "REAPED", width: 6, right: true, desc: true, keep: 3},
	tCPU:     {name: "CPU", width: 6, right: true, desc: true, keep: 0},
	tMem:     {name: "MEM", width: 5, right: true, desc: true, keep: 0},
	tUser:    {name: "USER", width: 8, keep: 1},
	tCommand: {name: "COMMAND"},
}

// compare tells how processes a and b stand in a column.
func (s *scene) compare(col, a, b int) int {
	p, q := &s.procs[a], &s.procs[b]
	switch col {
	case tPID:
		return cmp.Compare(p.id.PID, q.id.PID)
	case tState:
		return cmp.Compare(p.state, q.state)
	case tAge:
		return cmp.Compare(p.age, q.age)
	case tKids:
		return cmp.Compare(p.kids, q.kids)
	case tZombies:
		return cmp.Compare(p.zkids, q.zkids)
	case tReaped:
		return cmp.Compare(p.reaped, q.reaped)
	case tCPU:
		return cmp.Compare(p.cpu, q.cpu)
	case tMem:
		return cmp.Compare(p.rssKB, q.rssKB)
	case tUser:
		return cmp.Compare(p.uid, q.uid)
	case tCommand:
		return compareCommands(p.comm, p.args, q.comm, q.args)
	}
	return 0
}

// maxDepth is how many levels of branches are drawn before a row; what is deeper
// shows the nearest.
const maxDepth = 12

// treeLeast is what the commands get at least: on a wide screen room for deep
// branches goes before more columns.
func treeLeast(width int) int {
	if width < 90 {
		return min(30, width/2)
	}
	return 54
}

// draw draws the heading and the rows on the screen.
func (t *tree) draw(c *canvas, s *scene, o *Options, follow event.ID) {
	at := t.layout(c.width-1, treeLeast(c.width))
	t.heading(c, 1)
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
		if c.sel {
			c.put(strong, ">")
		} else if follow.PID != 0 && t.rows[i].key == (treeKey{id: follow}) {
			c.put(accent, c.t.bullet)
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
		case col == tPID && r.key.fold != siblingsFolded:
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
	case tCPU:
		if p.cpu < 0 || !live {
			return "-", look
		}
		return span(p.cpu), look
	case tMem:
		return memory(p.rssKB, live), look
	case tUser:
		return user(p.uid, o), look
	}
	return "", look
}

// compareCommands orders by program, then by arguments.
func compareCommands(comm1 string, args1 []string, comm2 string, args2 []string) int {
	return cmp.Or(strings.Compare(program(comm1, args1), program(comm2, args2)), slices.Compare(args1, args2))
}

// program is what runs, without its folder.
func program(comm string, args []string) string {
	if len(args) == 0 {
		return comm
	}
	return args[0][strings.LastIndexByte(args[0], '/')+1:]
}

// memory writes KiB in at most five cells: 812K 24M 1.5G.
func memory(kb int64, live bool) string {
	switch {
	case kb < 0 || !live:
		return "-"
	case kb < 1<<10:
		return itoa(kb) + "K"
	case kb < 10<<20:
		return itoa(kb>>10) + "M"
	case kb < 100<<20:
		return strconv.FormatFloat(float64(kb)/(1<<20), 'f', 1, 64) + "G"
	}
	return itoa(kb>>20) + "G"
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

// drawCommand draws the branches, and what runs or is folded.
func (t *tree) drawCommand(c *canvas, s *scene, r *treeRow, look style, width int) {
	end := c.x + width
	p := &s.procs[r.p]
	t.branches(c, r, width)
	if t.flat {
		// No branches, and nothing to fold.
	} else if r.mark == isOpen && r.parent >= 0 {
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
	case r.key.fold == goneFolded:
		c.put(look, itoa(r.count)+" gone lately")
		if r.mark == isClosed && end-c.x > 24 {
			c.put(look, ", last ")
			t.drawProgram(c, p, look, end)
		}
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
	t.drawProgram(c, p, look, end)
}

// drawProgram draws what a process runs, and at the right end how it ended.
func (t *tree) drawProgram(c *canvas, p *proc, look style, end int) {
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
		c.text(look, p.command(t.path), room-2)
		c.put(look, ">")
	} else {
		if look == plain && p.zkids > 0 {
			look = strong
		}
		c.text(look, p.command(t.path), room)
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
