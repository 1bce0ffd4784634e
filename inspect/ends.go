package inspect

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ends is told of the end of processes by a pidfd for each, pidfd_open(2): when one
// ends (Linux 5.3), when it is reaped (6.9), and how it ended (6.15), whoever reaps it. It
// needs no privilege and costs nothing until then.
//
// A nil *ends knows nothing. It belongs to one looker, whose mutex guards it.
type ends struct {
	poll int // an epoll descriptor, edge-triggered: one event for each change
	held map[int]end
	most int
	got  [maxTold]unix.EpollEvent
	// since is when all that ended had been told, since boot: what is told next ended
	// later.
	since time.Duration
	// dead are those that ended and were not reaped at once, to be looked at again.
	dead []ended
}

// end is what an end will be told by.
type end struct {
	fd     int
	start  uint64
	opened time.Duration // since boot
}

// ending is what is known of when a process ended: between two times since boot, if it
// was seen alive after opened. The zero ending is nothing.
type ending struct{ opened, from, by time.Duration }

// ended is a process that ended, and when.
type ended struct {
	pid int
	at  time.Time
}

// maxEnds is how many processes' ends are waited for, if there are descriptors for so
// many: a quarter of those this process may have.
const maxEnds = 4096

// maxTold is how many ends are told at a time.
const maxTold = 64

// newEnds tries whether the kernel has what is needed.
func newEnds() (*ends, error) {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	closeFD(fd)
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	n := &ends{poll: poll, held: map[int]end{}, most: int(min(maxEnds, files.Cur/4))}
	if _, err := n.take(); err != nil { // Linux 5.11
		n.close()
		return nil, fmt.Errorf("epoll_pwait2: %w", err)
	}
	return n, nil
}

func (n *ends) close() {
	if n == nil {
		return
	}
	for pid := range n.held {
		n.forget(pid)
	}
	closeFD(n.poll)
}

// descriptor is readable when take has something to give; -1 for none.
func (n *ends) descriptor() int {
	if n == nil {
		return -1
	}
	return n.poll
}

// full reports whether no more can be waited for.
func (n *ends) full() bool { return n == nil || len(n.held) >= n.most }

// open begins to wait for the end of pid, whoever that is, unless it does already. A
// look at the process comes next, and then keep: who was there before and after is
// whom the pidfd is of.
func (n *ends) open(pid int, now time.Duration) {
	if n.full() {
		return
	}
	if _, ok := n.held[pid]; ok {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd), Pad: int32(pid)}
	if unix.EpollCtl(n.poll, unix.EPOLL_CTL_ADD, fd, &ev) != nil {
		closeFD(fd)
		return
	}
	n.held[pid] = end{fd: fd, opened: now}
}

// keep goes on to wait for the end of pid, which began at start, and reports whether it
// did not before. start 0: there is nobody.
func (n *ends) keep(pid int, start uint64) bool {
	if n == nil {
		return false
	}
	e, ok := n.held[pid]
	switch {
	case !ok:
	case e.start == 0 && start != 0:
		e.start = start
		n.held[pid] = e
		return true
	case e.start != start || start == 0:
		n.forget(pid)
	}
	return false
}

// forget ends what open began.
func (n *ends) forget(pid int) {
	if n == nil {
		return
	}
	if e, ok := n.held[pid]; ok {
		delete(n.held, pid)
		closeFD(e.fd)
	}
}

// status returns the wait status of pid, which began at start and was reaped; -1 where it
// is not known.
func (n *ends) status(pid int, start uint64) int {
	if n == nil {
		return -1
	}
	e, ok := n.held[pid]
	if !ok || e.start != start || start == 0 {
		return -1
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(e.fd), unix.PIDFD_GET_INFO, uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return -1
	}
	return int(info.Exit_code)
}

// take returns whose end, or reaping, was told since the last call. The list is valid
// until the next one; full, there may be more. An error means that nothing will be told
// any more.
func (n *ends) take() ([]unix.EpollEvent, error) {
	if n == nil {
		return nil, nil
	}
	// Not epoll_wait(2), which not every architecture has, nor epoll_pwait(2), which
	// is the runtime's.
	var now [2]int64 // a timespec of 64 bits on every architecture
	k, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(n.poll), uintptr(unsafe.Pointer(&n.got)), uintptr(len(n.got)),
		uintptr(unsafe.Pointer(&now)), 0, 0)
	switch errno {
	case 0:
		return n.got[:k], nil
	case unix.EINTR:
		return nil, nil
	}
	return nil, errno
}

// holds returns who ev is about and when its pidfd was opened, if it is one whose end is
// waited for.
func (n *ends) holds(ev *unix.EpollEvent) (pid int, opened time.Duration, ok bool) {
	e, ok := n.held[int(ev.Pad)]
	return int(ev.Pad), e.opened, ok && e.fd == int(ev.Fd)
}

// none notes that at the time now, since boot, nobody had ended that was not told of.
func (n *ends) none(now time.Duration) {
	if n != nil {
		n.since = max(n.since, now)
	}
}

// later has pid, which ended and is still there, looked at again.
func (n *ends) later(pid int, now time.Time) {
	n.dead = append(n.dead, ended{pid, now})
}

// next is how long it takes until due has one to return; a long time where there is none.
func (n *ends) next(now time.Time) time.Duration {
	if n == nil || len(n.dead) == 0 {
		return time.Hour
	}
	return settle - now.Sub(n.dead[0].at)
}

// due returns one that is dead for so long that it is a zombie to tell of; 0: none is.
func (n *ends) due(now time.Time) (pid int) {
	if n == nil || len(n.dead) == 0 || now.Sub(n.dead[0].at) < settle {
		return 0
	}
	pid = n.dead[0].pid
	n.dead = append(n.dead[:0], n.dead[1:]...)
	return pid
}
