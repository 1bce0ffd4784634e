package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"pid1/event"
)

// State is how a Follower stands to its feed.
type State int

// The states. A Follower begins with Connecting and then changes between Live and
// Lost.
const (
	Connecting State = iota // for the first time
	Live                    // what happens arrives
	Lost                    // the connection ended; trying again
)

// String returns the state in a word.
func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Live:
		return "live"
	case Lost:
		return "lost"
	}
	return "unknown"
}

// Update is an event, or, where Event is nil, a change of state.
type Update struct {
	State State

	Event event.Event
	Line  []byte // the event's line, newline included; valid until handle returns
	More  bool   // another line is there already

	// With Live: who pid1 is, and where the feed is. Resumed says that it is the
	// pid1 of before and that its events go on after the last one seen, with a
	// gap event where that was too long ago. Otherwise what was known is void.
	Hello   *event.Hello
	Path    string
	Resumed bool

	// With Lost: why, and how long until the next try.
	Err   error
	Retry time.Duration
}

// Follower reads a feed for as long as it is wanted. Set the fields before Run.
type Follower struct {
	Path string // the socket; empty: as Find finds it
	// Dial connects in a way of its own, without Path; nil: Find.
	Dial func(ctx context.Context) (*Conn, error)

	// Types are the types to subscribe to; none: all. What is not chosen makes
	// the number of the last event seen an old one, so that a gap after a
	// reconnection may count events that would not have been sent.
	Types []event.Type
	Since *uint64 // where to begin the first time, as in event.Request
	Now   bool

	// Wait keeps trying when there is no feed at first.
	Wait bool

	conn atomic.Pointer[Conn]

	hello *event.Hello // of the last connection
	seen  uint64       // last event seen of that pid1

	// For tests; 0: 100 ms and 5 s.
	firstRetry, lastRetry time.Duration
}

// ErrNotLive is Send's error while there is no connection.
var ErrNotLive = errors.New("not connected to a feed")

// followID marks our own subscription's reply. Other requests take other ids.
const followID = "follow"

// Send sends a request over the connection there is. The reply comes as updates.
func (f *Follower) Send(q event.Request) error {
	c := f.conn.Load()
	if c == nil {
		return ErrNotLive
	}
	return c.Send(q)
}

// Run follows the feed and hands every update to handle, one at a time. It
// returns the context's error when that is over, handle's when it fails, and, if
// there is no feed at first, what Find says, unless Wait is set.
func (f *Follower) Run(ctx context.Context, handle func(Update) error) error {
	first, last := f.firstRetry, f.lastRetry
	if first == 0 {
		first, last = 100*time.Millisecond, 5*time.Second
	}
	if err := handle(Update{State: Connecting}); err != nil {
		return err
	}
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	wait, ever := first, f.Wait
	for {
		live, err := f.once(ctx, handle)
		var own *handleError
		switch {
		case errors.As(err, &own):
			return own.err
		case ctx.Err() != nil:
			return ctx.Err()
		case !live && !ever:
			return err
		}
		if live {
			wait, ever = first, true
		}
		if err := handle(Update{State: Lost, Err: err, Retry: wait}); err != nil {
			return err
		}
		retry.Reset(wait)
		select {
		case <-retry.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, last)
	}
}

// handleError keeps handle's errors apart from the connection's.
type handleError struct{ err error }

func (e *handleError) Error() string { return e.err.Error() }

// once connects and reads until the connection ends. It reports whether the feed
// was live in between.
func (f *Follower) once(ctx context.Context, handle func(Update) error) (live bool, err error) {
	dial := f.Dial
	if dial == nil {
		dial = func(ctx context.Context) (*Conn, error) { return Find(ctx, f.Path) }
	}
	c, err := dial(ctx)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer func() {
		stop()
		f.conn.Store(nil)
		_ = c.Close()
	}()
	resumed, err := f.subscribe(c)
	if err != nil {
		return false, err
	}
	f.conn.Store(c)
	if err := handle(Update{State: Live, Hello: c.Hello(), Path: c.Path(), Resumed: resumed}); err != nil {
		return true, &handleError{err}
	}
	for {
		ev, err := c.Next()
		if err != nil {
			return true, fmt.Errorf("the feed at %s ended: %w", c.Path(), err)
		}
		if g, ok := ev.(*event.Gap); ok {
			f.seen = max(f.seen, g.ToSeq)
		}
		f.seen = max(f.seen, ev.Header().Seq)
		if err := handle(Update{State: Live, Event: ev, Line: c.Line(), More: c.Buffered()}); err != nil {
			return true, &handleError{err}
		}
	}
}

// subscribe asks for what comes after what was seen, if this is the pid1 that it
// was seen of, and reads up to the reply.
func (f *Follower) subscribe(c *Conn) (resumed bool, err error) {
	h := c.Hello()
	q := event.Request{Op: event.OpSubscribe, ID: followID, Types: f.Types}
	switch {
	case f.hello == nil:
		q.Since, q.Now = f.Since, f.Now
	case same(f.hello, h) && f.seen <= h.LastSeq:
		resumed = true
		q.Since = &f.seen
	}
	if err := c.Send(q); err != nil {
		return false, err
	}
	for {
		ev, err := c.Next()
		if err != nil {
			return false, fmt.Errorf("the feed at %s ended: %w", c.Path(), err)
		}
		switch e := ev.(type) {
		case *event.Error:
			if e.Re == followID {
				return false, fmt.Errorf("cannot subscribe at %s: %s", c.Path(), e.Message)
			}
		case *event.Subscribed:
			if e.Re == followID {
				f.hello = h
				if q.Since != nil {
					f.seen = *q.Since // there may be a gap before NextSeq
				} else {
					f.seen = e.NextSeq - 1
				}
				return resumed, nil
			}
		}
	}
}

// same reports whether both are of one pid1.
func same(a, b *event.Hello) bool {
	return a.PID == b.PID && a.PIDNS == b.PIDNS && a.Started.Equal(b.Started)
}
