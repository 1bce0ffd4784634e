package world

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/doctor"
	"pid1/event"
)

// one is the only group.
func (f *feed) one() Group {
	f.t.Helper()
	g := f.w.Zombies(f.viewer())
	if len(g) != 1 {
		f.t.Fatalf("%d groups, want 1: %+v", len(g), g)
	}
	return g[0]
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name string
		play func(*feed)
		want doctor.Verdict
	}{
		{"a hoarder", func(f *feed) {
			for pid := 20; pid < 30; pid++ {
				f.pass(3 * time.Second)
				f.zombie(pid, 8)
			}
			f.pass(3 * time.Second)
		}, doctor.Leaking},
		{"children that died together", func(f *feed) {
			for pid := 20; pid < 25; pid++ {
				f.zombie(pid, 8)
			}
			f.pass(time.Minute)
		}, doctor.Held},
		{"a hoarder that stopped", func(f *feed) {
			for pid := 20; pid < 30; pid++ {
				f.pass(3 * time.Second)
				f.zombie(pid, 8)
			}
			f.pass(Window + 2*bucketTime)
		}, doctor.Held},
		{"one that waits every minute", func(f *feed) {
			for m := range 8 {
				for i := range 6 {
					f.zombie(100+10*m+i, 8)
					f.pass(10 * time.Second)
				}
				for i := range 6 {
					f.zombieGone(100+10*m+i, 8)
				}
			}
			f.zombie(20, 8)
			f.pass(10 * time.Second)
			f.zombie(21, 8)
			f.pass(10 * time.Second)
		}, doctor.Held},
		{"one that waits for the last but two", func(f *feed) {
			for i := range 30 {
				f.zombie(100+i, 8)
				f.pass(10 * time.Second)
				if i >= 2 {
					f.zombieGone(100+i-2, 8)
				}
			}
		}, doctor.Held},
		{"the same, idle before", func(f *feed) {
			f.pass(5 * time.Minute)
			for i := range 30 {
				f.zombie(100+i, 8)
				f.pass(10 * time.Second)
				if i >= 2 {
					f.zombieGone(100+i-2, 8)
				}
			}
		}, doctor.Held},
		{"one that waits for more and more at a time", func(f *feed) {
			for m := range 9 {
				for i := range m {
					f.zombieGone(100+20*m-20+i, 8)
				}
				for i := range m + 1 {
					f.zombie(100+20*m+i, 8)
				}
				f.pass(time.Minute)
			}
			f.zombie(20, 8)
			f.pass(5 * time.Second)
		}, doctor.Held},
		{"one that waits for most", func(f *feed) {
			for i := range 100 {
				f.zombie(100+i, 8)
				f.pass(3 * time.Second)
				if i%4 != 0 {
					f.zombieGone(100+i, 8)
				}
			}
		}, doctor.Leaking},
		{"200 a second, waited for at once", func(f *feed) {
			for i := range 400 {
				f.zombie(100+i, 8)
				f.pass(5 * time.Millisecond)
				if i >= 4 {
					f.zombieGone(100+i-4, 8)
				}
			}
		}, doctor.Transient},
		{"a dead leader with threads", func(f *feed) {
			e := f.zombie(20, 8)
			e.Threads = 3
			f.w.ByPID(20).ThreadsAlive = 3
			f.pass(time.Minute)
		}, doctor.ThreadsAlive},
		{"a dead leader with threads, by rows", func(f *feed) {
			r := row(20, 8, "Z")
			r.Threads, r.ZombieMS = 4, 60000
			f.rows(row(8, 1, "S"), r)
		}, doctor.ThreadsAlive},
		{"a helper from before the exec", func(f *feed) {
			f.start(20, 8, "helper")
			f.exec(8, 1, "server", "sh")
			f.zombie(20, 8)
			f.pass(time.Minute)
		}, doctor.InheritedByExec},
		{"a child from after the exec", func(f *feed) {
			f.exec(8, 1, "server", "sh")
			f.start(20, 8, "helper")
			f.zombie(20, 8)
			f.pass(time.Minute)
		}, doctor.Held},
		{"the parent is stopped", func(f *feed) {
			f.zombie(20, 8)
			f.pass(time.Minute)
			z := row(20, 8, "Z")
			z.ZombieMS = 60000
			f.rows(row(1, 0, "S"), row(8, 1, "T"), z)
		}, doctor.ParentStopped},
		{"the parent blocks SIGCHLD", func(f *feed) {
			p, z := row(8, 1, "S"), row(20, 8, "Z")
			p.Blocked, z.ZombieMS = true, 60000
			f.rows(row(1, 0, "S"), p, z)
		}, doctor.ParentBlocked},
		{"the parent is outside", func(f *feed) {
			z := row(20, 0, "Z")
			z.ZombieMS = 60000
			f.rows(row(1, 0, "S"), z)
		}, doctor.Outside},
		{"a subreaper adopted it", func(f *feed) {
			z := row(20, 8, "Z")
			z.ZombieMS = 60000
			z.Origin = &event.Proc{ID: id(7), How: event.HowSeen}
			f.rows(row(1, 0, "S"), row(8, 1, "S"), z)
		}, doctor.OtherReaper},
		{"an inferred origin proves nothing", func(f *feed) {
			z := row(20, 8, "Z")
			z.ZombieMS = 60000
			z.Origin = &event.Proc{ID: id(7), How: event.HowInferred}
			f.rows(row(1, 0, "S"), row(8, 1, "S"), z)
		}, doctor.Held},
		{"one look only", func(f *feed) {
			a, b := row(20, 8, "Z"), row(21, 8, "Z")
			a.ZombieMS, a.SeenBefore = 60000, true
			b.ZombieMS, b.SeenBefore = 30000, true
			f.rows(row(1, 0, "S"), row(8, 1, "S"), a, b)
		}, doctor.Held},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFeed(t)
			f.hello()
			f.start(1, 0, "pid1")
			f.start(8, 1, "hoarder")
			tt.play(f)
			g := f.one()
			if g.Verdict != tt.want {
				t.Errorf("verdict %s, want %s\n%+v", g.Verdict, tt.want, g.Evidence)
			}
		})
	}
}

