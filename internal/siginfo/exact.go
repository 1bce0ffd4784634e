//go:build linux && (amd64 || arm64)

package siginfo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read by the handler, and set before it is first installed.
var (
	selfPID  int32       // getpid(2)
	queueFD  uint64      // the pipe's end to write to
	deathsFD uint64      // the eventfd
	previous [65]uintptr // the handler that was there before, by signal
)

// lostCount is how many signals the handler could not write.
var lostCount uint64

// Addresses of the assembly routines, from exact_*.s.
var (
	handlerAddress  uintptr
	restorerAddress uintptr
)

// handler is the signal handler. It is never called from Go.
func handler()

// Only the assembly uses them.
var (
	_ = handler
	_ = selfPID
)

// recordSize is how much of a siginfo_t the handler writes: si_signo, si_errno,
// si_code, 4 bytes of padding, si_pid, si_uid, si_value. Far below PIPE_BUF, so
// records are never mixed nor cut (pipe(7)).
const recordSize = 32

// queueSize is the size in bytes asked for the pipe: what a user without
// privileges may have (/proc/sys/fs/pipe-max-size).
const queueSize = 1 << 20

// sigaction is the kernel's struct sigaction on amd64 and arm64.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	saSiginfo  = 0x4
	saRestorer = 0x04000000
	saOnstack  = 0x08000000
	saRestart  = 0x10000000
)

// queue and deaths are the ends to read from. They are opened once and kept.
var queue, deaths *os.File

// exact is the backend with a handler of its own.
type exact struct {
	receiver *Receiver
	saved    [65]sigaction
	changed  uint64 // signals whose saved action is to be restored
	lostAt   uint64 // lostCount at Open
	brokenOK chan os.Signal

	masks     chan uint64 // what listen is to unblock
	unblocked chan error  // that it did
}

func openExact(r *Receiver) (backend, error) {
	if err := openQueue(); err != nil {
		return nil, err
	}
	e := &exact{
		receiver:  r,
		lostAt:    atomic.LoadUint64(&lostCount),
		masks:     make(chan uint64),
		unblocked: make(chan error),
	}
	r.readers.Go(e.listen)
	r.readers.Go(e.readQueue)
	r.readers.Go(e.readDeaths)
	return e, nil
}

// openQueue opens the pipe and the eventfd, or takes those of an earlier Receiver
// and empties the pipe.
func openQueue() error {
	if queue != nil {
		empty(queue)
		queue.SetReadDeadline(time.Time{})
		deaths.SetReadDeadline(time.Time{})
		return nil
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(ends[0])
		unix.Close(ends[1])
		return fmt.Errorf("eventfd: %w", err)
	}
	// A smaller queue will do if the user has too many pipes already (pipe(7)).
	_, _ = unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, queueSize)
	selfPID = int32(os.Getpid())
	queueFD, deathsFD = uint64(ends[1]), uint64(event)
	queue, deaths = os.NewFile(uintptr(ends[0]), "signals"), os.NewFile(uintptr(event), "deaths")
	return nil
}

// empty reads a non-blocking descriptor until nothing is left.
func empty(file *os.File) {
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		buf := make([]byte, 4096)
		for {
			if n, err := unix.Read(int(fd), buf); err != nil && !errors.Is(err, unix.EINTR) || n == 0 {
				return
			}
		}
	})
}

// listen is the thread that has all installed signals unblocked; masks brings it
// the sets. It sleeps in the runtime's futex(2), which the kernel restarts after
// a handler, and touches no terminal, so a SIGTTOU for the process group is
// handled once.
func (e *exact) listen() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, nil, &before)
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	for {
		select {
		case set := <-e.masks:
			var unblock unix.Sigset_t
			unblock.Val[0] = set
			e.unblocked <- unix.PthreadSigmask(unix.SIG_UNBLOCK, &unblock, nil)
		case <-e.receiver.done:
			return
		}
	}
}

func (e *exact) exact() bool  { return true }
func (e *exact) lost() uint64 { return atomic.LoadUint64(&lostCount) - e.lostAt }

