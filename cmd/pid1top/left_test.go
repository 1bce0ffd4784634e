package main

import (
	"strings"
	"testing"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// A session from outside that goes on, such as the report's own, is not left behind;
// what it started and did not wait for is.
func TestReportLeavesRunningSessionsOut(t *testing.T) {
	w, now := world.New(), time.Now()
	hello := event.New(event.TypeHello).(*event.Hello)
	hello.PID, hello.Role, hello.TS, hello.Started = 1, "init", now, now
	w.Apply(hello, now)
	row := func(pid, ppid int, comm string, session bool) {
		p := event.New(event.TypeProcess).(*event.Process)
		p.ID, p.PPID, p.Comm, p.State, p.ExecSession, p.AgeMS = event.ID{PID: pid, Start: uint64(pid)}, ppid, comm, "S", session, 1000
		w.Apply(p, now)
	}
	row(1, 0, "pid1", false)
	row(40, 0, "pid1top", true)
	row(41, 0, "bash", true)
	row(42, 1, "forgotten", true)
	end := event.New(event.TypeProcessesEnd).(*event.ProcessesEnd)
	end.Count = 4
	w.Apply(end, now)

	var p page
	reportText(&p, w, now)
	_, left, found := strings.Cut(p.String(), "## Left behind and running")
	left, _, _ = strings.Cut(left, "##")
	if !found || !strings.Contains(left, "forgotten") || strings.Contains(left, "pid1top") || strings.Contains(left, "bash") {
		t.Errorf("left behind: %s", left)
	}
}
