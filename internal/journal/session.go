package journal

import (
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/faultpoint"
)

const (
	// graceForRequest is how long a client has to ask for something before it is
	// sent everything, so that nc is enough to read the feed.
	graceForRequest = 100 * time.Millisecond

	// lastCall is how much longer it has when that time is over: where pid1 itself was
	// stopped meanwhile, the request may be there and only not have been read.
	lastCall = 10 * time.Millisecond

	// statsEvery is how often there is a stats event while somebody listens and
	// something changes, statsAtLeast how often there is one anyway.
	statsEvery   = time.Second
	statsAtLeast = 10 * time.Second

	// sendBuffer is what the kernel may hold for a client (it doubles it). What
	// a slow one has not read is better kept once, in the ring.
	sendBuffer = 64 << 10

	// tablePatience is how long a client may take nothing while it is sent the
	// process table before it loses the rest of it.
	tablePatience = 5 * time.Second
)

// session is one client: a goroutine that reads what it asks (listen) and one
// that alone writes to it (serve).
type session struct {
	s     *Server
	conn  *net.UnixConn
	raw   syscall.RawConn
	asked chan asked    // closed when the client will ask nothing more
	done  chan struct{} // closed when serve is over

	// stuck is when the write now under way began, in ns since 1970; 0: none is.
	stuck atomic.Int64

	// For serve alone.
	sub    *Reader // nil: nothing is subscribed to
	stats  bool    // stats are subscribed to
	tick   *time.Timer
	chunk  []byte // of a process table
	send   func(fd uintptr) bool
	out    []byte // for send: what is left
	outErr error  // for send: why it stopped
}

func newSession(s *Server, conn *net.UnixConn) (*session, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	_ = conn.SetWriteBuffer(sendBuffer) // a wish
	c := &session{s: s, conn: conn, raw: raw, asked: make(chan asked), done: make(chan struct{})}
	c.send = c.sendSome
	return c, nil
}

// start runs the session. The caller holds Server.mu.
func (c *session) start() {
	c.s.wg.Add(2)
	go c.guard(c.listen, func() { close(c.asked) })
	go c.guard(c.serve, func() {
		close(c.done)
		_ = c.conn.Close()
		c.s.left(c)
	})
}

// guard runs one of the session's goroutines. A panic there is the end of the
// session and of nothing else.
func (c *session) guard(run, end func()) {
	defer c.s.wg.Done()
	defer end()
	defer func() {
		if p := recover(); p != nil {
			_ = c.conn.Close()
			c.s.warn(fmt.Errorf("cannot go on serving a client: %v", p))
		}
	}()
	run()
}

// listen hands on what the client asks, until there is no more.
func (c *session) listen() {
	faultpoint.Here("listen")
	r := newRequests(c.conn)
	for {
		a, err := r.next()
		if err != nil {
			return
		}
		if wait := r.early(time.Now()); wait > 0 && !c.rest(wait) {
			return
		}
		select {
		case c.asked <- a:
		case <-c.done:
			return
		}
		if a.leave {
			return
		}
	}
}

func (c *session) rest(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.done:
		return false
	}
}

// serve says hello, then answers and streams until the client is gone or the
// server closes.
func (c *session) serve() {
	faultpoint.Here("serve")
	if c.write(c.hello()) != nil {
		return
	}
	c.tick = time.NewTimer(time.Hour)
	c.tick.Stop()
	defer c.tick.Stop()
	silent := time.NewTimer(c.s.cfg.grace)
	defer silent.Stop()
	asked, heard, called := c.asked, false, false
	for {
		more, err := c.stream()
		if err != nil {
			return
		}
		select {
		case a, ok := <-asked:
			silent.Stop()
			if ok {
				heard, err = true, c.answer(a)
				break
			}
			// It has no more to ask. If it has not asked anything and is still
			// there, it is there to read (nc -N </dev/null).
			asked = nil
			if c.sub == nil && !heard {
				_, err = c.subscribe(&event.Request{})
			}
			if c.sub == nil || c.gone() {
				return
			}
		case <-silent.C:
			if !called {
				called = true
				silent.Reset(lastCall)
				break
			}
			_, err = c.subscribe(&event.Request{})
		case <-more:
		case <-c.tick.C:
			c.tick.Reset(statsEvery)
			if asked == nil && c.gone() {
				return
			}
			if c.stats {
				c.s.answers.tellStats(c.s.Clients())
			}
		case <-c.s.closing:
			c.finish()
			return
		}
		if err != nil {
			return
		}
	}
}

// ready is what stream returns when there may be more at once.
var ready = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// stream sends the next lines of the subscription and returns what to wait for
// before the next ones.
func (c *session) stream() (<-chan struct{}, error) {
	if c.sub == nil {
		return nil, nil
	}
	if lines := c.sub.Next(); len(lines) > 0 {
		return ready, c.write(lines)
	}
	changed := c.sub.Changed()
	if lines := c.sub.Next(); len(lines) > 0 {
		return ready, c.write(lines)
	}
	return changed, nil
}

