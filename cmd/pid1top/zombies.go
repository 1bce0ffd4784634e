package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"pid1/doctor"
	"pid1/internal/world"
)

func (a *app) zombiesCommand() *cobra.Command {
	var (
		asJSON bool
		failOn int
	)
	c := &cobra.Command{
		Use: "zombies", Short: "Print the parents that hold zombies, worst first", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("fail-on") && failOn < 1 {
				return usage("cannot use --fail-on %d: it must be 1 or more", failOn)
			}
			w, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			groups, p := w.Zombies(now), a.page()
			if asJSON {
				err = zombiesJSON(p, groups)
			} else {
				zombiesText(p, groups)
			}
			if err == nil {
				err = a.print(p)
			}
			if err == nil && failOn > 0 && count(groups) >= failOn {
				return &exit{status: statusFailOn}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a parent")
	c.Flags().IntVar(&failOn, "fail-on", 0, "exit with status 1 when there are `N` zombies or more")
	return c
}

func count(groups []world.Group) int {
	n := 0
	for i := range groups {
		n += len(groups[i].Zombies)
	}
	return n
}

// zombiesText prints a line a parent, below it its zombies by command.
func zombiesText(p *page, groups []world.Group) {
	if len(groups) == 0 {
		p.line(green, "No zombies.")
		return
	}
	parent := 30
	if p.width > 0 {
		// The other columns take 42 cells; the verdict must stay in sight.
		parent = min(max(p.width-42, 10), 60)
	}
	title := "PARENT THAT SHOULD WAIT"
	if parent < len(title) {
		title = "PARENT"
	}
	columns := []column{
		{title: title, max: parent}, {title: "Z", right: true}, {title: "+/MIN", right: true},
		{title: "OLDEST", right: true}, {title: "SIGCHLD"}, {title: "VERDICT"},
	}
	var rows []row
	for i := range groups {
		g := &groups[i]
		rate := doctor.Rate(g.RatePerMin)
		if rate == "0" && g.Verdict == doctor.Leaking {
			rate = "?" // not known yet
		}
		r := row{cells: []string{
			parentName(g), strconv.Itoa(len(g.Zombies)), rate,
			atLeast(g.Evidence.SeenBefore > 0) + doctor.Age(g.Oldest), sigchld(&g.Evidence), string(g.Verdict),
		}}
		if g.Verdict.Trouble() {
			r.look = amber
		}
		if g.Verdict == doctor.Leaking {
			r.look = red
		}
		rows = append(rows, r)
	}
	p.table(columns, rows)
	for i := range groups {
		p.WriteByte('\n')
		groupText(p, &groups[i])
	}
}

func parentName(g *world.Group) string {
	if g.Parent.PID == 0 {
		return "outside the namespace"
	}
	return strconv.Itoa(g.Parent.PID) + " " + shortCommandLine(g.Parent.Comm, g.Parent.Cmdline)
}

func sigchld(e *doctor.Evidence) string {
	switch {
	case e.Blocked:
		return "blocked"
	case e.SigChld == "":
		return "?"
	}
	return clean(e.SigChld)
}

// kindsShown is how many different commands of one parent's zombies are listed.
const kindsShown = 10

// groupText prints what the zombies of one parent were, and the verdict in words.
func groupText(p *page, g *world.Group) {
	type kind struct {
		text   string
		n      int
		oldest time.Duration
	}
	var kinds []*kind
	byText := map[string]*kind{}
	for _, z := range g.Zombies {
		text := "<" + commandLine(z.Comm, z.Cmdline) + "> " + world.Status(z.End)
		k := byText[text]
		if k == nil {
			k = &kind{text: text, oldest: z.Age}
			byText[text] = k
			kinds = append(kinds, k)
		}
		k.n++
	}
	p.para("", clean(g.Finding.Summary))
	for i, k := range kinds {
		if i == kindsShown {
			p.line(dim, "  and %d kinds more", len(kinds)-i)
			break
		}
		p.line("", "  %dx %s, oldest %s", k.n, k.text, doctor.Age(k.oldest))
	}
}

type zombieGroup struct {
	Parent     procJSON     `json:"parent"`
	Count      int          `json:"count"`
	OldestS    float64      `json:"oldest_s"`
	RatePerMin float64      `json:"rate_per_min"`
	Verdict    string       `json:"verdict"`
	Evidence   evidenceJSON `json:"evidence"`
	Zombies    []zombieJSON `json:"zombies"`
}

type zombieJSON struct {
	procJSON
	AgeS float64 `json:"age_s"`
}

func zombiesJSON(p *page, groups []world.Group) error {
	for i := range groups {
		g := &groups[i]
		out := zombieGroup{
			Parent: procOf(g.Parent), Count: len(g.Zombies), OldestS: seconds(g.Oldest),
			RatePerMin: hundredths(g.RatePerMin), Verdict: string(g.Verdict), Evidence: evidenceOf(&g.Evidence),
		}
		for _, z := range g.Zombies {
			out.Zombies = append(out.Zombies, zombieJSON{procJSON{z.PID, z.Comm, list(z.Cmdline)}, seconds(z.Age)})
		}
		if err := p.json(out); err != nil {
			return fmt.Errorf("cannot print the zombies of %d: %w", g.Parent.PID, err)
		}
	}
	return nil
}
