package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/client"
	"pid1/event"
)

// The table of docs/faults.md is what these tests do: a row names a system call that
// pid1 makes while COMMAND runs, and the errors it is made to fail with.

// fault is a row of the table.
type fault struct {
	call   string
	errnos []syscall.Errno // none: it is not made to fail
	says   []string        // what the log or the feed says of it
}

var faultRow = regexp.MustCompile("^\\| `([a-z0-9_]+(?:\\([A-Za-z_]+\\))?)` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|([^|]*)\\|$")

// faultTable reads docs/faults.md.
func faultTable(t *testing.T) []fault {
	t.Helper()
	text, err := os.ReadFile("../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	var table []fault
	for line := range strings.Lines(string(text)) {
		m := faultRow.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		f := fault{call: m[1]}
		for _, name := range strings.Fields(m[2]) {
			if errno, ok := errnos[name]; ok {
				f.errnos = append(f.errnos, errno)
			} else if name != "–" {
				t.Fatalf("%s: what error is %s?", f.call, name)
			}
		}
		for _, quoted := range regexp.MustCompile("“([^”]*)”").FindAllStringSubmatch(m[5], -1) {
			f.says = append(f.says, quoted[1])
		}
		table = append(table, f)
	}
	if len(table) == 0 {
		t.Fatal("docs/faults.md has no table")
	}
	return table
}

var errnos = map[string]syscall.Errno{
	"EINTR": unix.EINTR, "EAGAIN": unix.EAGAIN, "ENOMEM": unix.ENOMEM, "EMFILE": unix.EMFILE, "ENFILE": unix.ENFILE, "ENOSPC": unix.ENOSPC,
	"EPERM": unix.EPERM, "EACCES": unix.EACCES, "ESRCH": unix.ESRCH, "EIO": unix.EIO, "ENOENT": unix.ENOENT, "ENOBUFS": unix.ENOBUFS,
	"EROFS": unix.EROFS, "ECHILD": unix.ECHILD, "EINVAL": unix.EINVAL, "ENOSYS": unix.ENOSYS, "EPIPE": unix.EPIPE,
}

// sufferer is a pid1 whose calls fail, and all there is to see whether it minds.
type sufferer struct {
	*proc
	calls   *leash
	orders  *os.File // to COMMAND
	socket  string
	round   int
	orphans int
}

// orphansARound is how many orphans COMMAND makes when it is told to.
const orphansARound = 4

// suffer starts pid1 with everything it can do. first, unless it is nil, fails from the
// moment COMMAND runs.
func suffer(t *testing.T, m mode, first *fault) *sufferer {
	t.Helper()
	dir, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &sufferer{socket: filepath.Join(dir, "d", "s")}
	s.proc, s.calls, s.orders = leashed(t, m, "--socket", s.socket, "--record", filepath.Join(dir, "r.jsonl"), "--record-max-size", "8KiB",
		"-v", "--grace", "500ms", os.Args[0], "-test.run=^TestHelperSufferer$")
	if first != nil {
		s.calls.fail(first.call, first.errnos[0], 1)
	}
	fmt.Fprintln(s.orders, "go")
	s.await("ready\n")
	return s
}

// leashed is a pid1 that is traced from its first call on. It begins when a line is
// written to its standard input, in.
func leashed(t *testing.T, m mode, args ...string) (p *proc, calls *leash, in *os.File) {
	t.Helper()
	// A shell that waits to be traced before it becomes pid1.
	p = program(t, m, "/bin/sh", append([]string{"-c", `read go; exec "$@"`, "sh", binary}, args...)...)
	p.cmd.Env = append(os.Environ(), "PID1_TEST_HELPER=1")
	p.patience = 2 * time.Minute
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdin = r
	t.Cleanup(func() { _ = w.Close() })
	p.start()
	_ = r.Close()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.cmd.Process.Pid))
		if string(comm) == "sh\n" {
			return p, trace(t, p.cmd.Process.Pid), w
		}
		if time.Now().After(end) {
			t.Fatalf("there is no shell to become pid1: %q %v", comm, err)
		}
	}
}

// TestHelperSufferer is COMMAND: for every line it reads it makes orphans, a zombie
// that nobody waits for, and something that execs.
func TestHelperSufferer(t *testing.T) {
	if os.Getenv("PID1_TEST_HELPER") == "" {
		t.Skip("a helper of other tests")
	}
	usr1 := make(chan os.Signal, 8)
	signal.Notify(usr1, unix.SIGUSR1)
	go func() {
		for range usr1 {
			fmt.Println("usr1")
		}
	}()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for range orphansARound {
			_ = exec.Command("sh", "-c", "(exit 3) & exit 0").Run()
		}
		_ = exec.Command("sh", "-c", "exit 0").Start() // nobody waits for it
		fmt.Println("done", in.Text())
	}
	os.Exit(7)
}

