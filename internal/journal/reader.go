package journal

import (
	"bytes"
	"fmt"

	"github.com/pierrec/lz4/v4"

	"pid1/event"
)

// batch is how many bytes of lines a Reader hands out at a time.
const batch = MaxLine

// gapRoom is more than a gap line takes.
const gapRoom = 256

// Reader is a cursor into a Journal. It belongs to one goroutine and needs no
// closing.
type Reader struct {
	j    *Journal
	next uint64 // the event to read next
	slab uint64 // where it was last; 0: to be looked up
	off  int    // where in the slab next begins
	lost uint64 // events its gaps told of
	only [][]byte
	buf  []byte

	waits <-chan struct{} // what Changed returned last

	plain   []byte // the lines of the packed slab it is at
	plainOf uint64 // the number of that; 0: none
}

// NewReader returns a Reader whose first event is the one after the given
// number, and which leaves out all types but the given ones, if any.
func (j *Journal) NewReader(after uint64, types ...event.Type) *Reader {
	r := &Reader{j: j}
	r.Reset(after, types...)
	return r
}

// Reset makes r what NewReader returns.
func (r *Reader) Reset(after uint64, types ...event.Type) {
	r.next, r.slab, r.off = after+1, 0, 0
	r.only = r.only[:0]
	for _, t := range types {
		r.only = append(r.only, lineStart(t))
	}
}

// lineStart returns how event.Append begins every line of type t.
func lineStart(t event.Type) []byte {
	return fmt.Appendf(nil, `{"v":%d,"type":"%s",`, event.Version, t)
}

// Changed returns a channel that is closed once something was appended after the
// call. Call Next once more before waiting for it.
func (r *Reader) Changed() <-chan struct{} {
	r.waits = r.j.bell.changed(r.waits)
	return r.waits
}

// Seq returns the number of the event that comes next.
func (r *Reader) Seq() uint64 { return r.next }

// Lost returns how many events were gone before the Reader came to them.
func (r *Reader) Lost() uint64 { return r.lost }

// Next returns the next lines, whole ones, at most 32 KiB of them, valid until
// the next call; none when the Reader has caught up. Where events were gone
// before they could be read there is a gap line in their place, whatever types
// were chosen.
func (r *Reader) Next() []byte {
	if r.buf == nil {
		r.buf = make([]byte, 0, batch)
	}
	out := r.buf[:0]
	for r.next <= r.j.ring.last.Load() {
		s := r.seek()
		if r.next < s.first {
			if batch-len(out) < gapRoom {
				s.unpin()
				break
			}
			out = r.gap(out, s.first)
		}
		lines, used := s.filled()
		text, ok := r.text(s, used)
		if !ok {
			out = r.gap(out, s.first+lines)
			s.unpin()
			continue
		}
		var full bool
		out, full = r.copy(out, text, s.first+lines)
		s.unpin()
		if full {
			break
		}
	}
	r.buf = out
	return out
}

// gap tells that the events from next to before first are gone, and goes on with
// first, with which a slab begins.
func (r *Reader) gap(out []byte, first uint64) []byte {
	g := event.New(event.TypeGap).(*event.Gap)
	g.TS = r.j.now()
	g.Lost, g.FromSeq, g.ToSeq = first-r.next, r.next, first-1
	r.j.lost.Add(g.Lost)
	r.lost += g.Lost
	r.next, r.off = first, 0
	return event.Append(out, g)
}

// seek pins the slab that holds the event next, which has been appended; the
// oldest slab there is when that event is gone.
func (r *Reader) seek() *slab {
	ring := &r.j.ring
	for {
		if r.slab == 0 {
			r.slab, r.off = ring.tail.Load(), 0
		}
		s := ring.pin(r.slab)
		if s == nil {
			r.slab = 0
			continue
		}
		lines, _ := s.filled()
		if r.next < s.first+lines {
			return s
		}
		s.unpin()
		r.slab, r.off = r.slab+1, 0
	}
}

// text returns the lines of s, which seek returned. It is false when they are no more,
// which takes a fault of the memory.
func (r *Reader) text(s *slab, used int) (text []byte, ok bool) {
	if s.packed == nil {
		r.plain, r.plainOf = nil, 0 // it is about to have caught up
		text = s.buf[:used]
	} else {
		if r.plainOf != r.slab {
			if cap(r.plain) < used {
				r.plain = make([]byte, r.j.ring.size)
			}
			r.plain = r.plain[:used]
			if n, err := lz4.UncompressBlock(s.packed, r.plain); err != nil || n != used {
				return nil, false
			}
			r.plainOf = r.slab
		}
		text = r.plain
	}
	if r.off == 0 && r.next > s.first {
		r.off = skip(text, r.next-s.first)
	}
	return text, true
}

// skip returns where in lines the nth begins, from 0.
func skip(lines []byte, n uint64) int {
	off := 0
	for ; n > 0; n-- {
		off += bytes.IndexByte(lines[off:], '\n') + 1
	}
	return off
}

// copy appends what text, the lines before the event end, has from next on, as far as
// there is room.
func (r *Reader) copy(out, text []byte, end uint64) (_ []byte, full bool) {
	rest := text[r.off:]
	if len(r.only) > 0 {
		return r.choose(out, rest)
	}
	if room := batch - len(out); len(rest) > room {
		rest = rest[:bytes.LastIndexByte(rest[:room], '\n')+1]
		end = r.next + uint64(bytes.Count(rest, []byte{'\n'}))
		full = true
	}
	r.next = end
	r.off += len(rest)
	return append(out, rest...), full
}

// choose is copy for some types only.
func (r *Reader) choose(out, rest []byte) (_ []byte, full bool) {
	for len(rest) > 0 {
		line := rest[:bytes.IndexByte(rest, '\n')+1]
		if r.wants(line) {
			if len(out)+len(line) > batch {
				return out, true
			}
			out = append(out, line...)
		}
		rest = rest[len(line):]
		r.off += len(line)
		r.next++
	}
	return out, false
}

func (r *Reader) wants(line []byte) bool {
	for _, start := range r.only {
		if bytes.HasPrefix(line, start) {
			return true
		}
	}
	return false
}
