//go:build linux && (amd64 || arm64)

package siginfo

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// ShrinkQueue gives the queue room for a few signals until the test ends.
func ShrinkQueue(t *testing.T) {
	t.Helper()
	resize := func(size int) {
		if _, err := unix.FcntlInt(uintptr(queueFD), unix.F_SETPIPE_SZ, size); err != nil {
			t.Fatal(err)
		}
	}
	resize(4096)
	t.Cleanup(func() { resize(queueSize) })
}

// AwaitLost waits until that many signals were lost.
func AwaitLost(t *testing.T, r *Receiver, count uint64) {
	t.Helper()
	for r.Lost() < count {
		runtime.Gosched()
	}
}

// WriteLeftovers does what a handler does that was late for Close.
func WriteLeftovers(t *testing.T) {
	t.Helper()
	record := make([]byte, recordSize)
	record[0] = byte(unix.SIGUSR1)
	if _, err := unix.Write(int(queueFD), record); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(int(deathsFD), []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
}
