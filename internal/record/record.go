// Package record writes the stream to a file as it is on the wire, one JSON object
// a line: a hello, then every event, and an end when pid1 exits in good order.
//
// A Recorder is a reader of the journal like any client. It holds nobody up: what
// the disk does not take stays in the ring, and when it is gone from there before
// the disk takes lines again, a gap line stands in its place.
package record

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"pid1/event"
	"pid1/internal/faultpoint"
	"pid1/internal/journal"
)

const (
	// DefaultMaxSize is how large a file becomes unless Config.MaxSize says
	// otherwise, in bytes.
	DefaultMaxSize = 64 << 20
	// DefaultKeep is how many older files there are beside it.
	DefaultKeep = 3

	// retry is how long to wait after a failure, and how often the file is looked
	// for under its name.
	retry = time.Second

	// farewell is how long Close waits for the disk.
	farewell = time.Second
)

// Config says where to record, and how much. Only Path has to be set.
type Config struct {
	// Path is the file, an absolute path. It is made with mode 0600. One that is
	// there is appended to if it is a recording and ours alone; anything else is
	// left as it is and not written to: a symbolic link, another user's file, a
	// file with a second name, a device, a file that does not begin like a
	// recording.
	Path string
	// MaxSize is how large the file may become in bytes before it is renamed to
	// Path.1, Path.1 to Path.2 and so on; a line alone may be larger. 0 or less:
	// DefaultMaxSize. RLIMIT_FSIZE makes it smaller.
	MaxSize int64
	// Keep is how many renamed files there are at most; negative: DefaultKeep.
	Keep int
	// Hello makes a file's first line; the Recorder sets its time and numbers. nil:
	// a hello that knows no more than these.
	Hello func() *event.Hello
	// Warn is told when recording fails and when it goes on. May be nil.
	Warn func(error)

	retry time.Duration // for tests
}

// Recorder writes a journal's events to a file. It has one goroutine, which can be
// inside a blocking system call as long as the disk likes.
type Recorder struct {
	j    *journal.Journal
	cfg  Config
	r    *journal.Reader
	stop chan struct{}
	done chan struct{}
	once sync.Once

	// For the goroutine alone.
	file  *file
	chunk []byte // what the reader handed out last
	off   int    // how much of it is written; in the midst of a line perhaps
	lost  uint64 // r.Lost when recording last worked
	fault string // why it does not work now; "": it does
	timer *time.Timer
}

// Start begins to record j, from the oldest event it has. It returns at once:
// that the file cannot be opened is told by Warn, and tried again.
func Start(j *journal.Journal, cfg Config) *Recorder {
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	if cfg.Keep < 0 {
		cfg.Keep = DefaultKeep
	}
	if cfg.Hello == nil {
		cfg.Hello = func() *event.Hello { return event.New(event.TypeHello).(*event.Hello) }
	}
	if cfg.Warn == nil {
		cfg.Warn = func(error) {}
	}
	if cfg.retry == 0 {
		cfg.retry = retry
	}
	r := &Recorder{
		j: j, cfg: cfg, r: j.NewReader(max(j.Counts().First, 1) - 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go r.guard()
	return r
}

// Close writes what was appended before the call and ends the Recorder. A disk that
// does not take it within a second is left behind.
func (r *Recorder) Close() {
	r.once.Do(func() { close(r.stop) })
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-r.done:
	case <-late.C:
	}
}

// guard runs the Recorder. A panic ends it and nothing else.
func (r *Recorder) guard() {
	defer close(r.done)
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("cannot go on recording to %s: %v", r.cfg.Path, p)
			r.warn(err)
			r.tell("off", err.Error())
		}
	}()
	r.run()
}

// warn tells err, and lets a log that fails fail alone.
func (r *Recorder) warn(err error) {
	defer func() { _ = recover() }()
	r.cfg.Warn(err)
}

func (r *Recorder) run() {
	r.timer = time.NewTimer(time.Hour)
	defer r.timer.Stop()
	r.drain() // the file is there from the start, not from the first event
	for {
		var more <-chan struct{}
		if r.fault == "" {
			// What comes between the last look and this call makes the channel ring at
			// the next event only, so look once more.
			more = r.r.Changed()
			if r.drain(); r.fault != "" {
				more = nil
			}
		}
		select {
		case <-more:
		case <-r.timer.C:
		case <-r.stop:
			r.finish()
			return
		}
		r.drain()
	}
}

