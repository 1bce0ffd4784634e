package world

import "pid1/event"

// Redact replaces every command line that is known so far by what hide makes of
// it: for a copy of the present that is given to others. hide must not change its
// argument, which others may hold as well.
func (w *World) Redact(hide func(args []string) []string) {
	proc := func(p *event.Proc) *event.Proc {
		if p == nil {
			return nil
		}
		q := *p // shared with the event it came with
		q.Cmdline = hide(q.Cmdline)
		return &q
	}
	if w.hello != nil {
		h := *w.hello
		h.Command = hide(h.Command)
		w.hello = &h
	}
	for _, p := range w.procs {
		p.Cmdline, p.KeptCmdline, p.Origin = hide(p.Cmdline), hide(p.KeptCmdline), proc(p.Origin)
	}
	for i := range w.victims {
		w.victims[i].Cmdline = hide(w.victims[i].Cmdline)
	}
	for i, e := range w.reaps.ring {
		r := *e
		r.Cmdline, r.Origin = hide(r.Cmdline), proc(r.Origin)
		w.reaps.ring[i] = &r
	}
	for i, n := range w.notes {
		switch e := n.(type) {
		case *event.Leak:
			c := *e
			c.Parent = *proc(&e.Parent)
			w.notes[i] = &c
		case *event.Pressure:
			c := *e
			c.Holder = proc(e.Holder)
			w.notes[i] = &c
		case *event.Signal:
			c := *e
			c.From.Cmdline = hide(e.From.Cmdline)
			w.notes[i] = &c
		case *event.Shutdown:
			c := *e
			c.Survivors = append([]event.Survivor(nil), e.Survivors...)
			for j := range c.Survivors {
				c.Survivors[j].Cmdline = hide(c.Survivors[j].Cmdline)
			}
			w.notes[i] = &c
		}
	}
}
