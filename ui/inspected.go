package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// How often the process in the Detail is looked at again, and how long an answer
// may take.
const (
	inspectEvery  = 2 * time.Second
	inspectWithin = 5 * time.Second
)

// inspected is what the Source said about the process in the Detail.
type inspected struct {
	of      event.ID
	asked   time.Time // when it was asked for last
	waiting bool
	got     *event.Inspect // the newest answer
	at      time.Time      // when it came
	err     error          // why there is no newer one
}

// inspectMsg is an answer.
type inspectMsg struct {
	of  event.ID
	got *event.Inspect
	err error
}

// inspect asks for everything about the process in the Detail, when it is time to.
func (m *model) inspect() tea.Cmd {
	from, able := m.source.(Inspector)
	id := m.detail.of.id
	in := &m.inspected
	if !able || m.view != detailView || m.detail.gone || m.paused || m.conn != Live || id.PID <= 0 {
		return nil
	}
	if in.of != id {
		*in = inspected{of: id}
	}
	if in.waiting || !in.asked.IsZero() && m.now.Sub(in.asked) < inspectEvery {
		return nil
	}
	in.waiting, in.asked = true, m.now
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), inspectWithin)
		defer cancel()
		got, err := from.Inspect(ctx, id)
		return inspectMsg{id, got, err}
	}
}

// answered takes an answer over, if it is still wanted.
func (m *model) answered(msg inspectMsg) {
	in := &m.inspected
	if in.of != msg.of {
		return
	}
	in.waiting, in.err = false, msg.err
	if msg.err == nil && msg.got != nil {
		in.got, in.at = msg.got, m.now
	}
	m.arrange()
}

// sayInspected tells what only a look at the process itself can.
func (d *detail) sayInspected(m *model) {
	in := &m.inspected
	if in.of != d.of.id {
		return
	}
	e := in.got
	if e == nil {
		if in.err != nil && !d.gone {
			d.say(m, faint, "Inspect", in.err.Error())
		}
		return
	}
	d.head("Looked at " + age(max(0, m.shown.now.Sub(in.at))) + " ago")
	d.sayPlaces(m, e)
	d.saySignals(m, e)
	d.sayMemory(m, e)
	d.sayRights(m, e)
}

func (d *detail) sayPlaces(m *model, e *event.Inspect) {
	d.say(m, plain, "Directory", e.Cwd)
	if e.Root != "/" {
		d.say(m, plain, "Root", e.Root)
	}
	if e.Wchan != "" && e.Wchan != "0" {
		d.say(m, plain, "Waits in", e.Wchan)
	}
	if e.TracerPID != 0 {
		d.say(m, warn, "Traced by", itoa(e.TracerPID))
	}
	label := "Cgroup"
	for _, text := range cgroups(e.Cgroup) {
		d.say(m, plain, label, text)
		label = ""
	}
}

// cgroups tells the groups of proc_pid_cgroup(5), ID:CONTROLLERS:PATH a line, by
// their paths: of version 1, many controllers share one.
func cgroups(lines []string) []string {
	var out []string
	at := map[string]int{}
	for _, l := range lines {
		f := strings.SplitN(l, ":", 3)
		if len(f) < 3 {
			out = append(out, l)
			continue
		}
		name := strings.TrimPrefix(f[1], "name=")
		if name == "" {
			name = "v2"
		}
		if i, there := at[f[2]]; there {
			out[i] += " " + name
			continue
		}
		at[f[2]] = len(out)
		out = append(out, f[2]+" "+name)
	}
	return out
}

func (d *detail) saySignals(m *model, e *event.Inspect) {
	if e.SigChld != "" && d.p.SigChld == "" {
		text := e.SigChld
		if e.Blocked {
			text += ", and blocked"
		}
		d.say(m, plain, "SIGCHLD", text)
	}
	d.say(m, warn, "Pending", signalNames(e.SigPending))
	d.say(m, plain, "Blocked", signalNames(e.SigBlocked))
	d.say(m, plain, "Ignored", signalNames(e.SigIgnored))
	d.say(m, plain, "Caught", signalNames(e.SigCaught))
}

