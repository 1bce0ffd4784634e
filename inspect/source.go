package inspect

import (
	"context"
	"errors"

	"pid1/event"
)

// A Source observes processes for a Table.
type Source interface {
	// Name is what Source events call it.
	Name() string
	// Run observes until ctx ends, and returns nil then. It returns an error when
	// it cannot go on; the Table stays as it is and can be swept. Run never panics
	// and tells by Source events when it begins, goes on with less, and gives up.
	Run(ctx context.Context, t *Table) error
}

// ErrPanic is in the error of a source that ended by a panic: it is not to be run again.
var ErrPanic = errors.New("cannot go on")

// tellSource emits that a source was switched on or off.
func (t *Table) tellSource(name, state, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emit(&event.Source{
		Head: event.Head{Type: event.TypeSource},
		Name: name, State: state, Reason: reason,
	})
}

// wakeable makes wake the way to rouse the source that runs; nil: there is none.
func (t *Table) wakeable(wake func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake = wake
}
