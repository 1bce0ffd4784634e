package ui

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSelectionStaysOnItsLine lets a list of rows live: rows come and go anywhere,
// many at a time, while the user sometimes moves. Between two moves of the user
// the selected row must stay the same and on its line of the screen, until it goes
// itself or the list's end comes nearer than half a screen.
func TestSelectionStaysOnItsLine(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var l list[int]
		var rows []int
		next := 0
		birth := func() {
			next++
			rows = slices.Insert(rows, rng.IntN(len(rows)+1), next)
		}
		for range 60 {
			birth()
		}
		height := 5 + rng.IntN(30)
		l.sync(append(l.buffer(), rows...), height, nil)
		l.moveTo(rng.IntN(60))
		for step := range 200 {
			was, ok := l.selected()
			line := l.sel - l.off
			for range rng.IntN(4) {
				birth()
			}
			for range rng.IntN(4) {
				if len(rows) > 1 {
					i := rng.IntN(len(rows))
					rows = slices.Delete(rows, i, i+1)
				}
			}
			l.sync(append(l.buffer(), rows...), height, nil)
			is, _ := l.selected()
			at := slices.Index(rows, was)
			if !ok || at < 0 {
				if l.sel-l.off != line && free(&l, l.sel-line) {
					t.Fatalf("seed %d step %d: the selection went away, and its line moved from %d to %d", seed, step, line, l.sel-l.off)
				}
			} else {
				if is != was {
					t.Fatalf("seed %d step %d: selected %d, then %d; nobody moved", seed, step, was, is)
				}
				if l.sel-l.off != line && free(&l, at-line) {
					t.Fatalf("seed %d step %d: line %d, then %d (row %d of %d, height %d)", seed, step, line, l.sel-l.off, at, len(rows), height)
				}
			}
			if y := l.sel - l.off; y < 0 || y >= height {
				t.Fatalf("seed %d step %d: the selection is off the screen, line %d", seed, step, y)
			}
			switch rng.IntN(12) {
			case 0:
				l.move(1 + rng.IntN(5))
			case 1:
				l.move(-1 - rng.IntN(5))
			case 2:
				l.page(height - 1)
			case 3:
				l.moveTo(rng.IntN(len(rows)))
			}
			if y := l.sel - l.off; y < 0 || y >= height {
				t.Fatalf("seed %d step %d: moved off the screen, line %d", seed, step, y)
			}
		}
	}
}

// free reports whether the list could have its first line at row off without
// leaving more than half of the screen empty.
func free(l *list[int], off int) bool {
	n := len(l.keys)
	return off >= -l.height/2 && off <= max(0, n-l.height)+l.height/2 && off < n
}

func TestSelectionGoesToTheNeighbour(t *testing.T) {
	for _, c := range []struct {
		name     string
		old      []int
		sel      int
		now      []int
		stand    func(int) (int, bool)
		want     int
		selected int
	}{
		{"the next one takes its line", []int{1, 2, 3, 4}, 1, []int{1, 3, 4}, nil, 1, 3},
		{"the last one leaves it to the one before", []int{1, 2, 3}, 2, []int{1, 2}, nil, 1, 2},
		{"several went", []int{1, 2, 3, 4, 5}, 1, []int{9, 1, 5}, nil, 2, 5},
		{"what stands for it", []int{1, 2, 3}, 1, []int{7, 1, 3}, func(int) (int, bool) { return 7, true }, 0, 7},
		{"all others", []int{1, 2, 3}, 1, []int{7, 8}, nil, 1, 8},
		{"it moved itself", []int{1, 2, 3, 4}, 1, []int{1, 3, 4, 2}, nil, 3, 2},
	} {
		var l list[int]
		l.sync(c.old, 10, nil)
		l.moveTo(c.sel)
		l.sync(c.now, 10, c.stand)
		if got, _ := l.selected(); l.sel != c.want || got != c.selected {
			t.Errorf("%s: row %d (%d), want row %d (%d)", c.name, l.sel, got, c.want, c.selected)
		}
	}
}

func TestTailStaysAtTheEndUntilLeft(t *testing.T) {
	var l list[int]
	l.tail = true
	rows := []int{1, 2, 3}
	l.sync(slices.Clone(rows), 2, nil)
	if l.sel != 2 || l.off != 1 {
		t.Fatalf("selection %d offset %d", l.sel, l.off)
	}
	l.move(-1)
	if l.tail {
		t.Fatal("moving up left the tail running")
	}
	l.sync([]int{1, 2, 3, 4, 5}, 2, nil)
	if got, _ := l.selected(); got != 2 || l.below() != 2 {
		t.Errorf("selected %d, %d below; want 2 with 2 below", got, l.below())
	}
	l.sync([]int{3, 4, 5, 6}, 2, nil)
	if got, _ := l.selected(); got != 3 {
		t.Errorf("the selected one was dropped from the front: selected %d, want the oldest", got)
	}
}

func TestAnEmptyListHoldsNothing(t *testing.T) {
	var l list[int]
	l.sync(nil, 0, nil)
	l.move(1)
	l.page(-3)
	l.moveTo(5)
	if _, ok := l.selected(); ok || l.at(0) != -1 || l.below() != 0 || l.above() != 0 {
		t.Error("an empty list has a selection")
	}
	l.sync([]int{4}, 1, nil)
	if k, ok := l.selected(); !ok || k != 4 {
		t.Error("the first row is not selected")
	}
}

// TestUntouchedListStaysFilled: where the user chose no row there is nothing to
// hold still for.
func TestUntouchedListStaysFilled(t *testing.T) {
	var l list[int]
	l.sync([]int{1, 2, 3}, 10, nil)
	l.off-- // a verdict above the list went
	l.sync([]int{1, 2, 3, 4}, 11, nil)
	if l.off != 0 {
		t.Errorf("the list begins at row %d", l.off)
	}
}
