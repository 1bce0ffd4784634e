package inspect

import "pid1/event"

// setOrigin finds out who created e, which is seen for the first time.
//
// The parent a process has when it is first seen created it, unless it took it in:
// the init of the namespace, Self, and other subreapers do. A parent that began
// after the child cannot have created it either. Where the creator is unknown, an
// ancestor may follow from what forks leave unchanged.
func (t *Table) setOrigin(e *entry, s *sight) {
	if t.isSpawned(e.id) {
		t.setOwnChild(e)
		return
	}
	how := event.HowSeen
	if s.moment != passing {
		how = event.HowExact // the kernel holds it, or its parent
	}
	p := t.byPID[e.ppid]
	switch {
	case e.ppid == 0: // somebody outside the namespace
		return
	case e.ppid == t.cfg.Self, e.ppid == 1:
	case p == nil:
		e.line, e.how = []*person{{id: event.ID{PID: e.ppid}}}, event.HowSeen
		return
	case p.id.Start > e.id.Start:
		t.setAdopts(p)
	case p.last < sinceBoot(e.id.Start): // it may be an older process of that PID
	case !p.adopts:
		e.line, e.how = p.children(), how
		return
	}
	t.infer(e, &s.st)
}

// confirmOrigin makes certain what a look saw before: the parent of a process the
// kernel holds.
func (t *Table) confirmOrigin(e *entry) {
	p := t.byPID[e.ppid]
	if e.how == event.HowSeen && p != nil && !p.adopts && len(e.line) > 0 && e.line[0].id == p.id {
		e.how = event.HowExact
	}
}

// setOwnChild notes that Self created e.
func (t *Table) setOwnChild(e *entry) {
	e.own = true
	e.how = event.HowExact
	if self := t.byPID[t.cfg.Self]; self != nil {
		e.line = self.children()
		return
	}
	e.line = []*person{{id: event.ID{PID: t.cfg.Self}}}
}

// infer looks for an ancestor of e, whose creator nobody saw.
func (t *Table) infer(e *entry, st *Stat) {
	a := t.sameImage(e, st)
	for _, id := range [2]int{st.PGID, st.SID} {
		if a != nil {
			break
		}
		if id == e.id.PID || id == t.cfg.Self {
			continue // it leads it itself, or is in pid1's, as everything is
		}
		if g := t.groupOf(id, e.id.Start); g != nil {
			a = g.leader
		}
	}
	if a != nil {
		e.line, e.how = a.children(), event.HowInferred
	}
}

// sameImage finds the process that execed the very memory image e was forked with
// and still runs: an ancestor, with none but forks of it in between. Another fork
// of the image would be no more than a brother.
func (t *Table) sameImage(e *entry, st *Stat) *entry {
	if st.Stack == 0 || !st.NoExec() {
		return nil
	}
	is := func(a *entry) bool {
		return a != nil && a != e && a.image == st.Stack && a.id.Start <= e.id.Start
	}
	for _, a := range t.byPID {
		if is(a) {
			return a
		}
	}
	for _, a := range t.gone {
		if is(a) {
			return a
		}
	}
	return nil
}

// setAdopts notes that p takes in orphans. What was held for its own children may
// be orphans it took in.
func (t *Table) setAdopts(p *entry) {
	if p.adopts {
		return
	}
	p.adopts = true
	for _, e := range t.byPID {
		if (e.how == event.HowSeen || e.how == event.HowExact) && len(e.line) > 0 && e.line[0].id == p.id && !e.own {
			e.how = event.HowInferred
		}
	}
}
