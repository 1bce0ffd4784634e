//go:build !panicpoints

// Package panicpoint makes a part of pid1 panic, in tests: a binary built with the tag
// panicpoints panics, once, where PID1_PANIC says. Without the tag, as it is shipped,
// nothing of it is in the binary.
package panicpoint

// Here is where the part called name panics if it is told to.
func Here(string) {}
