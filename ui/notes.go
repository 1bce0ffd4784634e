package ui

import (
	"pid1/event"
	"pid1/internal/world"
)

// notesPanel lists the rare events, the newest first.
func notesPanel(s *scene, t *theme) panel {
	p := panel{title: "Lately"}
	for i := len(s.notes) - 1; i >= 0; i-- {
		text, look := noteText(s.notes[i])
		if text == "" {
			continue
		}
		p.lines = append(p.lines, panelLine{text: t.clock(s.notes[i].Header().TS, false) + " " + text, look: look})
	}
	if len(p.lines) == 0 {
		p.lines = []panelLine{{text: "nothing of note", look: faint}}
	}
	return p
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
		return "leak: " + leakParent(e), bad
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
		text := e.Name + " " + e.State
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return text, plain
	}
	return "", plain
}

func leakParent(e *event.Leak) string {
	if e.Parent.Comm == "" {
		return itoa(e.Parent.PID)
	}
	return itoa(e.Parent.PID) + " " + e.Parent.Comm
}
