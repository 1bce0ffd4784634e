package export

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pid1/client"
	"pid1/event"
)

func TestReapsByOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		unknown := event.Ended{Code: event.Unknown}
		for _, end := range []event.Ended{
			{Code: 0}, {Code: 0}, {Code: 3}, {Code: 255}, unknown,
			{Code: event.Unknown, Signal: "SIGKILL"}, {Code: event.Unknown, Signal: "SIGRTMIN+3"},
			{Code: event.Unknown, Signal: "SIG\x1b[31m"}, {Code: event.Unknown, Signal: "sigkill"},
		} {
			r := reap(end)
			r.Adopted = end.Code == 3
			d.tell(r)
		}
		exit := event.New(event.TypeExit).(*event.Exit)
		exit.Code, exit.LifetimeMS = 1, 90_000
		d.tell(exit)
		nobody := reap(unknown)
		nobody.LifetimeMS = event.Unknown
		d.tell(nobody)
		for outcome, want := range map[string]float64{
			"exit_zero": 2, "exit_nonzero": 2, "unknown": 3, "SIGKILL": 2, "SIGRTMIN+3": 1,
		} {
			d.want(want, "pid1_reaps_total", "feed", "web", "outcome", outcome)
		}
		d.want(1, "pid1_exits_total", "outcome", "exit_nonzero")
		d.want(1, "pid1_orphans_reaped_total")
		d.want(9, "pid1_process_lifetime_seconds", "reaper", "pid1")
		d.want(1, "pid1_process_lifetime_seconds", "reaper", "other")
	})
}

func TestOthersThanReapsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		oom := event.New(event.TypeOOM).(*event.OOM)
		oom.Kills = 3
		lies := event.New(event.TypeOOM).(*event.OOM)
		lies.Kills = -5
		d.tell(oom, lies)
		for _, l := range []struct{ state, verdict string }{
			{"began", "leaking"}, {"ended", "leaking"}, {"began", "parent_stopped"}, {"began", "made\nup"}, {"began", "other made up"},
		} {
			e := event.New(event.TypeLeak).(*event.Leak)
			e.State, e.Verdict = l.state, l.verdict
			d.tell(e)
		}
		d.want(3, "pid1_oom_kills_total")
		d.want(1, "pid1_leaks_total", "verdict", "leaking")
		d.want(1, "pid1_leaks_total", "verdict", "parent_stopped")
		d.want(2, "pid1_leaks_total", "verdict", "other")
	})
}

// A server takes a counter that is less than before for one that began anew, and
// counts all of it again. So nothing may be shown of half a history.
func TestHalfAHistoryShowsNoCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 1, 3)
		for range 2 {
			d.tell(reap(event.Ended{Code: 0}))
			d.want(-1, "pid1_reaps_total")
			d.want(0, "pid1_feed_up")
		}
		d.tell(reap(event.Ended{Code: 0}))
		d.want(3, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(1, "pid1_feed_up")
	})
}

// What an exporter before this one may have counted is not counted again.
func TestHistoryWithoutItsBeginningIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now().Add(-time.Hour), 101, 103)
		for range 3 {
			d.tell(reap(event.Ended{Code: 0}))
		}
		d.want(0, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(0, "pid1_process_lifetime_seconds", "reaper", "pid1")
		d.tell(reap(event.Ended{Code: 0}))
		d.want(1, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(0, "pid1_feed_events_lost_total")
	})
}

// The time at which a counter was 0 is what some servers begin to count from.
func TestCountersKnowWhenTheyWereNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now().Add(-time.Hour)
		for first, want := range map[uint64]time.Time{1: born, 101: time.Now()} {
			d := newFold(t)
			// The history may lose its beginning after the hello.
			d.connect(false, born, 1, 101)
			d.seq = first - 1
			for d.seq < 101 {
				d.tell(reap(event.Ended{Code: 0}))
			}
			families, err := d.reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				m := f.GetMetric()[0]
				switch f.GetName() {
				case "pid1_reaps_total":
					if got := m.Counter.CreatedTimestamp.AsTime(); !got.Equal(want) {
						t.Errorf("history from %d: reaps began at %v, want %v", first, got, want)
					}
				case "pid1_process_lifetime_seconds":
					if got := m.Histogram.CreatedTimestamp.AsTime(); !got.Equal(want) {
						t.Errorf("history from %d: lifetimes began at %v, want %v", first, got, want)
					}
				}
			}
		}
	})
}

func TestCountersSurviveReconnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, born := newFold(t), time.Now()
		d.connect(false, born, 1, 1)
		d.tell(reap(event.Ended{Code: 0}))
		d.lose()
		d.want(0, "pid1_feed_up")
		d.want(1, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(-1, "pid1_zombies", "parent", "other")
		d.connect(true, born, 1, 3)
		d.want(1, "pid1_reaps_total", "outcome", "exit_zero")
		d.tell(reap(event.Ended{Code: 0}), reap(event.Ended{Code: 0}))
		d.want(3, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(2, "pid1_feed_connects_total")
		d.want(0, "pid1_feed_restarts_total")
		d.tell(&event.Gap{Head: event.Head{Type: event.TypeGap}, Lost: 7, FromSeq: 4, ToSeq: 10}, reap(event.Ended{Code: 0}))
		d.want(4, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(7, "pid1_feed_events_lost_total")
		d.want(1, "pid1_feed_up")
	})
}

func TestAnotherPID1BeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 1, 3)
		for range 3 {
			d.tell(reap(event.Ended{Code: 0}))
		}
		d.lose()
		time.Sleep(time.Minute)
		d.connect(false, time.Now(), 1, 2)
		d.want(-1, "pid1_reaps_total")
		d.tell(reap(event.Ended{Code: 1}), reap(event.Ended{Code: 0}))
		d.want(1, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(1, "pid1_reaps_total", "outcome", "exit_nonzero")
		d.want(1, "pid1_feed_restarts_total")
		d.want(float64(time.Now().Unix()), "pid1_start_time_seconds")
		d.lose()
		// Of this one the beginning is not there any more.
		d.connect(false, time.Now(), 51, 51)
		d.tell(reap(event.Ended{Code: 0}))
		d.want(50, "pid1_feed_events_lost_total")
		d.want(2, "pid1_feed_restarts_total")
	})
}

// A pid1 that was stopped with all of its container, say, is connected and dumb.
func TestASilentFeedIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		d.tell(stats(40, 100))
		d.want(40, "pid1_pids_used")
		time.Sleep(silence)
		d.want(0, "pid1_feed_up")
		d.want(-1, "pid1_pids_used")
		d.tell(stats(41, event.Unknown))
		d.want(1, "pid1_feed_up")
		d.want(41, "pid1_pids_used")
		d.want(-1, "pid1_pids_limit")
	})
}

func stats(used, limit int64) *event.Stats {
	s := event.New(event.TypeStats).(*event.Stats)
	s.PIDsUsed, s.PIDsLimit = used, limit
	return s
}

// dead makes a parent of that name and its zombies.
func dead(pid, zombies int, comm string) []*event.Process {
	p := &pid1{}
	p.row(pid, 1, "S", comm)
	for i := range zombies {
		p.row(pid+1+i, pid, "Z", "x")
	}
	return p.rows
}

func TestZombiesByParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		d.want(-1, "pid1_zombies")
		rows := dead(100, 3, "gunicorn")
		rows = append(rows, dead(200, 2, "gunicorn")...)
		rows = append(rows, dead(300, 1, "")...)
		young := dead(400, 1, "make")
		young[1].ZombieMS = 500
		d.table(append(rows, young...)...)
		d.want(5, "pid1_zombies", "parent", "gunicorn")
		d.want(1, "pid1_zombies", "parent", "(unknown)")
		d.want(-1, "pid1_zombies", "parent", "make")
		d.want(0, "pid1_zombies", "parent", "other")
		d.want(30, "pid1_zombies_oldest_seconds")
		d.want(3, "pid1_findings", "verdict", "held")
		d.want(0, "pid1_findings", "verdict", "leaking")
		d.table()
		d.want(0, "pid1_zombies", "parent", "gunicorn")
		d.want(-1, "pid1_zombies_oldest_seconds")
		time.Sleep(namedFor + time.Second)
		d.table()
		d.want(-1, "pid1_zombies", "parent", "gunicorn")
	})
}

