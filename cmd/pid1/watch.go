package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/inspect"
	"pid1/internal/cgroup"
	"pid1/internal/journal"
	"pid1/internal/record"
	"pid1/internal/version"
	"pid1/internal/vigil"
)

// watch is everything that observes and tells. Nothing of it can end pid1.
type watch struct {
	observer *observer
	table    *inspect.Table
	journal  *journal.Journal
	group    *cgroup.Group
	server   *journal.Server  // nil: nobody can connect
	record   *record.Recorder // nil: nothing is recorded
	tracer   *tracer
	vigil    *vigil.Vigil
	hello    event.Hello
	log      *slog.Logger

	cancel  context.CancelFunc
	sources sync.WaitGroup
}

// newWatch listens and gets ready to observe; start begins.
func newWatch(o *options, role, path string, log *slog.Logger) *watch {
	w := &watch{log: log, cancel: func() {}}
	warn := func(err error) { log.Warn(err.Error()) }
	w.journal = journal.New(journal.Config{Reaps: int(o.history), Warn: warn})
	fs, err := inspect.OpenFS("/proc")
	if err != nil {
		log.Warn("nothing is known of processes but how they end", "error", err)
	}
	w.group = cgroup.Open("/proc")
	w.observer = &observer{journal: w.journal, oom: newOOMWatch(w.group, w.journal), log: log}
	w.table = inspect.NewTable(inspect.Config{
		FS: fs, Self: os.Getpid(), Under: role == "subreaper", Emit: w.observer.emit, Redact: o.redact.hook(),
	})
	w.observer.table = w.table
	trace := o.trace.value
	if fs == nil {
		trace = traceOff
	}
	w.tracer = newTracer(trace, role, w.table, path, log)
	w.hello = event.Hello{
		Program: version.String(), PID: os.Getpid(), Role: role, Command: o.redact.of(o.command),
		Started: time.Now(), PIDNS: pidNamespace(),
	}
	w.hello.Host, _ = os.Hostname()
	_, _, pidsErr := w.group.PIDs()
	_, oomErr := w.group.OOMKills()
	w.hello.Features = map[string]string{"proc": here(err), "pids": here(pidsErr), "oom": here(oomErr)}
	w.vigil = w.newVigil()
	w.observer.poke = w.vigil.Poke
	w.listen(o.socket, uint32(o.socketMode))
	w.startRecord(o)
	return w
}

// listen opens the socket. That there is no place for it is no reason not to run
// COMMAND.
func (w *watch) listen(where string, mode uint32) {
	var paths []string
	switch where {
	case "off":
		return
	case "":
		paths = event.Places(os.Geteuid())
	default:
		paths = []string{where}
	}
	server, err := journal.Listen(w.journal, journal.ServerConfig{
		Paths:     paths,
		Mode:      mode,
		Hello:     w.greet,
		Stats:     w.stats,
		Processes: w.table.Processes,
		Inspect:   w.table.Inspect,
		Warn:      func(err error) { w.log.Warn(err.Error()) },
	})
	if err != nil {
		w.log.Warn(err.Error() + ": nobody can watch this container")
		return
	}
	w.server = server
}

// newVigil watches for leaks and for PIDs that run out.
func (w *watch) newVigil() *vigil.Vigil {
	return vigil.New(vigil.Config{
		Hello:     w.hello,
		Unwaited:  w.table.Unwaited,
		Processes: w.table.Processes,
		Most:      inspect.MaxUnwaited,
		Alive:     w.table.Lives,
		PIDs: func() (used, limit int64, err error) {
			if used, limit, err = w.group.PIDs(); limit == cgroup.Unlimited {
				limit = 0
			}
			return used, limit, err
		},
		Tell: func(ev event.Event) { w.journal.Append(ev) },
		Warn: func(words string) { w.log.Warn(words) },
	})
}

// here says for hello whether something is here, and why not.
func here(missing error) string {
	if missing != nil {
		return missing.Error()
	}
	return "yes"
}

func (w *watch) greet() *event.Hello {
	h := w.hello
	h.Trace = *w.tracer.mode.Load()
	h.Features = maps.Clone(w.hello.Features)
	h.Features["exact"] = w.tracer.exactness()
	return &h
}

