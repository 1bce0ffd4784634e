package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pid1/client"
	"pid1/event"
	"pid1/internal/schematest"
)

// followed is a pid1 whose feed is read from the first line to the last.
type followed struct {
	*proc
	socket string
	hello  *event.Hello
	events chan []event.Event // all of them, once pid1 is gone
}

// follow starts COMMAND under pid1 and reads its feed.
func follow(t *testing.T, m mode, args ...string) *followed {
	t.Helper()
	return followFor(t, 30*time.Second, m, args...)
}

// followFor is follow for a COMMAND that takes longer.
func followFor(t *testing.T, patience time.Duration, m mode, args ...string) *followed {
	t.Helper()
	// Short: a socket's path has 107 bytes.
	dir, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "d", "s")
	w := &followed{socket: socket, events: make(chan []event.Event, 1)}
	w.proc = pid1(t, m, append([]string{"--socket", socket}, args...)...)
	w.patience = patience
	w.start()
	var conn *client.Conn
	for range 1000 {
		if conn, err = client.Dial(context.Background(), socket, event.Request{Op: event.OpSubscribe}); err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, w.err.String())
	}
	w.hello = conn.Hello()
	t.Cleanup(func() { conn.Close() })
	go func() {
		// Understood in the end: a slow reader misses the last events.
		var lines [][]byte
		for {
			line, err := conn.NextLine()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("the feed broke off: %v", err)
				}
				break
			}
			lines = append(lines, bytes.Clone(line))
		}
		var all []event.Event
		for i, line := range lines {
			ev, err := event.Decode(line)
			if err == nil && i < 2000 {
				err = schematest.Line(line)
			}
			if err != nil {
				t.Error(err)
			}
			if ev != nil {
				all = append(all, ev)
			}
		}
		w.events <- all
	}()
	return w
}

// all waits for the end, checks that no seq is missing, and returns the numbered
// events.
func (w *followed) all() []event.Event {
	w.t.Helper()
	next := uint64(1)
	var kept []event.Event
	for _, ev := range <-w.events {
		switch h := ev.Header(); {
		case h.Type == event.TypeGap:
			w.t.Errorf("events were lost: %+v", ev)
		case h.Type.Numbered():
			if h.Seq != next {
				w.t.Errorf("seq %d follows %d", h.Seq, next-1)
			}
			next = h.Seq + 1
			kept = append(kept, ev)
		}
	}
	return kept
}

func only[E event.Event](events []event.Event, match func(E) bool) []E {
	var out []E
	for _, ev := range events {
		if e, ok := ev.(E); ok && (match == nil || match(e)) {
			out = append(out, e)
		}
	}
	return out
}

// An orphan, its origin and COMMAND, from hello to main_exit.
func TestFeedOfAnOrphan(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		w := follow(t, m, "sh", "-c", "sh -c 'sleep 0.2 & sleep 0.1'; sleep 0.4; exit 3")
		w.want(3)
		events := w.all()
		role := map[bool]string{true: "init", false: "subreaper"}[m.isInit()]
		if h := w.hello; h.Role != role || h.Trace != m.trace() || strings.Join(h.Command[:2], " ") != "sh -c" {
			t.Errorf("hello is %+v", h)
		}
		how := event.HowSeen
		if m.trace() == traceExact {
			how = event.HowExact
		}
		orphans := only(events, func(r *event.Reap) bool { return r.Adopted })
		if len(orphans) != 1 {
			t.Fatalf("%d orphans, want 1", len(orphans))
		}
		r := orphans[0]
		if strings.Join(r.Cmdline, " ") != "sleep 0.2" || r.CmdlineHow != how || r.Code != 0 || r.Signal != "" ||
			r.LifetimeMS < 180 || r.LifetimeMS > 5000 || r.Main || r.ExecSession || r.UID != os.Getuid() && m == asSubreaper ||
			r.Rusage == nil || r.Rusage.MaxRSSKB == 0 {
			t.Errorf("the orphan's reap is %s", event.Append(nil, r))
		}
		if o := r.Origin; o == nil || o.Comm != "sh" || o.How != how || len(r.Lineage) < 2 || r.Lineage[0].PID != o.PID {
			t.Errorf("its origin is unknown or wrong: %s", event.Append(nil, r))
		}
		main := only(events, func(r *event.Reap) bool { return r.Main })
		exits := only[*event.MainExit](events, nil)
		if len(main) != 1 || len(exits) != 1 {
			t.Fatalf("%d reaps of COMMAND, %d main_exit", len(main), len(exits))
		}
		if r := main[0]; r.Code != 3 || r.Adopted || r.CmdlineHow != how || r.Origin == nil || r.Origin.How != event.HowExact {
			t.Errorf("COMMAND's reap is %s", event.Append(nil, r))
		}
		if e := exits[0]; e.Status != 3 || e.Code != 3 || e.ID != main[0].ID || e.LifetimeMS < 400 {
			t.Errorf("main_exit is %s", event.Append(nil, e))
		}
	})
}