// ask gives COMMAND, the signals and the clients something to do; done waits for it.
func (s *sufferer) ask() {
	s.round++
	s.orphans += orphansARound
	fmt.Fprintln(s.orders, s.round)
	_ = s.cmd.Process.Signal(unix.SIGUSR1)
	_, _ = s.feed(500 * time.Millisecond)
}

// feed reads all there is in the feed as a client that comes now, and asks what can
// be asked.
func (s *sufferer) feed(within time.Duration) ([]event.Event, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	zero := uint64(0)
	c, err := client.Dial(ctx, s.socket, event.Request{Op: event.OpProcesses}, event.Request{Op: event.OpInspect, PID: 1},
		event.Request{Op: event.OpSubscribe, Since: &zero}, event.Request{Op: event.OpStats})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var all []event.Event
	last := c.Hello().LastSeq
	stats := false
	for {
		ev, err := c.Next()
		if err != nil {
			return all, err
		}
		all = append(all, ev)
		if _, ok := ev.(*event.Stats); ok {
			stats = true
		}
		if h := ev.Header(); stats && h.Seq >= last {
			return all, nil
		}
	}
}

// healed checks, now that no call fails, that pid1 does all it has to.
func (s *sufferer) healed(after string) {
	s.t.Helper()
	s.wait(after, "COMMAND goes on", func() string {
		if want := fmt.Sprintf("done %d\n", s.round); !strings.Contains(s.out.String(), want) {
			return "it has not said " + want
		}
		return ""
	})
	n := strings.Count(s.out.String(), "usr1")
	s.signal(unix.SIGUSR1)
	s.wait(after, "a signal is passed on", func() string {
		if got := strings.Count(s.out.String(), "usr1"); got <= n {
			return fmt.Sprintf("COMMAND got %d so far", got)
		}
		return ""
	})
	s.wait(after, "every orphan is reaped, recorded once, and told to who connects", func() string {
		all, err := s.feed(5 * time.Second)
		if err != nil {
			return err.Error()
		}
		adopted := only(all, func(r *event.Reap) bool { return r.Adopted })
		for _, r := range adopted {
			if r.Code != 3 {
				s.t.Fatalf("%s: an orphan that exited with 3: %s", after, event.Append(nil, r))
			}
		}
		if len(adopted) > s.orphans {
			s.t.Fatalf("%s: %d reaps of %d orphans", after, len(adopted), s.orphans)
		}
		if len(adopted) != s.orphans {
			return fmt.Sprintf("%d reaps of %d orphans", len(adopted), s.orphans)
		}
		return ""
	})
}

func (s *sufferer) wait(after, what string, lacks func() string) {
	s.t.Helper()
	why := ""
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if why = lacks(); why == "" {
			return
		}
	}
	s.t.Fatalf("%s: not so: %s: %s\n%s", after, what, why, s.err.String())
}

// all is everything pid1 said: its log, and its feed.
func (s *sufferer) said() string {
	var b strings.Builder
	b.WriteString(s.err.String())
	all, _ := s.feed(5 * time.Second)
	for _, ev := range all {
		if src, ok := ev.(*event.Source); ok {
			fmt.Fprintf(&b, "source %s %s: %s\n", src.Name, src.State, src.Reason)
		}
	}
	return b.String()
}

// TestFaults makes every call of the table fail while there is work for it: then
// COMMAND goes on, and when calls succeed again all is as it was. In the end COMMAND
// exits while the call fails: its status is pid1's. Of the errors of a row it takes the
// first one, with PID1_FAULTS=all all of them. It is mostly waiting: -parallel=8.
func TestFaults(t *testing.T) {
	every := os.Getenv("PID1_FAULTS") == "all"
	if os.Getenv("PID1_FAULTS") == "" {
		t.Skip("it takes a minute and more: make faults")
	}
	var mu sync.Mutex // guards what follows
	made, said := map[string]int{}, map[string]string{}
	table := faultTable(t)
	t.Run("calls", func(t *testing.T) {
		for _, m := range []mode{asInit, asSubreaper} {
			for _, f := range table {
				if len(f.errnos) == 0 {
					continue
				}
				if !every {
					f.errnos = f.errnos[:1]
				}
				t.Run(string(m)+" "+f.call, func(t *testing.T) {
					t.Parallel()
					n, text := fails(t, m, f)
					mu.Lock()
					defer mu.Unlock()
					made[f.call] += n
					said[f.call] += text
				})
			}
		}
	})
	if t.Failed() {
		return // what did not come to its end said little
	}
	for _, f := range table {
		if len(f.errnos) > 0 && made[f.call] == 0 && !seldom[f.call] {
			t.Errorf("%s was never made to fail", f.call)
		}
		for _, words := range f.says {
			if !strings.Contains(said[f.call], words) {
				t.Errorf("when %s failed it did not say %q but\n%s", f.call, words, said[f.call])
			}
		}
	}
}

