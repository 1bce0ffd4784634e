package world

import (
	"cmp"
	"slices"
	"time"

	"pid1/doctor"
	"pid1/event"
)

// births fills in what the times tell at which the zombies of l were started:
// which were after firstDeath, in what rhythm, and of what kind they are.
func (w *World) births(l *ledger, ev *doctor.Evidence, firstDeath, now time.Time) {
	var all []time.Duration
	kinds := kinds{}
	for _, p := range l.held {
		if !w.counts(l, p, now) {
			continue
		}
		switch {
		case p.Born.IsZero():
			ev.Undated++
		case p.Born.After(firstDeath):
			ev.Later++
		}
		kinds.add(p, now)
		if !p.Born.IsZero() {
			all = append(all, now.Sub(p.Born))
		}
	}
	ev.Cadence = doctor.CadenceOf(all)
	ev.Kinds = kinds.list()
}

// kinds are processes by what they run.
type kinds map[string]*kind

type kind struct {
	doctor.Kind
	born []time.Duration // ago
}

func (k kinds) add(p *Process, now time.Time) *kind {
	one := k[p.Comm]
	if one == nil {
		one = &kind{Kind: doctor.Kind{Comm: p.Comm}}
		k[p.Comm] = one
	}
	one.Count++
	if args := p.Args(); one.Cmdline == nil {
		one.Cmdline = args
	} else if args != nil && !slices.Equal(args, one.Cmdline) {
		one.Varied = true
	}
	if !p.Born.IsZero() {
		one.born = append(one.born, now.Sub(p.Born))
	}
	return one
}

// list is the most frequent ones, the most frequent first.
func (k kinds) list() []doctor.Kind {
	out := make([]doctor.Kind, 0, len(k))
	for _, one := range k {
		one.Cadence = doctor.CadenceOf(one.born)
		out = append(out, one.Kind)
	}
	order(out, func(a, b *doctor.Kind) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Comm, b.Comm))
	})
	return out[:min(len(out), doctor.KindsMax)]
}

// Left groups the processes that outlived who started them and live on, by what
// they run: what pid1 adopted, and what a session from outside left without a
// parent. Those that pile up come first, then those that hold most memory.
func (w *World) Left(now time.Time) []doctor.Left {
	type key struct {
		session bool
		origin  string
		comm    string
	}
	groups := map[key][]*Process{}
	for _, p := range w.byPID {
		if !w.left(p) {
			continue
		}
		k := key{session: p.ExecSession, comm: p.Comm}
		if p.Origin != nil && !k.session {
			k.origin = p.Origin.Comm
		}
		groups[k] = append(groups[k], p)
	}
	out := make([]doctor.Left, 0, len(groups))
	for k, list := range groups {
		out = append(out, leftOf(list, k.session, now))
	}
	order(out, func(a, b *doctor.Left) int {
		worse := func(l *doctor.Left) int {
			if l.Piling() {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(worse(b), worse(a)), cmp.Compare(b.RSSKB, a.RSSKB),
			cmp.Compare(b.Count, a.Count), cmp.Compare(a.PIDs[0], b.PIDs[0]))
	})
	return out
}

// left reports whether p outlived who started it.
func (w *World) left(p *Process) bool {
	r := w.reaper()
	switch {
	case p.Zombie() || p.PID == r:
		return false
	case p.PPID == 0:
		return p.ExecSession
	case r == 0 || p.PPID != r:
		return false
	}
	// What pid1 started itself is COMMAND.
	return p.ExecSession || p.Origin != nil && p.Origin.PID != r
}

// sameMoment is how far apart processes may begin that were started together.
const sameMoment = 2 * time.Second

func leftOf(list []*Process, session bool, now time.Time) doctor.Left {
	slices.SortFunc(list, func(a, b *Process) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID)) })
	l := doctor.Left{Session: session, RSSKB: event.Unknown}
	kinds := kinds{}
	origins := map[event.ID]bool{}
	var last time.Time
	for i, p := range list {
		kinds.add(p, now)
		if o := p.Origin; o != nil {
			l.Origin = *o
			origins[o.ID] = true
		}
		if p.RSSKB > 0 {
			l.RSSKB = max(l.RSSKB, 0) + p.RSSKB
		}
		if i < doctor.LeftMax {
			l.PIDs = append(l.PIDs, p.PID)
		}
		if p.Born.IsZero() {
			continue
		}
		if l.Moments == 0 || p.Born.Sub(last) >= sameMoment {
			l.Moments++
		}
		last = p.Born
		l.Oldest, l.Newest = max(l.Oldest, now.Sub(p.Born)), now.Sub(p.Born)
	}
	l.Origins = len(origins)
	l.Kind = kinds.list()[0]
	return l
}
