package reaper

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DefaultPath is where COMMAND is looked for when its environment has no PATH.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Statuses that tell pid1's own trouble from COMMAND's, as env(1) and docker-run(1)
// use them.
const (
	StatusFailure       = 125 // pid1 itself failed
	StatusNotExecutable = 126 // COMMAND was found but cannot be executed
	StatusNotFound      = 127 // COMMAND was not found
)

// SpawnError is why COMMAND does not run, with the status to exit with.
type SpawnError struct {
	Status int
	Errno  syscall.Errno // what execve(2) said
	Err    error
}

func (e *SpawnError) Error() string { return e.Err.Error() }
func (e *SpawnError) Unwrap() error { return e.Err }

// User is what COMMAND runs as.
type User struct {
	UID, GID int
	Groups   []int // supplementary groups
}

// Inherited is what pid1 was given by whoever started it, and what COMMAND gets
// unchanged.
type Inherited struct {
	Mask    uint64       // blocked signals, bit n-1 for signal n
	Ignored uint64       // ignored signals, likewise
	NoFile  *unix.Rlimit // RLIMIT_NOFILE; nil: leave it as it is
}

// stages of the child, for the report of its failure.
const (
	stageExec = iota
	stageGroup
	stageLimit
	stageUser
	stageDir
)

// child is what the new process needs between clone and execve, all of it made
// ready by the parent: the child may neither allocate nor grow its stack, for it
// has one thread and no Go scheduler.
type child struct {
	paths    []*byte // candidates for execve, in order
	argv     []*byte
	envv     []*byte
	scripts  [][]*byte // for each of paths the argv of /bin/sh, should it be a script without "#!"
	cwd      int       // descriptor of the directory to start in; -1: the current one
	dir      *byte
	groups   []uint32
	user     bool
	uid, gid uintptr
	ignored  uint64
	mask     uint64
	noFile   *unix.Rlimit
	place    Place
	tty      int       // descriptor of the terminal whose foreground group the child becomes; -1: none
	listen   []byte    // digits of LISTEN_PID inside envv, to be filled in; nil: none
	handover *handover // nil: no seccomp filter
	report   uintptr   // pipe for stage and errno
}

// spawn starts cfg.Command and returns its PID once execve(2) has succeeded. The
// calling goroutine must be locked to its thread.
func spawn(cfg *Config, tty int) (int, error) {
	c, err := prepare(cfg)
	if err != nil {
		return 0, err
	}
	c.tty = tty
	// Left before COMMAND runs: one that looks never sees it held.
	c.cwd = leaveDirectory()
	if c.cwd >= 0 {
		defer unix.Close(c.cwd)
	}
	pid, err := c.start(cfg, cfg.Filter)
	if err == errLost {
		pid, err = c.start(cfg, nil)
	}
	return pid, err
}

// errLost says that a child had to be given up, since its listener was lost.
var errLost = errors.New("the listener of COMMAND's seccomp filter was lost")

// start forks and waits for the exec.
func (c *child) start(cfg *Config, filter *Filter) (int, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, fmt.Errorf("cannot make a pipe: %w", err)
	}
	c.report = uintptr(pipe[1])
	c.handover = newHandover(filter)

	// Nothing may be delivered to the child while it still has the parent's
	// handlers, so it is born with everything blocked.
	all, old := ^uint64(0), uint64(0)
	sigprocmask(&all, &old)
	pid, errno := cloneAndExec(c)
	sigprocmask(&old, nil)
	runtime.KeepAlive(c)
	unix.Close(pipe[1])
	defer unix.Close(pipe[0])
	if c.handover != nil {
		defer c.handover.close()
	}
	if errno != 0 {
		return 0, fmt.Errorf("cannot fork: %w", errno)
	}
	if c.handover != nil && !c.handover.receive(filter) {
		_ = unix.Kill(int(pid), unix.SIGKILL)
		await(int(pid))
		return 0, errLost
	}
	var report [2]int32
	n, err := readFull(pipe[0], unsafe.Slice((*byte)(unsafe.Pointer(&report)), unsafe.Sizeof(report)))
	if n == 0 && err == nil {
		return int(pid), nil
	}
	await(int(pid))
	if err != nil || n != int(unsafe.Sizeof(report)) {
		return 0, fmt.Errorf("cannot run %s: its process died before the exec", cfg.Command[0])
	}
	return 0, spawnError(cfg, c.cwd, int(report[0]), syscall.Errno(report[1]))
}

