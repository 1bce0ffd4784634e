package soak

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const ledger = `o 7 20 (sh) S 1 20 20 0 -1 4194304 88 0 0 0 0 0 0 0 20 0 1 0 500 2654208
w 3 21 (sh) S 1 20 20 0 -1 4194304 88 0 0 0 0 0 0 0 20 0 1 0 501 2654208
o 137 22 (sh) S 1 20 20 0 -1 4194304 88 0 0 0 0 0 0 0 20 0 1 0 502 2654208
`

// A record that is as foretold, and what is wrong with others.
func TestTally(t *testing.T) {
	good := []string{
		`"seq":1,"type":"source","name":"exact","state":"on"`,
		`"seq":2,"type":"reap","pid":20,"start_ticks":500,"code":7`,
		`"seq":3,"type":"exit","pid":21,"start_ticks":501,"code":3`,
		`"seq":4,"type":"signal","signal":"SIGRTMIN+6"`,
		`"seq":5,"type":"reap","pid":22,"start_ticks":502,"signal":"SIGKILL"`,
		`"seq":6,"type":"end","reason":"exit"`,
	}
	change := func(i int, line string) []string {
		lines := append([]string{}, good...)
		lines[i] = line
		return lines
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"good", good, nil},
		{"a line is missing", append(append([]string{}, good[:3]...), good[4:]...), []string{"seq 5 follows 3 in the record"}},
		{"a death is missing", change(1, `"seq":2,"type":"leak"`), []string{"20 ended with 7, and is not in the record"}},
		{"another of that PID", change(1, `"seq":2,"type":"reap","pid":20,"start_ticks":499,"code":7`), []string{"20 ended with 7, and is not in the record"}},
		{"a wrong status", change(1, `"seq":2,"type":"reap","pid":20,"start_ticks":500,"code":0`), []string{"20 ended with 7, and was reaped with 0"}},
		{"a wrong signal", change(4, `"seq":5,"type":"reap","pid":22,"start_ticks":502,"signal":"SIGTERM"`), []string{"22 ended with 137, and was reaped with 143"}},
		{"a wrong exit", change(2, `"seq":3,"type":"exit","pid":21,"start_ticks":501,"code":4`), []string{"21 ended with 3, and is told to have ended with 4"}},
		{"one twice", change(2, `"seq":3,"type":"reap","pid":20,"start_ticks":500,"code":7`), []string{"20 was reaped twice"}},
		{"somebody else's", change(2, `"seq":3,"type":"reap","pid":21,"start_ticks":501,"code":3`), []string{"21 was reaped by pid1, and had a parent that waits"}},
		{"a source that went", change(0, `"seq":1,"type":"source","name":"exact","state":"off","reason":"why"`), []string{"the source exact was switched off: why"}},
		{"cut", good[:5], []string{"the record has no end"}},
		{"a gap", change(0, `"type":"gap","lost":1,"from_seq":1,"to_seq":1`), []string{"the record has a gap after seq 0", "seq 2 follows 0 in the record"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			truth, err := ReadLedger(strings.NewReader(ledger))
			if err != nil {
				t.Fatal(err)
			}
			tally := NewTally(truth)
			for _, line := range c.lines {
				tally.Line(fmt.Appendf(nil, `{"v":1,"ts":"2026-01-01T00:00:00Z",%s}`, line))
			}
			tally.End()
			if diff := cmp.Diff(c.want, tally.Faults); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if tally.Deaths != 2 || tally.Foretold != 3 {
				t.Errorf("%d deaths were pid1's of %d", tally.Deaths, tally.Foretold)
			}
		})
	}
}

func TestLedgerIsChecked(t *testing.T) {
	for _, line := range []string{"", "o 7", "oo" + ledger[1:60], strings.Replace(ledger[:90], "500", "x", 1), "o x" + ledger[3:90]} {
		if _, err := ReadLedger(strings.NewReader(line + "\n")); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

func TestTrend(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		y    func(i float64) float64
		flat bool
	}{
		{"constant", func(float64) float64 { return 8000 }, true},
		{"a page more at the end", func(i float64) float64 { return 8000 + 4*float64(int(i/350)) }, true},
		{"a saw", func(i float64) float64 { return 8000 + 10*float64(int(i)%18) }, true},
		{"noise", func(float64) float64 { return 8000 + 50*r.NormFloat64() }, true},
		{"falling", func(i float64) float64 { return 8000 - i }, true},
		{"growing", func(i float64) float64 { return 8000 + i }, false},
		{"growing in noise", func(i float64) float64 { return 8000 + i + 50*r.NormFloat64() }, false},
	} {
		var x, y []float64
		for i := range 360 {
			x, y = append(x, float64(10*i)), append(y, c.y(float64(i)))
		}
		if got := trend(x, y); got.Flat() != c.flat {
			t.Errorf("%s: flat is %v, want %v: %+v", c.name, got.Flat(), c.flat, got)
		}
	}
}
