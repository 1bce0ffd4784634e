package inspect

import (
	"testing"
	"time"
)

// fakeClock is a clock that stands until it is moved.
type fakeClock struct {
	wall time.Time
	boot time.Duration
}

func newFakeClock() *fakeClock {
	return &fakeClock{wall: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), boot: 1000 * time.Second}
}

func (c *fakeClock) Now() time.Time      { return c.wall }
func (c *fakeClock) Boot() time.Duration { return c.boot }

func (c *fakeClock) pass(d time.Duration) {
	c.wall = c.wall.Add(d)
	c.boot += d
}

func TestOneProcessHasOneStart(t *testing.T) {
	c := newFakeClock()
	e := epoch{clock: c}
	e.now()
	first := e.started(99000)
	if want := c.wall.Add(-10 * time.Second); !first.Equal(want) {
		t.Fatalf("started %v, want %v", first, want)
	}
	// The two clocks are read one after the other, and the wall clock is slewed.
	for _, off := range []time.Duration{time.Microsecond, 20 * time.Millisecond, -40 * time.Millisecond} {
		c.pass(time.Second)
		c.wall = c.wall.Add(off)
		e.now()
		if got := e.started(99000); !got.Equal(first) {
			t.Errorf("started %v, was %v", got, first)
		}
	}
	c.wall = c.wall.Add(24 * time.Hour)
	e.now()
	if got := e.started(99000).Sub(first); got < 24*time.Hour-time.Second || got > 24*time.Hour+time.Second {
		t.Errorf("the clock was set by a day and the start moved by %v", got)
	}
	if !e.started(0).IsZero() {
		t.Error("an unknown start has a time")
	}
}

func TestSystemClock(t *testing.T) {
	c := SystemClock()
	a := c.Boot()
	if b := c.Boot(); a <= 0 || b < a {
		t.Errorf("boot time went from %v to %v", a, b)
	}
	if c.Now().IsZero() {
		t.Error("no wall time")
	}
}
