package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"pid1/event"
)

// Signaller sends signals to processes. It is pid1top's own doing, with its own
// rights; pid1 sends none for a client.
type Signaller interface {
	// Able says why no process of the feed can be sent a signal; nil: they can. It
	// is called while the screen waits and must not do I/O.
	Able(h *event.Hello) error
	// Signal sends sig, such as "SIGTERM", to the process that id names, and to no
	// other that has got its PID since.
	Signal(ctx context.Context, id event.ID, sig string) error
}

// signals are those offered, the likeliest first.
var signals = []menuItem{
	{text: "SIGTERM", note: "ask it to end"},
	{text: "SIGINT", note: "as Ctrl-C does"},
	{text: "SIGHUP", note: "hang up; many daemons read their configuration again"},
	{text: "SIGQUIT", note: "end with a core dump; some programs print their stacks"},
	{text: "SIGCHLD", note: "tell it that a child died: harmless, and some wait then"},
	{text: "SIGCONT", note: "go on, if it was stopped"},
	{text: "SIGSTOP", note: "stop; it cannot refuse"},
	{text: "SIGUSR1", note: "what it makes of it; ends those that do not know it"},
	{text: "SIGUSR2", note: "what it makes of it; ends those that do not know it"},
	{text: "SIGKILL", note: "end at once; it cannot clean up"},
}

// sigchld is the place of SIGCHLD among the signals.
const sigchld = 4

// question asks before something is done that cannot be undone. Only y does it.
type question struct {
	text string
	yes  func() tea.Cmd
}

// signalMsg says what became of a signal.
type signalMsg struct {
	sig, who string
	err      error
}

// openSignals offers to send a signal to the selected process; for a zombie, which
// is past all signals, to the parent that should wait for it.
func (m *model) openSignals() {
	switch {
	case m.opt.Readonly:
		m.say(warn, "--readonly: nothing is sent")
		return
	case m.opt.Signals == nil:
		m.say(warn, "signals cannot be sent from here")
		return
	case m.shown.hello == nil:
		return
	}
	if err := m.opt.Signals.Able(m.shown.hello); err != nil {
		m.say(warn, err.Error())
		return
	}
	id, ok := m.selectedID()
	at := -1
	if ok {
		at = m.shown.find(id)
	}
	if at < 0 || m.shown.procs[at].gone {
		m.say(faint, "no living process is selected")
		return
	}
	p, sel, why := &m.shown.procs[at], 0, ""
	if p.zombie() {
		if p.parent < 0 {
			m.say(warn, itoa(p.id.PID)+" is dead, and its parent is outside the container")
			return
		}
		why = itoa(p.id.PID) + " is dead; its parent can clear it. "
		p, sel = &m.shown.procs[p.parent], sigchld
	}
	if p.id.Start == 0 {
		m.say(warn, "the start time of "+itoa(p.id.PID)+" is not known yet: it could be another by now")
		return
	}
	m.askSignal(p.id, itoa(p.id.PID)+" "+p.command(false), why, sel)
}

// askSignal opens the menu, and asks once more when one is chosen.
func (m *model) askSignal(to event.ID, who, why string, sel int) {
	m.menu = &menu{
		title: why + "Signal to " + who, hint: "Enter chooses  Esc", items: signals, sel: sel,
		choose: func(i int) tea.Cmd {
			sig := signals[i].text
			if at := m.shown.find(to); at >= 0 { // it may have execed since
				who = itoa(to.PID) + " " + m.shown.procs[at].command(false)
			}
			note := ""
			if m.shown.hello != nil && to.PID == m.shown.hello.PID {
				note = " That is pid1: it passes signals on to COMMAND."
			}
			m.question = &question{
				text: "Send " + sig + " to " + who + "?" + note,
				yes: func() tea.Cmd {
					s := m.opt.Signals
					return func() tea.Msg {
						ctx, cancel := context.WithTimeout(context.Background(), signalWithin)
						defer cancel()
						return signalMsg{sig, who, s.Signal(ctx, to, sig)}
					}
				},
			}
			return nil
		},
	}
}

// signalWithin bounds how long sending a signal may take.
const signalWithin = 5 * time.Second

// signalled tells what became of a signal.
func (m *model) signalled(msg signalMsg) {
	if msg.err != nil {
		m.say(bad, msg.err.Error())
		return
	}
	m.say(good, msg.sig+" was sent to "+msg.who)
}

// pressQuestion acts on the answer.
func (m *model) pressQuestion(key string) tea.Cmd {
	q := m.question
	m.question = nil
	m.stale = true
	if key == "y" {
		return q.yes()
	}
	m.say(faint, "nothing was sent")
	return nil
}

// drawQuestion draws it where the keys are; the answer is never cut off.
func (m *model) drawQuestion(c *canvas) {
	const answers = "  y yes  any other key no "
	short := answers
	if c.width < 60 {
		short = "  y/N "
	}
	c.text(warn, " "+m.question.text, c.width-len(short))
	c.put(strong, short)
	c.end(plain)
}
