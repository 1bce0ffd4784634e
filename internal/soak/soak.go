// Package soak runs pid1 for minutes or hours under a load of everything at once, and
// finds out whether it lost anything or grew.
package soak

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pid1/internal/replay"
)

// Soak is one pid1 under load.
type Soak struct {
	// Command returns the command that runs pid1 with arguments as PID 1 of a
	// namespace that sees Dir under the same name.
	Command func(args ...string) *exec.Cmd
	Binary  string   // pid1, for its symbols
	Loader  []string // runs Load
	Dir     string   // for socket, record and ledger
	Trace   string   // --trace
	For     time.Duration
	Log     io.Writer // a line a minute
}

// Summary is what a soak came to.
type Summary struct {
	Trace                             string
	For                               time.Duration
	Start, Busy, End                  Sample // after a first minute of load, at its last moment, after it
	RSS, Anon                         Trend  // in the last half of the load
	Tally                             *Tally
	Told                              counts
	Clients, Execs, Signals           uint64
	Zombie                            int64 // the longest that an orphan was seen dead, in ms
	MaxRSS, MaxFDs, MaxThreads, MaxGo int
	Faults                            []string
}

// judged is how long a soak has to be for its memory to be judged: before that, pid1
// still fills its history, and its heap finds its size.
const judged = 30 * time.Minute

// Run soaks. The error says why it could not be done; what is wrong with pid1 is
// in the Summary's Faults.
func (s *Soak) Run(ctx context.Context) (*Summary, error) {
	socket, record := filepath.Join(s.Dir, "d", "s"), filepath.Join(s.Dir, "record.jsonl")
	ledger, err := os.OpenFile(filepath.Join(s.Dir, "ledger"), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot make a ledger: %w", err)
	}
	defer ledger.Close()
	quick := min(s.For/60, 1500*time.Millisecond)
	args := []string{
		"--trace", s.Trace, "--socket", socket, "--history", "512",
		"--record", record, "--record-max-size", "4MiB", "--record-keep", "900", "--",
	}
	args = append(append(args, s.Loader...), "-ledger", ledger.Name(),
		"-every", min(s.For/50, time.Second).String(), "-leak", min(s.For/5, 3*time.Minute).String())
	cmd := s.Command(args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot run pid1: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	r := &running{Soak: s, out: &outside{pid: cmd.Process.Pid, socket: socket, ledger: ledger, fast: quick}}
	sum, err := r.run(ctx)
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("%w: %s", errors.Join(err, <-ended), bytes.TrimSpace(said.Bytes()))
	}
	select {
	case err := <-ended:
		if err != nil {
			sum.fault("pid1 ended with %v", err)
		}
	case <-after(ctx, 20*time.Second):
		_ = cmd.Process.Kill()
		return nil, fmt.Errorf("pid1 does not end: %s", bytes.TrimSpace(said.Bytes()))
	}
	if err := <-r.feed.done; err != nil {
		sum.fault("the feed broke off: %v", err)
	}
	r.feed.conn.Close()
	sum.Told = r.feed.take()
	if _, err := ledger.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("cannot read the ledger: %w", err)
	}
	truth, err := ReadLedger(ledger)
	if err != nil {
		return nil, err
	}
	if sum.Tally, err = compare(truth, record); err != nil {
		return nil, err
	}
	sum.judge(r.out)
	for line := range strings.Lines(said.String()) {
		if !expected(line) {
			sum.fault("pid1 said: %s", strings.TrimSpace(line))
		}
	}
	return sum, nil
}

// expected are the words that a soak leads to.
func expected(line string) bool {
	return strings.Contains(line, "ready") || strings.Contains(line, "leak") || strings.Contains(line, "zombies")
}

// compare reads the record.
func compare(truth []Death, record string) (*Tally, error) {
	rec, err := replay.Open(record)
	if err != nil {
		return nil, err
	}
	defer rec.Close()
	t := NewTally(truth)
	if n := rec.Damaged(); n > 0 {
		t.fault("%d lines of the record are damaged", n)
	}
	for i := range rec.Len() {
		line, err := rec.Line(i)
		if err != nil {
			return nil, err
		}
		t.Line(line)
	}
	t.End()
	return t, nil
}