func (c *session) hello() []byte {
	h := event.New(event.TypeHello).(*event.Hello)
	if c.s.cfg.Hello != nil {
		*h = *c.s.cfg.Hello()
	}
	n := c.s.j.Counts()
	h.Type, h.Seq, h.TS, h.FirstSeq, h.LastSeq = event.TypeHello, 0, c.s.j.now(), n.First, n.Last
	line := event.Append(nil, h)
	if len(line) > MaxLine {
		line, _, _ = shorten(nil, h)
	}
	return line
}

// answer does what was asked. The error is the connection's.
func (c *session) answer(a asked) error {
	err := a.err
	if err == nil {
		switch a.Op {
		case event.OpSubscribe:
			var next uint64
			if next, err = c.subscribe(&a.Request); err == nil {
				return c.write(c.subscribed(a.ID, next))
			}
		case event.OpStats:
			return c.write(c.s.answers.statsLine(nil, c.s.Clients()))
		case event.OpInspect:
			var line []byte
			if line, err = c.s.answers.inspect(a.PID, a.ID); err == nil {
				return c.write(line)
			}
		case event.OpProcesses:
			var t *table
			if t, err = c.s.answers.table(); err == nil {
				return c.sendTable(t, a.ID)
			}
		}
	}
	if werr := c.write(errorLine(c.s.j, a.ID, err)); werr != nil || !a.leave {
		return werr
	}
	return err
}

// subscribe puts the cursor where the request says and returns the first event
// that can follow.
func (c *session) subscribe(q *event.Request) (next uint64, err error) {
	n := c.s.j.Counts()
	after := max(n.First, 1) - 1
	switch {
	case q.Now:
		after = n.Last
	case q.Since != nil:
		after = *q.Since
	}
	if after > n.Last {
		return 0, fmt.Errorf("cannot begin after event %d: the newest is %d", after, n.Last)
	}
	if c.sub == nil {
		c.sub = c.s.j.NewReader(after, q.Types...)
	} else {
		c.sub.Reset(after, q.Types...)
	}
	c.stats = len(q.Types) == 0 || slices.Contains(q.Types, event.TypeStats)
	c.tick.Reset(statsEvery)
	return max(after+1, n.First), nil
}

func (c *session) subscribed(re string, next uint64) []byte {
	s := event.New(event.TypeSubscribed).(*event.Subscribed)
	s.TS, s.Re, s.NextSeq = c.s.j.now(), re, next
	return event.Append(nil, s)
}

// finish sends what is left of the subscription and waits for the client to take
// it, as long as it does take some. Server.Close has set the deadline.
func (c *session) finish() {
	if c.sub == nil {
		return
	}
	for {
		lines := c.sub.Next()
		if len(lines) == 0 {
			break
		}
		if c.write(lines) != nil {
			return
		}
	}
	const look, lazy = 2 * time.Millisecond, 25 // looks without progress
	end := time.Now().Add(farewell)
	for left, same := c.unread(), 0; left > 0 && same < lazy && time.Now().Before(end); same++ {
		time.Sleep(look)
		if now := c.unread(); now != left {
			left, same = now, 0
		}
	}
}

// unread returns how much of what was sent the client has not read, by
// SIOCOUTQ, see unix(7); 0 where the kernel does not tell.
func (c *session) unread() (n int) {
	_ = c.raw.Control(func(fd uintptr) {
		var err error
		if n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err != nil {
			n = 0
		}
	})
	return n
}

// gone reports whether the client has closed the connection, and not only its
// own direction of it.
func (c *session) gone() bool {
	there := false
	_ = c.raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(fds, 0)
		there = err != nil || fds[0].Revents&(unix.POLLHUP|unix.POLLERR) == 0
	})
	return !there
}

// write sends all of b. It waits in the runtime's poller, for as long as it
// takes: a client that is stopped and continues has its place, and a gap where it
// was away too long. See Server.dismiss for when it has not.
func (c *session) write(b []byte) error {
	c.stuck.Store(time.Now().UnixNano())
	defer c.stuck.Store(0)
	c.out, c.outErr = b, nil
	if err := c.raw.Write(c.send); err != nil {
		return err
	}
	return c.outErr
}

// sendSome is write's look at the socket; false: wait until it takes more. A
// plain write(2) would raise SIGPIPE when the client is gone, and pid1 would take
// that for a signal to forward.
func (c *session) sendSome(fd uintptr) bool {
	for len(c.out) > 0 {
		n, err := unix.SendmsgN(int(fd), c.out, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch err {
		case nil:
			c.out = c.out[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			c.outErr = err
			return true
		}
	}
	return true
}