func (e *exact) install(set uint64) error {
	if set&(1<<(unix.SIGPIPE-1)) != 0 {
		// Tell package os that SIGPIPE is taken care of, or it ends the program when
		// a write to stdout or stderr fails. Nothing ever arrives in the channel.
		e.brokenOK = make(chan os.Signal, 1)
		signal.Notify(e.brokenOK, unix.SIGPIPE)
	}
	for sig := uintptr(1); sig <= 64; sig++ {
		// Twice would make the handler its own predecessor.
		if set&^e.changed&(1<<(sig-1)) == 0 {
			continue
		}
		// The handler needs the previous one from its first run, so this is not
		// done in one call.
		if err := rtSigaction(sig, nil, &e.saved[sig]); err != nil {
			return fmt.Errorf("%s: rt_sigaction: %w", Name(unix.Signal(sig)), err)
		}
		atomic.StoreUintptr(&previous[sig], e.saved[sig].handler)
		// All others wait while the handler runs, so that the kernel's order is kept
		// and the signal stack holds one frame, not 64.
		action := sigaction{
			handler:  handlerAddress,
			flags:    saSiginfo | saOnstack | saRestart | saRestorer,
			restorer: restorerAddress,
			mask:     ^uint64(0),
		}
		if restorerAddress == 0 {
			action.flags &^= saRestorer
		}
		if err := rtSigaction(sig, &action, nil); err != nil {
			return fmt.Errorf("%s: rt_sigaction: %w", Name(unix.Signal(sig)), err)
		}
		e.changed |= 1 << (sig - 1)
	}
	// Only now: one that is pending would have been lost, or have stopped us.
	e.masks <- set
	if err := <-e.unblocked; err != nil {
		return fmt.Errorf("rt_sigprocmask: %w", err)
	}
	return nil
}

func (e *exact) stop() {
	for sig := uintptr(1); sig <= 64; sig++ {
		if e.changed&(1<<(sig-1)) != 0 {
			_ = rtSigaction(sig, &e.saved[sig], nil)
		}
	}
	if e.brokenOK != nil {
		signal.Stop(e.brokenOK)
	}
	past := time.Unix(1, 0)
	queue.SetReadDeadline(past)
	deaths.SetReadDeadline(past)
}

// rtSigaction is sigaction(2) without a C library around it.
func rtSigaction(sig uintptr, new, old *sigaction) error {
	_, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig,
		uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(new.mask), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// readQueue passes on what the handler wrote until Close.
func (e *exact) readQueue() {
	buf := make([]byte, 128*recordSize)
	for {
		n, err := queue.Read(buf)
		if err != nil && !e.goOn(err) {
			return
		}
		for rest := buf[:n]; len(rest) >= recordSize; rest = rest[recordSize:] {
			if !e.receiver.deliver(decode(rest)) {
				return
			}
		}
	}
}

// readDeaths passes on that children died until Close.
func (e *exact) readDeaths() {
	buf := make([]byte, 8)
	for {
		// On an error too: better one look for the dead too many.
		if _, err := deaths.Read(buf); err != nil && !e.goOn(err) {
			return
		}
		e.receiver.childDied()
	}
}

// goOn reports whether to read again after err, and waits a little before. Nothing but
// stop may end the reading: a program that gets no signals any more cannot be stopped.
func (e *exact) goOn(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, os.ErrClosed) {
		return false
	}
	pause := time.NewTimer(10 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-e.receiver.done:
		return false
	}
}

// decode reads the beginning of a siginfo_t. What the kernel sends on its own
// account has other things in the sender's place.
func decode(record []byte) Info {
	word := func(offset int) int32 { return int32(binary.NativeEndian.Uint32(record[offset:])) }
	info := Info{Signal: unix.Signal(word(0)), Code: word(8)}
	if info.FromProcess() {
		info.PID, info.UID = word(16), word(20)
	}
	if info.Code == Queue || info.Code == MesgQ {
		info.Value = binary.NativeEndian.Uint64(record[24:])
	}
	return info
}
