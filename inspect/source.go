package inspect

import (
	"context"

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
