package inspect

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// slice is how long a thread that looks at processes wants to run at a time. A look
// takes less, and what asks for less is let to a processor earlier, with no larger a share
// of it: on a busy machine a program may have ended by the time the default slice of
// others, some milliseconds, is over.
const slice = 100 * time.Microsecond

// promptly binds the calling goroutine to a thread of its own with a short slice, until
// done is called. It needs Linux 6.12 (sched_setattr(2) of SCHED_OTHER with a runtime);
// where the kernel refuses, nothing is changed.
func promptly() (done func()) {
	runtime.LockOSThread()
	was, err := unix.SchedGetAttr(0, 0)
	if err != nil || was.Policy != unix.SCHED_NORMAL {
		return runtime.UnlockOSThread
	}
	now := *was
	now.Runtime = uint64(slice)
	if unix.SchedSetAttr(0, &now, 0) != nil {
		return runtime.UnlockOSThread
	}
	return func() {
		// A thread that cannot be given back as it was stays locked, and ends with its
		// goroutine.
		if unix.SchedSetAttr(0, was, 0) == nil {
			runtime.UnlockOSThread()
		}
	}
}
