//go:build linux

// Package siginfo receives the signals of a whole process together with who sent
// them, which os/signal does not tell: it drops the sender and merges repeated
// real-time signals.
//
// On amd64 and arm64 a [Receiver] installs a signal handler of its own for every
// signal that can be caught, 1 … 64. The handler is assembly (exact_*.s): it
// needs no goroutine, takes no lock and calls nothing. It writes the beginning
// of the siginfo_t (sigaction(2)) into a pipe, which is the queue, and returns;
// goroutines read the pipe through the runtime's poller. SIGCHLD only adds to an
// eventfd(2), so that a storm of deaths cannot crowd out anything else.
//
// What is the Go runtime's own business is passed on to its handler: signals
// that a thread of the process sends to one of its threads (SIGURG for
// preemption, 33 for syscall.AllThreadsSyscall, SIGABRT of a crash), faults that
// an instruction caused (SEGV, BUS, FPE, ILL, TRAP, SYS with si_code > 0), and
// the profiler's SIGPROF. Panics, recover and profiles work as they always do.
// Other signals from the process itself are dropped, also when it signals its
// own process group and the SIGPIPE the kernel raises when it writes to a closed
// pipe: a process does not tell itself. So while a Receiver is open, writing to
// a closed stdout or stderr is an error (EPIPE) and no longer the end.
//
// A Receiver does not go together with os/signal in the same program, except
// for [os/signal.Ignore] of signals that are left alone ([Options]).
//
// # Masks
//
// The Receiver unblocks the signals it receives on one thread, which does nothing
// else, and leaves the masks of all others as they are. So it
// works in a program that starts with signals blocked on all its threads
// (internal/early). This is what SIGTTOU and SIGTTIN need: where
// they are not blocked, a thread in a background process group that writes to
// its terminal (with tostop) would be interrupted by the handler, restarted, and
// interrupted again for ever.
//
// The kernel itself merges signals below 32: one that is sent while the same is
// pending is gone. And it drops a pending CONT when TSTP, TTIN, TTOU or STOP is
// sent, and those when CONT is.
//
// Where several threads have a real-time signal unblocked, the kernel may give
// two queued ones to two threads at once, and their order is lost.
//
// # After fork
//
// Between fork and execve a child runs on the parent's memory, and the runtime
// resets only those handlers in it that it knows of: not for CONT, TSTP, TTIN,
// TTOU, 32, 34, and not for signals that were ignored. A handler that finds
// itself in another process than the one that opened the Receiver does what the
// default action is. SIGTSTP is dropped there: a child that stops before
// execve would keep its parent inside vfork(2). The check is by PID, so it is
// blind if PID 1 of a PID namespace starts a child with CLONE_NEWPID.
package siginfo

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"syscall"
)

// Values of Info.Code, si_code in sigaction(2). All others come from the kernel.
const (
	User  = 0    // SI_USER: kill(2), raise(3)
	Queue = -1   // SI_QUEUE: sigqueue(3)
	MesgQ = -3   // SI_MESGQ: mq_notify(3)
	TKill = -6   // SI_TKILL: tgkill(2), pthread_kill(3)
	Timer = -2   // SI_TIMER: timer_create(2)
	Kern  = 0x80 // SI_KERNEL: for example a key typed in a terminal

	// Unknown is the Code, PID and UID where the sender cannot be known.
	Unknown = math.MinInt32
)

// UnknownID is the PID and UID of a signal whose sender is not known.
const UnknownID = -1

// Info is a signal that was received.
type Info struct {
	Signal syscall.Signal
	Code   int32 // why it was sent: User and so on, or Unknown

	// PID is the sender's process ID in this PID namespace: 0 for one outside of
	// it and for the kernel, UnknownID if Exact is false. The kernel fills it in,
	// except for Queue, where the sender does and can lie.
	PID int32
	// UID is the sender's real user ID in this user namespace, 0 for the kernel,
	// UnknownID if Exact is false.
	UID int32
	// Value is what sigqueue(3) sent along (union sigval), else 0.
	Value uint64
}

// FromProcess reports whether a process sent the signal, as opposed to the kernel
// (a terminal's keys, hangup, alarm), and this is known.
func (i Info) FromProcess() bool {
	switch i.Code {
	case User, Queue, MesgQ, TKill:
		return true
	}
	return false
}

// String returns a text like "SIGTERM from pid 42 (uid 0)".
func (i Info) String() string {
	switch {
	case i.Code == Unknown:
		return Name(i.Signal)
	case !i.FromProcess():
		return Name(i.Signal) + " from the kernel"
	case i.PID == 0:
		return fmt.Sprintf("%s from outside the PID namespace (uid %d)", Name(i.Signal), i.UID)
	}
	return fmt.Sprintf("%s from pid %d (uid %d)", Name(i.Signal), i.PID, i.UID)
}

