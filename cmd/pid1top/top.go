package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pid1/client"
	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
	"pid1/ui"
)

var errNoTerminal = ui.ErrNoTerminal

// top is pid1top without a command: the screen on a terminal, else an overview.
func (a *app) top(cmd *cobra.Command, _ []string) error {
	if isTerminal(a.out) {
		// A feed that is not there is said on a line, not on a screen.
		c, err := a.find(cmd.Context(), event.Request{Op: event.OpStats})
		if err != nil {
			return err
		}
		_ = c.Close()
		l := newLive(c.Path())
		if a.local {
			l.follow.Dial = func(ctx context.Context) (*client.Conn, error) { return a.observer.dial(ctx) }
		}
		return a.screen(cmd.Context(), l)
	}
	w, now, err := a.snapshot(cmd.Context())
	if err != nil {
		return err
	}
	p := a.page()
	a.overview(p, w, now)
	return a.print(p)
}

// screen shows a feed until the user has seen enough.
func (a *app) screen(ctx context.Context, l *live) error {
	return a.show(ctx, l, ui.Options{Signals: newSignaller(), Readonly: a.readonly})
}

// show shows what src tells until the user has seen enough.
func (a *app) show(ctx context.Context, src ui.Source, o ui.Options) error {
	color := a.color == "always"
	if a.color == "auto" {
		color = ui.WantColor(func(k string) (string, bool) { v, ok := a.env[k]; return v, ok })
	}
	o.Color, o.ASCII, o.User, o.Probe = color, a.ascii, userNames(), a.probe
	err := ui.Run(ctx, src, o)
	if errors.Is(err, ui.ErrNoTerminal) {
		return &exit{statusUsage, err}
	}
	return err
}

// lately is how many reaps an overview lists.
const lately = 5

// overview prints the most important of everything.
func (a *app) overview(p *page, w *world.World, now time.Time) {
	a.summary(p, w, now)
	if n := w.Reaps().Len(); n > 0 {
		p.WriteByte('\n')
		p.reapTitles(&reapsOptions{})
		for i := max(0, n-lately); i < n; i++ {
			p.reap(w.Reaps().At(i), now.Location())
		}
	}
}

// summary is overview without the reaps.
func (a *app) summary(p *page, w *world.World, now time.Time) {
	h, t := w.Hello(), w.Totals()
	if a.local {
		p.line(bold, "pid1top %s, without a pid1, on %s", clean(h.Program), clean(h.Host))
		p.line("", "%d processes, %d zombies", w.Len(), w.ZombieCount(now))
		p.WriteByte('\n')
		doctorText(p, w, w.Findings(now), now)
		return
	}
	p.line(bold, "pid1 %s, %s, PID %d: %s", clean(h.Program), clean(h.Role), h.PID, commandLine("", h.Command))
	line := ""
	if s := w.Stats(); s != nil {
		line = "up " + doctor.Age(time.Duration(s.UptimeMS)*time.Millisecond) + ", "
	}
	p.line("", "%s%d processes, %d zombies, %d reaped (%d failed, %d orphans)",
		line, w.Len(), w.ZombieCount(now), t.Reaps, t.Failed, t.Adopted)
	if text := pidsText(w, now); text != "" {
		p.line("", "%s", text)
	}
	p.WriteByte('\n')
	doctorText(p, w, w.Findings(now), now)
}

// pidsText says how many PIDs are in use, of how many, and when they are used up;
// empty where nobody told.
func pidsText(w *world.World, now time.Time) string {
	used, limit := w.PIDs()
	if used == event.Unknown {
		return ""
	}
	text := fmt.Sprintf("%d PIDs in use, no limit known", used)
	ceiling, name := w.Ceiling()
	late := ""
	switch {
	case limit > 0:
		text = fmt.Sprintf("%d of %d PIDs in use", used, limit)
	case ceiling > 0:
		text = fmt.Sprintf("%d PIDs in use, no limit for the container; the machine's is %d (%s)", used, ceiling, name)
		late = ", or before if others take them"
	}
	if full, ok := w.Full(w.Zombies(now)); ok {
		text += ", full in " + doctor.Age(full) + " at this rate" + late
	}
	return text
}
