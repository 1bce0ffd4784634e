package truth

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"

	"pid1/event"
)

// told is everything a feed told of one process.
type told struct {
	pid     int
	start   uint64
	ends    []event.Event // Reap or Exit
	command []event.Command
	origin  []*event.Proc
}

// end is what an event tells about the end of a process.
type end struct {
	event.Command
	event.Group
	event.Ended
	origin   *event.Proc
	lineage  []event.Ancestor
	lifetime int64
	others   bool // somebody else reaped it, and it need not have been seen dead
}

func endOf(ev event.Event) end {
	switch e := ev.(type) {
	case *event.Reap:
		return end{e.Command, e.Group, e.Ended, e.Origin, e.Lineage, e.LifetimeMS, false}
	case *event.Exit:
		return end{e.Command, e.Group, e.Ended, e.Origin, nil, e.LifetimeMS, true}
	}
	panic(fmt.Sprintf("%T is no end", ev))
}

// Check compares a feed, from its first event on, with the truth about processes
// that ended while it was read. Each of them is counted in the coverage.
func Check(all []Process, events []event.Event) *Coverage {
	c := &Coverage{}
	feed := gather(events)
	reaper := slices.ContainsFunc(events, func(ev event.Event) bool { return ev.Header().Type == event.TypeReap })
	taken := map[*told]bool{}
	var byMark []*Process
	known := map[string]bool{} // the command lines that shells made
	for i := range all {
		p := &all[i]
		if p.PID == 0 {
			byMark = append(byMark, p)
			known[line(p.Argv[len(p.Argv)-1])] = true
			continue
		}
		var t *told
		for _, f := range feed[p.PID] {
			if p.is(f.pid, f.start) && !taken[f] {
				t = f
				taken[f] = true
				break
			}
		}
		c.process(p, t)
		if reaper {
			c.reaped(p, t)
		}
	}
	// What a shell made is looked for among what is left, by its command line.
	rest := map[string][]*told{}
	for _, list := range feed {
		for _, f := range list {
			for _, l := range f.lines() {
				if !taken[f] && known[l] {
					rest[l] = append(rest[l], f)
				}
			}
		}
	}
	for _, p := range byMark {
		var t *told
		found := rest[line(p.Argv[len(p.Argv)-1])]
		if len(found) > 1 {
			c.wrong(p, "%d processes are said to be %q", len(found), p.Argv[len(p.Argv)-1])
		}
		if len(found) > 0 {
			t = found[0]
		}
		c.process(p, t)
	}
	return c
}

// gather puts together what is told of each process.
func gather(events []event.Event) map[int][]*told {
	feed := map[int][]*told{}
	of := func(id event.ID) *told {
		for _, t := range feed[id.PID] {
			if t.start == id.Start {
				return t
			}
		}
		t := &told{pid: id.PID, start: id.Start}
		feed[id.PID] = append(feed[id.PID], t)
		return t
	}
	for _, ev := range events {
		switch e := ev.(type) {
		case *event.Start:
			of(e.ID).says(e.Command, e.Origin)
		case *event.Exec:
			of(e.ID).says(e.Command, nil)
		case *event.Orphan:
			of(e.ID).says(e.Command, e.Origin)
		case *event.Zombie:
			of(e.ID).says(e.Command, nil)
		case *event.ZombieGone:
			of(e.ID).says(e.Command, nil)
		case *event.Exit:
			of(e.ID).says(e.Command, e.Origin).ends = append(of(e.ID).ends, ev)
		case *event.Reap:
			of(e.ID).says(e.Command, e.Origin).ends = append(of(e.ID).ends, ev)
		}
	}
	return feed
}

func (t *told) says(c event.Command, origin *event.Proc) *told {
	if len(c.Cmdline) > 0 {
		t.command = append(t.command, c)
	}
	if origin != nil {
		t.origin = append(t.origin, origin)
	}
	return t
}

