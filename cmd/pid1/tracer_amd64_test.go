package main

import (
	"bufio"
	words "encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/internal/nstest"
)

// A tracer makes system calls of pid1 fail once COMMAND runs, and notes which it
// makes, or puts its clock wrong. It is a process of its own, since whoever traces also waits, and follows pid1's
// threads alone, not what it forks.

// plan is which calls fail. A call fails without being made, as it does when the
// kernel refuses; close(2) is made, for it always closes.
type plan struct {
	call  string // as callName gives it
	errno syscall.Errno
	every int64 // the first of so many fails
	made  atomic.Int64
}

// tracing is the state of TestHelperTracer, in its own process.
type tracing struct {
	pid  int
	plan atomic.Pointer[plan]
	// After the fork pid1 waits for the exec, and then changes its directory: COMMAND
	// runs, and from now on calls count.
	forked, runs bool
	hurt         map[int]syscall.Errno // threads within a call that is to fail
	owed         atomic.Int64          // len(hurt)
	known        map[int]bool

	clock atomic.Bool  // the time is ours to tell, from the exec on
	ahead atomic.Int64 // of the wall clock, in seconds

	mu   sync.Mutex // guards seen
	seen map[string]int
}

// TestHelperTracer traces the process PID1_TEST_TRACEE and takes orders on standard
// input: "clock SECONDS" to put the wall clock ahead, the first time before pid1's exec, "CALL ERRNO EVERY" to make calls fail, "+" for how many there were, "-" to let them be, "?" for the
// names of the calls seen so far. Each is answered by a line.
func TestHelperTracer(t *testing.T) {
	pid, err := strconv.Atoi(os.Getenv("PID1_TEST_TRACEE"))
	if err != nil {
		t.Skip("a helper of other tests")
	}
	x := &tracing{pid: pid, hurt: map[int]syscall.Errno{}, known: map[int]bool{}, seen: map[string]int{}}
	runtime.LockOSThread()
	if err := x.attach(); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	go x.orders()
	x.trace()
}

func ptrace(request, tid int, addr, data uintptr) error {
	if _, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, data, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// attach takes hold of all threads: until a look finds none that is new.
func (x *tracing) attach() error {
	for fresh := true; fresh; {
		fresh = false
		names, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", x.pid))
		if err != nil {
			return err
		}
		for _, name := range names {
			tid, _ := strconv.Atoi(name.Name())
			if x.known[tid] {
				continue
			}
			err := ptrace(unix.PTRACE_SEIZE, tid, 0, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACEEXEC)
			if err == nil {
				err = ptrace(unix.PTRACE_INTERRUPT, tid, 0, 0)
			}
			if err != nil && err != unix.ESRCH {
				return fmt.Errorf("cannot trace thread %d: %w", tid, err)
			}
			x.known[tid], fresh = true, true
		}
	}
	return nil
}

func (x *tracing) orders() {
	fmt.Println("ok")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		f := strings.Fields(in.Text())
		switch {
		case len(f) == 3:
			n, _ := strconv.Atoi(f[1])
			every, _ := strconv.Atoi(f[2])
			x.plan.Store(&plan{call: f[0], errno: syscall.Errno(n), every: int64(every)})
			fmt.Println("ok")
		case len(f) == 2 && f[0] == "clock":
			n, _ := strconv.Atoi(f[1])
			x.ahead.Store(int64(n))
			x.clock.Store(true)
			fmt.Println("ok")
		case len(f) == 1 && f[0] == "+":
			fmt.Println("ok", x.plan.Load().made.Load())
		case len(f) == 1 && f[0] == "-":
			made := int64(0)
			if p := x.plan.Swap(nil); p != nil {
				made = p.made.Load()
			}
			fmt.Println("ok", made)
		default:
			x.mu.Lock()
			names := make([]string, 0, len(x.seen))
			for name := range x.seen {
				names = append(names, name)
			}
			x.mu.Unlock()
			fmt.Println("ok", strings.Join(names, " "))
		}
	}
	// The kernel lets go of whom it traces when a tracer ends. No call may be under
	// way that was taken away and not yet answered.
	for x.plan.Store(nil); x.owed.Load() > 0; {
		time.Sleep(time.Millisecond)
	}
	os.Exit(0)
}

