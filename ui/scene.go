package ui

import (
	"strings"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// scene is the present as the screen shows it: a copy, taken from the world each
// time it changed, so that a paused screen stands still while the world goes on.
type scene struct {
	now   time.Time
	hello *event.Hello
	stats *event.Stats
	lost  uint64 // events that never arrived

	procs  []proc // in the order of the tree, each subtree in one piece
	alive  int    // of these, neither zombies nor gone
	dead   int    // of these, zombies
	groups []world.Group
	reaps  []*event.Reap // oldest first

	totals    world.Totals
	reapRate  float64                    // per second, over the last ten seconds
	perSecond []float64                  // reaps of each of the last seconds
	ztrend    [world.TrendPoints]float64 // zombies over the last ten minutes
	zrate     float64                    // growth of all groups together, per minute

	summary    world.Summary
	summedAt   uint64
	lastFailed *event.Reap // the newest reap that failed; nil: none is kept
	lastKilled *event.Reap // of these, by a signal
	lastOrphan *event.Reap
	notes      []event.Event // the rare events, oldest first
	skew       time.Duration // the viewer's wall clock minus pid1's

	used, limit int64         // PIDs; negative: unknown or none
	ceiling     int64         // where PIDs end: the limit, or the kernel's own; negative: unknown
	ceilingName string        // how that is called
	full        time.Duration // until all are used, when filling
	filling     bool

	trouble []finding // what is wrong, worst first
	// The newest of each; nil: none, or over.
	over     *event.Shutdown
	main     *event.MainExit
	pressure *event.Pressure
	oom      *event.OOM

	stack []int // of indexes, while the tree is taken

	index map[event.ID]int // where each is in procs; made when asked for often
	finds int              // how often that was, of this scene
}

// findsFew is how often looking through all is cheaper than an index of all.
const findsFew = 24

// here reports whether the process is there, dead or alive.
func (s *scene) here(id event.ID) bool {
	i := s.find(id)
	return i >= 0 && !s.procs[i].gone
}

// find is the index of a process, the just gone included; -1: it is not there.
func (s *scene) find(id event.ID) int {
	if s.finds++; s.finds <= findsFew {
		for i := range s.procs {
			if s.procs[i].id == id {
				return i
			}
		}
	} else if len(s.index) == 0 && len(s.procs) > 0 {
		if s.index == nil {
			s.index = make(map[event.ID]int, len(s.procs))
		}
		for i := range s.procs {
			s.index[s.procs[i].id] = i
		}
	}
	if i, ok := s.index[id]; ok {
		return i
	}
	if id.Start == 0 {
		for i := range s.procs {
			if s.procs[i].id.PID == id.PID && !s.procs[i].gone {
				return i
			}
		}
	}
	return -1
}

// seenAt is when an event was told of, on the clock of now.
func (s *scene) seenAt(e event.Event) time.Time { return e.Header().TS.Add(s.skew) }

// finding is one thing that is wrong.
type finding struct {
	word    string // LEAK
	who     string // 812 gunicorn; empty: nobody in particular
	text    string // who does what
	brief   string // the same where that is too long; empty: there is none
	advice  string // what to do; empty where there is nothing to say
	subject event.ID
}

// proc is a process in the scene.
type proc struct {
	id     event.ID
	ppid   int
	comm   string
	args   []string
	state  byte
	uid    int
	age    time.Duration // since its start; of a zombie, since its death; negative: unknown
	cpu    time.Duration // used so far; negative: unknown
	rssKB  int64         // resident memory; negative: unknown
	reaped uint64
	kids   int // living children
	zkids  int // zombie children
	zunder int // zombies anywhere below

	parent int // index of the parent; -1: none
	end    int // index after the last of its subtree
	depth  int

	session bool // brought in from outside the container
	gone    bool // dead and reaped, shown for a moment
	goneFor time.Duration
	ended   event.Ended
	threads bool // a dead leader whose threads live on
}

func (p *proc) zombie() bool { return p.state == 'Z' && !p.gone }

// command writes what a process runs: its arguments, the program without its folder
// unless path is set; [comm] where only that is known, as ps does for want of more.
func command(comm string, args []string, path bool) string {
	if len(args) > 0 {
		line := joinArgs(args)
		if !path && len(args[0]) < len(line)+1 && strings.HasPrefix(line, "/") {
			if i := strings.LastIndexByte(args[0], '/'); i+1 < len(args[0]) {
				return line[i+1:]
			}
		}
		return line
	}
	if comm == "" {
		return "?"
	}
	return "[" + comm + "]"
}

func (p *proc) command(path bool) string { return command(p.comm, p.args, path) }

// name writes a process as PID and command, for a sentence.
func name(p event.Proc) string {
	if len(p.Cmdline) > 0 {
		return itoa(p.PID) + " " + joinArgs(p.Cmdline)
	}
	if p.Comm != "" {
		return itoa(p.PID) + " " + p.Comm
	}
	return itoa(p.PID)
}
