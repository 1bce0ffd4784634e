package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"pid1/client"
	"pid1/event"
)

func (a *app) recordCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "record -o FILE",
		Short: "Save the feed to FILE, history first, until interrupted or pid1 ends",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return usage("record needs -o FILE")
			}
			return a.record(cmd.Context(), path)
		},
	}
	c.Flags().StringVarP(&path, "output", "o", "", "`FILE` to make, with mode 0600; - is standard output")
	return c
}

// record saves what the feed sends, and the processes there are: what started
// before the history begins is known from these alone.
func (a *app) record(ctx context.Context, path string) (err error) {
	c, err := a.find(ctx, event.Request{Op: event.OpSubscribe, ID: "record"})
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()

	out, done, err := a.createRecording(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if _, err := out.Write(event.Append(nil, c.Hello())); err != nil {
		return err
	}
	ended, err := save(out, c)
	if ended || err != nil && ctx.Err() == nil {
		return err
	}
	end := event.New(event.TypeEnd).(*event.End)
	end.TS, end.Reason = time.Now(), event.EndStopped
	_, err = out.Write(event.Append(nil, end))
	return err
}

// createRecording makes the file. One that is there is not written over: it may be
// the only recording of what went wrong.
func (a *app) createRecording(path string) (io.Writer, func() error, error) {
	if path == "-" {
		return a.out, func() error { return nil }, nil
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		flags = os.O_WRONLY // a pipe, a device
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot record: %w", err)
	}
	return f, f.Close, nil
}

// save writes the lines of c as they come. ended reports whether the feed's own end
// was among them; the feed ending without it is an error.
func save(out io.Writer, c *client.Conn) (ended bool, err error) {
	const id = "record"
	var buf []byte
	last, asked := c.Hello().LastSeq, false
	for seen := uint64(0); ; {
		if seen >= last && !asked {
			asked = true
			// An error here is one of the connection, which Next tells.
			_ = c.Send(event.Request{Op: event.OpProcesses, ID: id})
		}
		if len(buf) > 1<<16 || len(buf) > 0 && !c.Buffered() {
			if _, err := out.Write(buf); err != nil {
				return false, fmt.Errorf("cannot record: %w", err)
			}
			buf = buf[:0]
		}
		ev, err := c.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("pid1 closed the connection")
			}
			if ended {
				err = nil
			}
			_, werr := out.Write(buf)
			return ended, errors.Join(err, werr)
		}
		switch e := ev.(type) {
		case *event.Subscribed, *event.Error:
			continue
		case *event.Gap:
			seen = max(seen, e.ToSeq)
		case *event.End:
			ended = true
		}
		seen = max(seen, ev.Header().Seq)
		buf = append(buf, c.Line()...)
	}
}
