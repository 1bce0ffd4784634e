package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pid1/event"
)

// TestClockJumps puts the wall clock a day forth and then back behind where it was: what
// lasts is measured by another clock.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("the binary is the same without the race detector")
	}
	began := time.Now()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &sufferer{socket: filepath.Join(dir, "s")}
	s.proc, s.calls, s.orders = leashed(t, asInit, "--socket", s.socket, os.Args[0], "-test.run=^TestHelperSufferer$")
	s.calls.order("clock 0")
	fmt.Fprintln(s.orders, "go")
	s.await("ready\n")
	var all []event.Event
	for _, hours := range []int{0, 24, -24} {
		s.calls.order("clock %d", hours*3600)
		after := fmt.Sprintf("%d hours ahead", hours)
		s.ask()
		s.healed(after)
		if all, err = s.feed(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		most := time.Since(began).Milliseconds() + 20 // starts are told to a hundredth of a second
		lasts := func(ev event.Event, name string, ms int64) {
			if ms != event.Unknown && (ms < 0 || ms > most) {
				t.Errorf("%s: %s %d, and it is %d ms since all began: %s", after, name, ms, most, event.Append(nil, ev))
			}
		}
		newest := time.Time{}
		for _, ev := range all {
			switch ev := ev.(type) {
			case *event.Reap:
				lasts(ev, "lifetime_ms", ev.LifetimeMS)
				lasts(ev, "zombie_ms", ev.ZombieMS)
				newest = ev.TS
			case *event.Process:
				lasts(ev, "age_ms", ev.AgeMS)
				lasts(ev, "zombie_ms", ev.ZombieMS)
			case *event.Stats:
				lasts(ev, "uptime_ms", ev.UptimeMS)
			case *event.Leak, *event.Pressure:
				t.Errorf("%s: %s", after, event.Append(nil, ev))
			}
		}
		if off := time.Since(newest) + time.Duration(hours)*time.Hour; off.Abs() > time.Hour {
			t.Errorf("%s: the last reap is of %v, %v off: was the clock put ahead at all?", after, newest, off)
		}
	}
	_ = s.orders.Close()
	s.want(7)
}
