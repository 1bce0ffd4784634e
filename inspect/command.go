package inspect

import "pid1/event"

// Command returns what is known of what pid runs. Of a process that was not seen
// yet, or that execed since, it is the name alone: it reads no memory, and so never
// waits. ok is false when there is no such process.
func (t *Table) Command(pid int) (id event.ID, c event.Command, ok bool) {
	t.dying.mu.Lock()
	defer t.dying.mu.Unlock()
	var st Stat
	if t.dying.r.stat(pid, &st) != nil {
		return id, c, false
	}
	id = event.ID{PID: pid, Start: st.Start}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byPID[pid]; e != nil && e.id == id && e.noExec == st.NoExec() && e.comm == string(st.Comm) &&
		(st.Stack == 0 || st.Stack == e.stack) {
		return id, e.command(), true
	}
	return id, event.Command{Comm: t.in.name(st.Comm), CmdlineHow: event.HowNone}, true
}

// Lives reports whether the process was alive at the last look.
func (t *Table) Lives(id event.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byPID[id.PID]
	return e != nil && e.id == id && e.deadAt == 0
}