// trace lets the threads run from one system call to the next until they are gone.
func (x *tracing) trace() {
	for {
		var ws unix.WaitStatus
		tid, err := unix.Wait4(-1, &ws, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			select {} // nobody is left; orders ends this process
		case !ws.Stopped():
			delete(x.hurt, tid)
			x.owed.Store(int64(len(x.hurt)))
			continue
		}
		sig := ws.StopSignal()
		switch what := int(ws) >> 16; {
		case sig == unix.SIGTRAP|0x80:
			x.call(tid)
			sig = 0
		case what == unix.PTRACE_EVENT_STOP && sig != unix.SIGTRAP:
			_ = ptrace(unix.PTRACE_LISTEN, tid, 0, 0) // it is stopped, and stays so
			continue
		case what == unix.PTRACE_EVENT_EXEC:
			if x.clock.Load() {
				x.hideVDSO(tid)
			}
			sig = 0
		case what != 0:
			sig = 0
		}
		_ = ptrace(unix.PTRACE_SYSCALL, tid, 0, uintptr(sig))
	}
}

// call looks at a thread that enters or leaves a call.
func (x *tracing) call(tid int) {
	var info struct {
		op   uint8
		_    [23]byte
		nr   uint64
		args [6]uint64
		_    [16]byte
	}
	if ptrace(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info))) != nil {
		return
	}
	const entry, exit = 1, 2
	switch info.op {
	case entry:
		x.forked = x.forked || info.nr == unix.SYS_CLONE && info.args[0]&unix.CLONE_THREAD == 0
		if x.runs = x.runs || x.forked && info.nr == unix.SYS_CHDIR; !x.runs {
			return
		}
		name := x.callName(info.nr, info.args)
		x.mu.Lock()
		x.seen[name]++
		x.mu.Unlock()
		p := x.plan.Load()
		if p == nil || p.call != name || (p.made.Add(1)-1)%p.every != 0 {
			return
		}
		if info.nr != unix.SYS_CLOSE {
			x.change(tid, func(r *unix.PtraceRegs) { r.Orig_rax = ^uint64(0) })
		}
		x.hurt[tid] = p.errno
	case exit:
		if errno, ok := x.hurt[tid]; ok {
			x.change(tid, func(r *unix.PtraceRegs) { r.Rax = uint64(-int64(errno)) })
			delete(x.hurt, tid)
		}
		if x.clock.Load() {
			x.putAhead(tid)
		}
	}
	x.owed.Store(int64(len(x.hurt)))
}

func (x *tracing) change(tid int, f func(*unix.PtraceRegs)) {
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) == nil {
		f(&regs)
		_ = unix.PtraceSetRegs(tid, &regs)
	}
}

// hideVDSO makes the program that begins ask the kernel for the time, where it can be
// seen to. It walks the stack as execve left it: the arguments, the environment, and
// the auxiliary vector, getauxval(3).
func (x *tracing) hideVDSO(tid int) {
	const sysinfoEHDR, ignore = 33, 1
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) != nil {
		return
	}
	at := uintptr(regs.Rsp) + 8 // argc
	for range 2 {
		for x.peek(tid, at) != 0 {
			at += 8
		}
		at += 8
	}
	for key := x.peek(tid, at); key != 0; key = x.peek(tid, at) {
		if key == sysinfoEHDR {
			x.poke(tid, at, ignore)
		}
		at += 16
	}
}

// putAhead changes what clock_gettime(CLOCK_REALTIME) has just returned.
func (x *tracing) putAhead(tid int) {
	x.change(tid, func(r *unix.PtraceRegs) {
		if r.Orig_rax == unix.SYS_CLOCK_GETTIME && r.Rdi == unix.CLOCK_REALTIME && r.Rax == 0 {
			at := uintptr(r.Rsi)
			x.poke(tid, at, x.peek(tid, at)+uint64(x.ahead.Load()))
		}
	})
}

func (x *tracing) peek(tid int, at uintptr) uint64 {
	var word [8]byte
	_, _ = unix.PtracePeekData(tid, at, word[:])
	return words.NativeEndian.Uint64(word[:])
}

func (x *tracing) poke(tid int, at uintptr, v uint64) {
	var word [8]byte
	words.NativeEndian.PutUint64(word[:], v)
	_, _ = unix.PtracePokeData(tid, at, word[:])
}

