package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// glance is the pause between two looks while something happens.
	glance = time.Millisecond
	// sweepEvery is the least time between two sweeps, sweepShare how much longer
	// than a sweep takes the pause after it is at least: one percent of a core.
	sweepEvery = time.Second
	sweepShare = 100
	// pollEvery is how often to look for new PIDs where inotify is refused.
	pollEvery = 20 * time.Millisecond
	// maxYoung is how many new processes are looked at again and again.
	maxYoung = 256
)

// Sample returns the source that looks at /proc when there is reason to: something
// was executed, as inotify tells, and there are new PIDs. Those it looks at every
// millisecond until they have shown what they are. Once a second or less often it
// sweeps over all processes. It needs no privilege and leaves processes alone, but
// misses what is faster than it. path is the PATH programs are looked for in,
// besides the usual places.
func Sample(path string) Source { return &sample{path: path} }

type sample struct{ path string }

func (s *sample) Name() string { return "sample" }

func (s *sample) Run(ctx context.Context, t *Table) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot go on: %v", p)
		}
		if ctx.Err() != nil {
			err = nil
		}
		if err != nil {
			t.tellSource(s.Name(), "off", err.Error())
		}
	}()
	run := &sampling{t: t, l: &t.look}
	defer run.end()
	return run.run(ctx, s)
}

// sampling is one run of a sample source.
type sampling struct {
	t      *Table
	l      *looker
	bell   *bell // nil: refused
	list   *lister
	cursor int
	pids   []int
	young  []young
	pause  *time.Timer
	next   time.Time // of the next sweep
}

// young is a process that is looked at until it has settled. Its stat file is kept
// open, so that a look is one read, and of the right process.
type young struct {
	pid   int
	fd    int
	since time.Time
}

func (s *sampling) run(ctx context.Context, cfg *sample) error {
	t := s.t
	if t.cfg.FS == nil {
		return errors.New("cannot look at processes: there is no /proc")
	}
	if !t.cfg.FS.own {
		return fmt.Errorf("cannot look at processes: %s shows another PID namespace", t.cfg.FS.root)
	}
	var err error
	if s.list, err = newLister(t.cfg.FS); err != nil {
		return err
	}
	reason := ""
	if s.bell, err = newBell(bellPlaces(cfg.path)); err != nil {
		reason = fmt.Sprintf("looking every %v, since it %v", pollEvery, err)
	}
	s.pause = time.NewTimer(time.Hour)
	t.tellSource(cfg.Name(), "on", reason)
	if s.bell != nil {
		stop := context.AfterFunc(ctx, s.bell.wake)
		defer stop()
		t.wakeable(s.bell.wake)
		defer t.wakeable(nil)
	}
	for ctx.Err() == nil {
		if !time.Now().Before(s.next) {
			if err := s.sweep(); err != nil {
				return err
			}
		}
		rang, err := s.wait(ctx)
		if err != nil {
			return err
		}
		if rang {
			s.watch(ctx)
		}
	}
	return nil
}

func (s *sampling) end() {
	for _, y := range s.young {
		closeFD(y.fd)
	}
	if s.bell != nil {
		s.bell.close()
	}
	if s.list != nil {
		s.list.close()
	}
}

// sweep looks at all processes and sets the time of the next sweep.
func (s *sampling) sweep() error {
	began := time.Now()
	if err := s.t.Sweep(); err != nil {
		return err
	}
	ended := time.Now()
	s.next = ended.Add(max(sweepEvery, sweepShare*ended.Sub(began)))
	return nil
}

// wait sleeps until there may be something new, or until the next sweep.
func (s *sampling) wait(ctx context.Context) (bool, error) {
	if s.bell != nil {
		return s.bell.wait(s.next)
	}
	s.sleep(ctx, min(pollEvery, max(time.Until(s.next), glance)))
	return true, nil
}

func (s *sampling) sleep(ctx context.Context, d time.Duration) {
	s.pause.Reset(d)
	select {
	case <-s.pause.C:
	case <-ctx.Done():
	}
}

// watch looks at what is new, and again every millisecond as long as something is.
func (s *sampling) watch(ctx context.Context) {
	quiet := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if s.look(now) {
			quiet = now
		}
		if len(s.young) == 0 && now.Sub(quiet) >= settle || !now.Before(s.next) {
			return
		}
		s.sleep(ctx, glance)
		if s.bell != nil && s.bell.rung() {
			quiet = now
		}
	}
}

// look looks at new processes and again at young ones, and reports whether there
// are any.
func (s *sampling) look(now time.Time) bool {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.fresh()
	for _, pid := range s.pids {
		s.first(pid, now)
	}
	kept := s.young[:0]
	for _, y := range s.young {
		if y.since != now {
			got := s.l.process(y.pid, y.fd, 0, 0)
			if got.gone || got.start == 0 || now.Sub(y.since) >= settle {
				closeFD(y.fd)
				continue
			}
		}
		kept = append(kept, y)
	}
	s.young = kept
	return len(s.pids) > 0 || len(s.young) > 0
}

// fresh finds the processes that came since it was last called.
func (s *sampling) fresh() {
	s.pids = s.pids[:0]
	cursor, ok := s.l.r.cursor()
	if !ok || cursor == s.cursor {
		return
	}
	last := s.cursor
	s.cursor = cursor
	if last == 0 {
		return // the sweep sees to them
	}
	// Errors mean that there is nothing to see; the sweep will tell.
	s.pids, _ = s.list.from(last, s.pids)
	if cursor < last { // the PIDs began anew
		low, _ := s.list.from(0, nil)
		for _, pid := range low {
			if pid <= cursor {
				s.pids = append(s.pids, pid)
			}
		}
	}
}

// first looks at a new process, and takes it among the young.
func (s *sampling) first(pid int, now time.Time) {
	if len(s.young) >= maxYoung {
		s.l.process(pid, -1, 0, 0)
		return
	}
	fd, err := s.l.r.open(pid, "stat")
	if err != nil {
		return
	}
	if got := s.l.process(pid, fd, 0, 0); got.start == 0 {
		closeFD(fd)
		return
	}
	s.young = append(s.young, young{pid, fd, now})
}
