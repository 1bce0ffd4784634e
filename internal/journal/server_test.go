package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"pid1/event"
)

// stuckTest is when a test that waits for what must come gives up.
const stuckTest = 30 * time.Second

// folder returns a folder whose paths are short enough for a socket.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "jt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serve starts a server of j in a folder of its own. Unless cfg says otherwise it
// waits for requests, however slow the test is to make them.
func serve(t testing.TB, j *Journal, cfg ServerConfig) *Server {
	t.Helper()
	if cfg.Paths == nil {
		cfg.Paths = []string{filepath.Join(folder(t), "f", "pid1.sock")}
	}
	if cfg.Warn == nil {
		cfg.Warn = func(err error) { t.Errorf("warned: %v", err) }
	}
	if cfg.grace == 0 {
		cfg.grace = time.Hour
	}
	s, err := Listen(j, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// peer is a client that knows nothing but lines.
type peer struct {
	t testing.TB
	*net.UnixConn
	in *bufio.Reader
}

func connect(t testing.TB, path string) *peer {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(stuckTest)); err != nil {
		t.Fatal(err)
	}
	return &peer{t, conn.(*net.UnixConn), bufio.NewReader(conn)}
}

// hello connects, and asks before the server would stream by itself.
func hello(t testing.TB, path string, requests ...string) *peer {
	t.Helper()
	p := connect(t, path)
	for _, q := range requests {
		p.say(q)
	}
	if ev := p.next(); ev.Header().Type != event.TypeHello {
		t.Fatalf("the first line is a %s: %+v", ev.Header().Type, ev)
	}
	return p
}

func (p *peer) say(lines string) {
	p.t.Helper()
	if _, err := p.Write([]byte(lines + "\n")); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() event.Event {
	p.t.Helper()
	line, err := p.in.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%v after %q", err, line)
	}
	ev, err := event.Decode(line)
	if err != nil {
		p.t.Fatalf("%v: %q", err, line)
	}
	return ev
}

// live returns the next line that is not stats.
func (p *peer) live() event.Event {
	p.t.Helper()
	for {
		if ev := p.next(); ev.Header().Type != event.TypeStats {
			return ev
		}
	}
}

// ends reads to the end and returns the messages of errors on the way.
func (p *peer) ends() (messages []string) {
	p.t.Helper()
	for {
		line, err := p.in.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.t.Fatal("the connection does not end")
			}
			return messages
		}
		if ev, err := event.Decode(line); err == nil {
			if e, ok := ev.(*event.Error); ok {
				messages = append(messages, e.Message)
			}
		}
	}
}

// eventually waits for what another goroutine is about to make true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(stuckTest); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func openFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// What nc shows: hello, history, live, with nothing typed.
func TestNothingAskedIsEverythingSent(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	for i := range 3 {
		j.Append(reap(i))
	}
	s := serve(t, j, ServerConfig{grace: graceForRequest, Hello: func() *event.Hello {
		h := event.New(event.TypeHello).(*event.Hello)
		h.Role, h.PID = "init", 1
		return h
	}})
	p := connect(t, s.Path())
	h, ok := p.next().(*event.Hello)
	if !ok || h.Role != "init" || h.FirstSeq != 1 || h.LastSeq != 3 || h.TS.IsZero() {
		t.Fatalf("hello: %+v", h)
	}
	for seq := uint64(1); seq <= 3; seq++ {
		if got := p.live().Header(); got.Seq != seq {
			t.Fatalf("event %d, want %d", got.Seq, seq)
		}
	}
	j.Append(started(9))
	if got := p.live().Header(); got.Seq != 4 || got.Type != event.TypeStart {
		t.Errorf("live: %+v", got)
	}
}

