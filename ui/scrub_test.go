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

// stand is a screen on a recording of the leak.
func stand(t *testing.T, w, h int) (*model, *tape) {
	t.Helper()
	m, f := screen(w, h, Options{Signals: &post{}}, scenes["leak"])
	p := newTape(f.now)
	m.source = p
	m.receive(batchMsg{Batch{State: Live, Position: &Position{At: noon.Add(time.Minute), Index: 40, Total: 80, Speed: 1}}, time.Now()})
	p.pos.At = noon.Add(time.Minute)
	return m, p
}

func TestReplayKeys(t *testing.T) {
	m, p := stand(t, 100, 30)
	mustSee(t, m, "REPLAY", "event 40 of 80", "12:00:00", "12:02:27", "●", "p play")
	mustNotSee(t, m, "LIVE", "K signal", "p pause")
	press(m, ".", ",", "}", "{", "p", "+", "-")
	for _, at := range []string{"12:01:30", "-15s", "+1m", "2026-03-01T12:00:05Z"} {
		press(m, "b")
		m.Update(tea.PasteMsg{Content: at})
		press(m, "enter")
	}
	want := "step 1 step -1 seek 12:01:10 seek 12:00:50 play true 0 play true 2 play true 0.5 " +
		"seek 12:01:30 seek 12:00:45 seek 12:02:00 seek 12:00:05"
	if p.String() != want {
		t.Errorf("told %s\nwant %s", p, want)
	}
	press(m, "b", "x", "enter")
	mustSee(t, m, "a time is 15:04")
	press(m, "K")
	mustNotSee(t, m, "Signal to")

	p.told = nil
	from, to := m.scrubberEnds()
	for _, x := range []int{from, to - 1, from - 3, to + 2} {
		m.Update(tea.MouseClickMsg{X: x, Y: 28, Button: tea.MouseLeft})
	}
	if p.String() != "seek 12:00:00 seek 12:02:27" {
		t.Errorf("clicks: told %s", p)
	}
	m.receive(batchMsg{Batch{State: Live, Position: &Position{At: noon, Index: 1, Total: 80, Playing: true, Speed: 4}}, time.Now()})
	mustSee(t, m, "REPLAY x4")
}

func TestTimesAreOfTheRecordingsDay(t *testing.T) {
	first := time.Date(2026, 3, 1, 23, 50, 30, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"23:55":    time.Date(2026, 3, 1, 23, 55, 0, 0, time.UTC),
		"23:50":    time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC),
		"00:10:05": time.Date(2026, 3, 2, 0, 10, 5, 0, time.UTC),
	} {
		if got, err := parseMoment(text, first, first, time.UTC); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}
