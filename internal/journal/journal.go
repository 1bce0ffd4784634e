// Package journal keeps the newest events in memory as the lines they are on the
// wire, and serves them on a unix socket.
//
// Whoever appends (the reaper above all) never waits for whoever reads: an event
// is encoded once into a slab of memory, published by an atomic store, and that
// is all. Readers hold cursors, copy what they want without a lock, and are told
// by a gap line what was gone before they came to it.
package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"pid1/event"
	"pid1/internal/faultpoint"
)

const (
	// DefaultReaps is how many reaps are kept when Config.Reaps is not set.
	DefaultReaps = 4096

	// MaxLine is the longest line kept or sent, newline included, in bytes. An
	// event whose line would be longer is told by a shorter one that says so.
	MaxLine = 32 << 10

	// slabSize is how much memory comes and goes at a time.
	slabSize = 64 << 10

	// bytesPerReap makes the default bound on memory: a reap with its origin and
	// a command line of 40 bytes takes about 650 bytes, and the other events
	// share the room.
	bytesPerReap = 1 << 10

	// pace is the shortest time between two wake-ups of one reader, maxPace of many:
	// it grows with the square of their number. The first event after a quiet moment
	// wakes them at once; in a storm they come for many events at a time, and the more
	// seldom the more there are. So ten cost no more than one, and the processor is the
	// reaper's.
	pace    = 2 * time.Millisecond
	maxPace = 100 * time.Millisecond
)

// Config says how much a Journal keeps. The zero value is ready to use.
type Config struct {
	// Reaps is how many reaps are kept at least, memory permitting: an event is
	// dropped once the events after it hold so many, a slab of 64 KiB at a time.
	// 0 or less: DefaultReaps.
	Reaps int
	// Bytes bounds the memory for lines, whatever Reaps says; it is rounded up
	// to whole slabs and is two of them at least. It is taken as needed, not at
	// once. 0 or less: Reaps × 1 KiB.
	Bytes int
	// Now is the wall clock for events that come without a time. nil: time.Now.
	Now func() time.Time
	// Warn is told of events that could not be kept. It is called from a
	// goroutine of the Journal, never from Append. May be nil.
	Warn func(error)
}

// Counts are totals since the Journal was made, and what it holds.
type Counts struct {
	First uint64 // oldest event kept; 0: none yet
	Last  uint64 // newest event; 0: none yet
	Lost  uint64 // events gone before a reader came to them, summed over all readers

	Reaps   uint64 // all reap events
	Failed  uint64 // of these, ended by a signal or a status other than 0
	Adopted uint64 // of these, orphans
}

// Journal is the ring of encoded events. Its methods may be called from any
// goroutine.
type Journal struct {
	now  func() time.Time
	warn func(error)

	mu      sync.Mutex // guards the writer's side of ring, and scratch; readers never take it
	scratch []byte
	ring    ring

	reaps, failed, adopted, lost atomic.Uint64

	bell bell
}

// New makes an empty Journal. It has one goroutine, which Close ends.
func New(cfg Config) *Journal { return newJournal(cfg, slabSize, pace) }