func TestRate(t *testing.T) {
	every := func(d time.Duration, n int) func(*feed) {
		return func(f *feed) {
			for i := range n {
				f.zombie(100+i, 8)
				f.pass(d)
			}
		}
	}
	tests := []struct {
		name     string
		play     func(*feed)
		min, max float64
	}{
		{"one a second for twenty seconds", every(time.Second, 20), 56, 60},
		{"one a second for five minutes", every(time.Second, 300), 58, 62},
		{"one in twenty seconds", every(20*time.Second, 60), 2.8, 3.2},
		{"one in two minutes", every(2*time.Minute, 10), 0.4, 0.6},
		{"one alone", every(time.Second, 1), 0, 0},
		{"a burst is not extrapolated", every(10*time.Millisecond, 10), 0, 0},
		{"three are too few to tell", every(3*time.Second, 3), 0, 0},
		{"a burst over, then nothing to tell yet", func(f *feed) {
			every(330*time.Millisecond, 10)(f)
			f.pass(3 * time.Second)
		}, 0, 0},
		{"two batches", func(f *feed) {
			for b := range 4 {
				for i := range 26 {
					f.zombie(100+100*b+i, 8)
				}
				f.pass(2 * time.Minute)
			}
		}, 12.9, 13.1},
		{"slow, then fast", func(f *feed) {
			every(time.Minute, 8)(f)
			f.seq += 1000
			for i := range 60 {
				f.zombie(500+i, 8)
				f.pass(time.Second)
			}
		}, 55, 65},
		{"it stopped two minutes ago", func(f *feed) {
			every(time.Second, 120)(f)
			f.pass(2 * time.Minute)
		}, 0, 1.5},
		{"waited for after two seconds each", func(f *feed) {
			for i := range 100 {
				f.zombie(100+i, 8)
				f.pass(2 * time.Second)
				f.zombieGone(100+i, 8)
			}
			f.zombie(99, 8)
		}, -0.5, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFeed(t)
			f.hello()
			f.start(8, 1, "hoarder")
			tt.play(f)
			if got := f.one().RatePerMin; got < tt.min || got > tt.max {
				t.Errorf("rate %v per minute, want %v to %v", got, tt.min, tt.max)
			}
		})
	}
}