// callName names a call. What stands for many, such as read and ioctl, is told
// apart by what it is done to.
func (x *tracing) callName(nr uint64, args [6]uint64) string {
	name, ok := callNames[nr]
	if !ok {
		return fmt.Sprint("syscall_", nr)
	}
	switch nr {
	case unix.SYS_IOCTL:
		if request, ok := ioctlNames[args[1]]; ok {
			return name + "(" + request + ")"
		}
		return fmt.Sprintf("%s(%#x)", name, args[1])
	case unix.SYS_OPENAT:
		if args[2]&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT) != 0 {
			return name + "(write)"
		}
	case unix.SYS_READ, unix.SYS_WRITE, unix.SYS_PPOLL:
		fd := args[0]
		if nr == unix.SYS_PPOLL {
			if args[1] > 1 {
				return name + "(inotify)"
			}
			return name + "(seccomp)"
		}
		if fd == 2 {
			return name + "(stderr)"
		}
		return name + "(" + x.kind(fd) + ")"
	}
	return name
}

// kind is what a descriptor of pid1 leads to.
func (x *tracing) kind(fd uint64) string {
	path := fmt.Sprintf("/proc/%d/fd/%d", x.pid, fd)
	link, _ := os.Readlink(path)
	for prefix, kind := range map[string]string{"pipe:": "pipe", "socket:": "socket", "anon_inode:inotify": "inotify", "anon_inode:[eventfd]": "eventfd"} {
		if strings.HasPrefix(link, prefix) {
			return kind
		}
	}
	var fs unix.Statfs_t
	_ = unix.Statfs(path, &fs)
	switch fs.Type {
	case unix.PROC_SUPER_MAGIC:
		return "proc"
	case unix.CGROUP_SUPER_MAGIC, unix.CGROUP2_SUPER_MAGIC, unix.SYSFS_MAGIC:
		return "cgroup"
	}
	return "file"
}

// leash is a tracer at work.
type leash struct {
	t   *testing.T
	cmd *exec.Cmd
	in  interface {
		WriteString(string) (int, error)
		Close() error
	}
	out *bufio.Scanner
}

// trace begins to trace what is about to become pid1.
func trace(t *testing.T, pid int) *leash {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperTracer$")
	cmd.Env = append(os.Environ(), "PID1_TEST_HELPER=1", fmt.Sprint("PID1_TEST_TRACEE=", pid))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = r
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := startUnblocked(cmd); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	l := &leash{t: t, cmd: cmd, in: w, out: bufio.NewScanner(out)}
	t.Cleanup(l.letGo)
	if why := l.answer(); why != "ok" {
		nstest.Lacking(t, "ptrace", why)
	}
	return l
}

func (l *leash) answer() string {
	l.out.Scan()
	return l.out.Text()
}

func (l *leash) order(format string, args ...any) string {
	l.t.Helper()
	if _, err := l.in.WriteString(fmt.Sprintf(format+"\n", args...)); err != nil {
		l.t.Fatalf("the tracer is gone: %v", err)
	}
	rest, ok := strings.CutPrefix(l.answer(), "ok")
	if !ok {
		l.t.Fatalf("the tracer is gone")
	}
	return strings.TrimSpace(rest)
}

// fail makes every so many-th call of that name fail.
func (l *leash) fail(call string, errno syscall.Errno, every int) {
	l.t.Helper()
	l.order("%s %d %d", call, int(errno), every)
}

// mend lets calls be, and returns how many of those that were to fail were made.
func (l *leash) mend() int {
	l.t.Helper()
	n, _ := strconv.Atoi(l.order("-"))
	return n
}

// made returns how many of the calls that are to fail were made.
func (l *leash) made() int {
	l.t.Helper()
	n, _ := strconv.Atoi(l.order("+"))
	return n
}

// seen returns the calls seen so far.
func (l *leash) seen() []string {
	l.t.Helper()
	return slices.Sorted(slices.Values(strings.Fields(l.order("?"))))
}

func (l *leash) letGo() {
	_ = l.in.Close()
	_ = l.cmd.Wait()
}

// ioctlNames and callNames are the names of what pid1 uses; another shows as its
// number.
var ioctlNames = map[uint64]string{
	unix.SECCOMP_IOCTL_NOTIF_RECV: "SECCOMP_IOCTL_NOTIF_RECV", unix.SECCOMP_IOCTL_NOTIF_SEND: "SECCOMP_IOCTL_NOTIF_SEND",
	unix.SECCOMP_IOCTL_NOTIF_ID_VALID: "SECCOMP_IOCTL_NOTIF_ID_VALID", unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS: "SECCOMP_IOCTL_NOTIF_SET_FLAGS",
	unix.PIDFD_GET_INFO: "PIDFD_GET_INFO",
	unix.SIOCOUTQ:       "SIOCOUTQ", unix.TIOCGPGRP: "TIOCGPGRP", unix.TIOCSPGRP: "TIOCSPGRP",
}