func TestSubscribeChoosesWhereAndWhat(t *testing.T) {
	j := newTest(t, Config{Reaps: 100}, 1024)
	for i := range 300 {
		j.Append(started(i))
		j.Append(reap(i))
	}
	first := j.Counts().First
	oldest := map[uint64]string{0: "reap", 1: "start"}[first%2]
	s := serve(t, j, ServerConfig{})
	for _, c := range []struct {
		request string
		next    uint64
		then    string
	}{
		{`{"op":"subscribe"}`, first, fmt.Sprint(oldest, " ", first)},
		{`{"op":"subscribe","id":"a","since":598}`, 599, "start 599"},
		{`{"op":"subscribe","since":598,"types":["reap"]}`, 599, "reap 600"},
		{`{"op":"subscribe","since":5}`, first, fmt.Sprint("gap 6-", first-1)},
		{`{"op":"subscribe","since":5,"types":["reap"]}`, first, fmt.Sprint("gap 6-", first-1)},
		{`{"op":"subscribe","since":600}`, 0, ""},
		{`{"op":"subscribe","now":true,"types":["reap","source"]}`, 0, ""},
	} {
		p := hello(t, s.Path(), c.request)
		sub, ok := p.next().(*event.Subscribed)
		if next := j.Counts().Last + 1; c.then == "" {
			c.next, c.then = next, fmt.Sprint("source ", next)
			j.Append(&event.Source{Head: event.Head{Type: event.TypeSource}})
		}
		if !ok || sub.NextSeq != c.next || (sub.Re == "a") != strings.Contains(c.request, `"a"`) {
			t.Errorf("%s: %+v, want %d", c.request, sub, c.next)
		}
		ev := p.live()
		got := fmt.Sprint(ev.Header().Type, " ", ev.Header().Seq)
		if g, ok := ev.(*event.Gap); ok {
			got = fmt.Sprintf("gap %d-%d", g.FromSeq, g.ToSeq)
		}
		if got != c.then {
			t.Errorf("%s: %s, want %s", c.request, got, c.then)
		}
		_ = p.Close()
	}
}

func TestSubscribingAgainMovesTheCursor(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	for i := range 5 {
		j.Append(reap(i))
	}
	s := serve(t, j, ServerConfig{})
	p := hello(t, s.Path(), `{"op":"subscribe","since":3}`)
	want := []string{"subscribed 0", "reap 4", "reap 5", "subscribed 0", "reap 2", "reap 3", "reap 4", "reap 5"}
	for i, w := range want {
		if i == 3 {
			p.say(`{"op":"subscribe","since":1}`)
		}
		h := p.live().Header()
		if got := fmt.Sprint(h.Type, " ", h.Seq); got != w {
			t.Fatalf("line %d is %s, want %s", i, got, w)
		}
	}
}

