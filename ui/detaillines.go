package ui

import (
	"strings"
	"time"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// detailLine is a line of the Detail: what it is about, and the text. Both may
// hold bytes from outside.
type detailLine struct {
	label string
	text  string
	look  style
	mark  string // at the very left
	head  bool   // label is the heading of a part
}

// say adds what there is to say about one thing, on as many lines as it takes.
func (d *detail) say(m *model, look style, label, text string) {
	if text == "" {
		return
	}
	for i, w := range wrap(clean(text, m.theme.ascii), m.width-labelWidth-1) {
		l := detailLine{text: w, look: look}
		if i == 0 {
			l.label = label
		}
		d.lines = append(d.lines, l)
	}
}

func (d *detail) head(text string) {
	d.lines = append(d.lines, detailLine{}, detailLine{label: text, head: true})
}

// build makes the lines.
func (d *detail) build(m *model, height int) {
	d.lines, d.height = d.lines[:0], max(height, 1)
	switch {
	case d.known:
		d.sayWho(m, &d.p.Command)
	case d.reap != nil:
		d.sayWho(m, &d.reap.Command)
	default:
		d.say(m, faint, "", itoa(d.of.id.PID)+" is not known any more: it is gone, and its end is not kept.")
	}
	d.sayEnd(m)
	d.sayTrouble(m)
	d.sayChain(m)
	if d.known {
		d.sayState(m)
	}
	d.sayUse(m)
	d.sayInspected(m)
	d.sayChildren(m)
	d.sayLists(m)
	d.move(0)
}

func (d *detail) sayWho(m *model, c *event.Command) {
	line := command(c.Comm, c.Cmdline, true)
	if c.CmdlineCut {
		line += " " + m.theme.ellipsis
	}
	d.say(m, strong, "Command", line)
	if len(c.Cmdline) > 0 && c.Comm != "" && program("", c.Cmdline) != c.Comm {
		d.say(m, plain, "Name", c.Comm)
	}
	d.say(m, plain, "Program", c.Exe)
	switch c.CmdlineHow {
	case event.HowNone:
		d.say(m, faint, "", "its command line was never seen; only its name is known")
	case event.HowInferred:
		d.say(m, faint, "", "the command line is inferred")
	}
	if d.known && d.p.Was != "" {
		text := d.p.Was + ", before its last exec"
		if !d.p.ExecAt.IsZero() {
			text += " " + age(m.shown.now.Sub(d.p.ExecAt)) + " ago"
		}
		d.say(m, faint, "Was", text)
	}
}

// lateMS is after how long dead a process was not reaped at once.
const lateMS = 100

// sayEnd tells how a dead process ended.
func (d *detail) sayEnd(m *model) {
	now := m.shown.now
	if e := d.reap; e != nil {
		text, look := world.Status(e.Ended), good
		if e.Failed() {
			look = bad
		}
		if e.OOM != "" {
			text += ", probably killed for want of memory"
		}
		d.say(m, look, "Ended", text+", at "+m.theme.clock(e.TS, true)+", "+age(max(0, now.Sub(d.goneAt)))+" ago")
		by := "reaped by pid1"
		switch {
		case e.Main:
			by += "; it was COMMAND, the container's main process"
		case e.Adopted:
			by += ", which had adopted it: its parent was gone"
		}
		switch {
		case e.ZombieMS >= lateMS:
			by += ", " + span(time.Duration(e.ZombieMS)*time.Millisecond) + " after its death"
		case e.ZombieMS >= 0:
			by += ", at once"
		}
		d.say(m, plain, "", by)
		if e.LifetimeMS >= 0 {
			d.say(m, plain, "Lived", span(time.Duration(e.LifetimeMS)*time.Millisecond))
		}
		return
	}
	switch {
	case !d.known:
	case d.gone:
		text := "gone"
		if d.p.End.Known() {
			text = world.Status(d.p.End)
		}
		d.say(m, warn, "Ended", text+", "+age(max(0, now.Sub(d.goneAt)))+" ago; what follows is from before")
	case d.p.Zombie():
		text := "dead for " + age(d.p.Dead(now))
		if d.p.SeenBefore {
			text = "dead for more than " + age(d.p.Dead(now))
		}
		if d.p.End.Known() {
			text = world.Status(d.p.End) + ", " + text
		}
		d.say(m, bad, "Zombie", text+": nobody has waited for it")
		if d.p.ThreadsAlive > 0 {
			d.say(m, plain, "", plural(d.p.ThreadsAlive, "thread")+" of it live on; it can be reaped when the last ends")
		}
		if d.owner != nil {
			d.say(m, strong, "", "the one that should wait: "+name(*d.owner)+" (J)")
		}
	}
}

// sayTrouble tells what is wrong with how it treats its children.
func (d *detail) sayTrouble(m *model) {
	g := d.group
	if g == nil || d.gone {
		return
	}
	d.say(m, verdictLook(g.Verdict), "Zombies", words(g.Verdict)+" "+sinceWhen(g, m.shown.now, m.theme)+": "+g.Finding.Summary)
	trend := strings.TrimSpace(bars(floats(g.Trend), len(g.Trend), m.theme.ascii)) + " in the last 10m"
	if r := signed(g.RatePerMin); r != "0" {
		trend += ", " + r + "/min"
	}
	d.lines = append(d.lines, detailLine{text: trend, look: plain})
	if g.Verdict.Trouble() {
		// The first is the cure, the last the relief until then; Zombies has all.
		for i, a := range g.Finding.Advice {
			if i == 0 || i == len(g.Finding.Advice)-1 {
				d.say(m, strong, "", m.theme.arrow+" "+a)
			}
		}
	}
}

func (d *detail) sayChain(m *model) {
	var parts []string
	for i := range d.chain {
		parts = append(parts, doctor.Name(d.chain[i]))
	}
	sep := " " + m.theme.arrow + " "
	if len(parts) > 0 {
		d.say(m, plain, "Below", strings.Join(parts, sep)+sep+itoa(d.of.id.PID))
	}
	origin := d.p.Origin
	if e := d.reap; e != nil {
		origin = e.Origin
		if len(parts) == 0 && len(e.Lineage) > 0 {
			for i := len(e.Lineage) - 1; i >= 0; i-- {
				parts = append(parts, doctor.Name(event.Proc{ID: event.ID{PID: e.Lineage[i].PID}, Comm: e.Lineage[i].Comm}))
			}
			d.say(m, plain, "Below", strings.Join(parts, sep)+sep+itoa(e.PID))
		}
	}
	if origin == nil {
		if d.reap != nil && !d.reap.Main {
			d.say(m, faint, "Created by", "nobody saw it")
		}
		return
	}
	text := name(*origin)
	switch origin.How {
	case event.HowInferred:
		text += " (inferred from its session and process group)"
	case event.HowExact, event.HowSeen:
		text += " (" + string(origin.How) + ")"
	}
	if !m.shown.here(origin.ID) {
		text += ", gone"
	}
	d.say(m, plain, "Created by", text)
}

// states are the kernel's letters in words, proc_pid_stat(5).
var states = map[string]string{
	"R": "running", "S": "sleeping", "D": "in uninterruptible sleep", "T": "stopped", "t": "held by a tracer",
	"Z": "dead, not waited for", "X": "dead", "I": "idle",
}

func (d *detail) sayState(m *model) {
	p := &d.p
	if p.State != "" && !d.gone {
		text := p.State + " " + states[p.State]
		if p.StateMS > 1000 {
			text += ", for more than " + age(time.Duration(p.StateMS)*time.Millisecond)
		}
		if p.Wchan != "" && p.Wchan != "0" {
			text += ", in " + p.Wchan
		}
		if p.Threads > 1 {
			text += ", " + itoa(p.Threads) + " threads"
		}
		d.say(m, plain, "State", text)
	}
	if p.SigChld != "" {
		text := p.SigChld
		if p.Blocked {
			text += ", and blocked"
		}
		d.say(m, plain, "SIGCHLD", text)
	}
	if p.ExecSession {
		d.say(m, accent, "Session", "brought in from outside the container, as by docker exec")
	}
}

// sayUse tells whose it is, when it started, and what it used.
func (d *detail) sayUse(m *model) {
	var owner event.Owner
	var group event.Group
	var started time.Time
	switch {
	case d.known:
		owner, group, started = d.p.Owner, d.p.Group, d.p.Started
	case d.reap != nil:
		owner, group, started = d.reap.Owner, d.reap.Group, d.reap.Started
	default:
		return
	}
	text := "uid " + numberOr(owner.UID) + ", gid " + numberOr(owner.GID)
	if u := user(owner.UID, &m.opt); u != itoa(owner.UID) && u != "?" {
		text = u + " (" + text + ")"
	}
	d.say(m, plain, "User", text)
	d.say(m, plain, "Group", "process group "+numberOr(group.PGID)+", session "+numberOr(group.SID))
	if !started.IsZero() {
		text := started.In(m.theme.zone).Format("2006-01-02 15:04:05")
		if a, ok := d.p.Age(m.shown.now); ok && d.known && !d.gone {
			text += ", " + age(a) + " ago"
		}
		d.say(m, plain, "Started", text)
	}
	switch e := d.reap; {
	case e != nil && e.Rusage != nil:
		u := e.Rusage
		d.say(m, plain, "Used", span(time.Duration(u.UtimeMS*float64(time.Millisecond)))+" CPU user, "+
			span(time.Duration(u.StimeMS*float64(time.Millisecond)))+" system, "+memory(u.MaxRSSKB, true)+" memory at most")
		d.say(m, faint, "", plural(int(u.Majflt), "major fault")+", "+plural(int(u.Minflt), "minor fault")+", switched "+
			itoa(u.Nvcsw)+" times by itself, "+itoa(u.Nivcsw)+" times not")
	case d.known && !d.p.Zombie() && d.p.UtimeMS >= 0:
		text := span(time.Duration(d.p.UtimeMS*float64(time.Millisecond))) + " CPU user, " +
			span(time.Duration(d.p.StimeMS*float64(time.Millisecond))) + " system"
		if d.p.RSSKB >= 0 {
			text += ", " + memory(d.p.RSSKB, true) + " memory"
		}
		d.say(m, plain, "Uses", text)
	}
}

func numberOr(n int) string {
	if n < 0 {
		return "?"
	}
	return itoa(n)
}

// kidsShown is how many children the Detail lists one by one.
const kidsShown = 100

func (d *detail) sayChildren(m *model) {
	now := m.shown.now
	if d.known && len(d.kids) > 0 && !d.gone {
		zombies := 0
		for i := range d.kids {
			if d.kids[i].Zombie() {
				zombies++
			}
		}
		d.head("Children: " + itoa(len(d.kids)-zombies) + " alive, " + plural(zombies, "zombie"))
		for i := range d.kids {
			k := &d.kids[i]
			if i == kidsShown {
				d.say(m, faint, "", "and "+itoa(len(d.kids)-i)+" more")
				break
			}
			look, when := plain, "?"
			if a, ok := k.Age(now); ok {
				when = age(a)
			}
			if k.Zombie() {
				look, when = bad, "dead "+age(k.Dead(now))
			}
			state := k.State
			if state == "" {
				state = "?"
			}
			line := padLeft(itoa(k.PID), 8) + " " + state + "  " + padRight(when, 10) + " "
			text := command(k.Comm, k.Args(), false)
			d.lines = append(d.lines, detailLine{text: line + text, look: look, mark: " "})
		}
	}
	if d.dead.count == 0 {
		return
	}
	d.head("Dead it created: " + itoa(d.dead.count) + ", " + itoa(d.dead.failed) + " failed; how long they lived")
	top := 0
	for _, n := range d.dead.lifetimes {
		top = max(top, n)
	}
	for i, n := range d.dead.lifetimes {
		label := "more"
		if i < len(world.LifetimeBounds) {
			label = "<" + roundSpan(world.LifetimeBounds[i])
		}
		text := padLeft(label, 8) + " " + gauge(float64(n)/float64(max(top, 1)), 24, m.theme.ascii) + " " + itoa(n)
		d.lines = append(d.lines, detailLine{text: text, look: plain, mark: " "})
	}
}

func padLeft(s string, n int) string  { return strings.Repeat(" ", max(n-len(s), 0)) + s }
func padRight(s string, n int) string { return s + strings.Repeat(" ", max(n-len(s), 0)) }

// draw draws the lines on the screen.
func (d *detail) draw(c *canvas) {
	if c.row(false) {
		c.to(1)
		state := " "
		switch {
		case d.gone || !d.known:
			state = " dead "
		case d.p.Zombie():
			state = " zombie "
		}
		c.put(title, itoa(d.of.id.PID)+state)
		c.put(plain, " ")
		comm, args := d.p.Comm, d.p.Args()
		if !d.known && d.reap != nil {
			comm, args = d.reap.Comm, d.reap.Cmdline
		}
		c.text(strong, command(comm, args, false), c.width)
		c.end(plain)
	}
	for y := range d.height {
		if !c.row(false) {
			return
		}
		if i := d.off + y; i < len(d.lines) {
			l := &d.lines[i]
			switch {
			case l.head:
				c.to(1)
				c.text(title, l.label, c.width)
			case l.mark == "":
				c.to(1)
				c.text(faint, l.label, labelWidth-2)
				c.to(labelWidth)
				c.text(l.look, l.text, c.width)
			default:
				c.text(l.look, l.text, c.width)
			}
		}
		c.end(plain)
	}
}