var callNames = map[uint64]string{
	unix.SYS_READ: "read", unix.SYS_WRITE: "write", unix.SYS_CLOSE: "close", unix.SYS_FSTAT: "fstat", unix.SYS_LSTAT: "lstat",
	unix.SYS_STAT: "stat", unix.SYS_NEWFSTATAT: "newfstatat", unix.SYS_STATX: "statx", unix.SYS_STATFS: "statfs", unix.SYS_FSTATFS: "fstatfs",
	unix.SYS_OPENAT: "openat", unix.SYS_OPEN: "open", unix.SYS_PREAD64: "pread64", unix.SYS_READLINK: "readlink", unix.SYS_READLINKAT: "readlinkat",
	unix.SYS_GETDENTS64: "getdents64", unix.SYS_LSEEK: "lseek", unix.SYS_FTRUNCATE: "ftruncate", unix.SYS_FLOCK: "flock",
	unix.SYS_RENAME: "rename", unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_UNLINK: "unlink", unix.SYS_UNLINKAT: "unlinkat",
	unix.SYS_MKDIR: "mkdir", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat", unix.SYS_FCHDIR: "fchdir", unix.SYS_CHDIR: "chdir",
	unix.SYS_SOCKET: "socket", unix.SYS_BIND: "bind", unix.SYS_LISTEN: "listen", unix.SYS_ACCEPT4: "accept4", unix.SYS_CONNECT: "connect",
	unix.SYS_GETSOCKOPT: "getsockopt", unix.SYS_SETSOCKOPT: "setsockopt", unix.SYS_GETSOCKNAME: "getsockname", unix.SYS_GETPEERNAME: "getpeername",
	unix.SYS_SENDMSG: "sendmsg", unix.SYS_SENDTO: "sendto", unix.SYS_RECVFROM: "recvfrom", unix.SYS_RECVMSG: "recvmsg", unix.SYS_SHUTDOWN: "shutdown",
	unix.SYS_IOCTL: "ioctl", unix.SYS_FCNTL: "fcntl", unix.SYS_DUP3: "dup3", unix.SYS_POLL: "poll", unix.SYS_PPOLL: "ppoll",
	unix.SYS_EVENTFD2: "eventfd2", unix.SYS_INOTIFY_INIT1: "inotify_init1", unix.SYS_INOTIFY_ADD_WATCH: "inotify_add_watch",
	unix.SYS_WAITID: "waitid", unix.SYS_WAIT4: "wait4", unix.SYS_KILL: "kill", unix.SYS_GETSID: "getsid", unix.SYS_GETPGRP: "getpgrp",
	unix.SYS_GETPID: "getpid", unix.SYS_GETTID: "gettid", unix.SYS_GETEUID: "geteuid", unix.SYS_CLOCK_GETTIME: "clock_gettime", unix.SYS_SYSINFO: "sysinfo",
	unix.SYS_FUTEX: "futex", unix.SYS_EPOLL_PWAIT: "epoll_pwait", unix.SYS_EPOLL_CTL: "epoll_ctl", unix.SYS_NANOSLEEP: "nanosleep",
	unix.SYS_SCHED_YIELD: "sched_yield", unix.SYS_MMAP: "mmap", unix.SYS_MUNMAP: "munmap", unix.SYS_MADVISE: "madvise", unix.SYS_MPROTECT: "mprotect",
	unix.SYS_CLONE: "clone", unix.SYS_CLONE3: "clone3", unix.SYS_TGKILL: "tgkill", unix.SYS_RT_SIGRETURN: "rt_sigreturn",
	unix.SYS_RT_SIGACTION: "rt_sigaction", unix.SYS_RT_SIGPROCMASK: "rt_sigprocmask", unix.SYS_SIGALTSTACK: "sigaltstack",
	unix.SYS_RESTART_SYSCALL: "restart_syscall", unix.SYS_EXIT: "exit", unix.SYS_EXIT_GROUP: "exit_group", unix.SYS_PRCTL: "prctl",
	unix.SYS_PIDFD_OPEN: "pidfd_open", unix.SYS_GETRUSAGE: "getrusage", unix.SYS_EPOLL_CREATE1: "epoll_create1", unix.SYS_EPOLL_PWAIT2: "epoll_pwait2",
	unix.SYS_SCHED_GETATTR: "sched_getattr", unix.SYS_SCHED_SETATTR: "sched_setattr",
	unix.SYS_GETRLIMIT: "getrlimit", unix.SYS_PRLIMIT64: "prlimit64",
}
