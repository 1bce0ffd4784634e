package ui

import (
	"strings"
	"time"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// take makes s the present of the world, reusing what s holds. Of what only one
// view shows, that view's is taken alone; all of it when everything is set.
func (s *scene) take(w *world.World, now time.Time, v view, everything bool, t *theme) {
	s.now = now
	s.hello, s.stats, s.lost, s.skew = w.Hello(), w.Stats(), w.Lost(), w.Skew()
	clear(s.index)
	s.finds = 0
	s.takeProcs(w, now)
	s.takeGroups(w, now)
	s.totals = w.Totals()
	for i := 0; i < len(s.procs); i = s.procs[i].end {
		if p := &s.procs[i]; s.hello != nil && s.hello.Role != "local" && p.id.PID == s.hello.PID && !p.gone {
			p.reaped = s.totals.Reaps // of before the history, too
		}
	}
	s.reapRate = w.ReapRate(now)
	s.perSecond = s.perSecond[:0]
	for _, n := range w.ReapSeries(now, 120) {
		s.perSecond = append(s.perSecond, float64(n))
	}
	if v == reapView || everything {
		s.takeReaps(w.Reaps())
	}
	if v == overview || everything {
		if seen := w.Reaps().Seen(); seen != s.summedAt || s.summary.Reaps == 0 {
			s.summary, s.summedAt = w.Summary(), seen
			s.summary.Origins = byProgram(s.summary.Origins)
			s.takeLast(w.Reaps())
		}
		s.notes = append(s.notes[:0], w.Notes()...)
	}
	s.used, s.limit = w.PIDs()
	s.ceiling, s.ceilingName = w.Ceiling()
	s.full, s.filling = w.Full(s.groups)
	s.takeNotes(w)
	s.judge(t)
}

func (s *scene) takeReaps(ring *world.Reaps) {
	s.reaps = s.reaps[:0]
	for i := range ring.Len() {
		s.reaps = append(s.reaps, ring.At(i))
	}
}

// takeLast finds the newest reaps of their kinds.
func (s *scene) takeLast(ring *world.Reaps) {
	s.lastFailed, s.lastKilled, s.lastOrphan = nil, nil, nil
	for i := ring.Len() - 1; i >= 0 && (s.lastKilled == nil || s.lastOrphan == nil); i-- {
		e := ring.At(i)
		if s.lastKilled == nil && e.Signal != "" {
			s.lastKilled = e
		}
		if s.lastFailed == nil && e.Failed() {
			s.lastFailed = e
		}
		if s.lastOrphan == nil && e.Adopted {
			s.lastOrphan = e
		}
	}
}

func (s *scene) takeProcs(w *world.World, now time.Time) {
	s.procs = s.procs[:0]
	s.alive, s.dead = 0, 0
	s.stack = s.stack[:0]
	w.Walk(func(p *world.Process, depth int, _ []bool) bool {
		for len(s.stack) > depth {
			s.close()
		}
		row := proc{
			id: p.ID, ppid: p.PPID, comm: p.Comm, args: p.Args(), state: '?',
			uid: p.UID, age: -1, reaped: p.Reaped, parent: -1, depth: depth,
			session: p.ExecSession, gone: p.Ghost(), ended: p.End, threads: p.ThreadsAlive > 0,
			cpu: cpuTime(p.UtimeMS, p.StimeMS), rssKB: p.RSSKB,
		}
		if p.State != "" {
			row.state = p.State[0]
		}
		if d, ok := p.Age(now); ok {
			row.age = d
		}
		if depth > 0 {
			row.parent = s.stack[depth-1]
		}
		switch {
		case row.gone:
			row.goneFor = now.Sub(p.GoneAt)
		case p.Zombie():
			row.state, row.age = 'Z', p.Dead(now)
			s.dead++
		default:
			s.alive++
		}
		if row.parent >= 0 && !row.gone {
			up := &s.procs[row.parent]
			up.kids++
			if row.state == 'Z' {
				up.zkids++
			}
		}
		s.procs = append(s.procs, row)
		s.stack = append(s.stack, len(s.procs)-1)
		return true
	})
	for len(s.stack) > 0 {
		s.close()
	}
}

// cpuTime is both kinds of CPU time together; negative: unknown.
func cpuTime(utimeMS, stimeMS float64) time.Duration {
	if utimeMS < 0 || stimeMS < 0 {
		return -1
	}
	return time.Duration((utimeMS + stimeMS) * float64(time.Millisecond))
}

// close ends the subtree of the process on top of the stack.
func (s *scene) close() {
	i := s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
	p := &s.procs[i]
	p.end = len(s.procs)
	p.zunder += p.zkids
	if p.parent >= 0 {
		s.procs[p.parent].zunder += p.zunder
	}
}

func (s *scene) takeGroups(w *world.World, now time.Time) {
	s.groups = w.Zombies(now)
	s.zrate = 0
	clear(s.ztrend[:])
	for i := range s.groups {
		g := &s.groups[i]
		s.zrate += g.RatePerMin
		for j, n := range g.Trend {
			if j < len(s.ztrend) && n > 0 {
				s.ztrend[j] += float64(n)
			}
		}
	}
}

// takeNotes looks for what the rare events say about the present.
func (s *scene) takeNotes(w *world.World) {
	s.over, s.main, s.pressure, s.oom = nil, nil, nil, nil
	for _, n := range w.Notes() {
		switch e := n.(type) {
		case *event.Shutdown:
			s.over = e
		case *event.MainExit:
			s.main = e
		case *event.Pressure:
			if s.pressure = e; e.Percent == 0 {
				s.pressure = nil
			}
		case *event.OOM:
			s.oom = e
		}
	}
}

// oomFor is for how long a kill by the kernel for want of memory is news.
const oomFor = 10 * time.Minute

// judge lists what is wrong, the worst first.
func (s *scene) judge(t *theme) {
	s.trouble = s.trouble[:0]
	if e := s.pressure; e != nil {
		text := e.Summary
		if text == "" {
			text = itoa(e.Current) + " of " + itoa(e.Limit) + " PIDs are in use; at the limit nothing can be started"
		}
		s.trouble = append(s.trouble, finding{word: "PIDS " + itoa(e.Percent) + "%", text: text, advice: pressureAdvice(s)})
	}
	for i := range s.groups {
		g := &s.groups[i]
		if !g.Verdict.Trouble() {
			continue
		}
		f := finding{
			word: verdictWords(g.Verdict), who: doctor.Name(g.Parent), subject: g.Parent.ID,
			text: inShort(g, sinceWhen(g, s.now, t)), brief: inShort(g, since(g, s.now, t)),
		}
		if len(g.Finding.Advice) > 0 {
			f.advice = g.Finding.Advice[0]
		}
		s.trouble = append(s.trouble, f)
	}
	if e := s.oom; e != nil && s.now.Sub(e.TS) < oomFor {
		s.trouble = append(s.trouble, finding{
			word: "OOM",
			text: "the kernel killed " + plural(int(e.Kills), "process") + " for want of memory, " +
				age(max(0, s.now.Sub(e.TS))) + " ago; " + itoa(e.Total) + " in all",
			advice: "Reaps shows who: SIGKILL marked OOM. Give the container more memory, or the program less to hold.",
		})
	}
}

// inShort is the verdict on a group for a single line: who and how bad first, the
// sentence in full is in the Zombies view.
func inShort(g *world.Group, since string) string {
	text := ": " + plural(len(g.Zombies), "zombie") + " " + since
	if r := signed(g.RatePerMin); r != "0" {
		text += ", " + r + "/min"
	}
	if g.Parent.PID == 0 {
		return "a parent outside the container" + text
	}
	return doctor.Name(g.Parent) + " " + because[g.Verdict] + text
}

// sinceWhen is since, and how long ago that is.
func sinceWhen(g *world.Group, now time.Time, t *theme) string {
	return since(g, now, t) + " (" + age(g.Oldest) + " ago)"
}

// since says since when a parent holds zombies: the oldest that it did not wait for
// died then, or before where nobody was there to see it.
func since(g *world.Group, now time.Time, t *theme) string {
	text := "since "
	if len(g.Zombies) > 0 && g.Zombies[0].SeenBefore {
		text = "since before "
	}
	return text + t.clock(now.Add(-g.Oldest), false)
}

// because says in a few words what the matter is with a parent.
var because = map[doctor.Verdict]string{
	doctor.Leaking:         "does not wait",
	doctor.Held:            "does not wait, not growing",
	doctor.ParentStopped:   "is stopped and cannot wait",
	doctor.ParentBlocked:   "is blocked and does not wait",
	doctor.InheritedByExec: "knows nothing of them since its exec",
	doctor.OtherReaper:     "adopted them and does not wait",
}

// pressureAdvice says what to do when PIDs run out: the worst hoarder of zombies
// first, since a zombie holds its PID.
func pressureAdvice(s *scene) string {
	for i := range s.groups {
		if g := &s.groups[i]; len(g.Zombies)*4 > s.alive+s.dead {
			return doctor.Name(g.Parent) + " holds " + plural(len(g.Zombies), "PID") + " by zombies; see Zombies for what to do."
		}
	}
	return "Look in Tree for who starts so many, or raise the container's limit (--pids-limit)."
}

func verdictWords(v doctor.Verdict) string {
	if v == doctor.Leaking {
		return "LEAK"
	}
	return strings.ToUpper(words(v))
}
