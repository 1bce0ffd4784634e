// Package ui is the screen of pid1top.
//
// One program, one model: a Source hands in events, a pump brings them to the
// model at most five times a second and tells it the time, the model folds them
// into a world, takes a scene from it, and the views draw the rows of the scene
// that are on the screen. The views know nothing of sockets, /proc or clocks.
//
// Beside the views there are small parts that know nothing of them: list (what is
// selected, on which line), lens with query (which rows, in which order, by which
// columns), prompt, menu, question, and the spots to go back to. What a key does
// stands in one table, from which the help and the footer come, too.
package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// ErrNoTerminal is returned by Run when there is nothing to read keys from.
var ErrNoTerminal = errors.New("no terminal to read keys from: use docker exec -it, or --json")

// Run shows what src tells until the user quits, the terminal goes away or ctx
// ends; all of these return nil. It returns ErrNoTerminal when neither standard
// input nor /dev/tty is a terminal.
func Run(ctx context.Context, src Source, o Options) error {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	in, closeIn, err := openInput(o.In)
	if err != nil {
		return err
	}
	defer closeIn()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	size := sizes{env: o.Environ}
	m := newModel(o)
	m.source = src
	var alive vitals
	p := tea.NewProgram(m,
		tea.WithInput(watch(in, alive.touch, cancel)),
		tea.WithOutput(o.Out),
		tea.WithEnvironment(o.Environ),
		tea.WithFilter(size.filter),
		// The looks are in 16 colours already. Left to itself, the detection reads
		// terminfo and starts a tmux to ask it.
		tea.WithColorProfile(colorprofile.ANSI),
		tea.WithFPS(framesPerSecond),
	)
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		newPump(func(msg tea.Msg) { p.Send(msg) }).run(ctx, src)
	}()
	if o.Probe > 0 {
		go alive.watch(ctx, o.Probe, func() { p.Send(probeMsg{}) }, cancel)
	}
	// Quit and not tea.WithContext, which closes the input while it is read.
	defer context.AfterFunc(ctx, p.Quit)()
	drawn := make(chan error, 1)
	go func() {
		_, err := p.Run()
		cancel()
		drawn <- err
	}()

	<-ctx.Done()
	late := time.After(patience)
	select {
	case err = <-drawn:
	case <-late: // a terminal that takes nothing any more, stopped by Ctrl-S perhaps
		return nil
	}
	select {
	case <-pumped:
	case <-late:
	}
	if err == nil || errors.Is(err, tea.ErrInterrupted) {
		return nil
	}
	return fmt.Errorf("cannot draw on the terminal: %w", err)
}

// patience is how long the end may take: neither a Source nor a terminal that
// is stuck keeps the program.
const patience = 2 * time.Second

// framesPerSecond bounds the drawing: news come five times a second, and a key
// should be seen at once.
const framesPerSecond = 20
