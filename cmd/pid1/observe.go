package main

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/inspect"
	"pid1/internal/faultpoint"
	"pid1/internal/journal"
	"pid1/internal/siginfo"
	"pid1/reaper"
)

// observer turns what the reaper does into events. The reaper goes on whatever
// happens here: a method that panics switches observation off, once and for all.
type observer struct {
	table   *inspect.Table
	journal *journal.Journal
	oom     *oomWatch
	poke    func() // rouses the vigil; never waits
	log     *slog.Logger
	off     bool

	dying   *event.Reap // made by Dying, finished by Reaped
	mainPID int
	main    event.Reap // COMMAND's own
}

var _ reaper.Observer = (*observer)(nil)

// oomProbable is said of what was killed while the cgroup's count of such kills
// rose: the kernel does not say whom it chose.
const oomProbable = "probable"

// guard is deferred by every method.
func (o *observer) guard() {
	if p := recover(); p != nil {
		o.off = true
		o.log.Error("observation failed and is switched off; COMMAND is not affected",
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		o.journal.Append(switchedOff("observer", p))
	}
}

// switchedOff is the event that a part is off because it panicked.
func switchedOff(part string, panicked any) event.Event {
	ev := event.New(event.TypeSource).(*event.Source)
	ev.Name, ev.State, ev.Reason = part, "off", fmt.Sprint("cannot go on: ", panicked)
	return ev
}

func (o *observer) Spawned(pid int) {
	defer o.guard()
	faultpoint.Here("Spawned")
	o.mainPID = pid
	o.table.Spawned(pid)
}

func (o *observer) Dying(pid int) {
	if o.off {
		return
	}
	defer o.guard()
	faultpoint.Here("Dying")
	o.dying = nil
	o.dying = o.table.Dying(pid)
}

func (o *observer) Stolen(int) { o.dying = nil }

func (o *observer) Reaped(d reaper.Death) {
	if o.off || o.dying == nil {
		return
	}
	defer o.guard()
	faultpoint.Here("Reaped")
	ev := o.dying
	ev.Ended = ended(d)
	ev.Main = d.Main
	ev.Rusage = rusage(&d.Usage)
	if d.Signal == unix.SIGKILL && o.oom.victim(time.Now()) {
		ev.OOM = oomProbable
	}
	o.journal.Append(ev)
	if d.Main {
		o.main = *ev
	}
}

func (o *observer) MainExited(d reaper.Death, status int) {
	if o.off {
		return
	}
	defer o.guard()
	faultpoint.Here("MainExited")
	ev := event.New(event.TypeMainExit).(*event.MainExit)
	ev.ID = event.ID{PID: d.PID, Start: o.main.Start}
	ev.Ended, ev.Status, ev.LifetimeMS, ev.OOM = ended(d), status, o.main.LifetimeMS, o.main.OOM
	if ev.OOM != "" {
		o.log.Warn("COMMAND was killed, probably because the container ran out of memory")
	}
	o.journal.Append(ev)
}

func (o *observer) Received(rc reaper.Receipt) {
	name := siginfo.Name(rc.Info.Signal)
	from := o.sender(rc.Info)
	attrs := []any{"signal", name, "from", senderText(from)}
	switch {
	case rc.Err != nil:
		o.log.Warn("cannot forward a signal", append(attrs, "error", rc.Err)...)
	case rc.Became == 0:
		o.log.Info("ignored a signal", attrs...)
	default:
		o.log.Info("forwarded a signal", append(attrs, "as", siginfo.Name(rc.Became), "to", rc.Target)...)
	}
	if o.off {
		return
	}
	defer o.guard()
	faultpoint.Here("Received")
	ev := event.New(event.TypeSignal).(*event.Signal)
	ev.Signal, ev.From, ev.Target, ev.Reached = name, from, rc.Target, rc.Reached
	ev.Became = "ignore"
	if rc.Became != 0 {
		ev.Became = siginfo.Name(rc.Became)
	}
	if rc.Err != nil {
		ev.Error = rc.Err.Error()
	}
	o.journal.Append(ev)
}

// sender is who sent a signal, as far as the kernel and /proc say.
func (o *observer) sender(info siginfo.Info) event.Sender {
	from := event.Sender{PID: event.Unknown, UID: event.Unknown}
	switch {
	case info.Code == siginfo.Unknown:
	case !info.FromProcess():
		from.Kernel = true
	case info.PID == 0:
		from.Outside, from.UID = true, int(info.UID)
	default:
		from.PID, from.UID = int(info.PID), int(info.UID)
		if _, c, ok := o.command(from.PID); ok {
			from.Comm, from.Cmdline = c.Comm, c.Cmdline
		}
	}
	return from
}

func (o *observer) command(pid int) (id event.ID, c event.Command, ok bool) {
	if o.off {
		return id, c, false
	}
	defer o.guard()
	faultpoint.Here("command")
	return o.table.Command(pid)
}

func senderText(s event.Sender) string {
	switch {
	case s.Kernel:
		return "the kernel"
	case s.Outside:
		return "outside the namespace"
	case s.PID < 0:
		return "unknown"
	}
	return fmt.Sprintf("%d (%s)", s.PID, s.Comm)
}

func (o *observer) Describe(s *reaper.Survivor) {
	if id, c, ok := o.command(s.PID); ok {
		s.Start, s.Comm, s.Cmdline = id.Start, c.Comm, c.Cmdline
	}
}

func (o *observer) Ended(sd reaper.Shutdown) {
	if o.off {
		return
	}
	defer o.guard()
	faultpoint.Here("Ended")
	ev := event.New(event.TypeShutdown).(*event.Shutdown)
	ev.Reason, ev.Status, ev.TookMS = sd.Reason, sd.Status, sd.Took.Milliseconds()
	for _, s := range sd.Survivors {
		sv := event.Survivor{ID: event.ID{PID: s.PID, Start: s.Start}, Comm: s.Comm, Cmdline: s.Cmdline, Outcome: s.Outcome}
		for _, sent := range s.Signals {
			sv.Signals = append(sv.Signals, event.Sent{Signal: siginfo.Name(sent.Signal), TS: sent.Time})
		}
		ev.Survivors = append(ev.Survivors, sv)
	}
	o.journal.Append(ev)
}

// farewell tells of the last who died.
func (o *observer) farewell() {
	if o.off {
		return
	}
	defer o.guard()
	faultpoint.Here("farewell")
	o.table.Farewell()
}

// emit takes the table's events into the journal.
func (o *observer) emit(ev event.Event) {
	switch e := ev.(type) {
	case *event.Exit:
		switch {
		case e.Signal == "SIGKILL" && o.oom.victim(time.Now()):
			e.OOM = oomProbable
		case !e.Known():
			o.oom.check(time.Now())
		}
	case *event.Start, *event.Zombie, *event.ZombieGone:
		o.poke()
	}
	o.journal.Append(ev)
}

func ended(d reaper.Death) event.Ended {
	if d.Signal != 0 {
		return event.Ended{Code: event.Unknown, Signal: siginfo.Name(d.Signal), Core: d.Core}
	}
	return event.Ended{Code: d.Code}
}

func rusage(u *unix.Rusage) *event.Rusage {
	return &event.Rusage{
		UtimeMS: milliseconds(u.Utime), StimeMS: milliseconds(u.Stime), MaxRSSKB: u.Maxrss,
		Minflt: u.Minflt, Majflt: u.Majflt, Nvcsw: u.Nvcsw, Nivcsw: u.Nivcsw,
	}
}

func milliseconds(tv unix.Timeval) float64 {
	return float64(tv.Nano()/int64(time.Microsecond)) / 1000
}
