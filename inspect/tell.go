package inspect

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// scratch holds the events a Table emits, one of each: Config.Emit keeps none.
type scratch struct {
	start  event.Start
	exec   event.Exec
	orphan event.Orphan
	zombie event.Zombie
	gone   event.ZombieGone
	exit   event.Exit
	origin event.Proc
	unseen entry // stands for a process nobody saw alive
}

func (e *entry) owner() event.Owner { return event.Owner{UID: e.uid, GID: e.gid} }
func (e *entry) group() event.Group { return event.Group{PGID: e.pgid, SID: e.sid} }

// origin fills p with who created e; nil when nobody knows.
func (e *entry) origin(p *event.Proc) *event.Proc {
	if e.how == "" || len(e.line) == 0 {
		return nil
	}
	o := e.line[0]
	*p = event.Proc{ID: o.id, Comm: o.comm, Cmdline: o.args, How: e.how}
	return p
}

func (t *Table) tellStart(e *entry) {
	if e.told || !t.tells(e) {
		return
	}
	e.told = true
	ev := &t.out.start
	*ev = event.Start{
		Head: event.Head{Type: event.TypeStart},
		ID:   e.id, PPID: e.ppid, Group: e.group(), Owner: e.owner(),
		Command: e.command(), Origin: e.origin(&t.out.origin),
		Started: t.epoch.started(e.id.Start), ExecSession: e.execSession,
	}
	t.emit(ev)
}

func (t *Table) tellExec(e *entry, was string) {
	ev := &t.out.exec
	*ev = event.Exec{
		Head: event.Head{Type: event.TypeExec},
		ID:   e.id, PPID: e.ppid, Command: e.command(), Was: was,
	}
	t.emit(ev)
}

func (t *Table) tellOrphan(e *entry) {
	ev := &t.out.orphan
	*ev = event.Orphan{
		Head: event.Head{Type: event.TypeOrphan},
		ID:   e.id, Command: e.command(), Origin: e.origin(&t.out.origin),
	}
	t.emit(ev)
}

// parent is the process that should wait for e, as far as it is known.
func (t *Table) parent(e *entry) event.Proc {
	p := event.Proc{ID: event.ID{PID: e.ppid}}
	if pe := t.byPID[e.ppid]; pe != nil && pe.id.Start <= e.id.Start {
		c := pe.command()
		p = event.Proc{ID: pe.id, Comm: c.Comm, Cmdline: c.Cmdline}
	}
	return p
}

func (t *Table) tellZombie(e *entry) {
	t.tellStart(e)
	e.toldZombie, e.toldThreads = true, e.leaderless
	ev := &t.out.zombie
	*ev = event.Zombie{
		Head: event.Head{Type: event.TypeZombie},
		ID:   e.id, Command: e.command(), Owner: e.owner(), Ended: e.ended(),
		Parent: t.parent(e), Started: t.epoch.started(e.id.Start), SeenBefore: e.seenBefore,
	}
	if e.leaderless {
		ev.Threads = max(0, e.threads-1)
	}
	t.emit(ev)
}

// tellZombieGone ends what tellZombie began, if it did.
func (t *Table) tellZombieGone(e *entry, now time.Duration) {
	if !e.toldZombie {
		return
	}
	e.toldZombie = false
	ev := &t.out.gone
	*ev = event.ZombieGone{
		Head: event.Head{Type: event.TypeZombieGone},
		ID:   e.id, Command: e.command(), Parent: t.parent(e), ZombieMS: e.zombieMS(now),
	}
	t.emit(ev)
}

// tellExit tells that e is gone and that it was not Self who reaped it.
func (t *Table) tellExit(e *entry, now time.Duration) {
	if !t.tells(e) {
		return
	}
	group := e.group()
	if e.unsettled() {
		group = event.Group{PGID: event.Unknown, SID: event.Unknown}
	}
	ev := &t.out.exit
	*ev = event.Exit{
		Head: event.Head{Type: event.TypeExit},
		ID:   e.id, PPID: e.ppid, Group: group, Owner: e.owner(),
		Command: e.lastCommand(), Ended: e.ended(), Origin: e.origin(&t.out.origin),
		Started: t.epoch.started(e.id.Start), LifetimeMS: e.lifetime(now), Rusage: e.usage,
	}
	t.emit(ev)
}

// lastCommand is what e ran in the end, now that it is gone. Nobody knows that of
// one that was last seen alive soon after its fork and had still to exec, nor of one
// that is known to have execed since it was, or to have been about to.
func (e *entry) lastCommand() event.Command {
	switch {
	case e.stale && e.exitAt == 0 && e.deadAt != 0:
		return event.Command{Comm: e.comm, CmdlineHow: event.HowNone}
	case e.stale && e.exitAt == 0, e.execedAt > e.alive:
		return event.Command{CmdlineHow: event.HowNone}
	}
	if e.unsettled() {
		return event.Command{CmdlineHow: event.HowNone}
	}
	return e.command()
}

// lifetime is how long e lived when it is known to be gone at the time now, since
// boot: Unknown when the moment it died in is not known to within one percent of
// it, or 20 ms. What was Self's when it died was found dead at once.
func (e *entry) lifetime(now time.Duration) int64 {
	if e.exitAt != 0 {
		return age(e.id.Start, e.exitAt)
	}
	if e.prompt && e.dead() {
		return age(e.id.Start, e.diedBy())
	}
	end, from := now, e.last
	if e.dead() {
		end, from = e.deadAt, e.alive
	}
	if e.endAt != 0 {
		end, from = min(end, e.endAt), max(from, e.endFrom)
	}
	from = max(from, sinceBoot(e.id.Start))
	if slack := end - from; slack > 2*tick && slack > (end-sinceBoot(e.id.Start))/100 {
		return event.Unknown
	}
	return age(e.id.Start, end)
}

// ended is how e ended, where its zombie told.
func (e *entry) ended() event.Ended {
	if e.exit < 0 || e.leaderless && e.exitAt == 0 {
		return event.Ended{Code: event.Unknown}
	}
	if sig := e.exit & 0x7f; sig != 0 {
		return event.Ended{Code: event.Unknown, Signal: signalName(sig), Core: e.exit&0x80 != 0}
	}
	return event.Ended{Code: e.exit >> 8 & 0xff}
}

// The real-time signals have no names of their own; glibc keeps two of them.
const sigRTMin = 34

func signalName(sig int) string {
	if name := unix.SignalName(unix.Signal(sig)); name != "" {
		return name
	}
	switch {
	case sig == sigRTMin:
		return "SIGRTMIN"
	case sig > sigRTMin:
		return "SIGRTMIN+" + strconv.Itoa(sig-sigRTMin)
	}
	return "SIG" + strconv.Itoa(sig)
}