// Options says what [Open] shall do. The zero value receives everything.
type Options struct {
	// Leave is the set of signals to leave alone; bit n-1 is signal n. They can be
	// installed later. An inherited SIG_IGN that a child shall inherit in turn has
	// to be in place when the child is forked; [os/signal.Ignore] puts it back. The
	// runtime resets ILL, TRAP, BUS, FPE, SEGV, STKFLT, PROF, SYS and 33 in every
	// child whatever is done here.
	Leave uint64

	// Portable makes the Receiver use os/signal, as it does on architectures it
	// has no handler for. This is for a package inside somebody else's program,
	// whose signal handlers are not to be taken over. It receives the signals that
	// os/signal can notify of, without the sender and with repetitions merged, and
	// not SIGURG, which the Go runtime sends itself all the time, nor SIGPIPE,
	// which every write to a closed socket raises.
	Portable bool
}

// backend is the part of a Receiver that is different with and without a handler
// of its own.
type backend interface {
	// install starts receiving the signals of set; it skips those it already does.
	install(set uint64) error
	lost() uint64
	exact() bool
	// stop restores what install changed and lets the goroutines end.
	stop()
}

// Receiver receives the signals of this process. There can be one at a time.
type Receiver struct {
	signals  chan Info
	children chan struct{}
	done     chan struct{}
	readers  sync.WaitGroup
	backend  backend

	mu     sync.Mutex // guards closed, and orders Install and Close
	closed bool
}

// all is the set of signals that can be caught.
const all = ^uint64(1<<(syscall.SIGKILL-1) | 1<<(syscall.SIGSTOP-1))

// errUnsupported is returned by openExact where there is no handler.
var errUnsupported = errors.New("no signal handler for this architecture")

// opened makes sure that there is one Receiver.
var opened sync.Mutex

// Open starts receiving all signals that can be caught, but those of
// opts.Leave. On error nothing is changed.
func Open(opts Options) (*Receiver, error) {
	if !opened.TryLock() {
		return nil, errors.New("cannot receive signals: this process already does")
	}
	r := &Receiver{
		signals:  make(chan Info),
		children: make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	err := errUnsupported
	if !opts.Portable {
		r.backend, err = openExact(r)
	}
	if errors.Is(err, errUnsupported) {
		r.backend, err = openPortable(r), nil
	}
	if err != nil {
		opened.Unlock()
		return nil, fmt.Errorf("cannot receive signals: %w", err)
	}
	if err := r.Install(^opts.Leave); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Install starts receiving the signals of set, which were left alone so far; bit
// n-1 is signal n. KILL and STOP in it, and those already received, are skipped.
func (r *Receiver) Install(set uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("cannot receive signals: closed")
	}
	if err := r.backend.install(set & all); err != nil {
		return fmt.Errorf("cannot receive signals: %w", err)
	}
	return nil
}

// Signals returns the channel of received signals, all but SIGCHLD. It has no
// buffer: what waits is kept in the kernel's pipe, up to 32,768 signals as a rule
// ([Receiver.Lost]). Close closes it.
func (r *Receiver) Signals() <-chan Info { return r.signals }

// Children returns the channel that tells of SIGCHLD: a value in it means that
// there were some since the last one was taken, or that an earlier Receiver did
// not take them. Close closes it.
func (r *Receiver) Children() <-chan struct{} { return r.children }

// Lost returns how many signals were lost since Open because nobody took them
// from Signals and the queue was full. What os/signal loses it does not tell.
func (r *Receiver) Lost() uint64 { return r.backend.lost() }

// Exact reports whether the sender of a signal is known and repeated real-time
// signals all arrive.
func (r *Receiver) Exact() bool { return r.backend.exact() }

// Close gives the signals back to whom they belonged before, and waits for the
// goroutines to end. Signals in the queue are dropped. The three descriptors of
// the queue stay for the next Open: a handler could still be about to write on
// another thread.
func (r *Receiver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	close(r.done)
	r.backend.stop()
	r.readers.Wait()
	close(r.signals)
	close(r.children)
	opened.Unlock()
}

// deliver hands a signal to the user, and reports false when closed before.
func (r *Receiver) deliver(info Info) bool {
	select {
	case r.signals <- info:
		return true
	case <-r.done:
		return false
	}
}

// childDied tells of SIGCHLD, once until somebody takes it.
func (r *Receiver) childDied() {
	select {
	case r.children <- struct{}{}:
	default:
	}
}
