package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/version"
	"pid1/internal/world"
)

// reportOptions are the flags of report.
type reportOptions struct {
	out    string
	json   bool
	redact []string
}

func (a *app) reportCommand() *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use: "report", Short: "Print what is wrong as Markdown for a bug tracker", Args: noArguments,
		Long: "report prints Markdown to paste into a bug tracker: the verdicts with their\n" +
			"evidence, the tree around them, a timeline, versions and what the kernel shows.\n\n" +
			"What looks like a secret in a command line (passwords, tokens, keys, credentials\n" +
			"in URLs) is replaced by ***; read it before you send it all the same.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			own, err := compile(o.redact)
			if err != nil {
				return err
			}
			w, now, err := a.snapshot(cmd.Context())
			if err != nil {
				return err
			}
			w.Redact(func(args []string) []string { return own.args(redactArgs(args)) })
			p := a.page()
			p.width, p.color = 0, false
			if o.json {
				err = reportJSON(p, w, now)
			} else {
				reportText(p, w, now)
			}
			if err != nil {
				return err
			}
			return a.deliver(p, o.out)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write to `FILE` (mode 0600) instead of standard output")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.StringArrayVar(&o.redact, "redact", nil, "hide what matches `REGEX` in command lines, too; repeatable")
	return c
}

// patterns are what the user wants hidden besides.
type patterns []*regexp.Regexp

func compile(texts []string) (patterns, error) {
	var out patterns
	for _, t := range texts {
		re, err := regexp.Compile(t)
		if err != nil {
			return nil, usage("cannot use --redact %s: %w", t, err)
		}
		out = append(out, re)
	}
	return out, nil
}

func (own patterns) args(args []string) []string {
	for i := range args {
		for _, re := range own {
			args[i] = re.ReplaceAllString(args[i], hidden)
		}
	}
	return args
}

