package main

import (
	"time"

	"github.com/spf13/cobra"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
	"pid1/ui"
)

var errNoTerminal = ui.ErrNoTerminal

// top is pid1top without a command: the screen on a terminal, else an overview.
func (a *app) top(cmd *cobra.Command, _ []string) error {
	w, now, err := a.snapshot(cmd.Context())
	if err != nil {
		return err
	}
	p := a.page()
	overview(p, w, now)
	return a.print(p)
}

// lately is how many reaps an overview lists.
const lately = 5

// overview prints the most important of everything.
func overview(p *page, w *world.World, now time.Time) {
	h, t := w.Hello(), w.Totals()
	p.line(bold, "pid1 %s, %s, PID %d: %s", clean(h.Program), clean(h.Role), h.PID, commandLine("", h.Command))
	line := ""
	if !h.Started.IsZero() {
		line = "up " + doctor.Age(h.TS.Sub(h.Started)) + ", "
	}
	p.line("", "%s%d processes, %d zombies, %d reaped (%d failed, %d orphans)",
		line, w.Len(), w.ZombieCount(now), t.Reaps, t.Failed, t.Adopted)
	if used, limit, _, _ := w.PIDs(); used != event.Unknown && limit != event.Unknown {
		p.line("", "%d of %d PIDs in use", used, limit)
	}
	p.WriteByte('\n')
	doctorText(p, w, troubles(w, now), now)
	if n := w.Reaps().Len(); n > 0 {
		p.WriteByte('\n')
		p.reapTitles(&reapsOptions{})
		for i := max(0, n-lately); i < n; i++ {
			p.reap(w.Reaps().At(i), now.Location())
		}
	}
}