func TestStatsComeBySecondsAndWhenAsked(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	failed := reap(1)
	failed.Code, failed.Adopted = 3, true
	j.Append(failed)
	j.Append(reap(2))
	s := serve(t, j, ServerConfig{Stats: func(s *event.Stats) {
		s.UptimeMS, s.Processes, s.Zombies, s.PIDsUsed = 5, 6, 7, 8
		s.Reaps, s.Clients = 1000, 1000 // not the hook's to say
	}})
	p := hello(t, s.Path(), `{"op":"stats"}`)
	check := func(ev event.Event, seq, last, reaps uint64) {
		t.Helper()
		got := ev.(*event.Stats)
		want := &event.Stats{
			Head: event.Head{Type: event.TypeStats, Seq: seq, TS: got.TS}, UptimeMS: 5, Processes: 6, Zombies: 7, PIDsUsed: 8,
			PIDsLimit: event.Unknown, PIDMax: event.Unknown, ThreadsMax: event.Unknown, Reaps: reaps, Failed: 1, Adopted: 1, LastSeq: last, Clients: 1,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	check(p.next(), 0, 2, 2)
	p.say(`{"op":"subscribe","now":true}`)
	if sub := p.next(); sub.Header().Type != event.TypeSubscribed {
		t.Fatalf("%+v", sub)
	}
	check(p.next(), 3, 2, 2)
	j.Append(reap(4)) // a change: the next comes after a second, not ten
	if ev := p.next(); ev.Header().Type != event.TypeReap {
		t.Fatalf("%+v", ev)
	}
	check(p.next(), 5, 4, 3)
}

func TestWrongRequestsAreNamedAndTheConnectionGoesOn(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	j.Append(reap(1))
	s := serve(t, j, ServerConfig{})
	p := hello(t, s.Path(), "") // nothing on a line is nothing
	long := `{"op":"stats","pad":"` + strings.Repeat("x", event.MaxRequest) + `"}`
	for _, c := range []struct{ request, re, want string }{
		{`{"op":"inspect","id":"q"}`, "q", `inspect needs a pid`},
		{`{"op":"inspect","id":"q","pid":42}`, "q", `cannot be inspected here`},
		{`{"op":"kill","id":"q","pid":42}`, "q", `unknown op "kill"`},
		{`{"id":"q"}`, "q", "no op"},
		{`nonsense`, "", "cannot read the request: invalid character"},
		{`{"op":"stats"`, "", "cannot read the request"},
		{`[1]`, "", "it is a array and not an object"},
		{`{"op":"stats","id":7}`, "", `"id" cannot be a number`},
		{`{"op":"subscribe","since":-1,"id":"q"}`, "q", `"since" cannot be a number -1`},
		{`{"op":"subscribe","since":2,"id":"q"}`, "q", "cannot begin after event 2: the newest is 1"},
		{`{"op":"subscribe","since":18446744073709551615}`, "", "the newest is 1"},
		{`{"op":"subscribe","since":1,"now":true}`, "", "exclude each other"},
		{`{"op":"subscribe","types":["reap","nap"]}`, "", `unknown type "nap"`},
		{`{"op":"processes","id":"q"}`, "q", "no process table"},
		{`{"op":"stats","id":"` + strings.Repeat("i", 65) + `"}`, "", "id is longer than 64"},
		{"\x00\xff\xfe", "", "cannot read the request"},
		{long, "", "longer than 4096 bytes"},
		{long + long + long, "", "longer than 4096 bytes"},
		{strings.Repeat("[", 4000), "", "cannot read the request"},
	} {
		p.say(c.request)
		e, ok := p.live().(*event.Error)
		if !ok || !strings.Contains(e.Message, c.want) || e.Re != c.re {
			t.Errorf("%.80s: %+v, want %q", c.request, e, c.want)
		}
	}
	p.say(`{"op":"stats"}`)
	if ev := p.next(); ev.Header().Type != event.TypeStats {
		t.Errorf("after all that: %+v", ev)
	}
}

func TestALineWithoutEndIsCutOff(t *testing.T) {
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{})
	p := hello(t, s.Path())
	chunk := make([]byte, 64<<10)
	sent := 0
	for sent < 10<<20 {
		n, err := p.Write(chunk)
		if sent += n; err != nil {
			break
		}
	}
	if sent > 1<<20 {
		t.Errorf("%d bytes were taken", sent)
	}
	if got := p.ends(); len(got) != 1 || !strings.Contains(got[0], "does not end") {
		t.Errorf("told %q", got)
	}
	eventually(t, "the client is gone", func() bool { return s.Clients() == 0 })
}

// echo '{"op":"stats"}' | nc -N -U …: the answer, and the end.
func TestHalfClosedConnectionsAreAnswered(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	j.Append(reap(1))
	s := serve(t, j, ServerConfig{})
	p := connect(t, s.Path())
	if _, err := p.Write([]byte(`{"op":"stats"}`)); err != nil { // no newline
		t.Fatal(err)
	}
	if err := p.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(p.in)
	if evs := decode(t, rest); err != nil || len(evs) != 2 || evs[1].Header().Type != event.TypeStats {
		t.Errorf("%v: %s", err, rest)
	}

	quiet := connect(t, s.Path()) // nc -N </dev/null
	if err := quiet.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = quiet.next()
	if h := quiet.next().Header(); h.Seq != 1 {
		t.Errorf("%+v", h)
	}
	j.Append(reap(2))
	if h := quiet.live().Header(); h.Seq != 2 {
		t.Errorf("%+v", h)
	}
	_ = quiet.Close()

	// One that is sent nothing, so that no write can fail.
	idle := hello(t, s.Path(), `{"op":"subscribe","types":["leak"]}`)
	_ = idle.next()
	if err := idle.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	j.Append(event.New(event.TypeLeak))
	_ = idle.next() // it is heard that it will ask nothing more
	_ = idle.Close()
	eventually(t, "all are gone", func() bool { return s.Clients() == 0 })
}

func TestClientsThatVanishLeaveNothing(t *testing.T) {
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	j := newTest(t, Config{}, slabSize)
	for i := range 2000 {
		j.Append(reap(i))
	}
	s := serve(t, j, ServerConfig{MaxClients: 8, grace: time.Millisecond})
	before := openFiles(t)
	for i := range 1000 {
		conn, err := net.Dial("unix", s.Path())
		if err != nil {
			t.Fatal(err)
		}
		switch i % 4 {
		case 1:
			quietly(t, conn, `{"op":"subscribe"}`+"\n")
		case 2:
			quietly(t, conn, "garbage")
		case 3:
			_, _ = conn.Read(make([]byte, 10))
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are gone", func() bool { return s.Clients() == 0 })
	eventually(t, "their descriptors are closed", func() bool { return openFiles(t) == before })
	p := hello(t, s.Path(), `{"op":"stats"}`)
	if st := p.next().(*event.Stats); st.Clients != 1 {
		t.Errorf("%d clients", st.Clients)
	}
	select {
	case <-pipes:
		t.Error("writing to a client that is gone raised SIGPIPE")
	default:
	}
}

// quietly writes to a connection that the server may have closed already, without
// the SIGPIPE that a write would raise then.
func quietly(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			_, _ = unix.SendmsgN(int(fd), []byte(text), nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneClientTooMany(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{MaxClients: 3})
	var kept []*peer
	for range 3 {
		p := hello(t, s.Path(), `{"op":"subscribe"}`)
		_ = p.next()
		kept = append(kept, p)
	}
	if got := connect(t, s.Path()).ends(); len(got) != 1 || got[0] != "there are 3 clients already" {
		t.Errorf("told %q", got)
	}
	j.Append(reap(1))
	for _, p := range kept {
		if h := p.live().Header(); h.Seq != 1 {
			t.Errorf("%+v", h)
		}
	}
	_ = kept[0].Close()
	eventually(t, "there is room", func() bool { return s.Clients() == 2 })
	hello(t, s.Path())
}

// A client that reads nothing keeps its place until another needs it.
func TestAClientThatTakesNothingMakesRoom(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	for i := range 5000 {
		j.Append(reap(i))
	}
	const patience = 50 * time.Millisecond
	s := serve(t, j, ServerConfig{MaxClients: 2, patience: patience, grace: time.Millisecond})
	stuck := connect(t, s.Path())
	eventually(t, "it is stuck", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.sessions {
			since := c.stuck.Load()
			return since != 0 && time.Since(time.Unix(0, since)) > patience
		}
		return false
	})
	reads := hello(t, s.Path())
	third := hello(t, s.Path())
	j.Append(reap(1))
	if h := reads.live().Header(); h.Type != event.TypeReap {
		t.Errorf("the one that reads: %+v", h)
	}
	_ = third
	if got := stuck.ends(); got != nil {
		t.Error(got)
	}
}

// Scenario 36: whatever clients do, those who read get everything or are told
// what they did not.
func TestManyEventsAndAllKindsOfClients(t *testing.T) {
	const total = 100_000
	j := newTest(t, Config{Reaps: 1000}, slabSize)
	s := serve(t, j, ServerConfig{})
	var clients []*peer
	for range 10 {
		p := hello(t, s.Path(), `{"op":"subscribe","since":0}`)
		if ev := p.next(); ev.Header().Type != event.TypeSubscribed {
			t.Fatalf("%+v", ev)
		}
		clients = append(clients, p)
	}
	var wg sync.WaitGroup
	sum := func(p *peer) {
		got, lost := p.count(total)
		if got+lost != total {
			t.Errorf("%d read and %d lost are %d, want %d", got, lost, got+lost, total)
		}
	}
	for _, p := range clients[3:] {
		wg.Go(func() { sum(p) })
	}
	wg.Go(func() { // reads a byte at a time, with rests, while there is a storm
		for range 50 {
			if _, err := p1(clients[2]); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	})
	for i := range total {
		j.Append(reap(i))
	}
	wg.Wait()
	// The stopped ones go on now and are told what they missed.
	var missed atomic.Uint64
	for _, p := range clients[:2] {
		wg.Go(func() {
			got, lost := p.count(total)
			if got+lost != total || lost == 0 {
				t.Errorf("stopped: %d read and %d lost are %d, want %d", got, lost, got+lost, total)
			}
			missed.Add(lost)
		})
	}
	wg.Wait()
	if all := j.Counts().Lost; all < missed.Load() {
		t.Errorf("%d are counted as lost, two clients missed %d", all, missed.Load())
	}
}

func p1(p *peer) (byte, error) {
	b := make([]byte, 1)
	_, err := p.Read(b)
	return b[0], err
}

// count reads up to event last and returns how many came and how many were lost.
// It decodes no more than it must: it is to be quick.
func (p *peer) count(last uint64) (got, lost uint64) {
	for next := uint64(1); next <= last; {
		line, err := p.in.ReadSlice('\n')
		if err != nil {
			p.t.Errorf("%v before event %d", err, next)
			return got, lost
		}
		if bytes.HasPrefix(line, lineStart(event.TypeGap)) {
			gap := decode(p.t, line)[0].(*event.Gap)
			if gap.FromSeq != next {
				p.t.Errorf("a gap from %d, want %d", gap.FromSeq, next)
			}
			lost += min(gap.ToSeq, last) - gap.FromSeq + 1
			next = gap.ToSeq + 1
			_ = p.SetDeadline(time.Now().Add(stuckTest))
			continue
		}
		if !bytes.HasPrefix(line, fmt.Appendf(nil, `{"v":1,"type":"reap","seq":%d,`, next)) &&
			!bytes.HasPrefix(line, fmt.Appendf(nil, `{"v":1,"type":"stats","seq":%d,`, next)) {
			p.t.Errorf("%s, want event %d", line, next)
			return got, lost
		}
		got++
		next++
	}
	return got, lost
}

func TestAFailingHookCostsItsClientOnly(t *testing.T) {
	w := newWarnings()
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{
		Warn:      w.warn,
		Stats:     func(*event.Stats) { panic("no cgroup") },
		Processes: func(func(*event.Process) bool) { panic("no proc") },
	})
	other := hello(t, s.Path(), `{"op":"subscribe","types":["reap"]}`)
	_ = other.next()
	for _, op := range []string{"stats", "processes"} {
		if got := hello(t, s.Path(), `{"op":"`+op+`"}`).ends(); got != nil {
			t.Error(got)
		}
		<-w.came
	}
	if got := w.all(); !strings.Contains(got, "no cgroup") || !strings.Contains(got, "no proc") {
		t.Error(got)
	}
	eventually(t, "one is left", func() bool { return s.Clients() == 1 })
	j.Append(reap(1))
	if h := other.next().Header(); h.Seq != 1 {
		t.Errorf("%+v", h)
	}
}

// With no descriptor left the server waits, and goes on when there is one.
func TestNoDescriptorsLeft(t *testing.T) {
	w := newWarnings()
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{Warn: w.warn})
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "client")
	defer f.Close()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: s.Path()})
	<-w.came
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.all(); got != "cannot accept a client: too many open files; trying on" {
		t.Error(got)
	}
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil || decode(t, line)[0].Header().Type != event.TypeHello {
		t.Errorf("%v: %s", err, line)
	}
}

func TestAHelloThatIsTooLongIsCut(t *testing.T) {
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{Hello: func() *event.Hello {
		h := event.New(event.TypeHello).(*event.Hello)
		h.Command = []string{"sh", "-c", strings.Repeat("x", 100<<10)}
		return h
	}})
	h := connect(t, s.Path()).next().(*event.Hello)
	if n := len(h.Command); n != 4 || h.Command[3] != "…" || len(h.Command[2]) < 4000 {
		t.Errorf("%d arguments", n)
	}
}

func TestCloseSendsWhatThereIs(t *testing.T) {
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{})
	reads, stuck := hello(t, s.Path(), `{"op":"subscribe"}`), hello(t, s.Path(), `{"op":"subscribe"}`)
	_ = reads.next()
	const total = 500
	for i := range total {
		j.Append(reap(i))
	}
	closed := make(chan struct{})
	go func() {
		s.Close()
		close(closed)
	}()
	if got, lost := reads.count(total); got != total || lost != 0 {
		t.Errorf("%d read, %d lost", got, lost)
	}
	<-closed
	if got := reads.ends(); got != nil {
		t.Error(got)
	}
	if _, err := os.Lstat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	_ = stuck
	s.Close() // once more is nothing
}
