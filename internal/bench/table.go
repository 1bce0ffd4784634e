package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// subject is one of those that are compared.
type subject struct {
	name string
	argv []string // what comes before the command
	goal string   // the ratio to the first subject that is wanted; empty: none
}

// table is the outcome of a measure.
type table struct {
	unit  string
	rows  []row
	notes []string
}

type row struct {
	name   string
	values []float64
	goal   string
	alone  bool // it has no ratio to the first row
}

// interleave measures every subject once in every round. One that fails is an error:
// a figure of a program that did not do its work means nothing.
func (b *bench) interleave(rounds int, subjects []subject, one func(subject) (float64, error)) ([]row, error) {
	if b.rounds > 0 {
		rounds = b.rounds
	}
	rows := make([]row, len(subjects))
	for i, s := range subjects {
		rows[i] = row{name: s.name, goal: s.goal}
	}
	for range rounds {
		for i, s := range subjects {
			v, err := one(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			rows[i].values = append(rows[i].values, v)
		}
	}
	return rows, nil
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// String is t in Markdown, with the raw figures below.
func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | median, %s | least | ratio | of the least | wanted |\n|---|--:|--:|--:|--:|--:|\n", t.unit)
	base, least := 0.0, 0.0
	for i, r := range t.rows {
		m, low := median(r.values), slices.Min(r.values)
		if i == 0 {
			base, least = m, low
		}
		ratio, lowRatio := "", ""
		if !r.alone && base > 0 && least > 0 {
			ratio, lowRatio = fmt.Sprintf("%.2f", m/base), fmt.Sprintf("%.2f", low/least)
		}
		fmt.Fprintf(&b, "| %s | %.4g | %.4g | %s | %s | %s |\n", r.name, m, low, ratio, lowRatio, r.goal)
	}
	for _, n := range t.notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	b.WriteString("\n```text\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range t.rows {
		shown := r.values[:min(len(r.values), 20)]
		fmt.Fprintf(w, "%s\t", r.name)
		for _, v := range shown {
			fmt.Fprintf(w, "%.4g ", v)
		}
		if len(shown) < len(r.values) {
			fmt.Fprintf(w, "… (%d)", len(r.values))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	b.WriteString("```\n")
	return b.String()
}