// running is a soak that runs.
type running struct {
	*Soak
	out     *outside
	feed    *follower
	gauge   *gauge
	samples []Sample
	sum     Summary
}

func (r *running) run(ctx context.Context) (sum *Summary, err error) {
	r.sum = Summary{Trace: r.Trace, For: r.For}
	if r.feed, err = follow(ctx, r.out.socket); err != nil {
		return nil, err
	}
	if got := r.feed.conn.Hello().Trace; got != r.Trace {
		return nil, fmt.Errorf("%w: %s was asked for, the feed says %q", ErrTrace, r.Trace, got)
	}
	if r.gauge, err = newGauge(r.out.pid, r.Binary); err != nil {
		return nil, err
	}
	if _, err := r.calm(ctx); err != nil {
		return nil, err
	}
	// What pid1 makes when it is first needed, and keeps, is there from the start.
	for range 10 {
		if r.sum.Start, err = r.load(ctx, max(min(r.For/20, time.Minute), 2*time.Second), "before"); err != nil {
			return nil, err
		}
		if r.feed.take().reaps >= warmReaps {
			break
		}
	}
	r.samples = nil
	if r.sum.End, err = r.load(ctx, r.For, "after"); err != nil {
		return nil, err
	}
	r.sum.trends(r.samples)
	if err := syscall.Kill(r.out.pid, syscall.SIGTERM); err != nil {
		return nil, fmt.Errorf("cannot end pid1: %w", err)
	}
	return &r.sum, nil
}

// warmReaps is how many deaths there are before pid1 has met everything once: a busy
// machine takes longer for that.
const warmReaps = 50

// ErrTrace is Run's error when pid1 does not trace as asked.
var ErrTrace = errors.New("this pid1 does not trace so")

func (r *running) toggle() error {
	if err := syscall.Kill(r.out.pid, syscall.SIGUSR2); err != nil {
		return fmt.Errorf("cannot begin or end the load: %w", err)
	}
	return nil
}

// load makes load for a time, and measures when all of it is gone.
func (r *running) load(ctx context.Context, length time.Duration, when string) (s Sample, err error) {
	if err := r.toggle(); err != nil {
		return s, err
	}
	if err := r.watch(ctx, length); err != nil {
		return s, err
	}
	if err := r.toggle(); err != nil {
		return s, err
	}
	if s, err = r.calm(ctx); err != nil {
		return s, err
	}
	r.say(s, when)
	return s, nil
}

// watch measures while everything goes on.
func (r *running) watch(ctx context.Context, length time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); r.out.run(ctx) }()
	defer func() { cancel(); <-done }()
	tick := time.NewTicker(max(min(r.For/100, 10*time.Second), 100*time.Millisecond))
	defer tick.Stop()
	told := time.Now()
	for {
		select {
		case err := <-r.feed.done:
			r.feed.done <- err
			return fmt.Errorf("the feed ended: %w", cmp.Or(err, io.EOF))
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return ctx.Err()
			}
			return nil
		case <-tick.C:
			s, err := r.gauge.sample()
			if err != nil {
				return err
			}
			r.samples = append(r.samples, s)
			r.sum.Busy = s
			if time.Since(told) >= min(time.Minute, r.For/4) {
				told = time.Now()
				r.say(s, "")
			}
		}
	}
}

// budget is how long the load may take to end, and pid1 to come to rest.
const budget = 2 * time.Minute

// calm waits until nothing but pid1 and COMMAND is left, and measures pid1 at rest.
func (r *running) calm(ctx context.Context) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	for {
		n, err := descendants(r.out.pid)
		if err != nil {
			return Sample{}, err
		}
		if n == 1 {
			return r.gauge.rest(ctx)
		}
		<-after(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return Sample{}, fmt.Errorf("the load does not end: %w", ctx.Err())
		}
	}
}

