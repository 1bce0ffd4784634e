package inspect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// connectorAnswer is how long the kernel may take to answer. It does so at once,
	// or not at all: outside the initial namespaces it drops the request.
	connectorAnswer = 100 * time.Millisecond
	// connectorBuffer is what may wait to be read, in bytes: some 10,000 events.
	connectorBuffer = 8 << 20
	// maxDying is how many of the dead are looked at until they are reaped. Before
	// there are more, the oldest are left to the sweeps.
	maxDying = 256
	// dyingSlowest is the longest pause between two looks at one of them.
	dyingSlowest = 500 * time.Millisecond
)

// Connector is the source that the kernel tells of every fork, exec and exit: the
// process connector (netlink(7), NETLINK_CONNECTOR; Linux 2.6.15). It makes known who
// created a process and how it ended, whoever reaps it.
type Connector struct {
	f    *os.File
	raw  syscall.RawConn
	buf  [64 << 10]byte
	told bool // that something was lost
}

// OpenConnector asks the kernel to tell. That takes the initial user, PID and network
// namespaces: a host, or a container that shares all of these with it; before Linux
// 6.6 CAP_NET_ADMIN as well. The error says what is missing. Run or Close lets go.
func OpenConnector() (*Connector, error) {
	fail := func(err error) (*Connector, error) {
		return nil, fmt.Errorf("cannot use the process connector: %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return fail(fmt.Errorf("this kernel has none, or not in this network namespace: %w", err))
	}
	if err != nil {
		return fail(err)
	}
	c := &Connector{f: os.NewFile(uintptr(fd), "connector")}
	if c.raw, err = c.f.SyscallConn(); err == nil {
		err = c.listen(fd)
	}
	if err != nil {
		_ = c.f.Close()
		return fail(err)
	}
	return c, nil
}

func (c *Connector) listen(fd int) error {
	// It takes a capability to have more than the usual, and less will do.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, connectorBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, connectorBuffer)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnProc}); err != nil {
		return fmt.Errorf("it takes CAP_NET_ADMIN: %w", err)
	}
	if err := unix.Sendto(fd, procRequest(procListen), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for end := time.Now().Add(connectorAnswer); ; {
		answered, errno := false, 0
		err := c.read(end, func(ev procEvent) {
			if ev.what == procNone {
				answered, errno = true, ev.code
			}
		})
		switch {
		case answered && errno != 0:
			return fmt.Errorf("it takes CAP_NET_ADMIN on the host: %w", unix.Errno(errno))
		case answered:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errors.New("the kernel does not answer: it tells in the initial user and PID namespaces only")
		case err != nil && err != unix.ENOBUFS:
			return err
		}
	}
}

// Name is "connector".
func (c *Connector) Name() string { return "connector" }

// Close lets go of a Connector that is not run.
func (c *Connector) Close() error { return c.f.Close() }

// read waits for a datagram of the kernel's until the given time. ENOBUFS says that
// some were lost.
func (c *Connector) read(until time.Time, take func(procEvent)) error {
	if err := c.f.SetReadDeadline(until); err != nil {
		return err
	}
	var n int
	var from unix.Sockaddr
	var err error
	if werr := c.raw.Read(func(fd uintptr) bool {
		n, from, err = unix.Recvfrom(int(fd), c.buf[:], 0)
		return err != unix.EAGAIN && err != unix.EINTR
	}); werr != nil {
		return werr
	}
	if err != nil {
		return err
	}
	// Anybody may send to this socket; the kernel is port 0.
	if nl, ok := from.(*unix.SockaddrNetlink); ok && nl.Pid == 0 {
		parseProcEvents(c.buf[:n], take)
	}
	return nil
}

// Run observes until ctx ends. It closes the Connector.
func (c *Connector) Run(ctx context.Context, t *Table) (err error) {
	defer c.f.Close()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot go on: %v", p)
		}
		if ctx.Err() != nil {
			err = nil
		}
		if err != nil {
			t.tellSource(c.Name(), "off", err.Error())
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = c.f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	t.isTold(true)
	defer t.isTold(false)
	t.tellSource(c.Name(), "on", "")
	run := connecting{c: c, t: t, l: &t.look}
	for ctx.Err() == nil {
		if err := run.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connecting is one run of a Connector.
type connecting struct {
	c     *Connector
	t     *Table
	l     *looker
	next  time.Time // of the next sweep
	soon  time.Time // when there may be one
	dying []dying
}

// dying is a process that has ended and is looked at until it is reaped.
type dying struct {
	pid   int
	pause time.Duration
	next  time.Time
}

// step does what is due, and reads once.
func (r *connecting) step(ctx context.Context) error {
	now := time.Now()
	if !now.Before(r.next) {
		if err := r.t.Sweep(); err != nil {
			return err
		}
		swept := time.Now()
		cost := sweepShare * swept.Sub(now)
		r.soon, r.next = swept.Add(max(sweepSoonest, cost)), swept.Add(max(sweepEvery, cost))
	}
	until := r.bury(time.Now())
	if ctx.Err() != nil {
		return nil
	}
	switch err := r.c.read(until, r.take); {
	case err == unix.ENOBUFS:
		if !r.c.told {
			r.c.told = true
			r.t.tellSource(r.c.Name(), "on", "some of what the kernel told came too fast to be read; a look at all processes makes up for it")
		}
		r.next = r.soon
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("cannot read from the process connector: %w", err)
	}
	return nil
}

// bury looks at the dead that are due, and returns when to be here again.
func (r *connecting) bury(now time.Time) time.Time {
	until := r.next
	kept := r.dying[:0]
	for _, d := range r.dying {
		if !now.Before(d.next) {
			if r.look(d.pid).start == 0 {
				continue
			}
			d.pause = min(2*d.pause, dyingSlowest)
			d.next = now.Add(d.pause)
		}
		if d.next.Before(until) {
			until = d.next
		}
		kept = append(kept, d)
	}
	r.dying = kept
	return until
}

func (r *connecting) look(pid int) seen {
	r.l.mu.Lock()
	defer r.l.mu.Unlock()
	return r.l.process(pid, notKept, 0, 0)
}

// take takes in what the kernel told. Threads come and go by the same events as
// processes: a process is the thread that has its number.
func (r *connecting) take(ev procEvent) {
	at := r.t.cfg.Clock.Boot() - r.t.monotonic() + ev.at
	switch {
	case ev.what == procFork && ev.pid == ev.tgid:
		r.look(ev.pid)
		r.t.created(ev.pid, ev.parent, at)
	case ev.what == procExec:
		r.t.execed(ev.tgid, at)
		r.look(ev.tgid)
	case ev.what == procExit:
		r.t.exited(ev.tgid, ev.pid == ev.tgid, ev.code, at)
		if ev.pid == ev.tgid {
			r.dying = slices.Delete(r.dying, 0, max(0, len(r.dying)+1-maxDying))
			r.dying = append(r.dying, dying{ev.pid, glance, time.Now().Add(glance)})
		}
	}
}
