package vigil

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"pid1/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a container whose time is synctest's: what the table and the control
// group would show, and what was told.
type fake struct {
	t     *testing.T
	began time.Time

	mu      sync.Mutex // guards rows, died, looks and used: time passes while Run looks
	rows    map[int]*event.Process
	died    map[int]time.Time
	looks   int
	used    int64
	limit   int64
	told    []event.Event
	warned  []string
	vigil   *Vigil
	pidsErr error
}

// play runs a Vigil over what story makes happen.
func play(t *testing.T, story func(f *fake)) *fake {
	f := &fake{t: t, rows: map[int]*event.Process{}, died: map[int]time.Time{}}
	synctest.Test(t, func(t *testing.T) {
		f.began = time.Now()
		hello := event.New(event.TypeHello).(*event.Hello)
		hello.PID, hello.Role, hello.Started = 1, "init", f.began
		f.vigil = New(Config{
			Hello: *hello,
			Unwaited: func(yield func(*event.Process) bool) {
				f.mu.Lock()
				f.looks++
				f.mu.Unlock()
				f.yield(true, yield)
			},
			Processes: func(yield func(*event.Process) bool) { f.yield(false, yield) },
			Most:      2048,
			Alive: func(id event.ID) bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return f.rows[id.PID] != nil && f.rows[id.PID].State != "Z"
			},
			PIDs: func() (int64, int64, error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				return f.used, f.limit, f.pidsErr
			},
			Tell: func(ev event.Event) { f.told = append(f.told, ev) },
			Warn: func(s string) { f.warned = append(f.warned, s) },
		})
		done := make(chan error)
		go func() { done <- f.vigil.Run(t.Context()) }()
		synctest.Wait()
		story(f)
		t.Cleanup(func() { <-done })
	})
	return f
}

func (f *fake) yield(unwaited bool, yield func(*event.Process) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parents := map[int]bool{}
	for _, r := range f.rows {
		parents[r.PPID] = parents[r.PPID] || r.State == "Z"
	}
	dead := 0
	for _, pid := range slices.Sorted(maps.Keys(f.rows)) {
		r := f.rows[pid]
		if unwaited && r.State != "Z" && !parents[pid] {
			continue
		}
		if r.State == "Z" {
			if dead++; unwaited && dead > 2048 {
				continue
			}
		}
		row := *r
		row.AgeMS = time.Since(f.began.Add(time.Duration(r.Start) * 10 * time.Millisecond)).Milliseconds()
		if r.State == "Z" {
			row.ZombieMS = time.Since(f.died[pid]).Milliseconds()
		}
		if !yield(&row) {
			return
		}
	}
}

func (f *fake) process(pid, ppid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := event.New(event.TypeProcess).(*event.Process)
	p.ID = event.ID{PID: pid, Start: uint64(time.Since(f.began)/(10*time.Millisecond)) + 1}
	p.PPID, p.State, p.Threads, p.Comm, p.Waited = ppid, "S", 1, fmt.Sprint("p", pid), 0
	if ppid == 1 {
		p.Origin = &event.Proc{ID: event.ID{PID: 1}, How: event.HowExact}
	}
	f.rows[pid] = p
	f.vigil.Poke()
}

// zombie is a child that was started and is dead.
func (f *fake) zombie(pid, ppid int) {
	if f.rows[pid] == nil {
		f.process(pid, ppid)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[pid].State, f.died[pid] = "Z", time.Now()
	f.vigil.Poke()
}

func (f *fake) wait(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[f.rows[pid].PPID].Waited++
	delete(f.rows, pid)
	f.vigil.Poke()
}

func (f *fake) use(used int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = used
	f.vigil.Poke()
}

func (f *fake) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// want compares what was told, as "state verdict" and "percent".
func (f *fake) want(events string, warnings int) {
	f.t.Helper()
	var got []string
	for _, ev := range f.told {
		switch e := ev.(type) {
		case *event.Leak:
			got = append(got, fmt.Sprintf("%s %s %d", e.State, e.Verdict, e.Count))
		case *event.Pressure:
			got = append(got, fmt.Sprintf("pressure %d", e.Percent))
		}
	}
	if s := strings.Join(got, ", "); s != events {
		f.t.Errorf("told %q, want %q", s, events)
	}
	if len(f.warned) != warnings {
		f.t.Errorf("%d warnings, want %d:\n%s", len(f.warned), warnings, strings.Join(f.warned, "\n"))
	}
}

func (f *fake) said(words ...string) {
	f.t.Helper()
	all := strings.Join(f.warned, "\n")
	for _, w := range words {
		if !strings.Contains(all, w) {
			f.t.Errorf("nothing says %q:\n%s", w, all)
		}
	}
}

func TestLeakIsToldOnceAndItsEnd(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		for pid := range 100 {
			f.zombie(100+pid, 8)
			f.pass(time.Second)
		}
		for pid := range 100 {
			f.wait(100 + pid)
		}
		f.pass(time.Minute)
	})
	f.want("began leaking 10, ended leaking 0", 2)
	f.said("8 p8 is alive and does not wait for its children: 10 zombies", "8 p8 no longer leaks: it waited for its zombies.")
}

