// Package replay reads what was recorded of a stream: by pid1 --record, by pid1top
// record, or by whatever wrote its lines to a file.
//
// A Recording knows where its lines are and when they were written, and reads a
// line when it is asked for: 256 MiB of them take a few MiB of memory.
package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"pid1/event"
)

// maxLine is the longest line that is read, in bytes; pid1 writes none as long.
const maxLine = 1 << 20

// maxFiles is how many rotated files are looked for.
const maxFiles = 1000

// Recording is a recording of one file or of several that were rotated. It belongs
// to one goroutine at a time, but for Time, Len, Span and At, which any may call as
// long as nobody calls Grow.
type Recording struct {
	path    string
	parts   []*part
	lines   []line
	damaged int
	cut     bool // the newest line has no end
	ended   bool // the newest line is an end of the stream
	buf     []byte
}

// part is one file.
type part struct {
	r    io.ReaderAt
	f    *os.File // nil: there is none to close
	done int64    // how far it was read
}

// line is where one line is.
type line struct {
	at   int64 // ns since 1970; what comes later is not earlier
	off  int64
	size int32
	part int32
}

// Open opens the recording at path. Where pid1 rotated it, the older files path.1,
// path.2 and so on come first, oldest first. A line that is none is left out, as is
// the rest of a line that was cut; both are counted by Damaged. It fails when there
// is no line in it at all.
func Open(path string) (*Recording, error) {
	r := &Recording{path: path}
	names := []string{path}
	for i := 1; i <= maxFiles; i++ {
		name := path + "." + strconv.Itoa(i)
		if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() {
			break
		}
		names = append(names, name)
	}
	for _, name := range slices.Backward(names) {
		if err := r.add(name); err != nil {
			r.Close()
			return nil, err
		}
	}
	return r.filled()
}

// Read reads a recording from in, all of it.
func Read(in io.Reader) (*Recording, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	r := &Recording{path: "the input", parts: []*part{{r: bytes.NewReader(text)}}}
	if err := r.scan(0); err != nil {
		return nil, err
	}
	return r.filled()
}

func (r *Recording) filled() (*Recording, error) {
	if len(r.lines) == 0 {
		r.Close()
		return nil, fmt.Errorf("cannot replay %s: there is no event in it", r.path)
	}
	return r, nil
}

// add reads one more file.
func (r *Recording) add(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot open the recording: %w", err)
	}
	if r.cut { // the file before will not grow any more
		r.damaged++
		r.cut = false
	}
	r.parts = append(r.parts, &part{r: f, f: f})
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("cannot replay %s: it is not a file", name)
	}
	return r.scan(len(r.parts) - 1)
}

// scan finds the lines of a part from where it was read to. What has no newline
// yet is read only if it is a whole line.
func (r *Recording) scan(n int) error {
	p := r.parts[n]
	in := newLineReader(io.NewSectionReader(p.r, p.done, 1<<62))
	for {
		text, size, err := in.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot read the recording %s: %w", r.path, err)
		}
		whole := bytes.HasSuffix(text, []byte{'\n'})
		ok := r.note(text, p.done, n)
		wrong := !ok && len(bytes.TrimSpace(text)) > 0
		if ok || whole {
			p.done += size
		}
		if wrong && whole {
			r.damaged++
		}
		if err != nil {
			r.cut = wrong && !whole // it may still grow
			return nil
		}
	}
}

// note keeps a line if it is one of the stream.
func (r *Recording) note(text []byte, off int64, part int) bool {
	typ, ts, ok := head(text)
	if !ok {
		return false
	}
	at := ts.UnixNano()
	if n := len(r.lines); n > 0 {
		at = max(at, r.lines[n-1].at)
	}
	r.ended = typ == event.TypeEnd
	r.lines = append(r.lines, line{at: at, off: off, size: int32(len(text)), part: int32(part)})
	return true
}

// head reads the type and time of a line of this version of the stream.
func head(text []byte) (typ event.Type, ts time.Time, ok bool) {
	var h struct {
		V    int        `json:"v"`
		Type event.Type `json:"type"`
		TS   time.Time  `json:"ts"`
	}
	if json.Unmarshal(text, &h) != nil || h.V != event.Version || h.Type == "" ||
		h.TS.Year() < 1970 || h.TS.Year() > 2200 { // nothing that could be a time
		return "", ts, false
	}
	return h.Type, h.TS, true
}

// Grow finds the lines that were written since, also into a file that took the
// place of this one, and returns how many. The rest of a line that was cut before
// such a file counts as damaged.
func (r *Recording) Grow() (int, error) {
	had, last := len(r.lines), len(r.parts)-1
	if err := r.scan(last); err != nil {
		return 0, err
	}
	p := r.parts[last]
	if p.f == nil {
		return len(r.lines) - had, nil
	}
	old, err := p.f.Stat()
	if err != nil {
		return len(r.lines) - had, nil
	}
	if now, err := os.Stat(r.path); err == nil && !os.SameFile(old, now) {
		// What was written between the look at the old file and its renaming.
		if err := r.scan(last); err != nil {
			return len(r.lines) - had, err
		}
		if err := r.add(r.path); err != nil {
			return len(r.lines) - had, err
		}
	}
	return len(r.lines) - had, nil
}

// Close closes the files.
func (r *Recording) Close() error {
	var all error
	for _, p := range r.parts {
		if p.f != nil {
			all = errors.Join(all, p.f.Close())
		}
	}
	return all
}

// Len returns how many lines there are.
func (r *Recording) Len() int { return len(r.lines) }

// Damaged returns how many lines were none and left out, one that was cut among
// them.
func (r *Recording) Damaged() int {
	if r.cut {
		return r.damaged + 1
	}
	return r.damaged
}

// Ended reports whether the recording was ended in good order.
func (r *Recording) Ended() bool { return r.ended }

// Time returns when line i was written, counted from 0. A clock that was set back
// meanwhile stands still in a recording until it is past the time it had.
func (r *Recording) Time(i int) time.Time { return time.Unix(0, r.lines[i].at).UTC() }

// Span returns the times of the first and the last line.
func (r *Recording) Span() (first, last time.Time) {
	return r.Time(0), r.Time(len(r.lines) - 1)
}

// At returns how many lines there are up to t, t included.
func (r *Recording) At(t time.Time) int {
	ns := t.UnixNano()
	i, _ := slices.BinarySearchFunc(r.lines, ns, func(l line, ns int64) int {
		if l.at <= ns {
			return -1
		}
		return 1
	})
	return i
}

// Line returns line i as it was written; valid until the next call.
func (r *Recording) Line(i int) ([]byte, error) {
	l := r.lines[i]
	r.buf = slices.Grow(r.buf[:0], int(l.size))[:l.size]
	if _, err := r.parts[l.part].r.ReadAt(r.buf, l.off); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read the recording %s: %w", r.path, err)
	}
	return r.buf, nil
}

// Event returns the event of line i; nil when its type is not known to this
// version.
func (r *Recording) Event(i int) (event.Event, error) {
	text, err := r.Line(i)
	if err != nil {
		return nil, err
	}
	return event.Decode(text)
}