// newPlace are the calls that are made when the socket's folder was removed, atStart
// those that are made once, right after COMMAND runs, seldom those that chance makes,
// or the Go runtime when it sees fit.
var (
	newPlace = map[string]bool{
		"bind": true, "fchmod": true, "flock": true, "getpeername": true, "getsockname": true, "listen": true, "mkdirat": true, "socket": true,
	}
	seldom = map[string]bool{
		"madvise": true, "restart_syscall": true, "sched_yield": true, "tgkill": true,
	}
	atStart = map[string]bool{
		"chdir": true, "dup3": true, "eventfd2": true, "fcntl": true, "inotify_init1": true, "inotify_add_watch": true,
		"sched_getattr": true, "sched_setattr": true, "epoll_create1": true,
	}
)

// fails makes f fail and returns how often it did, and what pid1 said.
func fails(t *testing.T, m mode, f fault) (made int, said string) {
	var s *sufferer
	for _, errno := range f.errnos {
		every := 1
		if errno == unix.EINTR || errno == unix.EAGAIN {
			every = 2 // a call that is made again at once may succeed
		}
		if one := (fault{call: f.call, errnos: []syscall.Errno{errno}}); atStart[f.call] {
			s = suffer(t, m, &one)
		} else {
			if s == nil {
				s = suffer(t, m, nil)
			}
			s.calls.fail(f.call, errno, every)
		}
		for range 4 { // a file is full at times only
			if s.ask(); s.calls.made() > 0 {
				break
			}
		}
		if newPlace[f.call] {
			_ = os.RemoveAll(filepath.Dir(s.socket)) // whoever looks after it looks every two seconds
		}
		if newPlace[f.call] || len(f.says) > 0 && !atStart[f.call] {
			s.until(5*time.Second, func() bool { return s.calls.made() > 0 && saysAll(s.err.String(), f.says) })
		}
		n := s.calls.mend()
		made += n
		s.healed(fmt.Sprintf("%s failing with %s %d times", f.call, unix.ErrnoName(errno), n))
		said += s.said()
		if atStart[f.call] {
			_ = s.orders.Close()
			s.want(7)
		}
	}
	if !atStart[f.call] {
		s.calls.fail(f.call, f.errnos[0], 1)
		_ = s.orders.Close()
		s.until(2*time.Second, s.gone) // it has this long to end while the call fails
		made += s.calls.mend()
		s.want(7)
	}
	t.Logf("%d calls failed; pid1 said:\n%s", made, said)
	return made, said
}

func saysAll(text string, all []string) bool {
	return !slices.ContainsFunc(all, func(words string) bool { return !strings.Contains(text, words) })
}

// until waits for something that may not happen.
func (s *sufferer) until(most time.Duration, happened func() bool) {
	for end := time.Now().Add(most); !happened() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// gone reports whether pid1 has exited.
func (s *sufferer) gone() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestFaultsHaveARow runs pid1 at work from the time COMMAND runs to the end: every
// system call it makes has a row.
func TestFaultsHaveARow(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("the binary is the same without the race detector")
	}
	rows := map[string]bool{}
	for _, f := range faultTable(t) {
		rows[f.call] = true
	}
	for _, m := range []mode{asInit, asSubreaper} {
		t.Run(string(m), func(t *testing.T) {
			s := suffer(t, m, nil)
			for range 20 {
				s.ask()
				s.healed("nothing")
			}
			if err := os.RemoveAll(filepath.Dir(s.socket)); err != nil {
				t.Fatal(err)
			}
			s.wait("the socket's removal", "there is another", func() string {
				_, err := s.feed(time.Second)
				if err != nil {
					return err.Error()
				}
				return ""
			})
			_ = s.orders.Close()
			s.want(7)
			for _, call := range s.calls.seen() {
				if !rows[call] {
					t.Errorf("%s has no row in docs/faults.md", call)
				}
			}
		})
	}
}
