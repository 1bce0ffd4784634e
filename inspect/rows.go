package inspect

import (
	"slices"
	"time"

	"pid1/event"
)

// freshness is how old the last sweep may be for Processes.
const freshness = 200 * time.Millisecond

// maxAsked is how many parents of zombies are asked what they do about SIGCHLD.
const maxAsked = 256

// Processes yields a row for every process there is, in order of PID, until yield
// returns false. It sweeps first when the last sweep is older than 200 ms. A row is
// valid during the call of yield only, and yield may take its time: nothing is
// locked meanwhile. Of parents that hold zombies the rows also tell what they do
// about SIGCHLD.
func (t *Table) Processes(yield func(*event.Process) bool) {
	t.mu.Lock()
	old := t.sweeps == 0 || t.epoch.now()-t.swept > freshness
	t.mu.Unlock()
	if old {
		// Where there is nothing to see, there are no new rows.
		_ = t.Sweep()
	}
	pids, asked := t.ask()
	var row event.Process
	var origin event.Proc
	for _, pid := range pids {
		if !t.row(pid, &row, &origin) {
			continue
		}
		if a, ok := asked[pid]; ok && a.start == row.Start {
			row.SigChld, row.Blocked, row.Wchan = a.sigchld.String(), a.sigchld.blocked, a.wchan
		}
		if !yield(&row) {
			return
		}
	}
}

// row fills in the row of pid, if there still is one.
func (t *Table) row(pid int, row *event.Process, origin *event.Proc) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byPID[pid]
	if e == nil {
		return false
	}
	now := t.epoch.now()
	*row = event.Process{
		Head: event.Head{Type: event.TypeProcess}, ID: e.id, PPID: e.ppid,
		Group: e.group(), Owner: e.owner(), Command: e.command(),
		State: stateName(e.state), StateMS: (e.last - e.stateAt).Milliseconds(), Started: t.epoch.started(e.id.Start), AgeMS: age(e.id.Start, now),
		Threads: e.threads, RSSKB: e.rss * pageKB,
		UtimeMS: ticksMS(e.utime), StimeMS: ticksMS(e.stime),
		Origin: e.origin(origin), ZombieMS: e.zombieMS(now),
		ExecSession: e.execSession, SeenBefore: e.seenBefore,
	}
	return true
}

// answer is what a parent of zombies does about them.
type answer struct {
	start   uint64
	sigchld disposition
	wchan   string
}

// ask returns all PIDs in order, and what the parents of zombies do about them.
func (t *Table) ask() ([]int, map[int]answer) {
	l := &t.look
	l.mu.Lock()
	defer l.mu.Unlock()
	pids, asked := t.parents()
	var buf [4096]byte
	for pid, a := range asked {
		if n, err := l.r.read(pid, "status", buf[:]); err == nil {
			a.sigchld = parseDisposition(buf[:n])
		}
		if n, err := l.r.read(pid, "wchan", buf[:128]); err == nil && n > 0 && string(buf[:n]) != "0" {
			a.wchan = string(buf[:n])
		}
		asked[pid] = a
	}
	return pids, asked
}

// parents returns all PIDs in order, and those that zombies wait for.
func (t *Table) parents() ([]int, map[int]answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pids := make([]int, 0, len(t.byPID))
	asked := make(map[int]answer)
	for pid, e := range t.byPID {
		if !t.tells(e) {
			continue
		}
		pids = append(pids, pid)
		if p := t.byPID[e.ppid]; e.dead() && p != nil && e.ppid != t.cfg.Self && len(asked) < maxAsked {
			asked[e.ppid] = answer{start: p.id.Start}
		}
	}
	slices.Sort(pids)
	return pids, asked
}