// descendants counts the processes below pid.
func descendants(pid int) (n int, err error) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range tasks {
		list, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			return 0, fmt.Errorf("cannot list processes: %w", err)
		}
		for _, f := range bytes.Fields(list) {
			child, _ := strconv.Atoi(string(f))
			below, err := descendants(child)
			if err != nil {
				return 0, err
			}
			n += 1 + below
		}
	}
	return n, nil
}

// say writes a line about the moment.
func (r *running) say(s Sample, when string) {
	c := r.feed.take()
	r.sum.Zombie = max(r.sum.Zombie, c.zombie)
	fmt.Fprintf(r.Log, "%s %-6s %7s events %d reaps %d lost %d rss %d anon %d KiB fds %d threads %d goroutines %d cpu %.1f s zombie %d ms clients %d execs %d signals %d %s\n",
		time.Now().Format(time.TimeOnly), r.Trace, s.At.Round(time.Second), c.events, c.reaps, c.lost, s.RSS, s.Anon, s.FDs, s.Threads,
		s.Goroutines, s.CPU.Seconds(), c.zombie, r.out.clients.Load(), r.out.execs.Load(), r.out.signals.Load(), when)
}

// trends looks at the last half.
func (s *Summary) trends(all []Sample) {
	for _, m := range all {
		s.MaxRSS, s.MaxFDs = max(s.MaxRSS, m.RSS), max(s.MaxFDs, m.FDs)
		s.MaxThreads, s.MaxGo = max(s.MaxThreads, m.Threads), max(s.MaxGo, m.Goroutines)
	}
	var x, rss, anon []float64
	for _, m := range all[len(all)/2:] {
		x, rss, anon = append(x, m.At.Seconds()), append(rss, float64(m.RSS)), append(anon, float64(m.Anon))
	}
	s.RSS, s.Anon = trend(x, rss), trend(x, anon)
}

func (s *Summary) fault(format string, a ...any) {
	s.Faults = append(s.Faults, fmt.Sprintf(format, a...))
}

// mostRSS is what pid1 may take under this load, in KiB.
const mostRSS = 64 << 10

// judge finds what is wrong.
func (s *Summary) judge(o *outside) {
	s.Clients, s.Execs, s.Signals = o.clients.Load(), o.execs.Load(), o.signals.Load()
	t := s.Tally
	s.Faults = slices.Concat(s.Faults, t.Faults)
	if t.More > 0 {
		s.fault("and %d faults more", t.More)
	}
	if c := s.Told; c.lost+c.holes > 0 || c.events != t.Events || c.reaps != t.Reaps {
		s.fault("a reader got %d events with %d reaps, lost %d, %d holes; the record has %d with %d", c.events, c.reaps, c.lost, c.holes, t.Events, t.Reaps)
	}
	if want := o.queued.Load(); t.Queued != want {
		s.fault("%d real-time signals were sent, %d told", want, t.Queued)
	}
	for _, v := range []struct {
		what         string
		start, after int
	}{
		{"descriptors", s.Start.FDs, s.End.FDs}, {"threads", s.Start.Threads, s.End.Threads}, {"goroutines", s.Start.Goroutines, s.End.Goroutines},
	} {
		if v.after > v.start {
			s.fault("%d %s before the load, %d after it", v.start, v.what, v.after)
		}
	}
	if s.End.FDs > s.Start.FDs {
		s.fault("descriptors before: %q; after: %q", s.Start.files, s.End.files)
	}
	if s.End.Goroutines > s.Start.Goroutines {
		s.fault("goroutines before: %v; after: %v", s.Start.functions, s.End.functions)
	}
	if s.MaxRSS > mostRSS {
		s.fault("pid1 took %d KiB", s.MaxRSS)
	}
	if s.For >= judged && !s.RSS.Flat() {
		s.fault("memory grew by %.0f KiB in the last half, with a noise of %.0f KiB", s.RSS.Growth, s.RSS.Noise)
	}
	if s.Clients == 0 || t.Deaths == 0 || s.Signals == 0 {
		s.fault("there was no load: %d clients, %d deaths, %d signals", s.Clients, t.Deaths, s.Signals)
	}
}
