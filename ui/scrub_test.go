package ui

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// What a Scrubber sends replaces what waits when it went back, and its time is the
// screen's.
func TestAScrubberIsTheClock(t *testing.T) {
	f := newFeed()
	f.hello()
	f.start(7, 1, "sh", "sh")
	f.start(8, 7, "sleep", "sleep", "9")
	all := f.take()
	all[0].(*event.Hello).LastSeq = f.seq
	m := newModel(Options{Zone: time.UTC})
	m.resize(100, 30)
	p := newPump(func(msg tea.Msg) { m.Update(msg) })
	p.emit(t.Context(), Batch{State: Live, Events: all, Position: &Position{At: noon.Add(time.Hour), Index: 3, Total: 3}})
	p.flush()
	if m.world.ByPID(8) == nil {
		t.Fatal("the events of the first batch are not there")
	}
	p.emit(t.Context(), Batch{State: Live, Events: all, Position: &Position{At: noon.Add(time.Hour), Index: 3, Total: 3}})
	p.emit(t.Context(), Batch{State: Live, Events: all[:2], Reset: true, Position: &Position{At: noon.Add(time.Minute), Index: 2, Total: 3}})
	p.flush()
	m.Update(tickMsg{time.Now()})
	if want := noon.Add(time.Minute); !m.now.Equal(want) || m.position.Index != 2 {
		t.Errorf("it is %v at %+v, want %v", m.now, m.position, want)
	}
	if m.world.ByPID(7) == nil || m.world.ByPID(8) != nil {
		t.Error("what came after the moment gone back to is still known")
	}
	if p := m.world.ByPID(7); p != nil && !p.Born.Equal(noon) {
		t.Errorf("7 was born at %v, want %v", p.Born, noon)
	}
}