// A program that leaks ten at its start and then one every three seconds leaks
// twenty a minute, and never is anything else told: not while the burst is fresh,
// not with deaths that keep no rhythm.
func TestRateAfterABurst(t *testing.T) {
	for name, gap := range map[string]func(i int) time.Duration{
		"in rhythm":   func(int) time.Duration { return 3 * time.Second },
		"out of step": func(i int) time.Duration { return []time.Duration{5, 1, 4, 2}[i%4] * time.Second },
	} {
		for offset := range 5 { // of the burst in the ledger's buckets
			t.Run(fmt.Sprintf("%s, %d s", name, offset), func(t *testing.T) {
				f := newFeed(t)
				f.hello()
				f.pass(time.Duration(offset) * time.Second)
				f.start(8, 1, "hoarder")
				for i := range 10 {
					f.zombie(100+i, 8)
					f.pass(330 * time.Millisecond)
				}
				told := 0
				for i := range 60 {
					f.zombie(200+i, 8)
					f.pass(gap(i))
					got := f.one().RatePerMin
					if got != 0 {
						told++
					}
					if got != 0 && (got < 13 || got > 30) || i > 12 && (got < 17 || got > 24) {
						t.Errorf("%v after the burst: %v per minute, want 20", f.now.Sub(epoch), got)
					}
				}
				if told < 50 {
					t.Errorf("told %d times of 60", told)
				}
			})
		}
	}
}

func TestTrend(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.start(8, 1, "hoarder")
	f.pass(5 * time.Minute)
	for i := range 4 {
		f.zombie(100+i, 8)
		f.pass(30 * time.Second)
	}
	g := f.one()
	want := []int{-1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 4}
	if diff := cmp.Diff(want, g.Trend); diff != "" {
		t.Errorf("%s\n%v", diff, g.Trend)
	}
	if g.Oldest != 2*time.Minute || g.Newest != 30*time.Second || len(g.Zombies) != 4 {
		t.Errorf("%d zombies, oldest %v, newest %v", len(g.Zombies), g.Oldest, g.Newest)
	}
}

// The parent was fixed: once it waits, nothing is left to say.
func TestCleared(t *testing.T) {
	f := newFeed(t)
	f.hello()
	f.start(8, 1, "hoarder")
	for i := range 10 {
		f.zombie(100+i, 8)
		f.pass(3 * time.Second)
	}
	for i := range 10 {
		f.zombieGone(100+i, 8)
	}
	if g := f.w.Zombies(f.viewer()); len(g) != 0 {
		t.Errorf("groups %+v, want none", g)
	}
}

// pid1's own dead children are none of the doctor's business for the moment it
// takes to reap them.
func TestOwnZombiesAreLeftOut(t *testing.T) {
	f := newFeed(t)
	f.hello()
	z := row(20, 1, "Z")
	z.ZombieMS = 10
	f.rows(row(1, 0, "S"), z)
	if g := f.w.Zombies(f.viewer()); len(g) != 0 {
		t.Errorf("groups %+v, want none", g)
	}
	f.pass(doctor.TransientAge)
	if g := f.w.Zombies(f.viewer()); len(g) != 1 {
		t.Errorf("%d groups, want the one pid1 itself neglects", len(g))
	}
}
