package ui

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// TestMonkey lets somebody press anything, anywhere, while the world goes on, the
// terminal changes its size and the connection comes and goes: nothing breaks, and
// whatever is drawn fits.
func TestMonkey(t *testing.T) {
	var keys []string
	for _, b := range bindings {
		for _, k := range b.keys {
			if k != "w" && k != "y" { // these would write and copy
				keys = append(keys, k)
			}
		}
	}
	keys = append(keys, "enter", "esc", "backspace", "|", "!", "8", "1", "2", "x", "delete", "home", "ctrl+w", "ctrl+k")
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		o := Options{ASCII: seed%3 == 0, Color: seed%2 == 0, Signals: &post{}}
		m, f := screen(100, 30, o, func(f *feed) {
			f.healthy()
			f.workers(22)
			f.leak(6)
			f.deaths(10)
			f.hostile()
		})
		m.source = &teller{}
		if seed%4 == 3 {
			m.source = newTape(f.now)
		}
		next := 40000
		var trail []string
		for step := range 400 {
			did := ""
			switch n := rng.IntN(20); {
			case n < 13:
				did = keys[rng.IntN(len(keys))]
				_, cmd := m.Update(keyMsg(did))
				if in, ok := m.source.(*teller); ok && rng.IntN(3) == 0 {
					in.err = []error{nil, errors.New("no")}[rng.IntN(2)]
					m.Update(inspectMsg{of: m.detail.of.id, got: nil, err: in.err})
				}
				_ = cmd
			case n < 15:
				did = "click"
				m.Update(tea.MouseClickMsg{X: rng.IntN(110) - 5, Y: rng.IntN(40) - 5, Button: tea.MouseLeft})
			case n < 16:
				did = "wheel"
				m.Update(tea.MouseWheelMsg{Button: []tea.MouseButton{tea.MouseWheelDown, tea.MouseWheelUp}[rng.IntN(2)]})
			case n < 17:
				s := sizesTested[rng.IntN(len(sizesTested))]
				did = fmt.Sprintf("%dx%d", s.w, s.h)
				m.Update(tea.WindowSizeMsg{Width: s.w, Height: s.h})
			case n < 18:
				did = "connection"
				m.receive(batchMsg{Batch{State: ConnState(rng.IntN(4)), Note: "broken\x1b[m"}, f.now})
			default:
				did = "events"
				f.now = f.now.Add(time.Duration(rng.IntN(2000)) * time.Millisecond)
				next++
				f.start(next, []int{1, 7, 812}[rng.IntN(3)], "sh", "sh", "-c", "x")
				if rng.IntN(2) == 0 {
					f.reap(next-rng.IntN(3), rng.IntN(2), "", time.Second, &event.Proc{ID: id(31), Comm: "cron"}, "sh")
				}
				if rng.IntN(12) == 0 {
					f.gap(3)
				}
				b := Batch{State: Live, Events: f.take()}
				if _, ok := m.source.(*tape); ok {
					b.Position = &Position{At: f.now, Index: step, Total: 500, Speed: 1}
				}
				m.receive(batchMsg{b, f.now})
			}
			trail = append(trail, did)
			check(t, fmt.Sprintf("seed %d after %q", seed, trail[max(0, len(trail)-8):]), m, o)
			if t.Failed() {
				return
			}
		}
	}
}
