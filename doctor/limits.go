package doctor

import (
	"fmt"
	"time"

	"pid1/event"
)

// The shares of the control group's PIDs, in percent, at which there is pressure,
// and below which it is over.
const (
	PressureHigh = 95
	PressureLow  = 80
	PressureOver = 75
)

// PIDs is how many tasks, threads included, the control group has and may have.
type PIDs struct {
	Used, Limit int64
	// FullIn is until the limit is reached at this rate, where Filling is set.
	FullIn  time.Duration
	Filling bool
	// Holder is who holds most of them: Held by its threads and children, Zombies of
	// these by children that are dead and not waited for. The zero Proc: not known.
	Holder        event.Proc
	Held, Zombies int
	Main          bool   // Holder is COMMAND
	Role          string // pid1's
}

// Percent is the share in use; 0 where there is no limit.
func (p *PIDs) Percent() int {
	if p.Limit <= 0 || p.Used < 0 {
		return 0
	}
	return int(100 * p.Used / p.Limit)
}

// JudgePIDs says whether the PIDs run out; Healthy when they do not.
func JudgePIDs(p *PIDs) Finding {
	if p.Percent() < PressureLow {
		return Finding{Verdict: Healthy}
	}
	f := Finding{Verdict: Pressure, Subject: p.Holder, Summary: p.sentence()}
	f.Evidence = []string{fmt.Sprintf("the control group counts %d tasks, threads included, and allows %d (pids.current, pids.max)", p.Used, p.Limit)}
	if p.Holder.PID > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s and its children are %d of them, %s among these", Name(p.Holder), p.Held, zombies(p.Zombies)))
	}
	if p.Filling {
		f.Evidence = append(f.Evidence, "at the rate of the last minutes the limit is reached in "+Age(p.FullIn))
	}
	switch {
	case p.Holder.PID > 0 && 2*p.Zombies >= p.Held:
		f.Advice = []string{
			fmt.Sprintf("A zombie keeps its PID: find out what %d does not wait for (its own finding says more).", p.Holder.PID),
			relief(&Evidence{Parent: p.Holder, Main: p.Main, Role: p.Role}),
		}
	case p.Holder.PID > 0:
		f.Advice = []string{fmt.Sprintf("Look at what %d starts and does not end, threads included; bound it there.", p.Holder.PID)}
	default:
		f.Advice = []string{"Look at who starts so many processes or threads (pid1top tree)."}
	}
	f.Advice = append(f.Advice, "If all of them are meant: raise the limit (--pids-limit, pids.max). At the limit nothing can be started, no shell and no probe.")
	return f
}

func (p *PIDs) sentence() string {
	s := fmt.Sprintf("%d of %d PIDs are in use (%d%%)", p.Used, p.Limit, p.Percent())
	if p.Holder.PID > 0 {
		s += fmt.Sprintf(": %s holds %d of them", Name(p.Holder), p.Held)
		if p.Zombies > 0 {
			s += ", " + zombies(p.Zombies) + " among these"
		}
	}
	switch {
	case p.Used >= p.Limit:
		s += "; nothing can be started any more"
	case p.Filling:
		s += "; full in " + Age(p.FullIn) + " at this rate"
	}
	return s + "."
}

// Relieved is what to say when the PIDs in use fell back.
func (p *PIDs) Relieved() string {
	return fmt.Sprintf("%d of %d PIDs are in use (%d%%): no longer nearly all.", p.Used, p.Limit, p.Percent())
}

// Kill is a process that the kernel killed, probably, for want of memory.
type Kill struct {
	event.Proc
	Ago      time.Duration
	MaxRSSKB int64 // its greatest resident memory; event.Unknown where it is not known
	Main     bool  // it was COMMAND
}

// Memories is what is known of kills for want of memory.
type Memories struct {
	Kills  int64         // as the control group counted them while observed
	Last   time.Duration // since the last
	Killed []Kill        // those that fit, the newest first; the kernel does not name them
}

// oomNews is for how long such kills are worth a finding.
const oomNews = time.Hour

// JudgeOOM says what was killed for want of memory; Healthy when nothing was, of
// late.
func JudgeOOM(m *Memories) Finding {
	if m.Kills == 0 || m.Last > oomNews {
		return Finding{Verdict: Healthy}
	}
	f := Finding{Verdict: OOM, Since: m.Last}
	f.Summary = fmt.Sprintf("The kernel killed %s for want of memory, the last %s ago", processes(int(m.Kills)), Age(m.Last))
	f.Evidence = []string{fmt.Sprintf("oom_kill of the control group rose by %d", m.Kills)}
	for i := range m.Killed {
		k := &m.Killed[i]
		line := fmt.Sprintf("%s was killed by SIGKILL %s ago, while it rose: probably one of them", Name(k.Proc), Age(k.Ago))
		if k.MaxRSSKB > 0 {
			line += "; it had used up to " + Memory(k.MaxRSSKB)
		}
		f.Evidence = append(f.Evidence, line)
	}
	if len(m.Killed) > 0 {
		k := &m.Killed[0]
		f.Subject = k.Proc
		f.Summary += ": probably " + Name(k.Proc)
		if k.MaxRSSKB > 0 {
			f.Summary += " (" + Memory(k.MaxRSSKB) + ")"
		}
	}
	f.Summary += "."
	f.Advice = []string{
		"Give the container more memory (--memory), or the program less to do at a time: fewer workers, smaller batches, a limit of its own (a heap size, ulimit -v).",
	}
	if len(m.Killed) == 0 {
		f.Advice = append(f.Advice, "Who it was is not known: its parent reaped it. The kernel log of the host names it.")
	}
	return f
}
