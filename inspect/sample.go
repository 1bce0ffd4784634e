package inspect

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"pid1/internal/faultpoint"
)

const (
	// glance is the pause between two looks while something happens.
	glance = time.Millisecond
	// sweepEvery is the least time between two sweeps, sweepQuiet while no process is
	// born, sweepShare how much longer than a sweep takes the pause after it is at
	// least: one percent of a core.
	sweepEvery = time.Second
	sweepQuiet = 2 * time.Second
	sweepShare = 100
	// sweepSoonest is the least time between two sweeps while programs are started.
	sweepSoonest = 100 * time.Millisecond
	// peekShare is how much shorter than the quiet before is the pause until the next
	// glance at the newest PID.
	peekShare = 3
	// haste is the pause between two looks at the young in a rush.
	haste = 200 * time.Microsecond
	// maxDry is the longest pause after the bell rang for nothing.
	maxDry = 16 * time.Millisecond
	// pollEvery is how often to look for new PIDs where inotify is refused.
	pollEvery = 20 * time.Millisecond
	// unhung is for how long there is no bell at first.
	unhung = 25 * time.Millisecond
	// stroll is the pause between two looks beside a source that is told of the
	// moments that count.
	stroll = 5 * time.Millisecond
	// forkMemory is how long a process that was forked is waited for to exec, maxYoung
	// how many new processes are looked at again.
	forkMemory = 5 * time.Second
	maxYoung   = 256
)

// Sample returns the source that looks at /proc when there is reason to: something
// was executed, as inotify tells, and there are new PIDs. Those it looks at every
// millisecond until they have shown what they are. Who only forks tells nobody: so it
// looks for new PIDs meanwhile, the less often the longer there were none. Once a second
// or less often, every two seconds while nobody is born, it sweeps over all processes. It
// needs no privilege
// and leaves processes alone, but misses what is faster than it. path is the PATH
// programs are looked for in, besides the usual places.
func Sample(path string) Source { return sampleHere(path) }

func sampleHere(path string) *sample {
	return &sample{places: func() ([]string, error) { return bellPlaces(path, "/"), nil }}
}

// SampleFrom is Sample for who observes from elsewhere: the programs of the processes
// can be in other file systems than ours. Where these cannot be watched, it looks for
// new PIDs all the time.
func SampleFrom(fs *FS, path string) Source {
	return &sample{places: func() ([]string, error) {
		roots, err := fs.roots()
		if err != nil {
			return nil, err
		}
		return bellPlaces(path, roots...), nil
	}}
}

type sample struct {
	// places returns where to hang a bell, or why there is to be none. Looking for them
	// is not for the moment before COMMAND runs.
	places func() ([]string, error)
}

func (s *sample) Name() string { return "sample" }

func (s *sample) Run(ctx context.Context, t *Table) error { return s.observe(ctx, t, nil) }

// observe looks at /proc until ctx ends; with x beside the answers of x.
func (s *sample) observe(ctx context.Context, t *Table, x *Exact) (err error) {
	name := s.Name()
	run := &sampling{t: t, l: &t.look, x: x, pace: stroll}
	if x == nil {
		run.pace = glance
		run.rush = budget{every: 100, most: 10 * time.Millisecond}
		run.brisk = budget{every: 25, most: 80 * time.Millisecond}
	} else {
		name = x.Name()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
		if ctx.Err() != nil {
			err = nil
		}
		if err != nil {
			t.tellSource(name, "off", err.Error())
		}
	}()
	defer run.end()
	defer promptly()()
	return run.run(ctx, s, name)
}

// sampling is one run of a sample source.
type sampling struct {
	t     *Table
	l     *looker
	x     *Exact        // nil: nobody is told more
	pace  time.Duration // the pause between two looks while something happens
	bell  *bell         // nil: refused
	fresh newcomers
	young []young
	pause *time.Timer
	swept time.Time     // when the last sweep ended
	born  int           // the newest PID then; 0: not known
	cost  time.Duration // what it took
	next  time.Time     // of the next sweep
	dry   time.Duration // the pause after it rang for nothing; 0: it did not
	stir  time.Time     // when there was a new process
	rang  bool          // since the last look
	rush  budget        // for looking without a pause
	brisk budget        // for looking whenever the bell rings
	told  []int         // what x handed over
	turns turns
}

