package inspect

import (
	"sync"
	"time"

	"pid1/event"
)

// What a Table holds at most.
const (
	// DefaultMaxProcesses is how many processes a Table follows unless told
	// otherwise: as many as most machines have PIDs.
	DefaultMaxProcesses = 32768
	// MaxLineage is how many ancestors are remembered of a process.
	MaxLineage = 16
)

// Config is what a Table is made of.
type Config struct {
	// FS is where to look; nil where there is no /proc. Then the Table knows
	// nothing and says so by leaving everything unknown.
	FS *FS
	// Clock is the time; nil: SystemClock.
	Clock Clock
	// Self is the PID orphans come to and whose children are not reported as held
	// by somebody else: pid1's own. 0: none.
	Self int
	// Under limits what is told to Self and what descends from it, for a Self that
	// is not the init of its namespace: the neighbours are not its business.
	Under bool
	// Emit takes what happens: Start, Exec, Orphan, Zombie, ZombieGone, Exit and
	// Source events. They are called one after the other, must not call back into
	// the Table, and must not keep the event or what it points to: both are used
	// again for the next one. nil: nobody wants to know.
	Emit func(event.Event)
	// Redact replaces what must not be kept of a command line, which it may change
	// in place. It sees every command line once, before anything is stored. nil:
	// nothing to hide.
	Redact func(args []string) []string
	// MaxProcesses is how many processes are followed; 0: DefaultMaxProcesses.
	// Those beyond are counted by Untracked.
	MaxProcesses int
}

// Table knows the processes of a PID namespace, living and dead, as far as its
// sources, sweeps and the reaper told it. It is for use by several goroutines.
type Table struct {
	cfg Config

	// mu guards everything below. It is never held while /proc is read, since the
	// reaper waits for it in Dying.
	mu        sync.Mutex
	epoch     epoch
	in        *interner
	byPID     map[int]*entry
	groups    map[int]*group
	gone      [64]*entry // the latest that went, for what their orphans tell of them
	goneNext  int
	spawned   map[int]uint64 // children Self made: PID → start ticks
	buried    [256]burial    // a ring of those that were reaped
	burials   uint64         // how many there were
	admitted  uint64         // how many entries were made
	merges    uint64         // how many looks were merged
	sweeps    uint64
	swept     time.Duration // when the last sweep ended, since boot
	zombies   int           // held by others, at the last sweep
	untracked uint64
	told      bool   // a source is told of every exit
	wake      func() // rouses the source that runs, if any
	out       scratch

	dying struct {
		mu sync.Mutex // guards r; the reaper alone takes it
		r  reader
	}
	look looker
}

// burial is a process that was reaped.
type burial struct {
	id event.ID
	// ours is one that Dying took: it is there to be seen until it is reaped.
	ours bool
}

// NewTable returns a Table that has not looked yet.
func NewTable(cfg Config) *Table {
	if cfg.Clock == nil {
		cfg.Clock = SystemClock()
	}
	if cfg.Emit == nil {
		cfg.Emit = func(event.Event) {}
	}
	if cfg.MaxProcesses <= 0 {
		cfg.MaxProcesses = DefaultMaxProcesses
	}
	t := &Table{
		cfg:     cfg,
		epoch:   epoch{clock: cfg.Clock},
		in:      newInterner(cfg.Redact),
		byPID:   make(map[int]*entry),
		groups:  make(map[int]*group),
		spawned: make(map[int]uint64),
	}
	t.dying.r.fs = cfg.FS
	t.look.init(t)
	return t
}

// Close ends what the Table has running. Sources must have ended before.
func (t *Table) Close() {
	t.look.mu.Lock()
	defer t.look.mu.Unlock()
	t.look.close()
}

// Spawned tells that Self itself created pid, which is alive or still unreaped.
// It is what makes the origin of COMMAND known, which would otherwise look like an
// orphan: a child of pid1 that nobody saw under another parent.
func (t *Table) Spawned(pid int) {
	t.dying.mu.Lock()
	var st Stat
	err := t.dying.r.stat(pid, &st)
	t.dying.mu.Unlock()

	t.mu.Lock()
	defer t.mu.Unlock()
	var start uint64
	if err == nil {
		start = st.Start
	}
	t.spawned[pid] = start
	if e := t.byPID[pid]; e != nil && (start == 0 || e.id.Start == start) {
		t.setOwnChild(e)
	}
	if t.wake != nil {
		t.wake()
	}
}

// rouse wakes the source that runs, if any.
func (t *Table) rouse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wake != nil {
		t.wake()
	}
}

// isSpawned reports whether Self created the process.
func (t *Table) isSpawned(id event.ID) bool {
	start, ok := t.spawned[id.PID]
	return ok && (start == 0 || id.Start == 0 || start == id.Start)
}

// Counts returns how many processes there are, dead ones included, and how many
// zombies were held by others than Self at the last sweep.
func (t *Table) Counts() (processes, zombies int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.byPID {
		if t.tells(e) {
			processes++
		}
	}
	return processes, t.zombies
}

// tells reports whether e is one to tell of: all are, but with Config.Under only
// Self and its descendants. Once one is, it stays: what descends from a subreaper
// cannot leave it.
func (t *Table) tells(e *entry) bool {
	if !t.cfg.Under || e.under {
		return true
	}
	p := t.byPID[e.ppid]
	e.under = e.own || e.id.PID == t.cfg.Self || e.ppid == t.cfg.Self ||
		p != nil && p.under && p.id.Start <= e.id.Start
	return e.under
}

// Untracked returns how many processes were not followed because the Table was full.
func (t *Table) Untracked() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.untracked
}

// emit hands on an event. t.mu is held, which keeps events in the order in which
// they became true.
func (t *Table) emit(ev event.Event) { t.cfg.Emit(ev) }
