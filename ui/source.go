package ui

import (
	"context"
	"io"
	"time"

	"pid1/event"
)

// Source is where events come from. A live feed, a recording and a local look
// are the same to the screen.
type Source interface {
	// Run hands batches to emit until ctx ends or there is nothing more to come.
	// Reconnecting is its own affair: it says so in the batches' State. emit may
	// be called from one goroutine at a time; it waits while the screen cannot
	// keep up, and returns at once when ctx has ended. An error says why nothing
	// more can come; the screen then keeps what it has and shows the error.
	Run(ctx context.Context, emit func(Batch)) error
}

// Inspector is a Source that can look at one process of the feed and tell
// everything about it.
type Inspector interface {
	// Inspect may wait; it is called outside of Update. The answer is about the
	// process that id names, or there is an error: another one that has its PID by
	// now is not meant.
	Inspect(ctx context.Context, id event.ID) (*event.Inspect, error)
}

// Batch is news from a Source: events, a new state of the connection, or both.
type Batch struct {
	Events []event.Event
	// State is the state of the connection from here on.
	State ConnState
	// Note says in a few words why the state is what it is: "connection refused".
	Note string
	// RetryAt is when the next attempt to connect is due; zero: none, or not known.
	RetryAt time.Time

	// Position is where a Scrubber stands once Events are applied; nil from other
	// Sources. The time of the screen is then Position.At, and each event came at
	// its own time: the wall clock of the viewer has no meaning in a recording.
	Position *Position
	// Reset says that a Scrubber went back: everything that came before is void,
	// and Events begin at the beginning.
	Reset bool
}

// Scrubber is a Source that can be moved in time: a recording. It begins at its
// end, standing still: what is known then is all there is.
//
// The methods may be called from any goroutine, Update among them: they return at
// once, and what they did comes as batches. Batches also come while it plays, ten
// a second, events or not, so that the time on the screen goes on.
type Scrubber interface {
	Source
	// Span returns the times of the first and the last event.
	Span() (first, last time.Time)
	// Position returns where the Scrubber is going to stand when everything asked
	// of it is done.
	Position() Position
	// Seek goes to a time, or as near to it as there is something: events up to
	// then, t included, are applied. Whether it plays stays as it was.
	Seek(t time.Time)
	// Step goes n events on, or back where n is negative, and stands still.
	Step(n int)
	// Play lets time go on, speed times as fast as it went, or stand still. A
	// speed of 0 or less leaves it as it was; it is 1 at first. Playing on from
	// the end begins at the beginning; at the end it stands still.
	Play(on bool, speed float64)
}

// Position is a place in a recording.
type Position struct {
	At      time.Time // the recording's time
	Index   int       // how many events are before it
	Total   int       // how many there are in all
	Playing bool
	Speed   float64
}

// ConnState is the state of a Source's connection.
type ConnState uint8

// The states of a connection.
const (
	Connecting ConnState = iota // nothing has come yet
	Live                        // events come as they happen
	Lost                        // the connection broke; the Source tries again
	Ended                       // nothing more will come
)

func (s ConnState) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Live:
		return "live"
	case Lost:
		return "lost"
	case Ended:
		return "ended"
	}
	return "unknown"
}

// Options say how the screen is drawn and where.
type Options struct {
	// Color allows colours. Without it the screen uses bold, dim and reverse
	// alone; no information is ever in the colour alone. The caller decides
	// (--color, NO_COLOR, see WantColor).
	Color bool
	// ASCII keeps everything drawn within ASCII.
	ASCII bool
	// Signals sends signals to processes; nil: there is nobody who can.
	Signals Signaller
	// Readonly leaves out what would act on processes.
	Readonly bool
	// Probe is the silence after which the terminal is asked whether it is still
	// there; one that has answered before and does not any more ends Run. 0: never.
	Probe time.Duration
	// In is the terminal to read keys from; nil: standard input, or /dev/tty when
	// that is not a terminal.
	In io.Reader
	// Out is the terminal to draw on; nil: standard output.
	Out io.Writer
	// Environ is the environment, as os.Environ gives it; nil: the process's own.
	// COLUMNS and LINES are used while the terminal says its size is 0x0.
	Environ []string
	// User names a uid; nil, or an empty answer: the number is shown. It must
	// not do I/O: it is called while drawing.
	User func(uid int) string
	// Zone is where times of day are told for; nil: time.Local.
	Zone *time.Location
}
