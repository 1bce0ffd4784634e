package journal

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

func rows(n int, cmdline ...string) func(yield func(*event.Process) bool) {
	return func(yield func(*event.Process) bool) {
		p := event.New(event.TypeProcess).(*event.Process)
		for i := range n {
			p.PID, p.Cmdline, p.State = i+1, cmdline, "S"
			if !yield(p) {
				return
			}
		}
	}
}

// table reads a whole answer.
func (p *peer) table(re string) (list []*event.Process, end *event.ProcessesEnd) {
	p.t.Helper()
	for {
		switch ev := p.live().(type) {
		case *event.Process:
			if ev.Re != re || ev.TS.IsZero() {
				p.t.Fatalf("row of %q: %+v", re, ev)
			}
			list = append(list, ev)
		case *event.ProcessesEnd:
			if ev.Re != re || ev.Count != len(list) {
				p.t.Fatalf("%d rows of %q: %+v", len(list), re, ev)
			}
			return list, ev
		default:
			p.t.Fatalf("in a table: %+v", ev)
		}
	}
}

func TestProcessesAreSharedAndCarryEachRequestsID(t *testing.T) {
	var looks atomic.Int32
	j := newTest(t, Config{}, slabSize)
	j.Append(reap(1))
	s := serve(t, j, ServerConfig{Processes: func(yield func(*event.Process) bool) {
		looks.Add(1)
		rows(1000, "sleep", "100")(yield)
	}})
	began := time.Now()
	for _, id := range []string{"", "a", `"\`, "é\u202e\n", strings.Repeat("\x1b", 64)} {
		for range 5 {
			req := `{"op":"processes"}`
			if id != "" {
				req = fmt.Sprintf(`{"op":"processes","id":%s}`, quoted(id))
			}
			p := hello(t, s.Path(), req)
			list, end := p.table(id)
			if len(list) != 1000 || end.AsOfSeq != 1 {
				t.Fatalf("%d rows, %+v", len(list), end)
			}
			want := &event.Process{}
			*want = *list[0]
			want.PID = 1000
			want.TS = list[999].TS
			if d := cmp.Diff(want, list[999]); d != "" {
				t.Error(d)
			}
			_ = p.Close()
		}
	}
	if n, most := looks.Load(), int32(time.Since(began)/fresh)+1; n > most {
		t.Errorf("%d looks for 25 requests, want %d at most", n, most)
	}
}

func quoted(s string) string {
	e := event.New(event.TypeError).(*event.Error)
	e.Message = s
	line := string(event.Append(nil, e))
	_, msg, _ := strings.Cut(line, `"message":`)
	return strings.TrimSuffix(msg, "}\n")
}

func TestTableBetweenTheLinesOfASubscription(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{Processes: rows(300, "x")})
	p := hello(t, s.Path(), `{"op":"subscribe"}`)
	_ = p.next()
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				j.Append(reap(i))
			}
		}
	}()
	p.say(`{"op":"processes","id":"t"}`)
	rowsSeen := 0
	for next := uint64(1); ; {
		switch ev := p.live().(type) {
		case *event.Reap:
			if ev.Seq != next {
				t.Fatalf("event %d, want %d", ev.Seq, next)
			}
			next++
			continue
		case *event.Gap:
			next = ev.ToSeq + 1
			continue
		case *event.Process:
			rowsSeen++
			continue
		case *event.ProcessesEnd:
			if rowsSeen != 300 {
				t.Errorf("%d rows", rowsSeen)
			}
		default:
			t.Errorf("%+v", ev)
		}
		break
	}
	close(stop)
	<-done
}

// A client that does not read its table must not keep it, and is told.
func TestATableThatIsNotReadIsGivenUp(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{Processes: rows(5000, "sleep", "1"), tablePatience: soon})
	p := hello(t, s.Path(), `{"op":"processes","id":"x"}`)
	eventually(t, "nobody but the sharing keeps the table", func() bool {
		s.answers.mu.Lock()
		defer s.answers.mu.Unlock()
		return s.answers.newest != nil && s.answers.newest.uses == 1
	})
	n := 0
	for {
		ev := p.next()
		if _, ok := ev.(*event.Process); ok {
			n++
			continue
		}
		if e, ok := ev.(*event.Error); !ok || e.Re != "x" || !strings.Contains(e.Message, "left out") {
			t.Errorf("%+v", ev)
		}
		break
	}
	if n == 0 || n >= 5000 {
		t.Errorf("%d rows came", n)
	}
	p.say(`{"op":"stats"}`)
	if ev := p.next(); ev.Header().Type != event.TypeStats {
		t.Errorf("%+v", ev)
	}
}

func TestTablesInMemoryAreBounded(t *testing.T) {
	cfg := &ServerConfig{Processes: rows(10, "x")}
	a := &answers{j: newTest(t, Config{}, slabSize), cfg: cfg}
	var held []*table
	for range maxTables {
		tb, err := a.table()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, tb)
		tb.at = time.Time{} // old
	}
	if _, err := a.table(); err != errBusy {
		t.Errorf("one more: %v", err)
	}
	a.release(held[1])
	if _, err := a.table(); err != nil {
		t.Errorf("after one was read: %v", err)
	}

	cfg.Processes = rows(100_000, strings.Repeat("x", 1000))
	a = &answers{j: a.j, cfg: cfg}
	if _, err := a.table(); err != errTooLarge {
		t.Errorf("too large: %v", err)
	}
	if a.tables != 0 {
		t.Errorf("%d tables", a.tables)
	}
	cfg.Processes = rows(10_000, strings.Repeat("x", 1000))
	tb, err := a.table()
	if err != nil {
		t.Fatal(err)
	}
	evs := decode(t, tb.rows)
	if first, last := evs[0].(*event.Process), evs[9999].(*event.Process); first.CmdlineCut || !last.CmdlineCut || len(last.Cmdline[0]) != briefCmdline {
		t.Errorf("%d rows, the last has %d bytes and is cut %v", len(evs), len(last.Cmdline[0]), last.CmdlineCut)
	}

	cfg.Processes = rows(1, strings.Repeat("\x1b", 64<<10))
	a = &answers{j: a.j, cfg: cfg}
	if tb, err = a.table(); err != nil || len(tb.rows) > MaxLine-roomForRe {
		t.Errorf("%v, a row of %d bytes", err, len(tb.rows))
	}
}

// An inspection is the answer to who asked, bounded, and not made too often.
func TestInspectAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := answers{j: newTest(t, Config{}, slabSize), cfg: &ServerConfig{Inspect: func(pid int) (*event.Inspect, error) {
			if pid == 404 {
				return nil, errors.New("no such thing")
			}
			ev := event.New(event.TypeInspect).(*event.Inspect)
			ev.PID = pid
			for range event.MaxInspectList {
				ev.Files = append(ev.Files, event.File{FD: 1, Target: strings.Repeat("x", 4096)})
			}
			return ev, nil
		}}}
		line, err := a.inspect(7, "me")
		if err != nil || len(line) > MaxLine {
			t.Fatalf("%d bytes, %v", len(line), err)
		}
		ev, err := event.Decode(line)
		if e, ok := ev.(*event.Inspect); err != nil || !ok || e.PID != 7 || e.Re != "me" || e.Seq != 0 || len(e.Files) != event.MaxInspectList {
			t.Errorf("%v: %.300s", err, line)
		}
		if _, err := a.inspect(404, "x"); err == nil || err.Error() != "cannot inspect 404: no such thing" {
			t.Error(err)
		}
		for range maxInspect - 2 {
			if _, err := a.inspect(7, ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.inspect(7, ""); !errors.Is(err, errRushed) {
			t.Errorf("one too many: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := a.inspect(7, ""); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}