// young is a process that is looked at until it has settled. Its stat file is kept
// open, so that a look is one read, and of the right process.
type young struct {
	pid    int
	file   kept
	since  time.Time
	looked time.Time
	noExec bool
	stack  uint64
}

func (s *sampling) run(ctx context.Context, cfg *sample, name string) error {
	t := s.t
	if t.cfg.FS == nil {
		return errors.New("cannot look at processes: there is no /proc")
	}
	if !t.cfg.FS.own {
		return fmt.Errorf("cannot look at processes: %s is no /proc", t.cfg.FS.root)
	}
	var err error
	if s.fresh.list, err = newLister(t.cfg.FS); err != nil {
		return err
	}
	s.fresh.r = &s.l.r
	if runtime.NumCPU() == 1 {
		s.rush.most = 0 // nobody else runs meanwhile
	}
	s.pause = time.NewTimer(time.Hour)
	s.attend()
	t.tellSource(name, "on", "")
	if err := s.begin(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	places, err := cfg.places()
	if err == nil {
		s.bell, err = newBell(places)
	}
	if err != nil {
		t.tellSource(name, "on", fmt.Sprintf("looking every %v, since it %v", pollEvery, err))
	}
	if s.bell != nil {
		s.listen()
		stop := context.AfterFunc(ctx, s.bell.wake)
		defer stop()
		t.wakeable(s.bell.wake)
		defer t.wakeable(nil)
	}
	for ctx.Err() == nil {
		if !time.Now().Before(s.next) {
			if err := s.sweepUnlessQuiet(); err != nil {
				return err
			}
		}
		heard, err := s.wait(ctx)
		if err != nil {
			return err
		}
		if heard != nothing && !s.watch(ctx, heard) && s.bell != nil {
			// It rang for nothing, as it does for programs that start in other
			// namespaces: listen less often.
			s.dry = min(maxDry, max(glance, 2*s.dry))
			s.sleep(ctx, s.dry)
		} else {
			s.dry = 0
		}
	}
	return nil
}

func (s *sampling) end() {
	for _, y := range s.young {
		closeFD(y.file.fd)
	}
	if s.fresh.list != nil {
		s.fresh.list.close()
	}
	s.turns.close()
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.ignore()
	if s.bell != nil {
		s.bell.close()
	}
}

// ignore ends what attend began.
func (s *sampling) ignore() {
	s.l.ends.close()
	s.l.ends = nil
	s.t.unattended()
	if s.bell != nil {
		s.bell.besides(-1)
	}
}

// attend has the ends of processes told, where the kernel does that.
func (s *sampling) attend() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.ends, _ = newEnds() // nil is good for everything
	s.turns = newTurns(&s.l.r)
}

// listen makes use of the bell, now that there is one.
func (s *sampling) listen() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.rang = true // what was started before, it does not tell
	s.bell.besides(s.l.ends.descriptor())
}

// begin looks all the time for as long as COMMAND may turn out to be a short one.
// A bell would cost that one more than all else: its inotify watches are taken down
// when pid1 ends, and that takes the kernel some ten milliseconds (Linux 6.18).
func (s *sampling) begin(ctx context.Context) error {
	s.look(time.Now(), false, false) // what comes from now on is new
	if err := s.sweep(); err != nil {
		return err
	}
	for began, now := time.Now(), time.Now(); now.Sub(began) < unhung && ctx.Err() == nil; now = time.Now() {
		s.look(now, true, true)
		s.sleep(ctx, glance/2)
	}
	s.stir = time.Now()
	return nil
}

// sweepUnlessQuiet sweeps, or puts it off when there is nobody new to see: then nothing
// is missed but when an old one changes.
func (s *sampling) sweepUnlessQuiet() error {
	now := time.Now()
	if s.born != 0 && now.Before(s.swept.Add(sweepQuiet-sweepEvery/2)) && s.newest() == s.born {
		s.next = s.swept.Add(max(sweepQuiet, sweepShare*s.cost))
		s.born = 0
		return nil
	}
	return s.sweep()
}

// newest returns the newest PID; 0 where it cannot be read.
func (s *sampling) newest() int {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	pid, _ := s.l.r.cursor()
	return pid
}

// sweep looks at all processes and sets the time of the next sweep.
func (s *sampling) sweep() error {
	began := time.Now()
	s.born = s.newest()
	if s.x != nil {
		s.x.excess.Store(false)
	}
	if err := s.t.Sweep(); err != nil {
		return err
	}
	s.weed(time.Now())
	s.swept = time.Now()
	s.cost = s.swept.Sub(began)
	s.next = s.swept.Add(max(sweepEvery, sweepShare*s.cost))
	return nil
}

