package inspect

import (
	"time"

	"pid1/event"
	"pid1/internal/faultpoint"
)

// reap is a Reap with room for what it points to, so that it is made at once.
type reap struct {
	event.Reap
	origin  event.Proc
	lineage [MaxLineage]event.Ancestor
}

// Dying returns everything that is known of a child of Self that is dead and not
// reaped yet, but how it ended and what it used, which the reaper learns from
// waitid(2). The Table forgets the process: to be called once, right before it is
// reaped.
//
// It reads the zombie's stat and owner, never its memory, and waits for no look or
// sweep that is under way. It does not fail: what cannot be known is Unknown.
func (t *Table) Dying(pid int) *event.Reap {
	b := &reap{}
	r := &b.Reap
	*r = event.Reap{
		Head: event.Head{Type: event.TypeReap}, ID: event.ID{PID: pid},
		PPID: event.Unknown, Group: event.Group{PGID: event.Unknown, SID: event.Unknown},
		Owner:   event.Owner{UID: event.Unknown, GID: event.Unknown},
		Command: event.Command{CmdlineHow: event.HowNone},
		Ended:   event.Ended{Code: event.Unknown}, LifetimeMS: event.Unknown, ZombieMS: event.Unknown,
	}
	t.fillReap(b)
	return r
}

func (t *Table) fillReap(b *reap) {
	// Whatever is wrong in here, the child must be reaped.
	defer func() { _ = recover() }()
	faultpoint.Here("fillReap")
	pid := b.PID
	t.dying.mu.Lock()
	defer t.dying.mu.Unlock()
	var st Stat
	known := t.dying.r.stat(pid, &st) == nil
	if known {
		if uid, gid, err := t.dying.r.owner(pid); err == nil {
			b.Owner = event.Owner{UID: uid, GID: gid}
		}
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.epoch.now()
	e := t.byPID[pid]
	if known {
		b.ID.Start = st.Start
		b.PPID, b.PGID, b.SID = st.PPID, st.PGID, st.SID
		b.Comm = t.in.name(st.Comm)
		b.Started = t.epoch.started(st.Start)
		b.LifetimeMS = age(st.Start, now)
		if e != nil && e.id != b.ID {
			t.vanish(e, now)
			e = nil
		}
	}
	t.bury(b.ID, true)
	own := t.isSpawned(b.ID)
	delete(t.spawned, pid)
	if e == nil {
		e = t.unseenChild(b, &st, known, own)
	} else {
		t.remember(b, e, &st, known, now)
		t.remove(e, now)
	}
	b.Adopted = !own
	b.ExecSession = e.execSession
	if b.Origin = e.origin(&b.origin); b.Origin != nil {
		n := min(len(e.line), len(b.lineage))
		for i, p := range e.line[:n] {
			b.lineage[i] = event.Ancestor{PID: p.id.PID, Comm: p.comm}
		}
		b.Lineage = b.lineage[:n]
	}
}

// unseenChild stands for a process nobody saw alive. What its group and session
// tell of its ancestors is all there is.
func (t *Table) unseenChild(b *reap, st *Stat, known, own bool) *entry {
	e := &t.out.unseen
	*e = entry{id: b.ID, ppid: b.PPID}
	if own {
		t.setOwnChild(e)
	} else if known {
		t.infer(e, st)
	}
	if g := t.groups[st.SID]; known && g != nil {
		e.execSession = g.execSession
	}
	return e
}

// remember fills in what was seen of the process while it lived.
func (t *Table) remember(b *reap, e *entry, st *Stat, known bool, now time.Duration) {
	if known {
		e.noExec = st.NoExec()
		e.comm = b.Comm
	} else {
		b.ID = e.id
		b.PPID, b.Group, b.Owner = e.ppid, e.group(), e.owner()
		b.Started, b.LifetimeMS = t.epoch.started(e.id.Start), age(e.id.Start, now)
	}
	if b.UID == event.Unknown {
		b.Owner = e.owner()
	}
	b.Command = e.command()
	if e.stale && e.exitAt == 0 { // a signal killed it, right after its exec for all we know
		b.Command = event.Command{Comm: e.comm, CmdlineHow: event.HowNone}
	}
	if e.dead() || e.exitAt != 0 || e.endAt != 0 {
		b.ZombieMS = e.zombieMS(now)
		b.LifetimeMS = e.lifetime(now)
	}
	t.tellZombieGone(e, now)
}