// signalNames lists signals without their SIG; of real-time signals in a row, the
// first and the last.
func signalNames(names []string) string {
	var out []string
	realtime := func(i int) bool { return i < len(names) && strings.HasPrefix(names[i], "SIGRTM") }
	for i := 0; i < len(names); i++ {
		text := strings.TrimPrefix(names[i], "SIG")
		if realtime(i) {
			first := i
			for realtime(i + 1) {
				i++
			}
			if i > first+1 {
				text += ".." + strings.TrimPrefix(names[i], "SIG") + " (" + itoa(i-first+1) + ")"
			} else {
				i = first
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func (d *detail) sayMemory(m *model, e *event.Inspect) {
	if v := e.Memory; v != nil {
		text := memory(v.RSSKB, true) + " resident, " + memory(v.PeakKB, true) + " at most, " + memory(v.SizeKB, true) + " address space"
		if v.SwapKB > 0 {
			text += ", " + memory(v.SwapKB, true) + " swapped out"
		}
		d.say(m, plain, "Memory", text)
	}
	if v := e.IO; v != nil {
		d.say(m, plain, "I/O", "read "+memory(v.Rchar>>10, v.Rchar >= 0)+" ("+memory(v.ReadBytes>>10, v.ReadBytes >= 0)+" from disks), wrote "+
			memory(v.Wchar>>10, v.Wchar >= 0)+" ("+memory(v.WriteBytes>>10, v.WriteBytes >= 0)+" to disks)")
	}
	if e.VoluntaryCtxt >= 0 {
		d.say(m, plain, "Switches", itoa(e.VoluntaryCtxt)+" by itself, "+numberOr(int(e.InvoluntaryCtxt))+" not")
	}
	if e.OOMScore >= 0 {
		text := itoa(e.OOMScore)
		if e.OOMScoreAdj != nil {
			text += ", adjusted by " + itoa(*e.OOMScoreAdj)
		}
		d.say(m, plain, "OOM score", text)
	}
}

func (d *detail) sayRights(m *model, e *event.Inspect) {
	var parts []string
	if e.NoNewPrivs {
		parts = append(parts, "no new privileges")
	}
	if e.Seccomp != "" {
		parts = append(parts, "seccomp "+e.Seccomp)
	}
	if e.CapEff != "" {
		parts = append(parts, "capabilities "+e.CapEff)
	}
	if e.Umask != "" {
		parts = append(parts, "umask "+e.Umask)
	}
	if e.Nice != nil {
		parts = append(parts, "nice "+itoa(*e.Nice))
	}
	d.say(m, plain, "Rights", strings.Join(parts, ", "))
}

// sayLists tells what is long, after everything else.
func (d *detail) sayLists(m *model) {
	e := m.inspected.got
	if m.inspected.of != d.of.id || e == nil {
		return
	}
	if e.NFiles >= 0 {
		d.head("Open files: " + itoa(e.NFiles))
		for _, f := range e.Files {
			d.lines = append(d.lines, detailLine{text: padLeft(itoa(f.FD), 8) + "  " + f.Target, look: plain, mark: " "})
		}
		if n := e.NFiles - len(e.Files); n > 0 {
			d.lines = append(d.lines, detailLine{text: "          and " + itoa(n) + " more", look: faint, mark: " "})
		}
	}
	if len(e.Limits) > 0 {
		d.head("Limits")
		for _, l := range e.Limits {
			text := "  " + padRight(l.Name, 22) + " " + padRight(l.Soft, 12) + " at most " + padRight(l.Hard, 12) + " " + l.Unit
			d.lines = append(d.lines, detailLine{text: text, look: plain, mark: " "})
		}
	}
	for _, x := range e.Denied {
		d.say(m, faint, "Not readable", x.File+": "+x.Error)
	}
}
