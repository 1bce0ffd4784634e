package inspect

import "golang.org/x/sys/unix"

// moment is what a process is about to do while the kernel holds it for us.
type moment uint8

const (
	passing    moment = iota // it is not held
	execing                  // it is about to execute a program
	exiting                  // it is about to end, all its threads included
	adopting                 // it is about to become a subreaper
	orphanhood               // its parent is held, and about to end
)

// calls are the numbers of the system calls to be told of, as one architecture or
// one of its modes counts them.
type calls struct {
	arch                              uint32 // AUDIT_ARCH_*, linux/audit.h
	execve, execveat, exitGroup, ctrl uint32
}

// AUDIT_ARCH_* of linux/audit.h.
const (
	auditX86_64  = 0xc000003e
	auditI386    = 0x40000003
	auditAArch64 = 0xc00000b7
	auditARM     = 0x40000028
)

// x32 is the bit that tells calls of the x32 ABI from others of x86-64.
const x32 = 0x40000000

// callsOf returns the ways programs on a machine can call the kernel; none where
// nobody has written them down.
func callsOf(goarch string) []calls {
	switch goarch {
	case "amd64":
		return []calls{
			{auditX86_64, 59, 322, 231, 157},
			{auditX86_64, x32 | 520, x32 | 545, x32 | 231, x32 | 157},
			{auditI386, 11, 358, 252, 172},
		}
	case "arm64":
		return []calls{
			{auditAArch64, 221, 281, 94, 167},
			{auditARM, 11, 387, 248, 172},
		}
	}
	return nil
}

// moment says what a call is about to do.
func (c *calls) moment(nr uint32) moment {
	switch nr {
	case c.execve, c.execveat:
		return execing
	case c.exitGroup:
		return exiting
	case c.ctrl:
		return adopting
	}
	return passing
}

// Offsets in struct seccomp_data of linux/seccomp.h. The low half of an argument
// comes first on the architectures of callsOf.
const (
	dataNr   = 0
	dataArch = 4
	dataArg0 = 16
)

// program is a filter that tells of the calls and lets all others pass. It looks
// at arguments for prctl(2) alone, so that the kernel can remember for every other
// number that it passes (Linux 5.11).
func program(list []calls) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	ifEqual := func(k uint32, skipThen, skipElse uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: skipThen, Jf: skipElse, K: k}
	}
	result := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	var p []unix.SockFilter
	for _, c := range list {
		p = append(p,
			load(dataArch),
			ifEqual(c.arch, 0, 9), // not this one: to the next
			load(dataNr),
			ifEqual(c.execve, 5, 0),
			ifEqual(c.execveat, 4, 0),
			ifEqual(c.exitGroup, 3, 0),
			ifEqual(c.ctrl, 0, 4), // to the next: x86-64 has two of one arch
			load(dataArg0),
			ifEqual(unix.PR_SET_CHILD_SUBREAPER, 0, 1),
			result(unix.SECCOMP_RET_USER_NOTIF),
			result(unix.SECCOMP_RET_ALLOW),
		)
	}
	return append(p, result(unix.SECCOMP_RET_ALLOW))
}
