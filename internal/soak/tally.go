package soak

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// Death is one that the load foretold.
type Death struct {
	event.ID
	Kind   byte // see tell
	Status int  // 128+n for signal n
}

// ReadLedger reads what the load wrote down.
func ReadLedger(in io.Reader) (list []Death, err error) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		d, err := parseDeath(lines.Text())
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, lines.Err()
}

// parseDeath reads a line such as "o 7 123 (sh) S 1 …", proc_pid_stat(5).
func parseDeath(line string) (d Death, err error) {
	f := strings.Fields(line)
	if len(f) < 24 || len(f[0]) != 1 {
		return d, fmt.Errorf("cannot read the ledger's line %q", line)
	}
	d.Kind = f[0][0]
	if d.Status, err = strconv.Atoi(f[1]); err == nil {
		if d.PID, err = strconv.Atoi(f[2]); err == nil {
			d.Start, err = strconv.ParseUint(f[23], 10, 64)
		}
	}
	if err != nil {
		return d, fmt.Errorf("cannot read the ledger's line %q: %w", line, err)
	}
	return d, nil
}

// Tally compares a record with the truth, line by line.
type Tally struct {
	Events, Reaps, Foretold uint64
	Deaths                  uint64 // of those foretold, all that pid1 had to reap
	Queued                  uint64 // real-time signals
	Faults                  []string
	More                    int // faults beyond those listed

	last    uint64
	ended   bool
	waiting map[event.ID]*Death
	reaped  map[event.ID]bool
}

// NewTally begins with what the load wrote down.
func NewTally(truth []Death) *Tally {
	t := &Tally{waiting: map[event.ID]*Death{}, reaped: map[event.ID]bool{}, Foretold: uint64(len(truth))}
	for i, d := range truth {
		if t.waiting[d.ID] != nil {
			t.fault("the load wrote down %d twice", d.PID)
		}
		if d.Kind != 'w' {
			t.Deaths++
		}
		t.waiting[d.ID] = &truth[i]
	}
	return t
}

func (t *Tally) fault(format string, a ...any) {
	if len(t.Faults) < 20 {
		t.Faults = append(t.Faults, fmt.Sprintf(format, a...))
	} else {
		t.More++
	}
}

// Line takes the next line of the record.
func (t *Tally) Line(line []byte) {
	ev, err := event.Decode(line)
	if err != nil || ev == nil {
		t.fault("a line of the record cannot be read: %v: %q", err, line)
		return
	}
	h := ev.Header()
	if !h.Type.Numbered() {
		if h.Type == event.TypeGap {
			t.fault("the record has a gap after seq %d", t.last)
		}
		return
	}
	t.Events++
	if h.Seq != t.last+1 {
		t.fault("seq %d follows %d in the record", h.Seq, t.last)
	}
	t.last = h.Seq
	switch e := ev.(type) {
	case *event.Reap:
		t.reap(e)
	case *event.Exit:
		if d := t.waiting[e.ID]; d != nil && e.Known() && status(e.Ended) != d.Status {
			t.fault("%d ended with %d, and is told to have ended with %d", e.PID, d.Status, status(e.Ended))
		}
	case *event.Signal:
		if n := unix.SignalNum(e.Signal); n == 0 || n > 32 {
			t.Queued++
		}
	case *event.Source:
		if e.State == "off" {
			t.fault("the source %s was switched off: %s", e.Name, e.Reason)
		}
	case *event.End:
		t.ended = true
	}
}

func (t *Tally) reap(e *event.Reap) {
	t.Reaps++
	if t.reaped[e.ID] {
		t.fault("%d was reaped twice", e.PID)
	}
	t.reaped[e.ID] = true
	d := t.waiting[e.ID]
	switch {
	case d == nil:
		return // one of those that only hold others
	case d.Kind == 'w':
		t.fault("%d was reaped by pid1, and had a parent that waits", e.PID)
	case status(e.Ended) != d.Status:
		t.fault("%d ended with %d, and was reaped with %d", e.PID, d.Status, status(e.Ended))
	}
	delete(t.waiting, e.ID)
}

func status(e event.Ended) int {
	if e.Signal != "" {
		return 128 + int(unix.SignalNum(e.Signal))
	}
	return e.Code
}

// End says that the record has been read.
func (t *Tally) End() {
	if !t.ended {
		t.fault("the record has no end")
	}
	for id, d := range t.waiting {
		if d.Kind != 'w' {
			t.fault("%d ended with %d, and is not in the record", id.PID, d.Status)
		}
	}
}
