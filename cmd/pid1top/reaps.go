package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// reapsOptions are the flags of reaps.
type reapsOptions struct {
	json, follow, failed bool
	since                span
}

func (a *app) reapsCommand() *cobra.Command {
	var o reapsOptions
	c := &cobra.Command{
		Use: "reaps [FILE]", Short: "Print what pid1 reaped, oldest first; from FILE, a recording, if one is given",
		Args: oneArgument,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ctx := cmd.Context()
			switch {
			case len(args) > 0:
				err = a.recordedReaps(ctx, args[0], &o)
			case a.local:
				return &exit{statusNoFeed, errNoReaps}
			default:
				err = a.liveReaps(ctx, &o)
			}
			if ctx.Err() != nil {
				return nil // the user has seen enough
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "print the feed's own lines")
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what is reaped from now on")
	f.BoolVar(&o.failed, "failed", false, "only what ended by a signal or a status other than 0")
	f.Var(&o.since, "since", "only what was reaped in the last `D` (90s, 10m, 2h; a plain number is seconds), of a recording its last D")
	return c
}

// span is a duration on the command line; a plain number is seconds. Zero: none
// was given.
type span struct {
	d     time.Duration
	given bool
}

func (s *span) String() string {
	if !s.given {
		return ""
	}
	return s.d.String()
}

func (s *span) Type() string { return "duration" }

func (s *span) Set(v string) error {
	if sec, err := strconv.ParseFloat(v, 64); err == nil {
		v = strconv.FormatFloat(sec, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return errors.New("it is no duration such as 90s, 10m or 2h")
	}
	s.d, s.given = d, true
	return nil
}

// stream is where lines come from: a client.Conn, or the tail of a recording.
type stream interface {
	Next() (event.Event, error) // io.EOF: there is no more
	Line() []byte               // of the event that Next returned last
	Buffered() bool             // Next will not wait
}

// liveReaps prints the feed's history, and with --follow goes on until the feed
// ends. All types are subscribed to, since only then the end of the history is to
// be seen.
func (a *app) liveReaps(ctx context.Context, o *reapsOptions) error {
	c, err := a.find(ctx, event.Request{Op: event.OpSubscribe})
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	h := c.Hello()
	until := h.LastSeq
	if o.follow {
		until = math.MaxUint64
	}
	err = a.reaps(c, o, h.TS.Add(-o.since.d), until) // by pid1's clock
	if errors.Is(err, io.EOF) && o.follow {
		return &exit{statusNoFeed, errors.New("the feed ended: pid1 closed the connection")}
	}
	if err != nil {
		return fmt.Errorf("cannot read the feed at %s: %w", c.Path(), err)
	}
	return nil
}

// reaps prints the reaps of in that are not older than oldest, until the event
// with number until was seen.
func (a *app) reaps(in stream, o *reapsOptions, oldest time.Time, until uint64) error {
	p := a.page()
	p.reapTitles(o)
	for seen := uint64(0); seen < until; {
		// What is there is printed before waiting for more.
		if p.Len() > 1<<16 || p.Len() > 0 && o.follow && !in.Buffered() {
			if err := a.print(p); err != nil {
				return err
			}
		}
		ev, err := in.Next()
		if err != nil {
			return errors.Join(err, a.print(p))
		}
		seen = max(seen, ev.Header().Seq)
		switch e := ev.(type) {
		case *event.Gap:
			seen = max(seen, e.ToSeq)
			fmt.Fprintf(a.err, "pid1top: %d events were lost\n", e.Lost)
		case *event.Error:
			return errors.New(clean(e.Message))
		case *event.Reap:
			if o.failed && !e.Failed() || o.since.given && e.TS.Before(oldest) {
				continue
			}
			if o.json {
				p.Write(escape(in.Line()))
			} else {
				p.reap(e, time.Local)
			}
		}
	}
	return a.print(p)
}

// reapFormat aligns a log that cannot wait for its widest line.
const reapFormat = "%s %-12s %7s %-22s %7s %6s %-9s %s"

func (p *page) reapTitles(o *reapsOptions) {
	if o.json {
		return
	}
	p.line(bold, reapFormat, " ", "TIME", "PID", "ORIGIN", "LIFE", "CPU", "STATUS", "COMMAND")
}

func (p *page) reap(e *event.Reap, zone *time.Location) {
	mark, look := " ", ""
	if e.Failed() {
		mark, look = "x", red
	}
	cpu := "-"
	if u := e.Rusage; u != nil {
		cpu = strconv.FormatFloat((u.UtimeMS+u.StimeMS)/1000, 'f', 2, 64)
	}
	origin := cut(originText(e.Origin), 22, p.mark())
	origin += strings.Repeat(" ", max(0, 22-cells(origin)))
	status := world.Status(e.Ended)
	if e.OOM != "" {
		status += " oom"
	}
	p.line(look, reapFormat, mark, e.TS.In(zone).Format("15:04:05.000"), strconv.Itoa(e.PID),
		origin, lifetime(e.LifetimeMS), cpu, clean(status), commandLine(e.Comm, e.Cmdline)+reapNotes(e))
}

// originText names the parent that created a process, and how well it is known.
func originText(o *event.Proc) string {
	switch {
	case o == nil:
		return "? (unseen)"
	case o.How == event.HowInferred:
		return clean(doctor.Name(*o)) + "?"
	}
	return clean(doctor.Name(*o))
}

func lifetime(ms int64) string {
	if ms < 0 {
		return "?"
	}
	d := time.Duration(ms) * time.Millisecond
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + "s"
	}
	return doctor.Age(d)
}

func reapNotes(e *event.Reap) string {
	switch {
	case e.Main:
		return " (main process)"
	case e.ExecSession:
		return " (exec session)"
	}
	return ""
}
