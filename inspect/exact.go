package inspect

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/internal/faultpoint"
)

// Exact is the source that is told by the kernel: every process below a seccomp
// filter stops at its execve and at its exit_group until it was looked at,
// seccomp_unotify(2). So the command line, the creator and the exit status of a
// process are known however short it lived, unless a signal killed it. Beside that
// it looks at /proc as [Sample] does, but less often: for what forks and does not
// exec, for what came from outside, and for what is shown while it lives.
//
// The filter needs Linux 5.5, and no_new_privs or CAP_SYS_ADMIN. It is for the init
// of a PID namespace alone: without an answer no process can execute anything or
// end, and only an init takes them all with it when it dies.
type Exact struct {
	t      *Table
	sample *sample
	calls  []calls

	fd        atomic.Int64 // the listener
	answerers atomic.Int64 // the one in charge; others end
	began     atomic.Int64 // when it began to look at somebody, since boot; 0: it waits
	failed    atomic.Pointer[error]

	mu     sync.Mutex  // guards handed
	handed []int       // PIDs for the sampling to look at
	idle   atomic.Bool // the sampling waits for a ring
	excess atomic.Bool // since the last sweep there were more to hand over than there is room
}

// maxHanded bounds the PIDs that wait for the sampling. A sweep finds the others.
const maxHanded = 1024

// NewExact returns the source for t, or an error where its filter is not written
// for this architecture or the kernel is too old. path is what [Sample] takes.
func NewExact(t *Table, path string) (*Exact, error) {
	list := callsOf(runtime.GOARCH)
	if list == nil {
		return nil, fmt.Errorf("cannot filter system calls on %s: their numbers are not known here", runtime.GOARCH)
	}
	if err := kernelAtLeast(5, 5); err != nil {
		return nil, fmt.Errorf("cannot answer for filtered system calls: %w", err)
	}
	return &Exact{t: t, sample: sampleHere(path), calls: list}, nil
}

// Program is the filter to install: it stops execve, execveat, exit_group, and
// prctl where it makes a subreaper.
func (x *Exact) Program() []unix.SockFilter { return program(x.calls) }

// Listen takes over the descriptor on which the kernel tells of them, and answers
// from now on, for ever: whoever calls would wait, and get ENOSYS if the descriptor
// were closed. It returns at once.
func (x *Exact) Listen(fd int) {
	// Linux 6.6: whoever waits is woken on the processor of the one who answers.
	_, _, _ = unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	x.fd.Store(int64(fd))
	go x.answer(fd, x.answerers.Add(1), true)
}

// Name is "exact".
func (x *Exact) Name() string { return "exact" }

// Run looks at /proc beside the answers, see [Source]. The answers do not depend
// on it.
func (x *Exact) Run(ctx context.Context, t *Table) error { return x.sample.observe(ctx, t, x) }

