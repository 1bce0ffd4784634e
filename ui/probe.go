package ui

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// A window that is closed over "docker exec -it" hangs nothing up: the client goes,
// Docker keeps the other end of the terminal open, and nothing is sent. So a
// terminal from which nothing has come for a while is asked what it is (primary
// device attributes, DA1), which every terminal answers by itself. One that has
// answered at the beginning and does not any more is gone.
//
// A terminal that never answered is left alone: nothing is known about it.
const (
	probe         = ansi.RequestPrimaryDeviceAttributes
	probeShare    = 6 // of the silence it takes to ask, an answer may take one part
	probesMissing = 3 // without an answer, one after the other, are an end
)

// DefaultProbe is the silence after which a terminal is asked whether it is there.
const DefaultProbe = 3 * time.Minute

// probeMsg makes the program ask the terminal.
type probeMsg struct{}

// vitals is when something last came from the terminal, in Unix time in ns, and
// whether it ever told what it is.
type vitals struct{ heard, answered atomic.Int64 }

// touch is told of what came.
func (v *vitals) touch(b []byte) {
	now := time.Now().UnixNano()
	v.heard.Store(now)
	if isAnswer(b) {
		v.answered.Store(now)
	}
}

// isAnswer reports whether there is an answer to the probe in b: CSI ? numbers c.
func isAnswer(b []byte) bool {
	for {
		_, after, found := bytes.Cut(b, []byte("\x1b[?"))
		if !found {
			return false
		}
		end := bytes.IndexFunc(after, func(r rune) bool { return (r < '0' || r > '9') && r != ';' })
		if end > 0 && after[end] == 'c' {
			return true
		}
		b = after
	}
}

// watch asks the terminal by ask when it has been silent for after, and calls gone
// when it is. It returns when ctx ends.
func (v *vitals) watch(ctx context.Context, after time.Duration, ask func(), gone func()) {
	within := after / probeShare
	wait := func(d time.Duration) bool {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	// A terminal that takes nothing would hold up who asks.
	go ask()
	if !wait(within) || v.answered.Load() == 0 {
		return
	}
	for missing := 0; missing < probesMissing; {
		quiet := time.Since(time.Unix(0, v.heard.Load()))
		if quiet < after {
			missing = 0
			if !wait(after - quiet) {
				return
			}
			continue
		}
		asked := time.Now()
		go ask()
		if !wait(within) {
			return
		}
		if missing++; v.heard.Load() >= asked.UnixNano() {
			missing = 0
		}
	}
	gone()
}