// deliver writes the report to file, or to standard output where none is named.
func (a *app) deliver(p *page, file string) error {
	if file == "" || file == "-" {
		return a.print(p)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if _, err := p.WriteTo(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("cannot write the report: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}

// How much of each a report tells.
const (
	reportZombies = 5  // children of one parent that are dead
	reportKids    = 12 // children of one parent
	reportNotes   = 30
	reportReaps   = 15
	reportLeft    = 10
)

// reportText writes the report. What processes say of themselves stands in fenced
// blocks alone, where Markdown means nothing.
func reportText(p *page, w *world.World, now time.Time) {
	findings := w.Findings(now)
	p.line("", "# Process report, %s", now.UTC().Format("2006-01-02 15:04:05 UTC"))
	p.line("", "\n## Verdict\n")
	var b page
	doctorText(&b, w, findings, now)
	p.fenced(b.Bytes())
	if len(findings) > 0 {
		p.line("", "\n## The processes around it\n")
		p.fenced(around(w, findings, now))
	}
	list := w.Left(now)
	list = slices.DeleteFunc(list, func(l doctor.Left) bool { return running(w, &l) })
	if len(list) > 0 {
		b.Reset()
		for _, l := range list[:min(len(list), reportLeft)] {
			b.line("", "%s", clean(doctor.JudgeLeft(&l).Summary))
		}
		p.line("", "\n## Left behind and running\n")
		p.fenced(b.Bytes())
	}
	p.line("", "\n## Timeline\n")
	p.fenced(timeline(w, now))
	p.line("", "\n## Versions and what can be seen\n")
	p.fenced(versions(w, now))
}

// running reports whether these are sessions from outside that go on, such as the
// one that asked for the report: nobody left them. Only where there are more and more
// of them has somebody forgotten them.
func running(w *world.World, l *doctor.Left) bool {
	if !l.Session || l.Piling() {
		return false
	}
	return !slices.ContainsFunc(l.PIDs, func(pid int) bool {
		p := w.ByPID(pid)
		return p == nil || p.PPID != 0
	})
}

// fenced writes lines as a block that nothing in them can end.
func (p *page) fenced(lines []byte) {
	fence := "```"
	for bytes.Contains(lines, []byte(fence)) {
		fence += "`"
	}
	p.WriteString(fence + "text\n")
	p.Write(bytes.TrimRight(lines, "\n"))
	p.WriteString("\n" + fence + "\n")
}

// around draws the ancestors of what the findings are about, and their children.
func around(w *world.World, findings []world.Judgement, now time.Time) []byte {
	show := map[event.ID]bool{}
	mark := func(id event.ID) {
		for p := w.Process(id); p != nil && !show[p.ID]; {
			show[p.ID] = true
			up, ok := w.Parent(p.ID)
			if !ok {
				return
			}
			p = w.Process(up)
		}
	}
	subjects := map[event.ID]bool{}
	for i := range findings {
		j := &findings[i]
		if j.Subject.PID > 0 {
			subjects[j.Subject.ID] = true
			mark(j.Subject.ID)
		}
		if j.Left != nil {
			for _, pid := range j.Left.PIDs {
				if q := w.ByPID(pid); q != nil {
					mark(q.ID)
				}
			}
		}
	}
	left := map[event.ID]int{}
	for id := range subjects {
		left[id] = pick(w, id, show)
	}
	var b page
	treeText(&b, w, now, userNames(), func(q *world.Process) bool { return show[q.ID] })
	for _, id := range slices.SortedFunc(maps.Keys(left), func(a, b event.ID) int { return a.PID - b.PID }) {
		if left[id] > 0 {
			b.line("", "and %d more children of %d", left[id], id.PID)
		}
	}
	return b.Bytes()
}

// pick marks the children of a subject that are shown, and counts the others.
func pick(w *world.World, id event.ID, show map[event.ID]bool) (left int) {
	kids, zombies := 0, 0
	for _, kid := range w.Children(id) {
		q := w.Process(kid)
		if q == nil || q.Ghost() || show[kid] {
			continue
		}
		if q.Zombie() {
			zombies++
		}
		if kids++; kids > reportKids || q.Zombie() && zombies > reportZombies {
			left++
			continue
		}
		show[kid] = true
	}
	return left
}

// timeline is what happened, oldest first: the rare events, and the newest reaps.
func timeline(w *world.World, now time.Time) []byte {
	type moment struct {
		at   time.Time
		text string
	}
	var all []moment
	notes := w.Notes()
	for _, n := range notes[max(0, len(notes)-reportNotes):] {
		if text := noteText(n); text != "" {
			all = append(all, moment{n.Header().TS, text})
		}
	}
	for _, g := range w.Zombies(now) {
		if !g.Verdict.Trouble() {
			continue
		}
		first, last := g.Zombies[0], g.Zombies[len(g.Zombies)-1]
		who := "a parent outside"
		if g.Parent.PID > 0 {
			who = doctor.Name(g.Parent)
		}
		all = append(all, moment{now.Add(-first.Age), fmt.Sprintf("first zombie of %s that is still there: %d %s", who, first.PID, first.Comm)})
		if len(g.Zombies) > 1 {
			all = append(all, moment{now.Add(-last.Age), fmt.Sprintf("newest of its %d zombies: %d %s", len(g.Zombies), last.PID, last.Comm)})
		}
	}
	reaps := w.Reaps()
	for i := max(0, reaps.Len()-reportReaps); i < reaps.Len(); i++ {
		e := reaps.At(i)
		all = append(all, moment{e.TS, fmt.Sprintf("reaped %d %s: %s after %s, of %s",
			e.PID, commandLine(e.Comm, e.Cmdline), world.Status(e.Ended), lifetime(e.LifetimeMS), originText(e.Origin))})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	var b page
	if len(all) == 0 {
		b.line("", "nothing happened that is worth a line")
	}
	for _, m := range all {
		b.line("", "%s  %s", m.at.UTC().Format("2006-01-02 15:04:05"), redactText(clean(m.text)))
	}
	return b.Bytes()
}

func noteText(n event.Event) string {
	switch e := n.(type) {
	case *event.Signal:
		return fmt.Sprintf("pid1 received %s from %s", e.Signal, senderName(&e.From))
	case *event.Leak:
		return "leak " + e.State + ": " + e.Summary
	case *event.Pressure:
		return fmt.Sprintf("pressure %d%%: %s", e.Percent, e.Summary)
	case *event.OOM:
		return fmt.Sprintf("the kernel killed %d for want of memory (%d in all)", e.Kills, e.Total)
	case *event.MainExit:
		return fmt.Sprintf("COMMAND (%d) ended: %s", e.PID, world.Status(e.Ended))
	case *event.Shutdown:
		return fmt.Sprintf("shutdown after %s, %d survivors", e.Reason, len(e.Survivors))
	case *event.Source:
		text := "source " + e.Name + " " + e.State
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return text
	}
	return ""
}

func senderName(s *event.Sender) string {
	switch {
	case s.Kernel:
		return "the kernel"
	case s.Outside:
		return "outside the namespace"
	case s.PID < 0:
		return "somebody unknown"
	}
	return strings.TrimSpace(strconv.Itoa(s.PID) + " " + s.Comm)
}

// versions tells what made the report, and what it could see.
func versions(w *world.World, now time.Time) []byte {
	var b page
	line := func(name, format string, a ...any) { b.line("", "%-14s %s", name, clean(fmt.Sprintf(format, a...))) }
	if h := w.Hello(); h != nil {
		line("pid1", "%s, %s, PID %d, trace %s", h.Program, h.Role, h.PID, orDash(h.Trace))
		line("command", "%s", commandLine("", h.Command))
	}
	line("pid1top", "%s", version.String())
	line("kernel", "%s", kernel())
	if s := w.Stats(); s != nil {
		line("up", "%s", doctor.Age(time.Duration(s.UptimeMS)*time.Millisecond))
	}
	t := w.Totals()
	line("processes", "%d, of these %d zombies", w.Len(), w.ZombieCount(now))
	line("reaped", "%d, %d failed, %d orphans", t.Reaps, t.Failed, t.Adopted)
	if text := pidsText(w, now); text != "" {
		line("pids", "%s", text)
	}
	line("observed", "for %s, %d events lost", doctor.Age(w.Observed(now)), w.Lost())
	if h := w.Hello(); h != nil {
		for _, name := range slices.Sorted(maps.Keys(h.Features)) {
			line("feature", "%s: %s", name, h.Features[name])
		}
	}
	return b.Bytes()
}

// kernel is the release and the machine, as uname(2) tells.
func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "?"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

type reportObject struct {
	TS       time.Time         `json:"ts"`
	Findings []any             `json:"findings"`
	Version  string            `json:"version"`
	Role     string            `json:"role"`
	Command  []string          `json:"command"`
	Kernel   string            `json:"kernel"`
	Features map[string]string `json:"features,omitempty"`
	Timeline []string          `json:"timeline"`
}

func reportJSON(p *page, w *world.World, now time.Time) error {
	o := reportObject{TS: now.UTC().Truncate(time.Millisecond), Kernel: kernel(), Findings: []any{}, Command: []string{}}
	if h := w.Hello(); h != nil {
		o.Version, o.Role, o.Command, o.Features = h.Program, h.Role, list(h.Command), h.Features
	}
	findings := w.Findings(now)
	for i := range findings {
		o.Findings = append(o.Findings, findingOf(&findings[i], now))
	}
	if len(findings) == 0 {
		o.Findings = append(o.Findings, healthyOf(w, now))
	}
	o.Timeline = strings.Split(strings.TrimSpace(string(timeline(w, now))), "\n")
	return p.json(o)
}