func (t *told) lines() []string {
	var list []string
	for _, c := range t.command {
		if l := line(c.Cmdline); !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

func lines(events []event.Event) (text []byte) {
	for _, ev := range events {
		text = event.Append(text, ev)
	}
	return bytes.TrimSpace(text)
}

func line(argv []string) string { return fmt.Sprintf("%q", argv) }

// process compares all that was told of p, nil: nothing, with the truth.
func (c *Coverage) process(p *Process, t *told) {
	if t == nil || len(t.ends) == 0 {
		t = &told{}
	}
	if len(t.ends) > 1 {
		c.wrong(p, "its end was told %d times: %s", len(t.ends), lines(t.ends))
	}
	for _, cmd := range t.command {
		// Before its end it may have run what it no longer does.
		if !slices.ContainsFunc(p.Argv, func(argv []string) bool { return slices.Equal(argv, cmd.Cmdline) }) {
			c.wrong(p, "the command line %q, which it never had", cmd.Cmdline)
		}
	}
	for _, o := range t.origin {
		c.origin(p, o)
	}
	switch {
	case len(t.ends) > 0:
	case p.PID == 0: // it can have been told of, without what it is known by here
		c.count(p, unknown, unasked, unasked, unasked, unasked)
		return
	default:
		c.count(p, unknown, unknown, unknown, unknown, unknown)
		return
	}
	e := endOf(t.ends[len(t.ends)-1])
	c.count(p, c.command(p, &e), c.origin(p, e.origin), c.status(p, &e), c.lifetime(p, &e), c.session(p, &e))
	c.lineage(p, &e)
}

// reaped wants each process reaped once by whoever had to: of pid1 that is always
// known, and the status with it.
func (c *Coverage) reaped(p *Process, t *told) {
	var reaps []event.Event
	if t != nil {
		for _, ev := range t.ends {
			if ev.Header().Type == event.TypeReap {
				reaps = append(reaps, ev)
			}
		}
	}
	switch {
	case !p.Adopted && p.Tree != growerTree:
		if len(reaps) > 0 {
			c.wrong(p, "pid1 reaped it, whose parent did: %s", lines(reaps))
		}
	case len(reaps) != 1:
		c.wrong(p, "pid1 had to reap it, and did so %d times: %s", len(reaps), lines(reaps))
	case !endOf(reaps[0]).Known():
		c.wrong(p, "pid1 reaped it and knows no status: %s", lines(reaps))
	}
}

func (c *Coverage) command(p *Process, e *end) verdict {
	last := p.Argv[len(p.Argv)-1]
	if len(p.Argv) > 2 {
		c.Execs++
		if p.before(e) {
			c.Earlier++
			return unknown
		}
	}
	if name := comm(last); e.Comm != "" && e.Comm != name {
		return c.wrong(p, "the name %q instead of %q", e.Comm, name)
	}
	switch {
	case len(e.Cmdline) == 0:
		return unknown
	case !slices.Equal(e.Cmdline, last):
		return c.wrong(p, "it ended as %q, not as %q", last, e.Cmdline)
	}
	return right
}

// before reports whether e tells what p ran before its last exec, but after its first.
func (p *Process) before(e *end) bool {
	for _, argv := range p.Argv[1 : len(p.Argv)-1] {
		if e.Comm == comm(argv) && (slices.Equal(argv, e.Cmdline) || len(e.Cmdline) == 0 && e.Comm != comm(p.Argv[len(p.Argv)-1])) {
			return true
		}
	}
	return false
}

// comm is the name the kernel gives to who runs argv, proc_pid_comm(5).
func comm(argv []string) string {
	name := filepath.Base(argv[0])
	return name[:min(len(name), 15)]
}

// origin compares who is said to have created p. An ancestor further up is no more
// than a hint, and true as such.
func (c *Coverage) origin(p *Process, o *event.Proc) verdict {
	switch {
	case o == nil && p.Parent.PID == 0:
		return unasked
	case o == nil:
		return unknown
	case o.How == event.HowInferred:
		if !p.descends(o.PID, o.Start) {
			return c.wrong(p, "%d as an ancestor", o.PID)
		}
		if p.Parent.PID == 0 {
			return unasked
		}
		return unknown
	case p.Parent.PID == 0: // nobody but the shell knows
		if p.descends(o.PID, o.Start) {
			return c.wrong(p, "%d as its parent, which is further up", o.PID)
		}
		return unasked
	case !p.Parent.is(o.PID, o.Start):
		return c.wrong(p, "%d as its parent instead of %d", o.PID, p.Parent.PID)
	case len(o.Cmdline) > 0 && !slices.ContainsFunc(append([][]string{p.Argv[0]}, p.Became...), func(argv []string) bool {
		return slices.Equal(o.Cmdline, argv)
	}):
		return c.wrong(p, "the command line %q of its parent instead of %q", o.Cmdline, p.Argv[0])
	}
	return right
}

func (p *Process) descends(pid int, start uint64) bool {
	return slices.ContainsFunc(p.Above, func(a ID) bool { return a.is(pid, start) })
}

func (c *Coverage) lineage(p *Process, e *end) {
	if p.Parent.PID == 0 {
		return
	}
	for _, a := range e.lineage {
		if !p.descends(a.PID, 0) {
			c.wrong(p, "%d in its lineage", a.PID)
		}
	}
}

func (c *Coverage) status(p *Process, e *end) verdict {
	if !e.Known() {
		return unknown
	}
	got := e.Code << 8
	if e.Signal != "" {
		got = -1
		for sig := range syscall.Signal(65) {
			if signalName(sig) == e.Signal {
				got = int(sig)
			}
		}
	}
	if got != p.Status {
		return c.wrong(p, "the status %#x instead of %#x", got, p.Status)
	}
	return right
}

// late is by how many milliseconds a lifetime may be too long: start times count in
// ticks of 10 ms, and who finds a process dead may have waited for a core himself.
const late = 250

func (c *Coverage) lifetime(p *Process, e *end) verdict {
	switch {
	case e.lifetime == event.Unknown:
		return unknown
	case e.lifetime < p.Least-1, p.Most > 0 && e.lifetime > p.Most+late:
		return c.wrong(p, "a lifetime of %d ms instead of %d to %d", e.lifetime, p.Least, p.Most)
	case p.Most > 0:
		c.Late = max(c.Late, e.lifetime-p.Most)
	}
	return right
}

func (c *Coverage) session(p *Process, e *end) verdict {
	switch {
	case e.SID == event.Unknown || e.PGID == event.Unknown:
		return unknown
	case e.others && [2]int{e.SID, e.PGID} == p.Was:
		return unknown // it was last looked at before, and nobody saw it dead
	case e.SID != p.SID || e.PGID != p.PGID:
		return c.wrong(p, "session %d, group %d instead of %d, %d", e.SID, e.PGID, p.SID, p.PGID)
	}
	return right
}
