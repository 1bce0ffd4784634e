//go:build panicpoints

package panicpoint

import (
	"os"
	"sync/atomic"
)

var (
	at   = os.Getenv("PID1_PANIC")
	done atomic.Bool
)

// Here is where the part called name panics if it is told to.
func Here(name string) {
	if name == at && done.CompareAndSwap(false, true) {
		panic("told to panic")
	}
}
