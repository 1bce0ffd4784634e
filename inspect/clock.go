package inspect

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// tick is the unit of start and cpu times in /proc: USER_HZ is 100 on every
// architecture Go runs on, whatever the kernel's own tick.
const tick = 10 * time.Millisecond

// stepLimit is how far wall and boot time may drift against each other before the
// wall clock counts as set.
const stepLimit = 50 * time.Millisecond

// Clock tells the time twice.
type Clock interface {
	// Now is the wall clock, which may jump.
	Now() time.Time
	// Boot is the time since boot, suspend included, which never jumps:
	// CLOCK_BOOTTIME, clock_gettime(2). Start times in /proc count by it.
	Boot() time.Duration
}

// SystemClock is the kernel's clock.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Boot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(fmt.Sprintf("cannot read CLOCK_BOOTTIME: %v", err)) // Linux has it since 2.6.39
	}
	return time.Duration(ts.Nano())
}

// epoch turns times since boot into wall times. It holds on to its idea of when
// the system booted until the wall clock is set, so that one process has one start.
type epoch struct {
	clock Clock
	boot  time.Time // wall time at boot
}

// now returns the time since boot and notices when the wall clock was set.
func (e *epoch) now() time.Duration {
	boot := e.clock.Boot()
	at := e.clock.Now().Round(0).Add(-boot)
	if d := at.Sub(e.boot); d > stepLimit || d < -stepLimit {
		e.boot = at
	}
	return boot
}

// started is the wall time at which a process with start, in ticks since boot, began.
func (e *epoch) started(start uint64) time.Time {
	if start == 0 {
		return time.Time{}
	}
	return e.boot.Add(sinceBoot(start))
}

func sinceBoot(ticks uint64) time.Duration { return time.Duration(ticks) * tick }

// age is the milliseconds from a start, in ticks since boot, to at.
func age(start uint64, at time.Duration) int64 {
	if start == 0 {
		return event.Unknown
	}
	return max(0, (at - sinceBoot(start)).Milliseconds())
}
