package ui

import (
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// filter is what the user typed to narrow a list, and what was understood of it.
type filter struct {
	text string
	q    query
	err  error // why text is not understood; q is then what was before it
	s    subject
}

func (f *filter) active() bool { return len(f.q.any) > 0 }

// set takes over what is typed. While it is not understood, half a regular
// expression for example, the list stays as it is.
func (f *filter) set(text string) {
	f.text = text
	q, err := parseQuery(text)
	if f.err = err; err == nil {
		f.q = q
	}
}

// begin makes the filter's subject ready for another line.
func (f *filter) begin() *subject {
	f.s = subject{
		pid: event.Unknown, ppid: event.Unknown, ended: event.Ended{Code: event.Unknown},
		life: -1, age: -1, texts: f.s.texts[:0],
	}
	return &f.s
}

func (f *filter) matchProc(p *proc, o *Options) bool {
	s := f.begin()
	s.pid, s.ppid, s.user, s.state = p.id.PID, p.ppid, user(p.uid, o), p.state
	s.ended, s.age = p.ended, p.age
	if p.gone {
		s.state, s.life, s.age = 'X', p.age, -1
	}
	s.texts, s.args = append(s.texts, p.comm), p.args
	return f.q.match(s)
}

func (f *filter) matchReap(r *event.Reap, o *Options, now time.Time) bool {
	s := f.begin()
	s.pid, s.ppid, s.user, s.state, s.ended = r.PID, r.PPID, user(r.UID, o), 'X', r.Ended
	if r.LifetimeMS >= 0 {
		s.life = time.Duration(r.LifetimeMS) * time.Millisecond
	}
	s.age = now.Sub(r.TS)
	s.texts, s.args = append(s.texts, r.Comm, world.Status(r.Ended)), r.Cmdline
	if r.Origin != nil {
		s.ppid = r.Origin.PID
		s.texts = append(s.texts, itoa(r.Origin.PID), r.Origin.Comm)
	}
	return f.q.match(s)
}

// matchGroup asks of the parent; that its zombies are zombies is known.
func (f *filter) matchGroup(g *world.Group) bool {
	s := f.begin()
	s.pid, s.age = g.Parent.PID, g.Oldest
	if g.Evidence.State != "" {
		s.state = g.Evidence.State[0]
	}
	s.texts, s.args = append(s.texts, g.Parent.Comm, string(g.Verdict)), g.Parent.Cmdline
	for i := range g.Zombies {
		if s.texts = append(s.texts, g.Zombies[i].Comm); i == 100 {
			break
		}
	}
	return f.q.match(s)
}
