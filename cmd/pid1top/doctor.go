package main

import (
	"time"

	"github.com/spf13/cobra"

	"pid1/doctor"
	"pid1/internal/world"
)

func (a *app) doctorCommand() *cobra.Command {
	var (
		asJSON bool
		failOn string
	)
	c := &cobra.Command{
		Use: "doctor", Short: "Say what is wrong, why, and what to do about it", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			match, ok := failOns[failOn]
			if !ok {
				return usage("cannot use --fail-on %s: it must be leak, zombies or any", failOn)
			}
			w, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			findings, p := troubles(w, now), a.page()
			if asJSON {
				err = doctorJSON(p, w, findings, now)
			} else {
				doctorText(p, w, findings, now)
			}
			if err == nil {
				err = a.print(p)
			}
			for i := range findings {
				if err == nil && match(findings[i].Verdict) {
					return &exit{status: statusFailOn}
				}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a finding")
	c.Flags().StringVar(&failOn, "fail-on", "", "exit with status 1 on a finding of a kind, `leak|zombies|any`")
	return c
}

// failOns are the values of --fail-on. Every finding there is so far is about
// zombies.
var failOns = map[string]func(doctor.Verdict) bool{
	"":        func(doctor.Verdict) bool { return false },
	"leak":    func(v doctor.Verdict) bool { return v == doctor.Leaking },
	"zombies": func(doctor.Verdict) bool { return true },
	"any":     func(doctor.Verdict) bool { return true },
}

// troubles are the groups that somebody should do something about.
func troubles(w *world.World, now time.Time) []world.Group {
	var out []world.Group
	for _, g := range w.Zombies(now) {
		if g.Verdict.Trouble() {
			out = append(out, g)
		}
	}
	return out
}

// healthy is what there is to say when nothing is wrong.
func healthy(w *world.World, now time.Time) string {
	s := "Healthy: no parent neglects its children"
	if d := w.Observed(now); d > 0 {
		s += ", observed for " + doctor.Age(d)
	}
	return s + "."
}

func doctorText(p *page, w *world.World, findings []world.Group, now time.Time) {
	if len(findings) == 0 {
		p.line(green, "%s", healthy(w, now))
		return
	}
	for i := range findings {
		g := &findings[i]
		if i > 0 {
			p.WriteByte('\n')
		}
		look := amber
		if g.Verdict == doctor.Leaking {
			look = red
		}
		p.line(look, "%s: %s", g.Verdict, parentName(g))
		p.para("  ", clean(g.Finding.Summary))
		p.line(bold, "  How it is known")
		for _, l := range g.Finding.Evidence {
			p.para("    - ", clean(l))
		}
		p.line(bold, "  What to do")
		for _, l := range g.Finding.Advice {
			p.para("    - ", clean(l))
		}
	}
}

type findingJSON struct {
	Verdict  string       `json:"verdict"`
	Subject  procJSON     `json:"subject"`
	Since    time.Time    `json:"since"`
	Summary  string       `json:"summary"`
	Evidence evidenceJSON `json:"evidence"`
	Advice   []string     `json:"advice"`
}

type healthyJSON struct {
	Verdict   string  `json:"verdict"`
	Summary   string  `json:"summary"`
	ObservedS float64 `json:"observed_s"`
}

func doctorJSON(p *page, w *world.World, findings []world.Group, now time.Time) error {
	if len(findings) == 0 {
		return p.json(healthyJSON{string(doctor.Healthy), healthy(w, now), seconds(w.Observed(now))})
	}
	for i := range findings {
		g := &findings[i]
		err := p.json(findingJSON{
			Verdict: string(g.Verdict), Subject: procOf(g.Parent),
			Since:   now.Add(-g.Finding.Since).UTC().Truncate(time.Millisecond),
			Summary: g.Finding.Summary, Evidence: evidenceOf(&g.Evidence), Advice: list(g.Finding.Advice),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
