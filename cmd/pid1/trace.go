package main

import (
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"pid1/inspect"
	"pid1/reaper"
)

// The ways processes are observed, as --trace and hello name them.
const (
	traceAuto   = "auto"
	traceSample = "sample"
	traceExact  = "exact"
	traceOff    = "off"
)

// tracer is how processes are observed: what was asked for, as far as the kernel
// agrees.
type tracer struct {
	mode   atomic.Pointer[string] // in force
	source inspect.Source         // nil: only what dies is looked at
	filter *reaper.Filter         // for exact
	why    atomic.Pointer[error]  // why it is not exact
}

// exactness says for hello whether processes are traced exactly, and why not.
func (t *tracer) exactness() string {
	if *t.mode.Load() == traceExact {
		return "yes"
	}
	if why := t.why.Load(); why != nil {
		return (*why).Error()
	}
	return "not asked for"
}

func (t *tracer) set(mode string, source inspect.Source) {
	t.mode.Store(&mode)
	t.source = source
}

// newTracer chooses. path is where programs are.
func newTracer(want, role string, table *inspect.Table, path string, log *slog.Logger) *tracer {
	t := &tracer{}
	sample := func() { t.set(traceSample, inspect.Sample(path)) }
	switch want {
	case traceOff:
		t.set(traceOff, nil)
		return t
	case traceSample:
		sample()
		return t
	}
	asked := want == traceExact
	free := noNewPrivs() || mayAdmin()
	sample()
	if !asked && !free {
		t.why.Store(&errNotFree)
		return t
	}
	refused := func(err error) {
		sample()
		t.why.Store(&err)
		if asked {
			log.Warn("cannot trace exactly: processes are sampled", "error", err)
		}
	}
	if role != "init" {
		refused(errNotInit)
		return t
	}
	exact, err := inspect.NewExact(table, path)
	if err != nil {
		refused(err)
		return t
	}
	t.set(traceExact, exact)
	// One more, so that whoever waits for an answer does not wait for clients.
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	prewarm(threads)
	t.filter = &reaper.Filter{
		Program:    exact.Program(),
		NoNewPrivs: asked,
		Listener: func(fd int) {
			exact.Listen(fd)
			if asked && !free {
				log.Warn("--trace exact sets no_new_privs: sudo, su, other setuid programs and file capabilities do not work below pid1")
			}
		},
		Refused: refused,
	}
	return t
}

// errNotFree is why auto does not trace exactly.
var errNotFree = errors.New("it would set no_new_privs: ask for it with --trace exact")

// errNotInit is why a subreaper does not trace exactly.
var errNotInit = errors.New("pid1 is not PID 1: processes that live longer than pid1 could neither execute anything nor end")

// noNewPrivs reports whether no_new_privs is set already, prctl(2).
func noNewPrivs() bool {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && set == 1
}

// mayAdmin reports whether this process has CAP_SYS_ADMIN, with which a seccomp
// filter needs no no_new_privs, seccomp(2).
func mayAdmin() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&head, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}
