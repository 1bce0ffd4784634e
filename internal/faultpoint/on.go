//go:build faultpoints

package faultpoint

import (
	"os"
	"sync/atomic"
	"time"
)

var (
	at   = os.Getenv("PID1_PANIC")
	slow = os.Getenv("PID1_SLOW")
	done atomic.Bool
)

// Here is where the part called name fails if it is told to.
func Here(name string) {
	if name == slow {
		time.Sleep(2 * time.Millisecond)
	}
	if name == at && done.CompareAndSwap(false, true) {
		panic("told to panic")
	}
}
