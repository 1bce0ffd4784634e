// Package client reads the feed of a running pid1: dial its socket, read the
// hello, the history and what happens from then on, and ask for the process
// table.
//
// Find and Dial give one connection, which ends when pid1 does. A Follower stays
// with the feed: it connects again and goes on after the event it saw last.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
)

const (
	// maxLine is the longest line read, in bytes. pid1 sends at most 32 KiB.
	maxLine = 1 << 20

	// helloWithin is how long a server has for its first line.
	helloWithin = 5 * time.Second
)

// Conn is a connection to a feed. Next and NextLine belong to one goroutine;
// Send and Close may be called from any.
type Conn struct {
	conn  net.Conn
	path  string
	uid   int
	hello *event.Hello

	in         *bufio.Reader
	line       []byte
	unreadable uint64

	mu sync.Mutex // one request at a time
}

// Dial connects to the socket at path and reads the hello. The requests are sent
// at once.
//
// A server that is asked nothing for 100 ms streams everything it has, as for a
// subscribe without more. So a program that wants something else says so here
// rather than by Send; after Send it may have to skip what came before the reply.
func Dial(ctx context.Context, path string, requests ...event.Request) (*Conn, error) {
	fail := func(err error) (*Conn, error) {
		return nil, fmt.Errorf("cannot read the feed at %s: %w", path, err)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return fail(bare(err))
	}
	c, err := Over(ctx, conn, path, requests...)
	if err != nil {
		return fail(err)
	}
	return c, nil
}

// Over is Dial for a connection that is there already, which it takes over. name is
// what Path returns.
func Over(ctx context.Context, conn net.Conn, name string, requests ...event.Request) (*Conn, error) {
	c := &Conn{conn: conn, path: name, uid: peer(conn), in: bufio.NewReaderSize(conn, 32<<10)}
	if err := c.greet(ctx, requests); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// greet sends requests and reads the first line.
func (c *Conn) greet(ctx context.Context, requests []event.Request) error {
	_ = c.conn.SetDeadline(time.Now().Add(helloWithin))
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// A server that turns us away closes without reading: its reason is what to
	// tell, not that we could not write.
	var werr error
	for _, q := range requests {
		if werr = c.Send(q); werr != nil {
			break
		}
	}
	ev, err := c.Next()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && werr != nil:
		return werr
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("nothing came for %v", helloWithin)
	case err != nil:
		return err
	}
	switch e := ev.(type) {
	case *event.Error:
		return fmt.Errorf("refused: %s", e.Message)
	case *event.Hello:
		c.hello = e
	default:
		return fmt.Errorf("it begins with a %s line, not with a hello", ev.Header().Type)
	}
	if !stop() {
		return ctx.Err()
	}
	return c.conn.SetDeadline(time.Time{})
}

// Hello returns the connection's first line: who pid1 is and what it has.
func (c *Conn) Hello() *event.Hello { return c.hello }

// Path returns where the feed was found.
func (c *Conn) Path() string { return c.path }

// UID returns the user who serves the feed, event.Unknown where the kernel does
// not say.
func (c *Conn) UID() int { return c.uid }

// Send sends a request. It waits as long as the server takes nothing.
func (c *Conn) Send(q event.Request) error {
	line, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("cannot send a %s request: %w", q.Op, err)
	}
	line = append(line, '\n')
	if len(line) > event.MaxRequest {
		return fmt.Errorf("cannot send a %s request: it has %d bytes, at most %d may be", q.Op, len(line), event.MaxRequest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.conn.Write(line); err != nil {
		return fmt.Errorf("cannot send a %s request: %w", q.Op, bare(err))
	}
	return nil
}

// Next returns the next line this version can read; it skips the types of later
// ones, and lines that are damaged (see Unreadable). The error is io.EOF when
// pid1 closed the connection.
func (c *Conn) Next() (event.Event, error) {
	for {
		line, err := c.NextLine()
		if err != nil {
			return nil, err
		}
		ev, err := event.Decode(line)
		switch {
		case err != nil && c.hello == nil:
			return nil, err // not a feed, or not one of this version
		case err != nil:
			c.unreadable++
		case ev != nil:
			return ev, nil
		}
	}
}

// NextLine returns the next line as it came, newline included, whatever it holds.
// It is valid until the next call of Next or NextLine.
func (c *Conn) NextLine() ([]byte, error) {
	c.line = c.line[:0]
	for {
		part, err := c.in.ReadSlice('\n')
		if err == nil && len(c.line) == 0 {
			c.line = append(c.line, part...)
			return c.line, nil
		}
		c.line = append(c.line, part...)
		switch {
		case err == nil:
			return c.line, nil
		case errors.Is(err, syscall.ECONNRESET):
			return nil, io.EOF // closed before it read all our requests
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, bare(err) // what there is of a line is none
		case len(c.line) > maxLine:
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
	}
}

// Line returns the line of the event that Next returned last, newline included.
// It is valid until the next call of Next or NextLine.
func (c *Conn) Line() []byte { return c.line }

// Buffered reports whether another line has arrived already: Next will not wait.
func (c *Conn) Buffered() bool {
	part, _ := c.in.Peek(c.in.Buffered())
	return bytes.IndexByte(part, '\n') >= 0
}

// Unreadable returns how many lines Next had to skip because they are no events.
func (c *Conn) Unreadable() uint64 { return c.unreadable }

// Close ends the connection. A Next that waits returns an error.
func (c *Conn) Close() error { return c.conn.Close() }

// peer returns the user at the other end, by SO_PEERCRED in unix(7).
func peer(conn net.Conn) int {
	uid := event.Unknown
	un, ok := conn.(*net.UnixConn)
	if !ok {
		return uid
	}
	raw, err := un.SyscallConn()
	if err != nil {
		return uid
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	return uid
}

// bare returns the errno in a net.OpError, whose other words repeat ours.
func bare(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}