func TestLeakEndsWithItsParent(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		for pid := range 30 {
			f.zombie(100+pid, 8)
			f.pass(time.Second)
		}
		f.mu.Lock()
		clear(f.rows)
		f.mu.Unlock()
		f.vigil.Poke()
		f.pass(time.Minute)
	})
	f.want("began leaking 10, ended leaking 0", 2)
	f.said("it is gone, and pid1 reaps what it left")
}

// A leak that only comes to a halt is over when nothing was added for as long as a
// viewer would call it a leak, and told again only after it was quiet for a while.
func TestLeakThatPauses(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		pid := 100
		for range 6 {
			for range 20 {
				f.zombie(pid, 8)
				pid++
				f.pass(time.Second)
			}
			f.pass(5 * time.Minute)
		}
		f.pass(10 * time.Minute)
	})
	f.want("began leaking 10, ended held 120", 2)
	f.said("no more were added for 10m; it still holds 120 zombies")
}

func TestLooksLikeALeakAndIsNone(t *testing.T) {
	tests := map[string]func(f *fake){
		"200 a second, waited for": func(f *fake) {
			f.process(8, 1)
			for pid := 100; pid < 30000; pid++ {
				f.zombie(pid, 8)
				f.pass(5 * time.Millisecond)
				if pid >= 105 {
					f.wait(pid - 5)
				}
			}
		},
		"an hour of a web server: ten requests a second, each waited for": func(f *fake) {
			f.process(8, 1)
			for pid := 100; pid < 100+10*3600; pid++ {
				f.zombie(pid, 8)
				f.pass(100 * time.Millisecond)
				f.wait(pid)
			}
		},
		"an hour of a CI job: step after step, four tests at a time": func(f *fake) {
			f.process(8, 1)
			for pid := 100; pid < 100+5*720; pid += 5 {
				f.process(pid, 8) // the step
				for i := range 4 {
					f.process(pid+1+i, pid)
				}
				for i := range 4 {
					f.pass(time.Second)
					f.zombie(pid+1+i, pid)
				}
				for i := range 4 {
					f.wait(pid + 1 + i)
				}
				f.zombie(pid, 8)
				f.pass(time.Second)
				f.wait(pid)
			}
		},
		"one that waits every half minute": func(f *fake) {
			f.process(8, 1)
			for pid := 100; pid < 1000; pid += 6 {
				for i := range 6 {
					f.zombie(pid+i, 8)
					f.pass(5 * time.Second)
				}
				for i := range 6 {
					f.wait(pid + i)
				}
			}
		},
		"an hour of a build: batches, waited for in order": func(f *fake) {
			f.process(8, 1)
			for pid := 100; pid < 1300; pid += 16 {
				for i := range 16 {
					f.process(pid+i, 8)
				}
				f.pass(time.Second)
				for i := range 15 { // the first takes longest
					f.zombie(pid+i+1, 8)
					f.pass(3 * time.Second)
				}
				for i := range 15 {
					f.wait(pid + i + 1)
				}
				f.zombie(pid, 8)
				f.wait(pid)
			}
		},
		"a few forgotten in a busy moment": func(f *fake) {
			f.process(8, 1)
			f.process(20, 8)
			f.wait(20)
			for pid := range 12 {
				f.zombie(100+pid, 8)
				f.pass(500 * time.Millisecond)
			}
			f.pass(time.Hour)
		},
		"some that are held for ever": func(f *fake) {
			f.process(8, 1)
			for pid := range 5 {
				f.zombie(100+pid, 8)
			}
			f.pass(2 * time.Hour)
		},
		"an hour of nothing": func(f *fake) {
			f.process(8, 1)
			f.pass(time.Hour)
		},
	}
	for name, story := range tests {
		t.Run(name, func(t *testing.T) { play(t, story).want("", 0) })
	}
}