// notification is struct seccomp_notif, linux/seccomp.h.
type notification struct {
	id    uint64
	pid   uint32 // of the thread, as our PID namespace numbers it; 0: it is in none of ours
	flags uint32
	nr    uint32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// answerer answers on one thread.
type answerer struct {
	x    *Exact
	fd   uintptr
	rank int64
	look *looker // nil: it answers without looking
	now  int64   // when it began to look, since boot
	n    notification
	r    response
}

// answer receives and answers until the last process below the filter is gone.
func (x *Exact) answer(fd int, rank int64, look bool) {
	// A thread of its own: it is in the kernel nearly all the time.
	defer promptly()()
	a := &answerer{x: x, fd: uintptr(fd), rank: rank}
	if look {
		a.look = newHolder(x.t, a.waits)
	}
	for x.answerers.Load() == rank {
		if !a.receive() {
			return
		}
		if a.look != nil && !a.consider() {
			a.look = nil
		}
		a.send()
	}
}

// maxSends is how often an answer is tried, a millisecond apart, before somebody waits
// for ever.
const maxSends = 1000

// send answers: go on. The process waits until it is done. The kernel takes a lock for
// it that a signal interrupts, and the Go runtime sends its threads signals.
func (a *answerer) send() {
	for try := 0; ; try++ {
		a.r = response{id: a.n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, a.fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a.r)))
		switch {
		case errno == 0 || errno == unix.ENOENT: // it was killed meanwhile
			return
		case errno == unix.EINTR:
		case try >= maxSends:
			a.x.fail(fmt.Errorf("cannot answer process %d, which waits for it: %w", a.n.pid, errno))
			return
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

// linger is how long to wait for the next notification before the scheduler is
// told that this takes longer. See bell.nap for what it costs to tell it.
const linger = 2 * time.Millisecond

// receive waits for a notification, and reports whether there will be another.
func (a *answerer) receive() bool {
	p := unix.PollFd{Fd: int32(a.fd), Events: unix.POLLIN}
	soon := unix.NsecToTimespec(linger.Nanoseconds())
	for {
		ask := unix.RawSyscall
		n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&soon)), 0, 0, 0)
		if errno == 0 && n == 0 {
			_, _, errno = unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, 0, 0, 0, 0)
		}
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0: // without knowing whether somebody waits, this may take long
			time.Sleep(time.Millisecond)
			ask = unix.Syscall
		case p.Revents&unix.POLLIN == 0:
			return false // the hang-up tells that the last process is gone
		}
		a.n = notification{}
		// It does not wait, unless the process was killed meanwhile: then until another
		// comes, or the runtime wants this thread to pause.
		_, _, errno = ask(unix.SYS_IOCTL, a.fd, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&a.n)))
		switch errno {
		case 0:
			return true
		case unix.EINTR, unix.ENOENT: // it was killed meanwhile
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

// consider looks at the process that waits, and reports whether to look at others.
func (a *answerer) consider() (goOn bool) {
	defer func() {
		if p := recover(); p != nil {
			a.x.fail(fmt.Errorf("cannot go on looking at processes that wait: %v", p))
			goOn = false
		}
		a.x.began.CompareAndSwap(a.now, 0)
	}()
	a.now = int64(a.x.t.cfg.Clock.Boot())
	a.x.began.Store(a.now)
	faultpoint.Here("exact")
	m := passing
	for i := range a.x.calls {
		if c := &a.x.calls[i]; c.arch == a.n.arch && m == passing {
			m = c.moment(a.n.nr)
		}
	}
	if m == passing || a.n.pid == 0 {
		return true
	}
	if pid := a.look.atMoment(int(a.n.pid), m, int(a.n.args[0])); pid != 0 {
		a.x.hand(pid)
	}
	return true
}

// waits reports whether the process still waits. If it does not, its PID may have
// been another's when it was looked at.
func (a *answerer) waits() bool {
	errno := unix.EINTR
	for try := 0; errno == unix.EINTR && try < maxSends; try++ { // as in send
		_, _, errno = unix.RawSyscall(unix.SYS_IOCTL, a.fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, uintptr(unsafe.Pointer(&a.n.id)))
	}
	return errno == 0 && a.x.answerers.Load() == a.rank
}

// hand gives a process to the sampling: what it became, or that it is gone, shows
// after the answer.
func (x *Exact) hand(pid int) {
	x.mu.Lock()
	if len(x.handed) < maxHanded {
		x.handed = append(x.handed, pid)
	} else {
		x.excess.Store(true)
	}
	x.mu.Unlock()
	if x.idle.CompareAndSwap(true, false) {
		x.t.rouse()
	}
}

// take returns the PIDs that were handed over, in room.
func (x *Exact) take(room []int) []int {
	x.mu.Lock()
	defer x.mu.Unlock()
	room = append(room[:0], x.handed...)
	x.handed = x.handed[:0]
	return room
}

func (x *Exact) waiting() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.handed) > 0
}

func (x *Exact) fail(err error) {
	if x.failed.CompareAndSwap(nil, &err) {
		x.t.tellSource(x.Name(), "off", err.Error())
	}
}

// stall is how long a look at one process may take. It reads memory of the process,
// and can wait for a lock held by what shares it.
const stall = time.Second

// watchOver puts another in the place of an answerer that is stuck. The new one
// looks at nothing: everybody waits for it.
func (x *Exact) watchOver() {
	began := x.began.Load()
	if began == 0 || x.t.cfg.Clock.Boot()-time.Duration(began) < stall {
		return
	}
	x.began.Store(0)
	x.fail(fmt.Errorf("a look at a process took more than %v", stall))
	go x.answer(int(x.fd.Load()), x.answerers.Add(1), false)
}

// kernelAtLeast tells by its release whether the kernel is too old. What this is
// asked for cannot be tried: an older one would take the filter and not the answers.
func kernelAtLeast(major, minor int) error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Errorf("cannot read the kernel's release: %w", err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	a, b, ok := twoNumbers(release)
	if !ok || a < major || a == major && b < minor {
		return fmt.Errorf("this is Linux %s, and it takes %d.%d", release, major, minor)
	}
	return nil
}

// twoNumbers reads the "6.12" of "6.12.3-cloud" and of "6.12-rc1".
func twoNumbers(release string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(release, ".")
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		rest = rest[:i]
	}
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(rest)
	return major, minor, err1 == nil && err2 == nil
}
