// Package doctor says what is wrong with a parent that holds zombies, how it
// knows, and what to do about it.
//
// It is pure: [Evidence] in, [Finding] out, no clock, no /proc. The judgement is a
// table of rules, see rules.go; the first rule that holds wins.
//
// The sentences of a Finding name processes by the bytes they gave themselves.
// Whoever draws them on a terminal makes them harmless first.
package doctor

import (
	"time"

	"pid1/event"
)

// Verdict names what is the matter.
type Verdict string

// The verdicts, in the words of the stream's leak events and of --json.
const (
	Leaking         Verdict = "leaking"           // a living parent does not wait; the count grows
	Held            Verdict = "held"              // a living parent does not wait; the count is steady
	Transient       Verdict = "transient"         // younger than TransientAge
	ThreadsAlive    Verdict = "threads_alive"     // the leader is gone, threads live on
	InheritedByExec Verdict = "inherited_by_exec" // the parent execed over a program that had children
	ParentStopped   Verdict = "parent_stopped"    // the parent is stopped or traced
	ParentBlocked   Verdict = "parent_blocked"    // uninterruptible sleep, or SIGCHLD blocked
	Outside         Verdict = "outside"           // the parent is outside the namespace
	OtherReaper     Verdict = "other_reaper"      // adopted by another subreaper
	Healthy         Verdict = "healthy"           // no zombies at all

	// These are not about zombies.
	Pressure Verdict = "pressure" // the control group's PIDs are nearly used up
	Orphans  Verdict = "orphans"  // processes left behind live on, more and more of them
	OOM      Verdict = "oom"      // the kernel killed for want of memory
)

// Verdicts lists all verdicts.
func Verdicts() []Verdict {
	return []Verdict{
		Leaking, Held, Transient, ThreadsAlive, InheritedByExec, ParentStopped,
		ParentBlocked, Outside, OtherReaper, Pressure, Orphans, OOM, Healthy,
	}
}

// TransientAge is the age below which a zombie is nothing to speak of: between a
// child's death and its parent's wait there is always a moment.
const TransientAge = 2 * time.Second

// MinSpread is the time over which the deaths of the zombies held must be spread
// before they count as growth. Children that died together are one event, not a
// trend.
const MinSpread = 2 * time.Second

// Trouble reports whether a verdict calls for somebody's attention.
func (v Verdict) Trouble() bool {
	switch v {
	case Transient, ThreadsAlive, Healthy, "":
		return false
	}
	return true
}

// Severity orders verdicts: the higher, the sooner to look at.
func (v Verdict) Severity() int {
	switch v {
	case Pressure:
		return 9
	case Leaking:
		return 8
	case ParentStopped:
		return 7
	case ParentBlocked:
		return 6
	case OtherReaper:
		return 5
	case InheritedByExec:
		return 4
	case Held, Orphans:
		return 3
	case Outside, OOM:
		return 2
	case ThreadsAlive:
		return 1
	}
	return 0
}

// Evidence is what is known about one parent and the zombies it should wait for.
// Unknown strings are empty, unknown numbers event.Unknown where they say so.
type Evidence struct {
	Parent event.Proc // who should wait

	State string // the parent's, proc_pid_stat(5): R S D T t …; empty: unknown
	// StateFor is for how long every look found it in this state.
	StateFor time.Duration
	Wchan    string // the kernel function it sleeps in, proc_pid_wchan(5)
	SigChld  string // its disposition of SIGCHLD: "default", "ignored", "handled"
	Blocked  bool   // it has SIGCHLD blocked
	Threads  int    // its threads; event.Unknown allowed
	// Outside is set when the parent lives outside the PID namespace.
	Outside bool
	// Main is set when the parent is COMMAND: the container ends with it.
	Main bool
	// Session is set when the parent belongs to a session started from outside
	// (docker exec, a probe).
	Session bool
	// Was is the program the parent was before its last exec, where one was seen.
	Was string
	// Waited counts the children it was seen to have waited for; event.Unknown
	// allowed.
	Waited int64

	Count        int // zombies now
	ThreadsAlive int // of these, leaders whose threads live on
	Inherited    int // of these, born before the parent's last exec
	Adopted      int // of these, created by somebody else than the parent
	SeenBefore   int // of these, dead already when observation began
	// Later counts those of them that were started after the oldest was dead, and
	// Undated those of whom it is not known when they were started.
	Later, Undated int
	// Kinds are the zombies by what they ran, the most frequent first, KindsMax of
	// them at most. Cadence is the rhythm in which all of them were started.
	Kinds   []Kind
	Cadence Cadence

	Oldest time.Duration // since the oldest was seen dead; a lower bound when SeenBefore > 0
	Newest time.Duration

	// Observed is for how long this parent could be watched, as far as the history
	// at hand reaches. Window is the part of it that the next four speak of.
	Observed time.Duration
	Window   time.Duration
	Before   int // zombies held when Window began
	Born     int // became zombies during Window
	Gone     int // disappeared during Window, waited for at last
	// Grew is by how much the count grew during Window, see [Evidence.Growing].
	Grew       int
	RatePerMin float64 // net growth per minute

	// Reaper is pid1's PID, and Role its role ("init", "subreaper", "local"), so that
	// the advice can say who reaps the zombies once the parent is gone.
	Reaper int
	Role   string
}

// KindsMax bounds Evidence.Kinds.
const KindsMax = 8

// Kind is processes that ran one program.
type Kind struct {
	Comm    string
	Cmdline []string // of one of them; nil where none is known
	Varied  bool     // others have another one
	Count   int
	Cadence Cadence // in which they were started
}

// Growing reports whether the count grew while it was observed: more now than at
// the beginning of the window, by deaths at different moments. One look, or
// children that died together, is not growth. Neither are the children of one
// batch that die one after the other: a parent that waits for them in the order it
// started them leaves them for a while, but starts no others meanwhile.
func (e *Evidence) Growing() bool {
	spread := e.Oldest - e.Newest
	return e.Grew > 0 && e.Observed >= MinSpread && (spread >= MinSpread || e.Before > 0) && !e.batch()
}

// batch reports whether all were started before the first of them died.
func (e *Evidence) batch() bool { return e.Count > 1 && e.Later == 0 && e.Undated == 0 }

// Leaks reports whether the parent leaks, whatever the reason: more and more
// children die that it does not wait for.
func (e *Evidence) Leaks(v Verdict) bool { return v.Trouble() && e.Growing() }

// waits reports whether the parent waits for a good part of its children; one that
// was there for a moment only proves nothing.
func (e *Evidence) waits() bool {
	return e.Gone > 0 || e.Waited >= 3 && 10*e.Waited >= int64(e.Count)
}

// stuckAfter is how long a parent has to be found in uninterruptible sleep before
// that explains anything: vfork(2) and every read of a disk make one of a moment.
const stuckAfter = 2 * time.Second

// stuck reports whether the parent is in uninterruptible sleep to stay.
func (e *Evidence) stuck() bool { return e.State == "D" && e.StateFor >= stuckAfter }

// Finding is a judgement.
type Finding struct {
	Verdict Verdict
	Subject event.Proc // the parent; the zero Proc for Healthy
	// Since is for how long it has been so: the age of the oldest zombie.
	Since    time.Duration
	Summary  string   // what and who, in plain words, in one line
	Evidence []string // how it is known, a line each
	Advice   []string // what to do, a line each, best first
}