// drain writes all there is to write, or notes why it cannot.
func (r *Recorder) drain() {
	faultpoint.Here("record")
	err := r.ready()
	for err == nil {
		if r.off == len(r.chunk) {
			if r.chunk, r.off = r.r.Next(), 0; len(r.chunk) == 0 {
				break
			}
		}
		err = r.write()
	}
	if err != nil {
		r.failed(err)
		return
	}
	r.works()
}

// ready makes sure that there is a file under the name to write to.
func (r *Recorder) ready() error {
	if r.file != nil && !r.file.there(time.Now(), r.cfg.retry) {
		r.leave()
	}
	if r.file != nil {
		return nil
	}
	return r.begin()
}

// leave closes the file. A line that was written in part begins anew in the next.
func (r *Recorder) leave() {
	r.file.close()
	r.file = nil
	r.off = bytes.LastIndexByte(r.chunk[:r.off], '\n') + 1
}

// begin opens the file and writes its hello.
func (r *Recorder) begin() error {
	f, err := open(r.cfg.Path)
	if err != nil {
		return err
	}
	if f.size > 0 && f.size >= f.limit(r.cfg.MaxSize) {
		f.close()
		if err := rotate(r.cfg.Path, r.cfg.Keep); err != nil {
			return err
		}
		if f, err = open(r.cfg.Path); err != nil {
			return err
		}
	}
	if err := f.whole(r.hello()); err != nil {
		f.close()
		return err
	}
	r.file = f
	return nil
}

// hello is the first line of a file: the events after last_seq follow.
func (r *Recorder) hello() []byte {
	h := *r.cfg.Hello()
	next := r.r.Seq()
	if r.off < len(r.chunk) {
		line, _, _ := bytes.Cut(r.chunk[r.off:], []byte{'\n'})
		var first struct {
			Seq uint64 `json:"seq"`
			Gap uint64 `json:"from_seq"`
		}
		if json.Unmarshal(line, &first) == nil {
			next = cmp.Or(first.Gap, first.Seq)
		}
	}
	h.Type, h.Seq, h.TS = event.TypeHello, 0, time.Now()
	h.FirstSeq, h.LastSeq = 0, 0
	if next > 1 {
		h.FirstSeq, h.LastSeq = next, next-1
	}
	return event.Append(nil, &h)
}

// write writes some of the chunk, in whole lines if the disk takes them whole.
func (r *Recorder) write() error {
	rest := r.chunk[r.off:]
	within := r.off > 0 && r.chunk[r.off-1] != '\n'
	n := fit(rest, r.file.limit(r.cfg.MaxSize)-r.file.size)
	if n == 0 && (within || r.file.fresh) {
		n = bytes.IndexByte(rest, '\n') + 1 // a line that is larger than a file may be
	}
	if n == 0 {
		if err := rotate(r.cfg.Path, r.cfg.Keep); err != nil {
			return err
		}
		r.leave()
		return r.begin()
	}
	n, err := r.file.write(rest[:n])
	r.off += n
	return err
}

// fit returns how many bytes of lines are whole lines that fit into room.
func fit(lines []byte, room int64) int {
	if int64(len(lines)) <= room {
		return len(lines)
	}
	return bytes.LastIndexByte(lines[:max(room, 0)], '\n') + 1
}

// failed notes that nothing can be written for now.
func (r *Recorder) failed(err error) {
	r.timer.Reset(r.cfg.retry)
	why := fmt.Errorf("cannot record to %s: %w", r.cfg.Path, err)
	if why.Error() == r.fault {
		return
	}
	first := r.fault == ""
	r.fault = why.Error()
	r.warn(fmt.Errorf("%w; trying on", why))
	if first {
		r.tell("off", r.fault)
	}
}

// works notes that everything is written.
func (r *Recorder) works() {
	if r.fault == "" {
		return
	}
	reason := fmt.Sprintf("recording to %s again; %d events were lost", r.cfg.Path, r.r.Lost()-r.lost)
	r.fault, r.lost = "", r.r.Lost()
	r.warn(errors.New(reason))
	r.tell("on", reason)
}

func (r *Recorder) tell(state, reason string) {
	ev := event.New(event.TypeSource).(*event.Source)
	ev.Name, ev.State, ev.Reason = "record", state, reason
	r.j.Append(ev)
}

// finish writes the last events.
func (r *Recorder) finish() {
	r.drain()
	if r.fault != "" {
		written := r.r.Seq() - 1 - uint64(bytes.Count(r.chunk[r.off:], []byte{'\n'}))
		r.warn(fmt.Errorf("cannot record the last events, %d of them: %s", r.j.Counts().Last-written, r.fault))
	}
	if r.file != nil {
		r.file.close()
	}
}
