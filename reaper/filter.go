package reaper

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Filter is a seccomp filter with a listener, seccomp_unotify(2), that COMMAND gets
// right after the fork, and everything that descends from it. This process itself
// gets none. It needs Linux 5.5.
type Filter struct {
	Program []unix.SockFilter
	// NoNewPrivs sets no_new_privs in COMMAND where the kernel asks for it, prctl(2):
	// where it is not set already and there is no CAP_SYS_ADMIN.
	NoNewPrivs bool
	// Listener takes over the descriptor the notifications come on. It must not block:
	// COMMAND's first execve waits for an answer.
	Listener func(fd int)
	// Refused tells why COMMAND runs without the filter.
	Refused func(error)
}

// handover is how the new process gives its listener to its parent.
type handover struct {
	fds     [2]int // a pair of sockets: the parent's, the child's
	prog    unix.SockFprog
	flags   uintptr // wanted; the child does with less where the kernel is older
	nnp     bool
	errno   int32
	iov     unix.Iovec
	msg     unix.Msghdr
	control struct { // cmsg(3) with one descriptor
		head unix.Cmsghdr
		fd   int32
		_    int32
	}
}

const (
	listenerFlags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	// killable keeps signals from restarting a call that waits for its answer for
	// ever, as Go's own preemption does. Linux 5.19.
	killable = unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
)

// newHandover makes ready what the child must not allocate; nil where there is no
// filter or it cannot be installed.
func newHandover(f *Filter) *handover {
	if f == nil {
		return nil
	}
	h := &handover{nnp: f.NoNewPrivs, flags: listenerFlags | killable}
	var err error
	if h.fds, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err != nil {
		f.Refused(fmt.Errorf("cannot make a pair of sockets: %w", err))
		return nil
	}
	h.prog = unix.SockFprog{Len: uint16(len(f.Program)), Filter: &f.Program[0]}
	h.iov.Base = (*byte)(unsafe.Pointer(&h.errno))
	h.iov.SetLen(int(unsafe.Sizeof(h.errno)))
	h.msg.Iov = &h.iov
	h.msg.SetIovlen(1)
	h.msg.Control = (*byte)(unsafe.Pointer(&h.control))
	h.control.head.Level = unix.SOL_SOCKET
	h.control.head.Type = unix.SCM_RIGHTS
	h.control.head.SetLen(unix.CmsgLen(int(unsafe.Sizeof(h.control.fd))))
	h.msg.SetControllen(unix.CmsgSpace(int(unsafe.Sizeof(h.control.fd))))
	return h
}

// install is called by the child: it gets the filter and sends the listener, or
// the error that it goes on without.
//
//go:norace
//go:nosplit
func (h *handover) install() {
	var fd uintptr
	var errno syscall.Errno
	for {
		fd, _, errno = syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, h.flags, uintptr(unsafe.Pointer(&h.prog)))
		if errno == unix.EINVAL && h.flags&killable != 0 {
			h.flags &^= killable
			continue
		}
		if errno == unix.EACCES && h.nnp {
			h.nnp = false
			syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
			continue
		}
		break
	}
	h.errno = int32(errno)
	h.control.fd = int32(fd)
	if errno != 0 {
		h.msg.Controllen = 0
	}
	syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(h.fds[1]), uintptr(unsafe.Pointer(&h.msg)), 0)
	if errno == 0 {
		syscall.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
	}
}

// receive takes what the child sent and hands it to f. It reports whether the
// child can go on: one whose listener was lost on the way would wait for ever.
func (h *handover) receive(f *Filter) bool {
	unix.Close(h.fds[1])
	h.fds[1] = -1
	var control [64]byte
	var said [4]byte
	var n, size, flags int
	var err error
	for {
		n, size, flags, _, err = unix.Recvmsg(h.fds[0], said[:], control[:], unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err == nil && n == 0 {
		return true // it failed earlier, and reports that
	}
	if err == nil && n == len(said) {
		if errno := syscall.Errno(*(*int32)(unsafe.Pointer(&said))); errno != 0 {
			f.Refused(fmt.Errorf("cannot install a seccomp filter with a listener: %w", errno))
			return true
		}
		if fds := received(control[:size]); flags&unix.MSG_CTRUNC == 0 && len(fds) == 1 {
			f.Listener(fds[0])
			return true
		}
	}
	f.Refused(fmt.Errorf("cannot receive the listener of a seccomp filter (%d bytes, flags %#x): %w", n, flags, err))
	return false
}

func (h *handover) close() {
	unix.Close(h.fds[0])
	if h.fds[1] >= 0 {
		unix.Close(h.fds[1])
	}
}

func received(control []byte) []int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return nil
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil
	}
	return fds
}
