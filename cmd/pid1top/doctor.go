package main

import (
	"slices"
	"strconv"
	"strings"
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
			match, err := failOnAny(failOn)
			if err != nil {
				return err
			}
			w, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			findings, p := w.Findings(now), a.page()
			if asJSON {
				err = doctorJSON(p, w, findings, now)
			} else {
				doctorText(p, w, findings, now)
			}
			if err == nil {
				err = a.print(p)
			}
			for i := range findings {
				if err == nil && match(&findings[i]) {
					return &exit{status: statusFailOn}
				}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a finding")
	c.Flags().StringVar(&failOn, "fail-on", "", "exit with status 1 on a finding of a kind, `leak|zombies|orphans|pressure|oom|any`; several with commas between")
	return c
}

// failOns are the values of --fail-on. A leak is one whatever its reason: zombies
// of a parent that blocks SIGCHLD can grow in number as well.
var failOns = map[string]func(*world.Judgement) bool{
	"leak": func(j *world.Judgement) bool {
		return j.Verdict == doctor.Leaking || j.Group != nil && j.Group.Evidence.Leaks(j.Verdict)
	},
	"zombies":  func(j *world.Judgement) bool { return j.Group != nil },
	"orphans":  func(j *world.Judgement) bool { return j.Left != nil },
	"pressure": func(j *world.Judgement) bool { return j.PIDs != nil },
	"oom":      func(j *world.Judgement) bool { return j.Memories != nil },
	"any":      func(*world.Judgement) bool { return true },
}

// failOnAny reads --fail-on.
func failOnAny(value string) (func(*world.Judgement) bool, error) {
	var any []func(*world.Judgement) bool
	for name := range strings.SplitSeq(value, ",") {
		if value == "" {
			break
		}
		match, ok := failOns[name]
		if !ok {
			return nil, usage("cannot use --fail-on %s: it must be leak, zombies, orphans, pressure, oom or any", name)
		}
		any = append(any, match)
	}
	return func(j *world.Judgement) bool {
		return slices.ContainsFunc(any, func(match func(*world.Judgement) bool) bool { return match(j) })
	}, nil
}

// healthy is what there is to say when nothing is wrong.
func healthy(w *world.World, now time.Time) string {
	s := "Healthy: no parent neglects its children"
	if d := w.Observed(now); d > 0 {
		s += ", observed for " + doctor.Age(d)
	}
	return s + "."
}

// subject is what a finding is about, for its title.
func subject(j *world.Judgement) string {
	switch {
	case j.Group != nil:
		return parentName(j.Group)
	case j.Left != nil:
		return commandLine(j.Left.Comm, j.Left.Cmdline)
	case j.Subject.PID > 0:
		return strconv.Itoa(j.Subject.PID) + " " + shortCommandLine(j.Subject.Comm, j.Subject.Cmdline)
	case j.PIDs != nil:
		return "PIDs of the control group"
	}
	return "memory of the control group"
}

func doctorText(p *page, w *world.World, findings []world.Judgement, now time.Time) {
	if len(findings) == 0 {
		p.line(green, "%s", healthy(w, now))
		return
	}
	for i := range findings {
		j := &findings[i]
		if i > 0 {
			p.WriteByte('\n')
		}
		look := amber
		if j.Verdict == doctor.Leaking || j.Verdict == doctor.Pressure {
			look = red
		}
		p.line(look, "%s: %s", j.Verdict, subject(j))
		p.para("  ", clean(j.Summary))
		p.line(bold, "  How it is known")
		for _, l := range j.Evidence {
			p.para("    - ", clean(l))
		}
		p.line(bold, "  What to do")
		for _, l := range j.Advice {
			p.para("    - ", clean(l))
		}
	}
}

type findingJSON struct {
	Verdict  string    `json:"verdict"`
	Subject  procJSON  `json:"subject"`
	Since    time.Time `json:"since"`
	Summary  string    `json:"summary"`
	Evidence any       `json:"evidence"` // its fields depend on what the finding is about
	Advice   []string  `json:"advice"`
}

type healthyJSON struct {
	Verdict   string  `json:"verdict"`
	Summary   string  `json:"summary"`
	ObservedS float64 `json:"observed_s"`
}

func healthyOf(w *world.World, now time.Time) healthyJSON {
	return healthyJSON{string(doctor.Healthy), healthy(w, now), seconds(w.Observed(now))}
}

func doctorJSON(p *page, w *world.World, findings []world.Judgement, now time.Time) error {
	if len(findings) == 0 {
		return p.json(healthyOf(w, now))
	}
	for i := range findings {
		if err := p.json(findingOf(&findings[i], now)); err != nil {
			return err
		}
	}
	return nil
}

func findingOf(j *world.Judgement, now time.Time) findingJSON {
	f := findingJSON{
		Verdict: string(j.Verdict), Subject: procOf(j.Subject),
		Since:   now.Add(-j.Since).UTC().Truncate(time.Millisecond),
		Summary: j.Summary, Advice: list(j.Advice),
	}
	switch {
	case j.Group != nil:
		f.Evidence = evidenceOf(&j.Group.Evidence)
	case j.Left != nil:
		f.Evidence = leftOf(j.Left)
	case j.PIDs != nil:
		f.Evidence = pidsOf(j.PIDs)
	case j.Memories != nil:
		f.Evidence = memoriesOf(j.Memories)
	}
	return f
}
