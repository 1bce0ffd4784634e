package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pid1/client"
	"pid1/event"
)

// TestPanics makes one part of pid1 after the other panic, in a binary built for it
// (internal/faultpoint): COMMAND runs on and its status is pid1's, every orphan is reaped,
// and it is said which part is off.
func TestPanics(t *testing.T) {
	if raceDetector {
		t.Skip("the binary is the same without the race detector")
	}
	program := filepath.Join(t.TempDir(), "pid1")
	build := exec.Command("go", "build", "-tags=faultpoints", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build pid1: %v\n%s", err, out)
	}
	const off = "observation failed and is switched off; COMMAND is not affected"
	for _, c := range []struct {
		point string
		says  string // in the log
		part  string // that a source event says is off; empty: none is
		blind bool   // what happened afterwards is not recorded
	}{
		{point: "Spawned", says: off, part: "observer", blind: true},
		{point: "Dying", says: off, part: "observer", blind: true},
		{point: "Reaped", says: off, part: "observer", blind: true},
		{point: "MainExited", says: off, part: "observer"},
		{point: "Received", says: off, part: "observer", blind: true},
		{point: "command", says: off, part: "observer", blind: true},
		{point: "Ended", says: off, part: "observer"},
		{point: "farewell", says: off, part: "observer"},
		{point: "fillReap"},
		{point: "append", says: "cannot keep an event: told to panic", blind: true},
		{point: "sample", says: "processes are not observed while they live", part: "sample"},
		{point: "exact", part: "exact"},
		{point: "args"},
		{point: "vigil", says: "leaks and full control groups are no longer warned of", part: "vigil"},
		{point: "record", says: "cannot go on recording to", part: "record"},
		{point: "bell", says: "cannot wake who waits for events"},
		{point: "accept", says: "cannot go on accepting clients", part: "socket"},
		{point: "keep", says: "cannot go on looking after the socket", part: "socket"},
		{point: "listen", says: "cannot go on serving a client"},
		{point: "serve", says: "cannot go on serving a client"},
		{point: "log"},
	} {
		t.Run(c.point, func(t *testing.T) {
			t.Parallel()
			panics(t, program, c.point, c.says, c.part, c.blind)
		})
	}
}

func panics(t *testing.T, name, point, says, part string, blind bool) {
	m := asInit
	trace := traceExact
	if point == "sample" {
		m, trace = asSubreaper, traceSample
	}
	// Short: a socket's path has 107 bytes.
	dir, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, record, kept := filepath.Join(dir, "d", "s"), filepath.Join(dir, "r"), filepath.Join(dir, "k")
	p := program(t, m, name, "--socket", socket, "--record", record, "--trace", trace, "--grace", "200ms",
		"sh", "-c", `trap 'echo usr1' USR1; echo ready; while ! [ -e `+kept+` ]; do sleep 0.05; done
			i=0; while [ $i -lt 5 ]; do (sh -c 'sleep 0.02; exit 3' &); i=$((i+1)); done; sleep 0.3
			(trap '' TERM; sleep 5) & exit 7`)
	p.cmd.Env = append(os.Environ(), "PID1_PANIC="+point)
	p.start()
	p.await("ready\n")
	for range 2 { // the first one may be the panic's
		readSome(socket)
	}
	p.signal(10)
	p.await("usr1\n")
	if point == "keep" {
		for end := time.Now().Add(5 * time.Second); !strings.Contains(p.err.String(), says) && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.want(7)
	if log := p.err.String(); !strings.Contains(log, says) {
		t.Errorf("the log does not say %q: %s", says, log)
	}
	if point == "record" {
		return // what there is to see is not recorded
	}
	events := recorded(t, record)
	offs := only(events, func(s *event.Source) bool { return s.State == "off" && s.Name == part })
	if part != "" && len(offs) != 1 {
		t.Errorf("%d events say that %s is off, want 1", len(offs), part)
	}
	if n := len(only(events, func(r *event.Reap) bool { return r.Code == 3 })); n != 5 && !blind {
		t.Errorf("%d of 5 orphans are recorded", n)
	}
}

// readSome connects and reads as long as something comes.
func readSome(socket string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := client.Dial(ctx, socket, event.Request{Op: event.OpStats})
	if err != nil {
		return
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	for {
		if ev, err := c.Next(); err != nil || ev.Header().Type == event.TypeStats {
			return
		}
	}
}
