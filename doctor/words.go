package doctor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"pid1/event"
)

// Name is how the sentences call a process: "812 gunicorn", or the PID alone
// where the name is unknown.
func Name(p event.Proc) string {
	if p.Comm == "" {
		return strconv.Itoa(p.PID)
	}
	return strconv.Itoa(p.PID) + " " + p.Comm
}

// Age writes a duration in at most two units, without spaces: 80ms, 4s, 12m,
// 1h02m, 3d04h.
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d/time.Second%60)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d/time.Minute%60)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d/time.Hour%24)
}

// Span writes a duration that is not an age, as exactly as one would say it: 30s,
// 5m, 2h, 1m30s.
func Span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return Age(d)
}

// Rate writes a rate per minute with its sign: +3, +0.2, 0, -12.
func Rate(perMin float64) string {
	abs := math.Abs(perMin)
	switch {
	case abs < 0.05:
		return "0"
	case abs < 1:
		return signed(perMin, 1)
	}
	return signed(perMin, 0)
}

func signed(f float64, digits int) string {
	s := strconv.FormatFloat(f, 'f', digits, 64)
	if f > 0 {
		return "+" + s
	}
	return s
}

func zombies(n int) string {
	if n == 1 {
		return "1 zombie"
	}
	return strconv.Itoa(n) + " zombies"
}

// oldest is the age of the oldest zombie, marked where it is a lower bound.
func oldest(e *Evidence) string {
	if e.SeenBefore > 0 {
		return "more than " + Age(e.Oldest)
	}
	return Age(e.Oldest)
}

// summary is one line: who, what, how many, and what becomes of them.
func summary(e *Evidence, r *rule) string {
	var b strings.Builder
	switch {
	case r.verdict == ThreadsAlive:
		b.WriteString("The parent " + Name(e.Parent))
	case e.Parent.PID == 0:
		b.WriteString("The parent")
	default:
		b.WriteString(Name(e.Parent))
	}
	fmt.Fprintf(&b, " %s: %s, oldest %s", r.why(e), zombies(e.Count), oldest(e))
	if rate := Rate(e.RatePerMin); rate != "0" && r.verdict != Transient {
		b.WriteString(", " + rate + "/min")
		if e.Cadence.Each > 0 {
			b.WriteString(" (" + e.Cadence.String() + ")")
		}
	}
	b.WriteString(".")
	switch r.verdict {
	case Transient, ThreadsAlive, Outside:
	default:
		b.WriteString(" " + fate(e))
	}
	return b.String()
}

// fate says what it takes for the zombies to go away.
func fate(e *Evidence) string {
	them, stay, all := "them", "they stay", "all "+strconv.Itoa(e.Count)
	if e.Count == 1 {
		them, stay, all = "it", "it stays", "it"
	}
	pid := strconv.Itoa(e.Parent.PID)
	switch {
	case e.Parent.PID == 1:
		return fmt.Sprintf("Only 1 can reap %s: it is PID 1, so %s until it waits or the container ends.", them, stay)
	case e.Role == "local":
		return fmt.Sprintf("Only %s can reap %s; if %s exits, PID 1 inherits %s.", pid, them, pid, all)
	case e.Main:
		return fmt.Sprintf("pid1 cannot reap %s; %s is the container's main process, so %s until it waits or the container ends.", them, pid, stay)
	}
	return fmt.Sprintf("pid1 cannot reap %s; if %s exits, pid1 reaps %s.", them, pid, all)
}

// lines says how it is known.
func lines(e *Evidence) []string {
	var out []string
	add := func(format string, a ...any) { out = append(out, fmt.Sprintf(format, a...)) }

	if e.State != "" {
		state := stateWords[e.State]
		if state == "" {
			state = "unknown"
		}
		line := fmt.Sprintf("%d is in state %s (%s)", e.Parent.PID, e.State, state)
		if e.Wchan != "" && e.Wchan != "0" {
			line += ", waiting in " + e.Wchan
		}
		add("%s", line)
	}
	switch {
	case e.Blocked && e.SigChld != "":
		add("SIGCHLD: %s, and blocked", e.SigChld)
	case e.Blocked:
		add("SIGCHLD: blocked")
	case e.SigChld != "":
		add("SIGCHLD: %s", e.SigChld)
	}
	if e.Session {
		add("it was started from outside the container (docker exec, a probe)")
	}
	if e.Outside && e.Cadence.Each > 0 {
		add("%s: the rhythm of a health check or an exec probe", e.Cadence)
	}
	if e.Was != "" {
		add("it was %s before its last exec; %d of %d were its children before that", e.Was, e.Inherited, e.Count)
	}
	if e.Adopted > 0 {
		add("%d of %d were created by somebody else and adopted", e.Adopted, e.Count)
	}
	for _, k := range e.Kinds {
		if len(e.Kinds) == 1 && k.Cadence.Each == 0 {
			break // they are listed anyway
		}
		line := fmt.Sprintf("%d of %d were %s", k.Count, e.Count, k.name())
		if k.Cadence.Each > 0 {
			line += ", " + k.Cadence.String()
		}
		add("%s", line)
	}
	switch {
	case e.Waited > 0:
		add("children it was seen to wait for: %d", e.Waited)
	case e.Waited == 0 && e.Gone == 0 && e.Observed >= MinSpread && e.Parent.PID > 0:
		add("it was never seen to wait for a child")
	}
	if e.batch() && e.Count > 2 {
		add("all were started before the first of them died: it may yet wait for them, one after the other")
	}
	if e.ThreadsAlive > 0 {
		add("%d of %d have threads that still run", e.ThreadsAlive, e.Count)
	}
	if e.SeenBefore > 0 {
		add("%d of %d were dead already when observation began", e.SeenBefore, e.Count)
	}
	if e.Observed < MinSpread {
		add("observed for %s only: whether the count grows is not known yet", Age(e.Observed))
		return out
	}
	add("observed for %s; in the last %s: %d before, %d died, %d reaped, %d now",
		Age(e.Observed), Age(e.Window), e.Before, e.Born, e.Gone, e.Count)
	if e.Count > 1 {
		add("oldest %s, newest %s", oldest(e), Age(e.Newest))
	}
	return out
}

var stateWords = map[string]string{
	"R": "running", "S": "sleeping", "D": "uninterruptible sleep", "T": "stopped",
	"t": "traced", "Z": "zombie", "X": "dead", "I": "idle",
}
