package world

import (
	"cmp"
	"slices"
	"time"

	"pid1/doctor"
	"pid1/event"
)

// Judgement is one thing that somebody should do something about, with what it
// rests on: exactly one of the pointers is set.
type Judgement struct {
	doctor.Finding
	Group    *Group           // zombies
	Left     *doctor.Left     // processes left behind
	PIDs     *doctor.PIDs     // PIDs run out
	Memories *doctor.Memories // kills for want of memory
}

// Findings are all that is wrong, the worst first.
func (w *World) Findings(now time.Time) []Judgement {
	var out []Judgement
	add := func(j Judgement) {
		if j.Verdict.Trouble() {
			out = append(out, j)
		}
	}
	groups := w.Zombies(now)
	for i := range groups {
		add(Judgement{Finding: groups[i].Finding, Group: &groups[i]})
	}
	left := w.Left(now)
	for i := range left {
		add(Judgement{Finding: doctor.JudgeLeft(&left[i]), Left: &left[i]})
	}
	pids := w.PIDUse(groups)
	add(Judgement{Finding: doctor.JudgePIDs(&pids), PIDs: &pids})
	memories := w.Memories(now)
	add(Judgement{Finding: doctor.JudgeOOM(&memories), Memories: &memories})
	slices.SortStableFunc(out, func(a, b Judgement) int {
		return cmp.Compare(b.Verdict.Severity(), a.Verdict.Severity())
	})
	return out
}

// PIDUse is what is known of the PIDs in use, and of who holds most of them; groups
// are [World.Zombies].
func (w *World) PIDUse(groups []Group) doctor.PIDs {
	var p doctor.PIDs
	p.Used, p.Limit = w.PIDs()
	p.FullIn, p.Filling = w.Full(groups)
	if w.hello != nil {
		p.Role = w.hello.Role
	}
	rows := make([]*event.Process, 0, len(w.byPID))
	for _, q := range w.byPID {
		rows = append(rows, &q.Process)
	}
	p.Holder, p.Held, p.Zombies = Holder(rows, w.reaper())
	if q := w.Process(p.Holder.ID); q != nil {
		p.Main = w.isMain(q)
	}
	return p
}

// Holder finds who holds most PIDs, by its own threads and by its children and
// theirs, dead ones included. What came to reaper counts for who created it. The
// zero Proc: nobody but reaper.
func Holder(rows []*event.Process, reaper int) (holder event.Proc, held, zombies int) {
	type share struct{ held, zombies int }
	shares := map[int]*share{}
	byPID := make(map[int]*event.Process, len(rows))
	for _, r := range rows {
		byPID[r.PID] = r
		shares[r.PID] = &share{}
	}
	for _, r := range rows {
		if r.PID == reaper {
			continue
		}
		n, z := max(1, r.Threads), 0
		if dead(r) {
			z = 1
		} else {
			shares[r.PID].held += n
		}
		up := r.PPID
		if up == reaper && r.Origin != nil {
			up = r.Origin.PID
		}
		if s := shares[up]; s != nil && up != reaper {
			s.held += n
			s.zombies += z
		}
	}
	best := 0
	for pid, s := range shares {
		if pid == reaper || s.held == 0 {
			continue
		}
		if b := shares[best]; b == nil || s.held > b.held || s.held == b.held && pid < best {
			best = pid
		}
	}
	r := byPID[best]
	if r == nil {
		return event.Proc{}, event.Unknown, event.Unknown
	}
	return event.Proc{ID: r.ID, Comm: r.Comm, Cmdline: r.Cmdline}, shares[best].held, shares[best].zombies
}

func dead(r *event.Process) bool { return r.State == "Z" || r.State == "X" }

// killedKept is how many victims are remembered.
const killedKept = 8

// Memories is what the history tells of kills for want of memory.
func (w *World) Memories(now time.Time) doctor.Memories {
	var m doctor.Memories
	for _, n := range w.notes {
		if e, ok := n.(*event.OOM); ok {
			m.Kills += e.Kills
			m.Last = max(0, now.Sub(w.when(&e.Head, now)))
		}
	}
	if m.Kills == 0 {
		return m
	}
	for _, v := range slices.Backward(w.victims) {
		k := v.Kill
		k.Ago = max(0, now.Sub(v.at))
		m.Killed = append(m.Killed, k)
	}
	return m
}

// victim is a process that was killed for want of memory, probably.
type victim struct {
	doctor.Kill
	at time.Time
}

// killed takes note of an end that may have been for want of memory.
func (w *World) killed(oom string, proc event.Proc, used *event.Rusage, main bool, at time.Time) {
	if oom == "" {
		return
	}
	k := doctor.Kill{Proc: proc, MaxRSSKB: event.Unknown, Main: main}
	if used != nil {
		k.MaxRSSKB = used.MaxRSSKB
	}
	if len(w.victims) == killedKept {
		w.victims = slices.Delete(w.victims, 0, 1)
	}
	w.victims = append(w.victims, victim{k, at})
}