func newJournal(cfg Config, slab int, pace time.Duration) *Journal {
	if cfg.Reaps <= 0 {
		cfg.Reaps = DefaultReaps
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = cfg.Reaps * bytesPerReap
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Warn == nil {
		cfg.Warn = func(error) {}
	}
	j := &Journal{now: cfg.Now, warn: cfg.Warn}
	j.ring.init(slab, max(2, (cfg.Bytes+slab-1)/slab), cfg.Reaps)
	j.bell.init(pace)
	go j.bell.run(j.warn)
	return j
}

// Close ends the Journal's goroutine: readers are no longer woken. Append and
// Next go on working.
func (j *Journal) Close() { j.bell.close() }

// Append numbers ev, sets its time unless it has one, and keeps it. It returns
// the number, which it also leaves in ev's head with the time.
//
// It never waits for a reader and never panics. An event that cannot be kept (no
// event at all, a type that is not Numbered, a failure while encoding) takes no
// number: Append returns 0 and Warn is told.
func (j *Journal) Append(ev event.Event) uint64 {
	seq := j.append(ev)
	j.bell.ring()
	return seq
}

func (j *Journal) append(ev event.Event) (seq uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	// A nil pointer inside ev is what can fail here. It must not take pid1 along.
	defer func() {
		if p := recover(); p != nil {
			seq = 0
			j.bell.fault(fmt.Errorf("cannot keep an event: %v", p))
		}
	}()
	faultpoint.Here("append")
	h := ev.Header()
	if h.Type == "" || !h.Type.Numbered() {
		j.bell.fault(fmt.Errorf("cannot keep an event of type %q: it is not of those that are numbered", h.Type))
		return 0
	}
	was := *h
	next := j.ring.last.Load() + 1
	if h.Seq = next; h.TS.IsZero() {
		h.TS = j.now()
	}
	kept := false
	defer func() {
		if !kept {
			*h = was
		}
	}()
	line := j.encode(ev)
	if line == nil {
		return 0
	}
	reap, _ := ev.(*event.Reap)
	j.ring.push(line, reap != nil)
	kept = true
	if reap != nil {
		j.count(reap)
	}
	return next
}

// encode returns ev's line, which stays valid until the next call.
func (j *Journal) encode(ev event.Event) []byte {
	line := event.Append(j.scratch[:0], ev)
	if cap(line) <= 2*MaxLine {
		j.scratch = line
	}
	if len(line) <= MaxLine {
		return line
	}
	line, cut, err := shorten(line[:0], ev)
	if err != nil {
		j.bell.fault(err)
	} else if cut {
		j.bell.fault(fmt.Errorf("cannot keep all of a %s event: the end of a list in it is left out", ev.Header().Type))
	}
	return line
}

func (j *Journal) count(r *event.Reap) {
	j.reaps.Add(1)
	if r.Failed() {
		j.failed.Add(1)
	}
	if r.Adopted {
		j.adopted.Add(1)
	}
}

// Counts returns the totals. They are read one after the other, not at one
// instant.
func (j *Journal) Counts() Counts {
	return Counts{
		First: j.ring.first.Load(),
		Last:  j.ring.last.Load(),
		Lost:  j.lost.Load(),
		Reaps: j.reaps.Load(), Failed: j.failed.Load(), Adopted: j.adopted.Load(),
	}
}

// bell wakes the readers on behalf of whoever appends, which only ever does a
// send that cannot block, and that only when somebody waits.
type bell struct {
	pace    time.Duration
	waiting atomic.Bool   // somebody holds next and has not been woken
	rung    chan struct{} // capacity 1: any number of rings are one
	done    chan struct{}
	once    sync.Once

	mu      sync.Mutex    // guards next and waiters
	next    chan struct{} // closed at the next wake-up; nil when nobody waits
	waiters int           // to how many next was handed out

	faults atomic.Uint64
	last   atomic.Pointer[error]
}

func (b *bell) init(pace time.Duration) {
	b.pace = pace
	b.rung = make(chan struct{}, 1)
	b.done = make(chan struct{})
}

func (b *bell) close() { b.once.Do(func() { close(b.done) }) }

// ring is called after an event was published. Whoever starts to wait after the
// look at waiting finds the event by looking once more, see changed.
func (b *bell) ring() {
	if b.waiting.Load() {
		b.signal()
	}
}

func (b *bell) signal() {
	select {
	case b.rung <- struct{}{}:
	default:
	}
}

// fault keeps err for the goroutine, since telling it may block.
func (b *bell) fault(err error) {
	b.last.Store(&err)
	b.faults.Add(1)
	b.signal()
}

// changed returns a channel that is closed once something was appended after the
// call. The caller looks for events once more before it waits. had is what the caller
// got before: who asks again is not another one.
func (b *bell) changed(had <-chan struct{}) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
		b.waiting.Store(true)
	}
	if had != b.next {
		b.waiters++
	}
	return b.next
}

// wake returns how many it woke.
func (b *bell) wake() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting.Store(false)
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
	woken := b.waiters
	b.waiters = 0
	return woken
}

// run wakes readers until close. A panic costs the one wake-up.
func (b *bell) run(warn func(error)) {
	for !b.serve(warn) {
	}
}

// serve wakes readers and reports whether the bell was closed.
func (b *bell) serve(warn func(error)) (closed bool) {
	defer func() {
		if p := recover(); p != nil {
			tell(warn, 1, fmt.Errorf("cannot wake who waits for events: %v; trying on", p))
			b.signal()
		}
	}()
	rest := time.NewTimer(time.Hour)
	defer rest.Stop()
	for {
		select {
		case <-b.rung:
		case <-b.done:
			return true
		}
		faultpoint.Here("bell")
		woken := b.wake()
		if n := b.faults.Swap(0); n > 0 {
			tell(warn, n, *b.last.Load())
		}
		n := min(time.Duration(max(woken, 1)), 100)
		rest.Reset(min(n*n*b.pace, maxPace))
		select {
		case <-rest.C:
		case <-b.done:
			return true
		}
	}
}

func tell(warn func(error), n uint64, err error) {
	// A log that fails must not end the goroutine that wakes the readers.
	defer func() { _ = recover() }()
	if n > 1 {
		err = fmt.Errorf("%w (the last of %d such events)", err, n)
	}
	warn(err)
}
