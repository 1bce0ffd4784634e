package inspect

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPromptly: the slice is short in between, and the thread is given back as it was.
func TestPromptly(t *testing.T) {
	now := func() time.Duration {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(attr.Runtime)
	}
	was := now()
	if was == 0 {
		t.Skip("before Linux 6.12 there are no slices to ask for")
	}
	done := promptly()
	if got := now(); got != slice {
		t.Errorf("the slice is %v, want %v", got, slice)
	}
	tid := unix.Gettid()
	done()
	attr, err := unix.SchedGetAttr(tid, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := time.Duration(attr.Runtime); got != was {
		t.Errorf("the thread was given back with a slice of %v, want %v", got, was)
	}
}
