package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pid1/client"
	"pid1/event"
)

// outside is all that comes to a pid1 from without.
type outside struct {
	pid     int
	socket  string
	ledger  *os.File
	fast    time.Duration // between two clients
	wg      sync.WaitGroup
	clients atomic.Uint64
	execs   atomic.Uint64
	signals atomic.Uint64
	queued  atomic.Uint64 // of these, real-time signals, none of which may be lost
}

// run torments pid1 until the end of ctx.
func (o *outside) run(ctx context.Context) {
	defer o.wg.Wait()
	visit, poke, enter := time.NewTicker(o.fast), time.NewTicker(5*o.fast/2), time.NewTicker(7*o.fast)
	defer visit.Stop()
	defer poke.Stop()
	defer enter.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-visit.C:
			o.wg.Go(func() { o.visit(ctx) })
		case <-poke.C:
			o.signal()
		case <-enter.C:
			o.wg.Go(func() { o.session(ctx) })
		}
	}
}

func (o *outside) signal() {
	sig := others[rand.IntN(len(others))].(syscall.Signal)
	if syscall.Kill(o.pid, sig) == nil {
		o.signals.Add(1)
		if sig > 32 {
			o.queued.Add(1)
		}
	}
}

// session is what docker exec does: a shell from outside, which leaves a process.
func (o *outside) session(ctx context.Context) {
	args := []string{"-t", strconv.Itoa(o.pid), "-p", "-m"}
	if os.Geteuid() != 0 {
		args = append(args, "-U", "--preserve-credentials")
	}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, "sh", "-c", tell+"( ( tell s 6; sleep 0.1; exit 6 ) & )")...)
	cmd.ExtraFiles = []*os.File{o.ledger}
	if cmd.Run() == nil {
		o.execs.Add(1)
	}
}

// visit is a client of one of the kinds there are.
func (o *outside) visit(ctx context.Context) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", o.socket)
	if err != nil {
		return // there may be as many as pid1 admits
	}
	o.clients.Add(1)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(15 * o.fast))
	switch rand.IntN(6) {
	case 0: // it vanishes
	case 1: // it stalls: it asks for all and reads nothing
		_, _ = io.WriteString(conn, `{"op":"subscribe","since":0}`+"\n")
		<-after(ctx, 10*o.fast)
	case 2: // it reads slowly
		var b [64]byte
		for range 100 {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
			<-after(ctx, o.fast/10)
		}
	case 3: // garbage
		_, _ = io.WriteString(conn, "\x00\xff{{{\n[]\n{\"op\":7}\n"+strings.Repeat("x", 300)+"\n")
		_, _ = io.CopyN(io.Discard, conn, 2000)
	case 4: // a line without an end
		text := strings.Repeat("x", 64<<10)
		for range 16 {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		}
	case 5: // it asks
		_, _ = io.WriteString(conn, `{"op":"processes"}`+"\n"+`{"op":"inspect","pid":2}`+"\n"+`{"op":"stats"}`+"\n")
		_, _ = io.CopyN(io.Discard, conn, 4000)
	}
}

// after is closed after d, or with the end of ctx.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	c, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(c, cancel)
	return c.Done()
}

// follower is the reader that misses nothing.
type follower struct {
	conn *client.Conn
	mu   sync.Mutex // guards the following
	told counts
	done chan error
}

// counts are what a follower read.
type counts struct {
	events, lost, reaps uint64
	last                uint64 // seq
	holes               uint64
	processes           int   // at the last stats; 0: none were told
	zombie              int64 // the longest that a dead orphan waited, in ms, since it was last asked
}

func follow(ctx context.Context, socket string) (*follower, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := client.Dial(ctx, socket, event.Request{Op: event.OpSubscribe})
		if err == nil {
			f := &follower{conn: conn, done: make(chan error, 1)}
			go func() { f.done <- f.run() }()
			return f, nil
		}
		if ctx.Err() != nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("cannot follow the feed: %w", err)
		}
		<-after(ctx, 5*time.Millisecond)
	}
}

func (f *follower) run() error {
	for {
		ev, err := f.conn.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		f.mu.Lock()
		f.told.add(ev)
		f.mu.Unlock()
	}
}

func (c *counts) add(ev event.Event) {
	h := ev.Header()
	if h.Type.Numbered() {
		c.events++
		if h.Seq != c.last+1 {
			c.holes++
		}
		c.last = h.Seq
	}
	switch e := ev.(type) {
	case *event.Gap:
		c.lost += e.Lost
	case *event.Stats:
		c.processes = e.Processes
	case *event.Reap:
		c.reaps++
		if e.Code != leaked {
			c.zombie = max(c.zombie, e.ZombieMS)
		}
	}
}

// leaked is the status of those who were zombies before pid1 could reap them.
const leaked = 5

// take returns the counts, and begins anew with the longest wait.
func (f *follower) take() counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.told
	f.told.zombie = 0
	return c
}