// sweepSoon brings the next sweep forward: something was executed, and perhaps by a
// process that is not new.
func (s *sampling) sweepSoon() {
	s.born = 0
	if soon := s.swept.Add(max(sweepSoonest, sweepShare*s.cost)); soon.Before(s.next) {
		s.next = soon
	}
}

// news is why to look at what is new.
type news int

const (
	nothing news = iota // it is time to sweep, if to do anything
	ringing             // something was executed, perhaps
	forking             // there are new PIDs
)

// wait sleeps until there may be something new, or until the next sweep.
func (s *sampling) wait(ctx context.Context) (news, error) {
	if s.x != nil {
		s.x.watchOver()
		defer s.x.idle.Store(false)
		if s.x.idle.Store(true); s.x.waiting() {
			return ringing, nil
		}
	}
	if s.bell == nil {
		s.sleep(ctx, min(pollEvery, max(time.Until(s.next), glance)))
		return ringing, nil
	}
	for !s.rang {
		now := time.Now()
		pause := min(s.next.Sub(now), max(glance, now.Sub(s.stir)/peekShare), s.l.ends.next(now))
		before := s.turns.now()
		rang, err := s.bell.wait(pause)
		if err != nil {
			return nothing, err
		}
		woken := before.woken(s.turns.now(), s.t.cfg.Clock.Boot())
		s.rang = s.rang || rang
		now = time.Now()
		s.mournAt(now, woken)
		switch {
		case s.rang:
		case !now.Before(s.next):
			return nothing, nil
		case s.newest() != s.fresh.cursor:
			return forking, nil
		}
	}
	return ringing, nil
}

// mournAt is mourn for who does not hold l.mu, and waited for somebody to end until
// woken, since boot; 0: that is not known.
func (s *sampling) mournAt(now time.Time, woken time.Duration) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.ends.none(woken)
	s.mourn(now)
}

// mourn takes in whose end was told, and looks again at who was not reaped at once.
func (s *sampling) mourn(now time.Time) {
	n := s.l.ends
	defer func() { s.l.ended = ending{} }()
	for more := n != nil; more; {
		asked := s.t.cfg.Clock.Boot()
		list, err := n.take()
		if err != nil {
			s.ignore()
			return
		}
		by := s.t.cfg.Clock.Boot()
		for i := range list {
			pid, opened, ok := n.holds(&list[i])
			if !ok {
				continue
			}
			s.l.ended = ending{opened: opened, from: n.since, by: by}
			if s.mournOne(pid, now) {
				n.later(pid, time.Now())
			}
		}
		if more = len(list) == maxTold; !more {
			n.none(asked)
		}
	}
	s.l.ended = ending{}
	for pid := n.due(now); pid != 0; pid = n.due(now) {
		s.mournOne(pid, now)
	}
}

// mournOne looks at pid, which ended, and reports whether it is a zombie. If it was
// young, there is nothing more to see of it.
func (s *sampling) mournOne(pid int, now time.Time) (zombie bool) {
	got := s.l.process(pid, notKept, 0, 0)
	i := slices.IndexFunc(s.young, func(y young) bool { return y.pid == pid })
	if i >= 0 && (got.start == 0 || got.dead && s.young[i].grown(now)) {
		s.drop(i)
	}
	return got.dead
}

// weed looks at the young that are grown, for whom nothing may ring any more.
func (s *sampling) weed(now time.Time) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	for i := len(s.young) - 1; i >= 0; i-- {
		if y := &s.young[i]; y.grown(now) && !s.again(y, now, true) {
			s.drop(i)
		}
	}
}

func (s *sampling) sleep(ctx context.Context, d time.Duration) {
	s.pause.Reset(d)
	select {
	case <-s.pause.C:
	case <-ctx.Done():
	}
}

// watch looks at what is new, and again until all is quiet. It reports whether
// anything was new.
func (s *sampling) watch(ctx context.Context, heard news) (found bool) {
	if s.bell != nil && heard == ringing {
		s.sweepSoon() // it can be an old process that execs
	}
	var busy, again time.Time
	s.rang = heard == ringing
	for ctx.Err() == nil {
		now, rang := time.Now(), s.rang
		s.rang = false
		due := rang || now.Sub(again) >= haste
		if due {
			again = now
		}
		if s.look(now, due, rang) {
			busy, s.stir, found = now, now, true
		}
		if now.Sub(busy) >= settle || !now.Before(s.next) {
			return found
		}
		s.rest(ctx, now)
	}
	return found
}