// socket is where the feed listens; empty when it does not.
func (w *watch) socket() string {
	if w.server == nil {
		return ""
	}
	return w.server.Path()
}

func (w *watch) stats(s *event.Stats) {
	s.UptimeMS = time.Since(w.hello.Started).Milliseconds()
	s.Processes, s.Zombies = w.table.Counts()
	if used, limit, err := w.group.PIDs(); err == nil {
		s.PIDsUsed = used
		if limit != cgroup.Unlimited {
			s.PIDsLimit = limit
		}
	}
	if pids, tasks, err := w.group.Kernel(); err == nil {
		s.PIDMax, s.ThreadsMax = pids, tasks
	}
	w.observer.oom.check(time.Now())
}

// start begins to observe. COMMAND runs by now.
func (w *watch) start() {
	source := w.tracer.source
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	if w.tracer.filter == nil {
		w.prewarm(ctx)
	}
	if source == nil {
		return
	}
	w.sources.Go(func() {
		if err := w.vigil.Run(ctx); err != nil {
			w.log.Warn("leaks and full control groups are no longer warned of", "error", err)
			w.journal.Append(switchedOff("vigil", err))
		}
	})
	w.sources.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				w.log.Error("observation failed and is switched off; COMMAND is not affected",
					"source", source.Name(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		w.observe(ctx, source)
	})
}

// longestPause is the longest one before a source that failed is tried again.
const longestPause = time.Minute

// observe runs the source, and again when it could not go on: no descriptor may have
// been left, or no /proc.
func (w *watch) observe(ctx context.Context, source inspect.Source) {
	pause, told := time.Second, ""
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		began := time.Now()
		err := source.Run(ctx, w.table)
		panicked := errors.Is(err, inspect.ErrPanic)
		if err != nil && (panicked || err.Error() != told) {
			told = err.Error()
			w.log.Warn("processes are not observed while they live", "source", source.Name(), "error", err, "again", !panicked)
		}
		if err == nil || panicked {
			return
		}
		if time.Since(began) > longestPause {
			pause = time.Second
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// close lets clients read the last events and takes the socket away. It takes a
// fraction of a second; only a disk that is stuck makes it last one longer.
func (w *watch) close() {
	w.cancel()
	w.observer.farewell()
	end := event.New(event.TypeEnd).(*event.End)
	end.Reason = event.EndExit
	w.journal.Append(end)
	if w.server != nil {
		w.server.Close()
	}
	if w.record != nil {
		w.record.Close()
	}
	if w.tracer.filter != nil && os.Getpid() == 1 {
		// The kernel does this at our end, but closes the listener first: an
		// exit_group that waits for an answer would fail, and its program go on.
		_ = unix.Kill(-1, unix.SIGKILL)
	}
}

// ample is how many PIDs must be left for the threads to have time: COMMAND would have
// to fork every few microseconds to use them up in the meantime.
const (
	ample    = 1000
	meantime = 5 * time.Millisecond
)

// prewarm makes the threads pid1 may need; when PIDs are ample, a moment later: a
// COMMAND that ends at once has not to wait for threads nobody needed.
func (w *watch) prewarm(ctx context.Context) {
	used, limit, err := w.group.PIDs()
	if err != nil || limit-used < ample {
		prewarm(threads)
		return
	}
	w.sources.Go(func() {
		timer := time.NewTimer(meantime)
		defer timer.Stop()
		select {
		case <-timer.C:
			prewarm(threads)
		case <-ctx.Done():
		}
	})
}

// prewarm makes n operating system threads that then lie idle. The Go runtime
// ends the program when it cannot make a thread, and a container whose PIDs are
// used up by zombies is what this program is for: the threads it may need then
// have to exist before.
func prewarm(n int) {
	var met, gone sync.WaitGroup
	met.Add(n)
	for range n {
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			met.Done()
			met.Wait()
		})
	}
	gone.Wait()
}

// threads is how many of them: one for each place that can be inside a blocking
// system call at the same time (reaper, source of observations, answers to
// processes and one in its place, answers to clients, vigil, log, record), the
// processors', the garbage collector's, and a few to spare.
const threads = 14

func pidNamespace() uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/self/ns/pid", &st) != nil {
		return 0
	}
	return st.Ino
}
