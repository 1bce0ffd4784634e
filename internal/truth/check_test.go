package truth

import (
	"strings"
	"testing"

	"pid1/event"
)

// A feed that leaves out, doubles or changes the end of an orphan is wrong.
func TestCheckWantsEveryReap(t *testing.T) {
	self := ID{PID: 5, Start: 90, Last: 90}
	all := []Process{
		{
			Tree: "t", Part: true, ID: ID{PID: 7, Start: 100, Last: 101}, Parent: self, Above: []ID{self},
			Argv: [][]string{{"true"}}, Adopted: true, Status: 3 << 8, Least: 0, Most: 50, SID: 5, PGID: 5,
		},
		{
			Tree: "t", Part: true, ID: ID{PID: 8, Start: 100, Last: 101}, Parent: self, Above: []ID{self},
			Argv: [][]string{{"true"}}, Status: 0, Least: 0, Most: 50, SID: 5, PGID: 5,
		},
	}
	reap := func(pid int, ended event.Ended) event.Event {
		e := event.New(event.TypeReap).(*event.Reap)
		e.ID, e.Comm, e.Ended, e.LifetimeMS, e.Group = event.ID{PID: pid, Start: 100}, "true", ended, 10, event.Group{PGID: 5, SID: 5}
		return e
	}
	other := reap(99, event.Ended{})
	right, unknown := event.Ended{Code: 3}, event.Ended{Code: event.Unknown}
	for _, c := range []struct {
		name   string
		events []event.Event
		want   string
	}{
		{"right", []event.Event{reap(7, right)}, ""},
		{"left out", []event.Event{other}, "did so 0 times"},
		{"twice", []event.Event{reap(7, right), reap(7, right)}, "did so 2 times"},
		{"wrong", []event.Event{reap(7, event.Ended{Code: 4})}, "the status 0x400 instead of 0x300"},
		{"without status", []event.Event{reap(7, unknown)}, "knows no status"},
		{"by the wrong one", []event.Event{reap(7, right), reap(8, event.Ended{})}, "whose parent did"},
	} {
		got := strings.Join(Check(all, c.events).Wrong, "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
