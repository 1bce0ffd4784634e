package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"pid1/client"
	"pid1/event"
	"pid1/internal/world"
)

// snapshotWithin bounds how long a text command waits for the feed.
const snapshotWithin = 10 * time.Second

// tries is how often the process table is asked for when pid1 says it is busy.
const tries = 5

// noFeed gives the error of client.Find the status of "no feed", and says what to
// do.
func noFeed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, client.ErrNoFeed) {
		err = fmt.Errorf("%w; run it in a container whose init is pid1, or name the socket by --socket or PID1_SOCKET", err)
	}
	return &exit{statusNoFeed, err}
}

// find connects to the feed.
func (a *app) find(ctx context.Context, requests ...event.Request) (*client.Conn, error) {
	if a.local {
		l, err := a.here()
		if err != nil {
			return nil, err
		}
		return l.dial(ctx, requests...)
	}
	path := a.socket
	if path == "" {
		path = a.env[event.SocketEnv]
	}
	c, err := client.Find(ctx, path, requests...)
	if err != nil {
		return nil, noFeed(err)
	}
	return c, nil
}

// snapshot reads the history, then the processes, and returns the world that
// follows from them and the time it is valid at.
func (a *app) snapshot(ctx context.Context) (*world.World, time.Time, error) {
	w, now, err := a.present(ctx)
	if a.local && err == nil && w.ZombieCount(now) > 0 {
		// They were seen for the first time just now.
		if err := pause(ctx, localLook); err != nil {
			return nil, time.Time{}, err
		}
		return a.present(ctx)
	}
	return w, now, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// present is a snapshot for who does not judge.
func (a *app) present(ctx context.Context) (*world.World, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
	defer cancel()
	// Asked for at once and alone: what comes first is the history.
	c, err := a.find(ctx, event.Request{Op: event.OpSubscribe, ID: "history"})
	if err != nil {
		return nil, time.Time{}, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()

	w := world.New()
	if err := fill(w, c); err != nil {
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = fmt.Errorf("it was not all there after %v", snapshotWithin)
		} else if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, time.Time{}, fmt.Errorf("cannot read the feed at %s: %w", c.Path(), err)
	}
	return w, time.Now(), nil
}

// fill applies what c sends until w is complete.
func fill(w *world.World, c *client.Conn) error {
	w.Apply(c.Hello(), time.Now())
	last := c.Hello().LastSeq
	asked, stats := 0, false
	ask := func() error {
		asked++
		return c.Send(event.Request{Op: event.OpProcesses, ID: "now"})
	}
	for {
		// The table is asked for after the history, so that nothing of the
		// history comes after it and undoes it.
		if asked == 0 && w.LastSeq() >= last {
			if err := c.Send(event.Request{Op: event.OpStats}); err != nil {
				return err
			}
			if err := ask(); err != nil {
				return err
			}
		}
		ev, err := c.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("pid1 closed the connection")
			}
			return err
		}
		switch e := ev.(type) {
		case *event.Error:
			if e.Re != "now" {
				return errors.New(e.Message)
			}
			if asked == tries {
				return fmt.Errorf("no process table: %s", e.Message)
			}
			time.Sleep(100 * time.Millisecond)
			if err := ask(); err != nil {
				return err
			}
			continue
		case *event.Stats:
			stats = true
		}
		w.Apply(ev, time.Now())
		if asked > 0 && !w.NeedRows() && stats {
			return nil
		}
	}
}
