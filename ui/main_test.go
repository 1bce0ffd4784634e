package ui

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// On a busy machine Bubble Tea (v2.0.10) gives its reader half a second to take
	// note of the end, closes the epoll descriptor it waits on, and leaves it there:
	// closing wakes nobody, epoll_wait(2). A program is over by then.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("charm.land/bubbletea/v2.(*Program).readLoop"),
		goleak.IgnoreAnyFunction("github.com/charmbracelet/ultraviolet.(*TerminalReader).StreamEvents.func1"),
	)
}
