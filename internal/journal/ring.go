package journal

import (
	"bytes"
	"sync/atomic"

	"github.com/pierrec/lz4/v4"
)

// ring is a row of slabs, numbered from 1. One goroutine at a time writes
// (Journal.mu); any number read without a lock.
//
// A slab only ever grows at its end while it is in the row, so what a reader has
// been shown stays as it is. The one danger is that a slab leaves the row and is
// filled anew while a reader copies from it. So a reader pins it first and then
// looks whether it still has the number it is supposed to have; the writer takes
// the number away first and then looks for pins, and leaves a pinned slab to the
// garbage collector instead of filling it again. Whoever comes second sees the
// other.
//
// A slab that is full gives its place to a packed one with the same lines: one line is
// much like another, and seven of eight bytes are saved.
type ring struct {
	size  int // bytes in a slab
	keep  int // reaps to keep
	slots []atomic.Pointer[slab]

	tail, head  atomic.Uint64 // oldest and newest slab in the row; head is 0 before the first
	first, last atomic.Uint64 // oldest and newest event; 0 before the first

	// For the writer alone.
	reaps   int    // in the whole row
	spare   *slab  // out of the row, to be filled again
	packing []byte // room for half a slab, to pack one
}

// slab holds whole lines in order of their numbers, without a hole.
type slab struct {
	id    atomic.Uint64 // its number while it is in the row, else 0
	pins  atomic.Int32  // readers that look at it
	fill  atomic.Uint64 // lines << 32 | bytes, of what readers may see
	first uint64        // number of the first line; written before id
	reaps int           // for the writer alone
	buf   []byte

	packed []byte // instead of buf, once it is full; never changed
}

func (s *slab) filled() (lines uint64, bytes int) {
	f := s.fill.Load()
	return f >> 32, int(f & (1<<32 - 1))
}

func (s *slab) unpin() { s.pins.Add(-1) }

func (r *ring) init(size, slabs, keep int) {
	r.size, r.keep = size, keep
	r.slots = make([]atomic.Pointer[slab], slabs)
	r.tail.Store(1)
}

func (r *ring) slot(id uint64) *atomic.Pointer[slab] {
	return &r.slots[id%uint64(len(r.slots))]
}

// pin returns slab id, which stays as it is until unpin, or nil when it is no
// longer in the row.
func (r *ring) pin(id uint64) *slab {
	s := r.slot(id).Load()
	if s == nil {
		return nil
	}
	s.pins.Add(1)
	if s.id.Load() != id {
		s.unpin()
		return nil
	}
	return s
}

// push adds a line, which is not longer than a slab, as the next event.
func (r *ring) push(line []byte, reap bool) {
	s, seq := r.room(len(line)), r.last.Load()+1
	lines, used := s.filled()
	copy(s.buf[used:], line)
	s.fill.Store((lines+1)<<32 | uint64(used+len(line)))
	if seq == 1 {
		r.first.Store(1)
	}
	r.last.Store(seq)
	if !reap {
		return
	}
	s.reaps++
	r.reaps++
	for r.tail.Load() < r.head.Load() && r.reaps-r.oldest().reaps >= r.keep {
		r.evict()
	}
}

func (r *ring) oldest() *slab { return r.slot(r.tail.Load()).Load() }

// room returns the newest slab when it has room for n bytes, else one more.
func (r *ring) room(n int) *slab {
	head := r.head.Load()
	if head != 0 {
		s := r.slot(head).Load()
		if _, used := s.filled(); len(s.buf)-used >= n {
			return s
		}
		r.pack(s, head)
		if head-r.tail.Load()+1 == uint64(len(r.slots)) {
			r.evict()
		}
	}
	s := r.spare
	r.spare = nil
	if s == nil {
		s = &slab{buf: make([]byte, r.size)}
	}
	s.first, s.reaps = r.last.Load()+1, 0
	s.fill.Store(0)
	r.slot(head + 1).Store(s)
	s.id.Store(head + 1)
	r.head.Store(head + 1)
	return s
}

// pack puts a packed slab in the place of s, which has the number id and is full.
func (r *ring) pack(s *slab, id uint64) {
	_, used := s.filled()
	if r.packing == nil {
		r.packing = make([]byte, r.size/2)
	}
	n, err := lz4.CompressBlock(s.buf[:used], r.packing, nil)
	if n == 0 || err != nil {
		return // there is no room: it would not be worth it
	}
	p := &slab{first: s.first, reaps: s.reaps, packed: bytes.Clone(r.packing[:n])}
	p.fill.Store(s.fill.Load())
	p.id.Store(id)
	r.slot(id).Store(p)
	r.retire(s)
}

// retire takes the number of s away, and keeps it to be filled again unless somebody
// looks at it.
func (r *ring) retire(s *slab) {
	s.id.Store(0)
	if r.spare == nil && s.packed == nil && s.pins.Load() == 0 {
		r.spare = s
	}
}

// evict takes the oldest slab out of the row. There is a younger one.
func (r *ring) evict() {
	tail := r.tail.Load()
	s := r.slot(tail).Load()
	lines, _ := s.filled()
	r.first.Store(s.first + lines)
	r.reaps -= s.reaps
	r.tail.Store(tail + 1)
	r.retire(s)
	r.slot(tail).Store(nil)
}
