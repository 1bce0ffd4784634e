package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

func (a *app) treeCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "tree", Short: "Print the processes as a tree", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, now, err := a.present(cmd.Context())
			if err != nil {
				return err
			}
			p := a.page()
			if asJSON {
				err = treeJSON(p, w, now)
			} else {
				treeText(p, w, now, userNames(), func(*world.Process) bool { return true })
			}
			if err != nil {
				return err
			}
			return a.print(p)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a process")
	return c
}

// treeText prints one process a line, of those that show wants.
func treeText(p *page, w *world.World, now time.Time, userName func(int) string, show func(*world.Process) bool) {
	columns := []column{
		{title: "PID", right: true}, {title: "S"}, {title: "AGE", right: true},
		{title: "Z", right: true}, {title: "USER", max: 8}, {title: "COMMAND"},
	}
	var rows []row
	w.Walk(func(q *world.Process, depth int, last []bool) bool {
		if q.Ghost() || !show(q) {
			// What is gone was asked about by reaps; its children, if any, follow.
			return true
		}
		age := "?"
		if d, ok := q.Age(now); ok {
			age = doctor.Age(d)
		}
		zombies := "-"
		if _, n := w.Kids(q.ID); n > 0 {
			zombies = strconv.Itoa(n)
		}
		r := row{cells: []string{
			strconv.Itoa(q.PID), orDash(q.State), age, zombies, userName(q.UID),
			branches(last, p.ascii) + treeCommandText(q, now),
		}}
		if q.Zombie() {
			r.look = amber
			if q.Dead(now) < doctor.TransientAge {
				r.look = dim
			}
		}
		rows = append(rows, r)
		return true
	})
	p.table(columns, rows)
}

func treeCommandText(q *world.Process, now time.Time) string {
	text := commandLine(q.Comm, q.Args())
	switch {
	case q.Zombie() && q.ThreadsAlive > 0:
		return "<" + text + "> leader gone, threads run"
	case q.Zombie():
		return "<" + text + "> defunct " + atLeast(q.SeenBefore) + doctor.Age(q.Dead(now))
	case q.ExecSession:
		return text + " (exec session)"
	}
	return text
}

// atLeast marks a time that is a lower bound.
func atLeast(bound bool) string {
	if bound {
		return ">"
	}
	return ""
}

// branches draws the lines that lead to a process.
func branches(last []bool, plain bool) string {
	if len(last) < 2 {
		return ""
	}
	down, tee, end := "│  ", "├─ ", "└─ "
	if plain {
		down, tee, end = "|  ", "|- ", "`- "
	}
	var b strings.Builder
	for _, l := range last[1 : len(last)-1] {
		if l {
			b.WriteString("   ")
		} else {
			b.WriteString(down)
		}
	}
	if last[len(last)-1] {
		b.WriteString(end)
	} else {
		b.WriteString(tee)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return clean(s)
}

type treeLine struct {
	PID         int      `json:"pid"`
	PPID        *int     `json:"ppid"`
	State       string   `json:"state"`
	Start       uint64   `json:"start_ticks,omitempty"`
	UID         *int     `json:"uid,omitempty"`
	Comm        string   `json:"comm"`
	Cmdline     []string `json:"cmdline"`
	CmdlineHow  string   `json:"cmdline_how,omitempty"`
	AgeS        *float64 `json:"age_s,omitempty"`
	ZombieS     *float64 `json:"zombie_s,omitempty"`
	Threads     *int     `json:"threads,omitempty"`
	RSSKB       *int64   `json:"rss_kb,omitempty"`
	Zombies     int      `json:"zombies,omitempty"`
	ExecSession bool     `json:"exec_session,omitempty"`
}

func treeJSON(p *page, w *world.World, now time.Time) error {
	var err error
	w.Walk(func(q *world.Process, _ int, _ []bool) bool {
		if q.Ghost() || err != nil {
			return err == nil
		}
		l := treeLine{
			PID: q.PID, PPID: known(q.PPID), State: q.State, Start: q.Start, UID: known(q.UID),
			Comm: q.Comm, Cmdline: list(q.Args()), CmdlineHow: string(q.CmdlineHow),
			Threads: known(q.Threads), RSSKB: known(q.RSSKB), ExecSession: q.ExecSession,
		}
		if d, ok := q.Age(now); ok {
			l.AgeS = new(seconds(d))
		}
		if q.Zombie() {
			l.ZombieS = new(seconds(q.Dead(now)))
		}
		_, l.Zombies = w.Kids(q.ID)
		err = p.json(l)
		return true
	})
	return err
}

// known is nil for what nobody knows.
func known[T int | int64](n T) *T {
	if n == event.Unknown {
		return nil
	}
	return &n
}