// More zombies than are looked at: told once, and not that it is over before it is.
func TestLeakWithoutEnd(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		for pid := range 4000 {
			f.zombie(100+pid, 8)
			f.pass(10 * time.Millisecond)
		}
		f.pass(20 * time.Minute)
		f.mu.Lock()
		clear(f.rows)
		f.mu.Unlock()
		f.vigil.Poke()
		f.pass(time.Minute)
	})
	if len(f.told) != 2 || len(f.warned) != 2 {
		t.Errorf("%d events, and the warnings %q", len(f.told), f.warned)
	}
	f.said("it is gone, and pid1 reaps what it left")
}

func TestManyLeaksAreNoFlood(t *testing.T) {
	f := play(t, func(f *fake) {
		for parent := 10; parent < 60; parent++ {
			f.process(parent, 1)
		}
		for i := range 20 {
			for parent := 10; parent < 60; parent++ {
				f.zombie(parent*100+i, parent)
			}
			f.pass(time.Second)
		}
	})
	if len(f.told) != 50 || len(f.warned) != quotaMax {
		t.Errorf("%d events and %d warnings, want 50 and %d", len(f.told), len(f.warned), quotaMax)
	}
	f.said("More parents leak")
}

func TestPressure(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		f.used, f.limit = 10, 100
		for pid := range 88 {
			f.zombie(100+pid, 8)
			f.use(int64(11 + pid))
			f.pass(500 * time.Millisecond)
		}
	})
	var at80 *event.Pressure
	for _, ev := range f.told {
		if p, ok := ev.(*event.Pressure); ok && p.Percent == 80 {
			at80 = p
		}
	}
	if at80 == nil {
		t.Fatalf("nothing was told at 80%%: %v", f.warned)
	}
	// Two a second, and twenty are left.
	if full := time.Duration(at80.FullInMS) * time.Millisecond; full < 5*time.Second || full > 20*time.Second {
		t.Errorf("full in %v, want about 10s", full)
	}
	if at80.Holder == nil || at80.Holder.PID != 8 || at80.Zombies < 60 || at80.Held != at80.Zombies+1 {
		t.Errorf("held by %+v", at80)
	}
	f.want("began leaking 20, pressure 80, pressure 95", 3)
	f.said("80 of 100 PIDs are in use (80%): 8 p8 holds", "full in ")
}

func TestPressureThatSwings(t *testing.T) {
	f := play(t, func(f *fake) {
		f.limit = 100
		for range 20 {
			for _, used := range []int64{60, 82, 78, 82, 96, 92, 97, 74} {
				f.use(used)
				f.pass(2 * time.Second)
			}
		}
	})
	if len(f.told) != 60 || len(f.warned) != 3 {
		t.Errorf("%d events and %d warnings, want 60 and 3:\n%s", len(f.told), len(f.warned), strings.Join(f.warned, "\n"))
	}
}

func TestNoPressureWithoutALimit(t *testing.T) {
	for name, set := range map[string]func(*fake){
		"none":       func(f *fake) { f.used = 1 << 20 },
		"unreadable": func(f *fake) { f.used, f.limit, f.pidsErr = 99, 100, errors.New("no such controller") },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(f *fake) {
				set(f)
				f.vigil.Poke()
				f.pass(time.Minute)
			}).want("", 0)
		})
	}
}

// Where nothing happens it does not look, and where all is healthy once a second at
// most.
func TestSleepsWhileNothingLeaks(t *testing.T) {
	f := play(t, func(f *fake) {
		f.process(8, 1)
		f.pass(time.Hour)
		if f.looks != 1 {
			t.Errorf("%d looks in an idle hour, want 1", f.looks)
		}
		f.mu.Lock()
		f.looks = 0
		f.mu.Unlock()
		for pid := 100; pid < 10100; pid++ {
			f.process(pid, 8)
			f.pass(6 * time.Millisecond)
			f.mu.Lock()
			delete(f.rows, pid)
			f.mu.Unlock()
		}
	})
	if f.looks > 61 {
		t.Errorf("%d looks in a busy minute, want one a second", f.looks)
	}
}

func TestPanicIsContained(t *testing.T) {
	v := New(Config{
		PIDs:     func() (int64, int64, error) { return 0, 0, nil },
		Unwaited: func(func(*event.Process) bool) { panic("broken") },
	})
	v.Poke()
	if err := v.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("it ended with %v", err)
	}
	v.Poke() // nobody listens, nobody waits
	v.Poke()
}
