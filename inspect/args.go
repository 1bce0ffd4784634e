package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"pid1/event"
	"pid1/internal/faultpoint"
)

const (
	// argsPatience is how long a read of a command line may take. It reads the
	// memory of the process, and can wait for a lock that a process stuck in the
	// kernel holds.
	argsPatience = 300 * time.Millisecond
	// maxStuck is how many such reads may hang before no more are begun: each
	// holds a thread.
	maxStuck = 4
)

var (
	errStuck   = errors.New("the read of its command line hangs in the kernel")
	errTooMany = errors.New("too many reads of command lines hang in the kernel")
)

// argsReader reads /proc/PID/cmdline on a goroutine of its own, so that a read
// that hangs costs one thread and not the observer. It belongs to one goroutine at
// a time.
type argsReader struct {
	fs       *FS
	patience time.Duration // 0: argsPatience
	w        *argsWorker
	timer    *time.Timer
	stuck    atomic.Int32
}

type argsWorker struct {
	pids  chan int
	reads chan argsRead
	hangs atomic.Bool // its last read did not come back in time
	r     reader
	buf   [MaxCmdline + 1]byte
}

type argsRead struct {
	n   int
	err error
}

// read returns what is kept of the command line of pid and whether it was cut. The
// bytes are valid until the next call.
func (a *argsReader) read(pid int) (kept []byte, cut bool, err error) {
	if a.w == nil {
		if a.stuck.Load() >= maxStuck {
			return nil, false, errTooMany
		}
		a.start()
	}
	a.w.pids <- pid
	a.timer.Reset(cmp.Or(a.patience, argsPatience))
	var got argsRead
	select {
	case got = <-a.w.reads:
		a.timer.Stop()
	case <-a.timer.C:
		select {
		case got = <-a.w.reads: // both were late
		default:
			a.stuck.Add(1)
			a.w.hangs.Store(true)
			a.leave()
			return nil, false, errStuck
		}
	}
	if got.err != nil {
		return nil, false, got.err
	}
	kept, cut = boundCmdline(a.w.buf[:got.n])
	return kept, cut, nil
}

func (a *argsReader) start() {
	if a.timer == nil {
		a.timer = time.NewTimer(argsPatience)
	}
	w := &argsWorker{pids: make(chan int), reads: make(chan argsRead, 1), r: reader{fs: a.fs}}
	a.w = w
	go func() {
		for pid := range w.pids {
			w.reads <- w.read(pid)
		}
		if w.hangs.Load() {
			a.stuck.Add(-1)
		}
	}()
}

// read reads one command line; whatever is wrong with it costs that one.
func (w *argsWorker) read(pid int) (got argsRead) {
	defer func() {
		if p := recover(); p != nil {
			got = argsRead{0, fmt.Errorf("cannot read a command line: %v", p)}
		}
	}()
	faultpoint.Here("args")
	n, err := w.r.read(pid, "cmdline", w.buf[:])
	return argsRead{n, err}
}

// leave lets the worker end, now or when its read comes back.
func (a *argsReader) leave() {
	if a.w != nil {
		close(a.w.pids)
		a.w = nil
	}
}

// command is a command line as it is kept. It does not change, and processes that
// run the same share one.
type command struct {
	hash uint64 // of the bytes it was made from
	args []string
	cut  bool
}

// interner keeps one copy of names and command lines that come again and again.
type interner struct {
	seed     maphash.Seed
	names    map[string]string
	commands map[uint64]*command
	held     int // bytes of the commands
	redact   func([]string) []string
}

// What an interner holds at most before it starts over.
const (
	maxNames    = 1024
	maxCommands = 128 << 10 // bytes
)

func newInterner(redact func([]string) []string) *interner {
	return &interner{
		seed:     maphash.MakeSeed(),
		names:    make(map[string]string),
		commands: make(map[uint64]*command),
		redact:   redact,
	}
}

func (in *interner) name(b []byte) string {
	if s, ok := in.names[string(b)]; ok {
		return s
	}
	if len(in.names) >= maxNames {
		clear(in.names)
	}
	s := string(b)
	in.names[s] = s
	return s
}

func (in *interner) hash(kept []byte) uint64 { return maphash.Bytes(in.seed, kept) }

func (in *interner) command(kept []byte, cut bool) *command {
	h := in.hash(kept)
	if c, ok := in.commands[h]; ok && c.cut == cut {
		return c
	}
	if in.held += len(kept) + 128; in.held > maxCommands {
		clear(in.commands)
		in.held = 0
	}
	args := splitArgs(kept)
	if in.redact != nil && args != nil {
		if cut && len(kept) > MaxCmdline-utf8.UTFMax {
			// Half a secret may not look like one.
			args[len(args)-1] = "***"
		}
		args = in.redact(args)
	}
	c := &command{hash: h, args: args, cut: cut}
	in.commands[h] = c
	return c
}

// how says how the command line is known: a process may have none to see.
func (c *command) how() event.How {
	if c == nil || len(c.args) == 0 {
		return event.HowNone
	}
	return event.HowSeen
}