// await waits for a child that never became COMMAND.
func await(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// leaveDirectory goes to / and returns a descriptor of where this process was, or
// -1 and stays where that cannot be had. It needs Linux 3.5 (O_PATH in fchdir(2)).
func leaveDirectory() int {
	fd, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	if unix.Fchdir(fd) != nil || unix.Chdir("/") != nil {
		unix.Close(fd)
		return -1
	}
	return fd
}

func sigprocmask(set, old *uint64) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

func readFull(fd int, b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Read(fd, b[done:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return done, err
		}
		done += n
	}
	return done, nil
}

// spawnError puts the child's report into words. cwd is where it started.
func spawnError(cfg *Config, cwd, stage int, errno syscall.Errno) error {
	name := cfg.Command[0]
	switch stage {
	case stageGroup:
		return fmt.Errorf("cannot give %s a process group: %w", name, errno)
	case stageLimit:
		return fmt.Errorf("cannot give %s its limit of open files: %w", name, errno)
	case stageUser:
		return fmt.Errorf("cannot run %s as user %d, group %d: %w", name, cfg.User.UID, cfg.User.GID, errno)
	case stageDir:
		return fmt.Errorf("cannot enter the directory %s: %w", cfg.Dir, errno)
	}
	e := &SpawnError{Status: StatusNotExecutable, Errno: errno, Err: fmt.Errorf("cannot run %s: %w", name, errno)}
	if errno == unix.ENOENT || errno == unix.ENOTDIR {
		e.Status = StatusNotFound
		if errno == unix.ENOENT && strings.Contains(name, "/") && cfg.Dir == "" {
			if cwd < 0 {
				cwd = unix.AT_FDCWD
			}
			if err := unix.Fstatat(cwd, name, &unix.Stat_t{}, 0); err == nil {
				e.Err = fmt.Errorf("cannot run %s: the interpreter or loader it names does not exist", name)
			}
		}
	}
	return e
}

var errNUL = errors.New("a NUL byte cannot be passed on")

// prepare makes everything ready that the child must not allocate.
func prepare(cfg *Config) (*child, error) {
	c := &child{
		ignored: cfg.Inherited.Ignored,
		mask:    cfg.Inherited.Mask,
		noFile:  cfg.Inherited.NoFile,
		place:   cfg.Place,
	}
	var err error
	if c.argv, err = syscall.SlicePtrFromStrings(cfg.Command); err != nil {
		return nil, fmt.Errorf("cannot run %q: %w", cfg.Command[0], errNUL)
	}
	env, listen := listenPID(cfg.Env)
	if c.envv, err = syscall.SlicePtrFromStrings(env); err != nil {
		return nil, fmt.Errorf("cannot pass on the environment: %w", errNUL)
	}
	if listen >= 0 {
		c.listen = unsafe.Slice(c.envv[listen], len(env[listen])+1)[len("LISTEN_PID="):]
	}
	program := cfg.Program
	if program == "" {
		program = cfg.Command[0]
	}
	for _, path := range candidates(program, cfg.Env) {
		// execvp(3) hands a file that execve(2) calls ENOEXEC to the shell.
		script, err := syscall.SlicePtrFromStrings(append([]string{"/bin/sh", path}, cfg.Command[1:]...))
		if err != nil {
			return nil, fmt.Errorf("cannot run %q: %w", cfg.Command[0], errNUL)
		}
		c.paths = append(c.paths, script[1])
		c.scripts = append(c.scripts, script)
	}
	if cfg.Dir != "" {
		if c.dir, err = syscall.BytePtrFromString(cfg.Dir); err != nil {
			return nil, fmt.Errorf("cannot enter the directory %q: %w", cfg.Dir, errNUL)
		}
	}
	if u := cfg.User; u != nil {
		c.user, c.uid, c.gid = true, uintptr(u.UID), uintptr(u.GID)
		for _, g := range u.Groups {
			c.groups = append(c.groups, uint32(g))
		}
	}
	return c, nil
}

// candidates lists the files that name may stand for, in the order of
// execvp(3). The child tries them itself, after it has become the user and
// entered the directory that decide what it may run.
func candidates(name string, env []string) []string {
	if strings.Contains(name, "/") || name == "" {
		return []string{name}
	}
	path := DefaultPath
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	var list []string
	for _, dir := range strings.Split(path, ":") {
		if dir == "" {
			dir = "."
		}
		list = append(list, dir+"/"+name)
	}
	return list
}

// listenPID finds the LISTEN_PID of sd_listen_fds(3) that names this process. Its
// value gives way to room for the child's PID; the place is returned, or -1.
func listenPID(env []string) ([]string, int) {
	own := fmt.Sprintf("LISTEN_PID=%d", os.Getpid())
	for i, kv := range env {
		if kv == own {
			env = append([]string(nil), env...)
			env[i] = "LISTEN_PID=0000000000"
			return env, i
		}
	}
	return env, -1
}
