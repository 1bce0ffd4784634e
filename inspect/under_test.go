package inspect

import (
	"strings"
	"testing"

	"pid1/event"
)

// A subreaper tells of its own descendants, wherever they go, and of nobody else.
func TestUnder(t *testing.T) {
	b := newBench(t)
	b.table.cfg.Self, b.table.cfg.Under = 10, true
	for _, p := range []fakeProcess{
		{pid: 10, ppid: 5, comm: "pid1", start: 50},
		{pid: 5, ppid: 1, comm: "neighbour", start: 10},
		{pid: 6, ppid: 5, comm: "his", start: 20, state: "Z"},
		{pid: 20, ppid: 10, comm: "app", start: 100},
		{pid: 30, ppid: 20, comm: "worker", start: 110},
		{pid: 40, ppid: 30, comm: "daemon", start: 120},
	} {
		b.put(p)
	}
	b.sweep()
	b.put(fakeProcess{pid: 40, ppid: 10, comm: "daemon", start: 120}) // orphaned
	b.remove(5)
	b.sweep()
	got := strings.Join(b.events, "\n")
	for _, name := range []string{"app", "worker", "daemon"} {
		if !strings.Contains(got, name) {
			t.Errorf("nothing was told of %s:\n%s", name, got)
		}
	}
	for _, name := range []string{"neighbour", "his"} {
		if strings.Contains(got, name) {
			t.Errorf("%s is somebody else's:\n%s", name, got)
		}
	}
	var rows []int
	b.table.Processes(func(p *event.Process) bool { rows = append(rows, p.PID); return true })
	if len(rows) != 4 {
		t.Errorf("rows of %v, want 10, 20, 30 and 40", rows)
	}
}
