package ui

import (
	"slices"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// notesPanel lists the rare events, the newest first.
func notesPanel(s *scene, t *theme) panel {
	p := panel{title: "Lately"}
	notes := slices.Clone(s.notes)
	slices.SortStableFunc(notes, func(a, b event.Event) int { return noteTime(a).Compare(noteTime(b)) })
	for _, n := range slices.Backward(notes) {
		text, look := noteText(n)
		if text == "" {
			continue
		}
		p.lines = append(p.lines, panelLine{text: t.clock(noteTime(n), false) + " " + text, look: look})
	}
	if len(p.lines) == 0 {
		p.lines = []panelLine{{text: "nothing of note", look: faint}}
	}
	return p
}

// noteTime is when it happened. That a leak began is told when that is beyond doubt,
// and by then it is old.
func noteTime(ev event.Event) time.Time {
	at := ev.Header().TS
	if e, ok := ev.(*event.Leak); ok && e.State == "began" && e.OldestMS > 0 {
		at = at.Add(-time.Duration(e.OldestMS) * time.Millisecond)
	}
	return at
}

// noteText tells a rare event in a few words.
func noteText(ev event.Event) (string, style) {
	switch e := ev.(type) {
	case *event.Signal:
		from := itoa(e.From.PID)
		switch {
		case e.From.Kernel:
			from = "the kernel"
		case e.From.Outside:
			from = "outside"
		case e.From.PID < 0:
			from = "somebody"
		case e.From.Comm != "":
			from += " " + e.From.Comm
		}
		text := e.Signal + " from " + from
		if e.Became != "" && e.Became != e.Signal {
			text += ", became " + e.Became
		}
		if e.Error != "" {
			text += ": " + e.Error
		}
		return text, plain
	case *event.Leak:
		if e.State == "ended" {
			return "leak over: " + leakParent(e), good
		}
		return "leak began: " + leakParent(e), bad
	case *event.Pressure:
		if e.Percent == 0 {
			return "PIDs in use fell back", good
		}
		return itoa(e.Percent) + "% of the PIDs in use", warn
	case *event.OOM:
		return plural(int(e.Kills), "kill") + " for want of memory", bad
	case *event.MainExit:
		return "COMMAND ended: " + world.Status(e.Ended), warn
	case *event.Shutdown:
		return "pid1 ended with status " + itoa(e.Status), warn
	case *event.Source:
		text := sourceName(e.Name) + " " + e.State
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return text, plain
	}
	return "", plain
}

// sourceName says what a source of observations is.
func sourceName(name string) string {
	switch name {
	case "exact":
		return "exact tracing"
	case "sample":
		return "sampling"
	case "connector":
		return "the kernel's process events"
	}
	return name
}

func leakParent(e *event.Leak) string {
	if e.Parent.Comm == "" {
		return itoa(e.Parent.PID)
	}
	return itoa(e.Parent.PID) + " " + e.Parent.Comm
}