// Who sent a signal, what it became, and whom it reached.
func TestFeedOfSignals(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		w := follow(t, m, "--signal", "HUP=USR2", "--signal", "WINCH=ignore", "sh", "-c",
			`trap 'echo usr1' USR1; trap 'echo usr2' USR2; trap 'exit 7' TERM; sh -c "kill -USR1 $PPID; sleep 0.1"; while :; do sleep 0.01; done`)
		w.await("usr1")
		w.signal(syscall.SIGWINCH)
		w.signal(syscall.SIGHUP)
		w.await("usr2")
		w.signal(syscall.SIGTERM)
		w.status()
		got := map[string]*event.Signal{}
		for _, s := range only[*event.Signal](w.all(), nil) {
			if got[s.Signal] != nil {
				t.Errorf("%s was told twice", s.Signal)
			}
			got[s.Signal] = s
		}
		for name, want := range map[string]struct{ became, target string }{
			"SIGUSR1": {"SIGUSR1", "main"}, "SIGHUP": {"SIGUSR2", "main"}, "SIGWINCH": {"ignore", ""},
		} {
			s := got[name]
			if s == nil || s.Became != want.became || s.Target != want.target || s.Error != "" || (len(s.Reached) == 1) != (want.target != "") {
				t.Errorf("%s: %+v", name, s)
			}
		}
		if s := got["SIGUSR1"]; s != nil && (s.From.Comm != "sh" || s.From.Outside || s.From.PID < 2) {
			t.Errorf("SIGUSR1 is said to come from %+v, want the inner sh", s.From)
		}
		if s := got["SIGHUP"]; s != nil {
			inside := s.From.PID == os.Getpid() && s.From.UID == os.Getuid()
			if m.isInit() && !s.From.Outside || m == asSubreaper && !inside {
				t.Errorf("SIGHUP is said to come from %+v, want the test", s.From)
			}
		}
	})
}

// Scenario 8: who was told to end and how it went.
func TestFeedOfAShutdown(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		w := follow(t, m, "--grace", "300ms", "sh", "-c",
			`sh -c 'trap "" TERM; echo ready; while :; do :; done' deaf & sh -c 'echo ready; exec sleep 1000' & sleep 0.3; exit 5`)
		w.want(5)
		downs := only[*event.Shutdown](w.all(), nil)
		if len(downs) != 1 {
			t.Fatalf("%d shutdown events", len(downs))
		}
		outcome := map[string]string{}
		for _, s := range downs[0].Survivors {
			name := s.Comm
			if n := len(s.Cmdline); n > 0 && s.Cmdline[n-1] == "deaf" {
				name = "deaf"
			}
			if outcome[name] == "" { // not what it forked since, which comes later
				outcome[name] = s.Outcome
			}
		}
		if outcome["deaf"] != "killed" || outcome["sleep"] != "left" {
			t.Errorf("survivors ended so: %v in %s", outcome, event.Append(nil, downs[0]))
		}
		if d := downs[0]; d.Reason != "main_exit" || d.Status != 5 || d.TookMS < 300 || d.TookMS > 5000 {
			t.Errorf("shutdown is %s", event.Append(nil, d))
		}
	})
}

// Scenario 22: as many orphans as fast as they come, all reaped and recorded.
func TestManyOrphans(t *testing.T) {
	n := 1000
	if v, err := strconv.Atoi(os.Getenv("PID1_ORPHANS")); err == nil {
		n = v
	}
	inModes(t, func(t *testing.T, m mode) {
		// Each pass of the loop leaves one orphan behind.
		w := followFor(t, 30*time.Second+time.Duration(n)*10*time.Millisecond, m, "--history", strconv.Itoa(n+100), "sh", "-c",
			`i=0; while [ $i -lt `+strconv.Itoa(n)+` ]; do (sleep 0 & :); i=$((i+1)); done; sleep 0.2`)
		w.want(0)
		late := 0
		reaps := only(w.all(), func(r *event.Reap) bool { return !r.Main })
		for _, r := range reaps {
			if r.ZombieMS > 1000 {
				late++
			}
		}
		// The last sleep of COMMAND is not one; a child may be faster than its parent.
		if len(reaps) < n*99/100 || len(reaps) > n || late > 0 {
			t.Errorf("%d orphans were told of, want %d; %d were zombies for more than a second", len(reaps), n, late)
		}
	})
}

// Nowhere to listen is a warning, never a reason not to run COMMAND.
func TestNoPlaceToListen(t *testing.T) {
	for _, path := range []string{"/proc/none/pid1.sock", "/dev/null/pid1.sock", "/" + strings.Repeat("x", 200) + "/pid1.sock"} {
		p := program(t, asSubreaper, binary, "--socket", path, "sh", "-c", `test -z "$PID1_SOCKET"; exit $?`).start()
		p.want(0)
		if msg := p.err.String(); strings.Count(msg, "\n") != 1 || !strings.Contains(msg, "warn") || !strings.Contains(msg, "cannot listen") {
			t.Errorf("%s: %q, want one warning", path, msg)
		}
	}
}

func TestSocketInTheEnvironment(t *testing.T) {
	w := follow(t, asSubreaper, "sh", "-c", `test -S "$PID1_SOCKET" && sleep 0.1`)
	w.want(0)
	w.all()
}

// --parent-death: pid1 is told when its own parent dies.
func TestParentDeath(t *testing.T) {
	p := program(t, asSubreaper, "/bin/sh", "-c",
		binary+` --socket off --parent-death TERM -- sh -c 'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.01; done' & sleep 0.3; kill -KILL $$`).start()
	p.await("told")
	p.want(137)
}

// --subreaper off leaves orphans to somebody else.
func TestSubreaperOff(t *testing.T) {
	for subreaper, want := range map[string]int{"on": 1, "off": 0} {
		w := follow(t, asSubreaper, "--subreaper", subreaper, "sh", "-c", "(sleep 0.1 & :); sleep 0.3")
		w.want(0)
		if got := len(only(w.all(), func(r *event.Reap) bool { return r.Adopted })); got != want {
			t.Errorf("--subreaper %s: %d orphans reaped, want %d", subreaper, got, want)
		}
	}
}
