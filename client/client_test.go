package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pid1/event"
	"pid1/internal/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder returns a folder whose paths are short enough for a socket.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ct")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func newJournal(t testing.TB, cfg journal.Config, reaps int) *journal.Journal {
	t.Helper()
	j := journal.New(cfg)
	t.Cleanup(j.Close)
	add(j, reaps)
	return j
}

// add appends n reaps.
func add(j *journal.Journal, n int) {
	for range n {
		r := event.New(event.TypeReap).(*event.Reap)
		r.PID, r.Code, r.Comm = 7, 0, "sleep"
		j.Append(r)
	}
}

func serve(t testing.TB, j *journal.Journal, cfg journal.ServerConfig) *journal.Server {
	t.Helper()
	if cfg.Paths == nil {
		cfg.Paths = []string{folder(t) + "/s"}
	}
	s, err := journal.Listen(j, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func dial(t testing.TB, path string, requests ...event.Request) *Conn {
	t.Helper()
	c, err := Dial(within(t), path, requests...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// fake serves one connection with what write sends.
func fake(t testing.TB, write func(conn net.Conn)) (path string) {
	t.Helper()
	path = folder(t) + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		write(conn)
		_ = conn.Close()
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return path
}

const helloLine = `{"v":1,"type":"hello","ts":"2026-01-02T03:04:05Z","version":"1.0","pid":1,"role":"init","first_seq":0,"last_seq":0}` + "\n"

func TestHelloHistoryLiveAndRequests(t *testing.T) {
	j := newJournal(t, journal.Config{}, 2)
	s := serve(t, j, journal.ServerConfig{
		Hello: func() *event.Hello {
			h := event.New(event.TypeHello).(*event.Hello)
			h.Role, h.Program = "init", "1.2.3"
			return h
		},
		Processes: func(yield func(*event.Process) bool) {
			p := event.New(event.TypeProcess).(*event.Process)
			p.PID, p.Comm = 1, "pid1"
			yield(p)
		},
	})
	c := dial(t, s.Path(), event.Request{Op: event.OpProcesses, ID: "p"}, event.Request{Op: event.OpSubscribe, ID: "s"})
	if h := c.Hello(); h.Role != "init" || h.Program != "1.2.3" || h.LastSeq != 2 {
		t.Errorf("hello %+v", h)
	}
	if c.Path() != s.Path() || c.UID() != os.Geteuid() {
		t.Errorf("%s, uid %d", c.Path(), c.UID())
	}
	var got []string
	for len(got) < 6 {
		ev, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		h := ev.Header()
		if h.Type == event.TypeStats || len(got) == 0 && h.Seq != 0 {
			continue // what comes unasked when the request was late
		}
		if !strings.Contains(string(c.Line()), string(h.Type)) || !strings.HasSuffix(string(c.Line()), "\n") {
			t.Errorf("the line of %s is %q", h.Type, c.Line())
		}
		got = append(got, fmt.Sprint(h.Type, " ", h.Seq))
		if len(got) == 5 {
			add(j, 1)
		}
	}
	want := "[process 0 processes_end 0 subscribed 0 reap 1 reap 2 reap 3]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if err := c.Send(event.Request{Op: event.OpStats}); err != nil {
		t.Error(err)
	}
	s.Close()
	for {
		_, err := c.Next()
		if err == nil {
			continue
		}
		if err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		break
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	full := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{MaxClients: 1})
	dial(t, full.Path())
	staleOne := folder(t) + "/s"
	ln, err := net.Listen("unix", staleOne)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ln.Close()
	say := func(line string) string {
		return fake(t, func(conn net.Conn) { _, _ = io.WriteString(conn, line) })
	}
	for _, c := range []struct{ name, path, want string }{
		{"none", folder(t) + "/s", "no such file or directory"},
		{"stale", staleOne, "connection refused"},
		{"full", full.Path(), "refused: there are 1 clients already"},
		{"closes", say(""), "EOF"},
		{"no feed", say("220 mail ready\n"), "cannot read the line"},
		{"no hello", say(`{"v":1,"type":"gap","lost":1}` + "\n"), "begins with a gap line"},
		{"later version", say(`{"v":2,"type":"hello"}` + "\n"), "cannot read version 2"},
	} {
		conn, err := Dial(within(t), c.path)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s: connected", c.name)
			continue
		}
		if got := err.Error(); !strings.HasPrefix(got, "cannot read the feed at "+c.path+": ") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A server that turns us away may have closed before our request is written.
func TestTheReasonIsToldEvenIfTheRequestCannotBeSent(t *testing.T) {
	full := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{MaxClients: 1})
	dial(t, full.Path())
	for range 200 {
		_, err := Dial(within(t), full.Path(), event.Request{Op: event.OpStats})
		if err == nil || !strings.Contains(err.Error(), "1 clients already") {
			t.Fatal(err)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	block := make(chan struct{})
	path := fake(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1)) // it is connected and waits for the hello
		cancel()
		<-block
	})
	_, err := Dial(ctx, path, event.Request{Op: event.OpStats})
	close(block)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestStrangeLinesAreSkipped(t *testing.T) {
	path := fake(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, helloLine+
			`{"v":1,"type":"of_tomorrow","ts":"2026-01-02T03:04:05Z"}`+"\n"+
			"damaged\n"+
			`{"v":1,"type":"gap","lost":2,"from_seq":1,"to_seq":2}`+"\n"+
			`{"v":1,"type":"ga`)
	})
	c := dial(t, path)
	ev, err := c.Next()
	if g, ok := ev.(*event.Gap); !ok || g.Lost != 2 {
		t.Errorf("%+v, %v", ev, err)
	}
	if n := c.Unreadable(); n != 1 {
		t.Errorf("%d unreadable", n)
	}
	if ev, err := c.Next(); err != io.EOF {
		t.Errorf("half a line: %+v, %v", ev, err)
	}
}

func TestLongLines(t *testing.T) {
	path := fake(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, helloLine)
		for _, n := range []int{100 << 10, 2 << 20} {
			_, _ = fmt.Fprintf(conn, `{"v":1,"type":"error","message":"%s"}`+"\n", strings.Repeat("x", n))
		}
	})
	c := dial(t, path)
	ev, err := c.Next()
	if e, ok := ev.(*event.Error); !ok || len(e.Message) != 100<<10 {
		t.Errorf("%v", err)
	}
	if _, err := c.Next(); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
		t.Errorf("%v", err)
	}
}

func TestBufferedTellsWhetherNextWaits(t *testing.T) {
	more := make(chan struct{})
	path := fake(t, func(conn net.Conn) {
		gap := `{"v":1,"type":"gap","lost":1,"from_seq":1,"to_seq":1}` + "\n"
		_, _ = io.WriteString(conn, helloLine+gap+gap+`{"v":1,`)
		<-more
	})
	c := dial(t, path)
	for _, want := range []bool{true, false} {
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
		if got := c.Buffered(); got != want {
			t.Errorf("buffered: %v, want %v", got, want)
		}
	}
	close(more)
}

func TestRequestsThatAreTooLong(t *testing.T) {
	s := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{})
	c := dial(t, s.Path())
	err := c.Send(event.Request{Op: event.OpStats, ID: strings.Repeat("x", event.MaxRequest)})
	if err == nil || !strings.Contains(err.Error(), "at most 4096") {
		t.Error(err)
	}
}
