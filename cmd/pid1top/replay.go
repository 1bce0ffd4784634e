package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"pid1/event"
	"pid1/internal/replay"
	"pid1/internal/world"
	"pid1/ui"
)

func (a *app) replayCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Open the screen on a recording; without a terminal print what it tells",
		Long: "Opens the screen on FILE, a recording of pid1 --record or of pid1top record, and\n" +
			"on FILE.1, FILE.2 … that came before it. FILE may be - for standard input.\n" +
			"Without a terminal on stdout it prints a summary and what was reaped.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("replay needs a FILE")
			}
			if err := oneArgument(cmd, args); err != nil {
				return err
			}
			rec, err := a.openRecording(args[0])
			if err != nil {
				return err
			}
			defer rec.Close()
			switch {
			case asJSON:
				return a.recordedLines(rec)
			case isTerminal(a.out):
				// Its processes may be long gone, and their PIDs others'.
				return a.show(cmd.Context(), newPlayer(rec), ui.Options{Readonly: true})
			}
			return a.recordedText(args[0], rec)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the recorded lines, those of older files first")
	return c
}

func (a *app) openRecording(path string) (*replay.Recording, error) {
	if path == "-" {
		return replay.Read(a.in)
	}
	return replay.Open(path)
}

// recordedLines prints all lines as they were recorded.
func (a *app) recordedLines(rec *replay.Recording) error {
	p := a.page()
	for i := range rec.Len() {
		line, err := rec.Line(i)
		if err != nil {
			return err
		}
		p.Write(escape(line))
		if line[len(line)-1] != '\n' {
			p.WriteByte('\n')
		}
		if p.Len() > 1<<16 {
			if err := a.print(p); err != nil {
				return err
			}
		}
	}
	return a.print(p)
}

// recordedText prints what was known at the end of the recording, and then every
// reap in it.
func (a *app) recordedText(path string, rec *replay.Recording) error {
	w := world.New()
	now, _ := rec.Span()
	in := tail{rec: rec}
	for {
		ev, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		now = rec.Time(in.next - 1)
		w.Apply(ev, now)
	}
	first, last := rec.Span()
	p := a.page()
	p.line(bold, "%s: %s to %s, %s", clean(path), first.Local().Format(time.DateTime), last.Local().Format(time.DateTime), completeness(rec, w))
	if w.Hello() != nil {
		a.summary(p, w, now)
		p.WriteByte('\n')
	}
	if err := a.print(p); err != nil {
		return err
	}
	return a.recorded(&tail{rec: rec}, &reapsOptions{}, time.Time{})
}

// completeness says how the recording ended and what is missing from it.
func completeness(rec *replay.Recording, w *world.World) string {
	s := fmt.Sprintf("%d lines", rec.Len())
	if n := w.Lost(); n > 0 {
		s += fmt.Sprintf(", %d events lost", n)
	}
	if n := rec.Damaged(); n > 0 {
		s += fmt.Sprintf(", %d damaged or cut", n)
	}
	if !rec.Ended() {
		s += ", no end: it was cut or goes on"
	}
	return s
}

// recordedReaps prints the reaps of a recording, and with --follow those that are
// still written to it.
func (a *app) recordedReaps(ctx context.Context, path string, o *reapsOptions) error {
	rec, err := a.openRecording(path)
	if err != nil {
		return err
	}
	defer rec.Close()
	_, last := rec.Span()
	in := &tail{rec: rec}
	if o.follow {
		in.ctx = ctx
	}
	return a.recorded(in, o, last.Add(-o.since.d))
}

func (a *app) recorded(in *tail, o *reapsOptions, oldest time.Time) error {
	err := a.reaps(in, o, oldest, math.MaxUint64)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// growsEvery is how often a recording is looked at for what came since.
const growsEvery = 250 * time.Millisecond

// tail reads a recording as a stream.
type tail struct {
	rec  *replay.Recording
	ctx  context.Context // until it ends more is waited for; nil: it is not
	next int
	line []byte
}

// Next implements stream. It leaves out what this version cannot read.
func (t *tail) Next() (event.Event, error) {
	for {
		if err := t.more(); err != nil {
			return nil, err
		}
		line, err := t.rec.Line(t.next)
		if err != nil {
			return nil, err
		}
		t.next++
		if ev, err := event.Decode(line); err == nil && ev != nil {
			t.line = line
			return ev, nil
		}
	}
}

// more waits until there is another line. After the end of a pid1 there may be
// another pid1.
func (t *tail) more() error {
	for t.next == t.rec.Len() {
		if t.ctx == nil {
			return io.EOF
		}
		n, err := t.rec.Grow()
		if err != nil {
			return err
		}
		if n > 0 {
			break
		}
		select {
		case <-time.After(growsEvery):
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
	return nil
}

// Line implements stream.
func (t *tail) Line() []byte { return t.line }

// Buffered implements stream.
func (t *tail) Buffered() bool { return t.next < t.rec.Len() }