// However many names there are, and whatever they are, and how often they change:
// there are a few series with short, printable labels.
func TestHostileNamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		h := hello(time.Now())
		evil := "\x1b]0;\xff\u202e\n\"\\" + strings.Repeat("Ω", 500)
		h.Program, h.Host, h.Role, h.Trace = evil, evil, evil, evil
		d.tell(h)
		ever := map[string]bool{}
		total := 0.0
		for round := range 50 {
			var rows []*event.Process
			for i := range 40 {
				rows = append(rows, dead(1000+100*i, 2, fmt.Sprintf("%s%d", "\x1b\n"[:round%3], 1000*round+i)+evil)...)
			}
			rows = append(rows, dead(10, 5, fmt.Sprintf("n%d", round))...)
			for _, r := range rows {
				r.Start += uint64(round) << 20
			}
			d.table(rows...)
			total = 0
			families, err := d.reg.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				for _, m := range f.GetMetric() {
					for _, l := range m.GetLabel() {
						v := l.GetValue()
						if len(v) > labelMax || strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
							t.Fatalf("%s has the label %q", f.GetName(), v)
						}
					}
				}
				if f.GetName() != "pid1_zombies" {
					continue
				}
				if n := len(f.GetMetric()); n > namedMax+1 {
					t.Fatalf("%d parents are named", n)
				}
				for _, m := range f.GetMetric() {
					total += m.Gauge.GetValue()
					ever[m.GetLabel()[1].GetValue()] = true
				}
			}
			if total != 85 {
				t.Fatalf("%v zombies, want all 85", total)
			}
			time.Sleep(time.Minute)
		}
		// 50 minutes, in which no place became free.
		if len(ever) > namedMax+1 {
			t.Errorf("%d names within 50 minutes", len(ever))
		}
	})
}

// A container that tells of more and more processes, the longest of names, does not
// fill the memory of the exporter, and its counters go on.
func TestWhatAFeedMayFillIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		d.table(dead(100, 3, "gunicorn")...)
		most, told := 0, 3*bulkMost/(32<<10)
		for i := range told {
			e := event.New(event.TypeStart).(*event.Start)
			e.PID, e.Start, e.PPID = 1000+i, 1, 1
			d.seq++
			e.Seq, e.TS = d.seq, time.Now()
			d.f.take(client.Update{State: client.Live, Event: e, Line: make([]byte, 32<<10)}, time.Now())
			most = max(most, d.f.world.Len())
		}
		if most > told/3+10 || most < told/3 {
			t.Errorf("%d of %d processes are kept", most, told)
		}
		d.tell(reap(event.Ended{Code: 0}))
		d.want(1, "pid1_reaps_total", "outcome", "exit_zero")
		d.want(-1, "pid1_zombies", "parent", "gunicorn")
		if len(d.said) != 3 || !strings.Contains(d.said[1], "more processes than can be kept") {
			t.Errorf("said: %q", d.said)
		}
		d.table(dead(100, 3, "gunicorn")...)
		d.want(3, "pid1_zombies", "parent", "gunicorn")
	})
}

// Where tables come, any number of processes may come and go.
func TestATableTakesTheWeightAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFold(t)
		d.connect(false, time.Now(), 0, 0)
		for range 10 {
			e := event.New(event.TypeStart).(*event.Start)
			e.PID, e.Start = 1000, 1
			d.f.take(client.Update{State: client.Live, Event: e, Line: make([]byte, bulkMost/2)}, time.Now())
			d.table()
		}
		if len(d.said) != 1 {
			t.Errorf("said: %q", d.said)
		}
	})
}

func TestAFeedThatComesAndGoesSaysLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, born := newFold(t), time.Now()
		for range 3 {
			for range 500 {
				d.connect(true, born, 0, 0)
				d.f.take(client.Update{State: client.Lost, Err: io.EOF}, time.Now())
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(10 * time.Second)
		}
		if n := len(d.said); n != 3*sayMost {
			t.Errorf("%d sentences in three minutes", n)
		}
	})
}
