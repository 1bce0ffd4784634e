package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pid1/client"
	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

const (
	demoReady = 10 * time.Second // pid1 has so long for its feed

	// Without a terminal the demo runs for demoRuns, and if there is not enough to
	// see by then, a little longer, again and again until demoAtMost.
	demoRuns   = 3200 * time.Millisecond
	demoAgain  = 400 * time.Millisecond
	demoAtMost = 20 * time.Second
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Run a leaking demo program under pid1, in a namespace of its own, and look at it",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context()) },
	}
}

// demo runs the demo program and shows it. Whatever way it ends, no process and no
// file is left.
func (a *app) demo(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(shortTemp(), "pid1top-demo-")
	if err != nil {
		return fmt.Errorf("cannot make a folder for the demo: %w", err)
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil && rerr != nil {
			err = fmt.Errorf("cannot clean up after the demo: %w", rerr)
		}
	}()
	pid1, err := a.findPID1(ctx, dir)
	if err != nil {
		return err
	}
	d, err := startDemo(ctx, dir, pid1)
	if err != nil {
		return err
	}
	defer d.stop()

	if isTerminal(a.out) {
		return a.screen(ctx, newLive(d.socket))
	}
	a.socket = d.socket
	w, now, err := a.watchDemo(ctx, d)
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // whatever an interrupted look made of it
	case err != nil:
		return err
	}
	p := a.page()
	demoReport(p, w, now, d.where)
	return a.print(p)
}

// watchDemo lets the demo run until there is something to see: on a machine that
// is busy with other things that takes longer.
func (a *app) watchDemo(ctx context.Context, d *demo) (*world.World, time.Time, error) {
	pause := time.NewTimer(demoRuns)
	defer pause.Stop()
	for began := time.Now(); ; pause.Reset(demoAgain) {
		select {
		case <-pause.C:
		case <-d.gone:
			return nil, time.Time{}, fmt.Errorf("the demo ended early: %s", d.lastWords())
		case <-ctx.Done():
			return nil, time.Time{}, ctx.Err()
		}
		w, now, err := a.snapshot(ctx)
		if err != nil || time.Since(began) > demoAtMost {
			return w, now, err
		}
		if t := w.Findings(now); len(t) > 0 && t[0].Verdict == doctor.Leaking && w.Reaps().Len() > lately {
			return w, now, nil
		}
	}
}

// shortTemp is the folder for temporary files, or /tmp where that is so deep that
// the path of a socket in it would be too long (unix(7)).
func shortTemp() string {
	if dir := os.TempDir(); len(dir) < 70 {
		return dir
	}
	return "/tmp"
}

// findPID1 finds pid1 beside this program or in PATH. Inside pid1's own module it
// can be built: that is what go run ./cmd/pid1top demo needs.
func (a *app) findPID1(ctx context.Context, dir string) (string, error) {
	path, beside := findBeside()
	if path != "" {
		return path, nil
	}
	if exec.CommandContext(ctx, "go", "list", "pid1/cmd/pid1").Run() != nil {
		return "", fmt.Errorf("cannot find pid1 for the demo: it is neither in %s nor in PATH", beside)
	}
	fmt.Fprintln(a.err, "pid1top: building pid1 for the demo")
	path = filepath.Join(dir, "pid1")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "pid1/cmd/pid1")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build pid1 for the demo: %w: %s", err, lastLine(out))
	}
	return path, nil
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// startDemo starts pid1 with the demo program in the best surroundings there are,
// and waits for its feed.
func startDemo(ctx context.Context, dir, pid1 string) (*demo, error) {
	if err := linkActors(dir); err != nil {
		return nil, err
	}
	var refused []string
	for _, s := range surroundings() {
		d, err := s.start(dir, pid1)
		if err == nil {
			if err = d.ready(ctx); err == nil {
				return d, nil
			}
			d.stop()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		refused = append(refused, fmt.Sprintf("in %s: %v", s.name, err))
	}
	return nil, fmt.Errorf("cannot run the demo %s", strings.Join(refused, "; "))
}

// ready waits until the feed answers.
func (d *demo) ready(ctx context.Context) error {
	late := time.NewTimer(demoReady)
	defer late.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := client.Dial(ctx, d.socket, event.Request{Op: event.OpStats})
		if err == nil {
			return c.Close()
		}
		select {
		case <-again.C:
		case <-d.gone:
			return errors.New(d.lastWords())
		case <-late.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// demoReport says what the demo showed.
func demoReport(p *page, w *world.World, now time.Time, where string) {
	p.line(bold, "A leaking demo program ran under pid1 for %s, in %s.", doctor.Age(w.Observed(now)), where)
	p.WriteByte('\n')
	p.line(bold, "What leaks, who does it, and what to do")
	doctorText(p, w, w.Findings(now), now)
	p.WriteByte('\n')
	s, t := w.Summary(), w.Totals()
	p.line(bold, "What pid1 reaped: %d, of these %d orphans and %d failed", t.Reaps, t.Adopted, t.Failed)
	for i, c := range s.Commands {
		if i == lately {
			break
		}
		p.line("", "  %3dx %s, %d failed", c.Count, clean(c.Name), c.Fails)
	}
	p.reapTitles(&reapsOptions{})
	for i := max(0, w.Reaps().Len()-lately); i < w.Reaps().Len(); i++ {
		p.reap(w.Reaps().At(i), now.Location())
	}
	p.WriteByte('\n')
	p.line("", "All of it is gone again. On a terminal, pid1top demo shows it live.")
}
