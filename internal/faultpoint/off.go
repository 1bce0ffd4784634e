//go:build !faultpoints

// Package faultpoint makes a part of pid1 fail, in tests: a binary built with the tag
// faultpoints panics, once, where PID1_PANIC says, and takes two milliseconds more
// each time it comes to where PID1_SLOW says. Without the tag, as it is shipped,
// nothing of it is in the binary.
package faultpoint

// Here is where the part called name fails if it is told to.
func Here(string) {}