// rest pauses until the next look, and hears whether the bell rang.
//
// It does not pause at all as long as there is means for a rush: the parent of a
// process that is orphaned right after its fork can be seen for a tenth of a
// millisecond. Then the bell ends a pause early, as long as there is means for that.
func (s *sampling) rest(ctx context.Context, began time.Time) {
	now := time.Now()
	rang := false
	switch {
	case s.bell == nil:
		s.sleep(ctx, s.pace)
	case s.x == nil && s.rush.spend(began, now):
		rang = s.bell.rung()
	default:
		rang = s.bell.nap(s.pace, s.x == nil && s.brisk.spend(began, now))
	}
	if rang {
		s.rang = true
	}
}

// look looks at new processes and, where due is set, again at the young ones. It
// reports whether there are any.
func (s *sampling) look(now time.Time, due, rang bool) (busy bool) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	faultpoint.Here("sample")
	// The young come first: who just became what it is may not be it for long.
	if due {
		for i := len(s.young) - 1; i >= 0; i-- {
			if y := &s.young[i]; s.again(y, now, rang) {
				busy = busy || !y.grown(now)
			} else {
				s.drop(i)
			}
		}
	}
	pids := s.fresh.look(now)
	for _, pid := range pids {
		s.first(pid, now)
	}
	busy = busy || len(pids) > 0
	if s.x != nil {
		s.told = s.x.take(s.told)
		for _, pid := range s.told {
			s.follow(pid, now)
		}
		busy = busy || len(s.told) > 0
		if s.x.excess.Load() {
			s.sweepSoon()
		}
	}
	if due {
		s.mourn(now)
	}
	return busy
}

// drop forgets a young process. s.young holds no file twice and none that is closed
// at any time: end closes them all, also after a panic.
func (s *sampling) drop(i int) {
	fd, last := s.young[i].file.fd, len(s.young)-1
	s.young[i] = s.young[last]
	s.young = s.young[:last]
	closeFD(fd)
}

// grown reports whether y has had the time most processes need to exec.
func (y *young) grown(now time.Time) bool { return now.Sub(y.since) > settle+glance }

// again looks at a young process and reports whether to look at it again: until it
// is grown, and if it has still to exec then, whenever the bell rings.
func (s *sampling) again(y *young, now time.Time, rang bool) bool {
	grown := y.grown(now)
	switch {
	case grown && !rang && now.Sub(y.since) < forkMemory:
		return true
	case !grown && !y.noExec && now.Sub(y.looked) < 2*glance:
		return true
	}
	got := s.l.process(y.pid, y.file, 0, 0)
	if got.start == 0 || got.dead && grown || now.Sub(y.since) >= forkMemory {
		return false
	}
	if y.noExec && !got.noExec || got.stack != y.stack && got.stack != 0 {
		y.since, grown = now, false // what it is now is new
	}
	y.looked, y.noExec, y.stack = now, got.noExec, got.stack
	return !grown || got.noExec
}

// follow looks at a process x told of, which may be known and may be gone.
func (s *sampling) follow(pid int, now time.Time) {
	if slices.ContainsFunc(s.young, func(y young) bool { return y.pid == pid }) {
		return
	}
	if !s.first(pid, now) {
		s.l.process(pid, notKept, 0, 0) // which notes that it is gone
	}
}

// first looks at a new process, takes it among the young, and reports whether it
// is still there.
func (s *sampling) first(pid int, now time.Time) (there bool) {
	if len(s.young) >= maxYoung {
		return s.l.process(pid, notKept, 0, 0).start != 0
	}
	fd, err := s.l.r.open(pid, "stat")
	if err != nil {
		return false
	}
	last := len(s.young)
	s.young = append(s.young, young{pid: pid, file: kept{fd: fd}, since: now, looked: now})
	got := s.l.attend(pid, kept{fd: fd}, 0)
	if got.start == 0 {
		s.drop(last)
		return false
	}
	y := &s.young[last]
	y.file.start, y.noExec, y.stack = got.start, got.noExec, got.stack
	return true
}
