package inspect

import (
	"cmp"
	"slices"
	"strings"
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
	t.rows(false, yield)
}

// Unwaited yields what Processes does for those alone that are dead and not Self's
// to reap, and for their parents. It does not sweep: what the last look saw is
// good enough for who watches over time. Of the dead the oldest MaxUnwaited are
// yielded.
func (t *Table) Unwaited(yield func(*event.Process) bool) { t.rows(true, yield) }

// MaxUnwaited bounds Unwaited: who has left so many has been noticed.
const MaxUnwaited = 2048

func (t *Table) rows(unwaited bool, yield func(*event.Process) bool) {
	pids, asked := t.ask(unwaited)
	var row event.Process
	var origin event.Proc
	for _, pid := range pids {
		if !t.row(pid, &row, &origin) {
			continue
		}
		if a, ok := asked[pid]; ok && a.start == row.Start {
			row.SigChld, row.Blocked = a.sigchld.String(), a.sigchld.blocked
			if row.State != "R" { // it went to sleep after the look
				row.Wchan = a.wchan
			}
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
		Was: e.was, BeforeExec: t.beforeExec(e), Waited: e.waited,
		ExecSession: e.execSession, SeenBefore: e.seenBefore,
	}
	return true
}

// beforeExec reports whether e's parent changed its program after e was created. An
// exec that was faster than the first look at the child shows as well: what was
// forked and did not exec runs its parent's file.
func (t *Table) beforeExec(e *entry) bool {
	p := t.byPID[e.ppid]
	if p == nil || p.id.Start > e.id.Start {
		return false
	}
	return e.num <= p.execed || e.noExec && e.exe != "" && p.exe != "" && installed(e.exe) != installed(p.exe)
}

// installed is the path of a file that may have been replaced meanwhile,
// proc_pid_exe(5).
func installed(exe string) string { return strings.TrimSuffix(exe, " (deleted)") }

// answer is what a parent of zombies does about them.
type answer struct {
	start   uint64
	sigchld disposition
	wchan   string
}

// ask returns the PIDs in order, all or those of Unwaited, and what the parents of zombies do about them.
func (t *Table) ask(unwaited bool) ([]int, map[int]answer) {
	l := &t.look
	l.mu.Lock()
	defer l.mu.Unlock()
	pids, asked := t.parents(unwaited)
	var buf [4096]byte
	for pid, a := range asked {
		l.process(pid, notKept, 0, 0) // its state was another when it was last looked at
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

// parents returns the PIDs in order, all or those of Unwaited, and of these the
// ones that zombies wait for.
func (t *Table) parents(unwaited bool) ([]int, map[int]answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var pids []int
	var dead []*entry
	asked := make(map[int]answer)
	for pid, e := range t.byPID {
		if !t.tells(e) {
			continue
		}
		if !unwaited {
			pids = append(pids, pid)
		} else if e.deadAt != 0 && e.ppid != t.cfg.Self {
			dead = append(dead, e)
		}
		if p := t.byPID[e.ppid]; e.dead() && p != nil && e.ppid != t.cfg.Self && len(asked) < maxAsked {
			asked[e.ppid] = answer{start: p.id.Start}
		}
	}
	if unwaited {
		slices.SortFunc(dead, func(a, b *entry) int { return cmp.Compare(a.num, b.num) })
		for _, e := range dead[:min(len(dead), MaxUnwaited)] {
			pids = append(pids, e.id.PID)
		}
		for pid := range asked {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), asked
}
