package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FS is a /proc file system of one PID namespace, held open by its root. Its
// methods may be called by several goroutines at once.
//
// Reading does not go through package os: a look at a process costs four short
// system calls and allocates nothing.
type FS struct {
	root string
	dir  int
	// dirOffset is what the kernel adds to a PID to get its position in the root
	// folder; 0 until a listing has shown it, negative where it showed nothing of
	// the kind.
	dirOffset atomic.Int64
	own       bool // PIDs mean the same here as in wait(2) and kill(2)
	hides     bool // other users' processes are hidden (hidepid, proc(5))
}

// OpenFS opens the /proc mounted at root. It fails for one that shows another PID
// namespace than the caller's: its PIDs are not those wait(2) and kill(2) speak of.
func OpenFS(root string) (*FS, error) {
	dir, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", root, err)
	}
	fs := &FS{root: root, dir: dir}
	self, err := os.Readlink(root + "/self")
	fs.own = err == nil && self == strconv.Itoa(os.Getpid())
	var st unix.Statfs_t
	if !fs.own && unix.Fstatfs(dir, &st) == nil && st.Type == unix.PROC_SUPER_MAGIC {
		closeFD(dir)
		return nil, fmt.Errorf("cannot use %s: it shows another PID namespace", root)
	}
	if !fs.own { // not a /proc at all
		fs.dirOffset.Store(-1)
		return fs, nil
	}
	if mounts, err := os.ReadFile(root + "/self/mounts"); err == nil {
		fs.hides = hidesPIDs(mounts, root)
	}
	return fs, nil
}

// Close lets go of the root. Nothing may use fs from then on.
func (fs *FS) Close() error { return unix.Close(fs.dir) }

// exists reports whether there is a process that /proc hides from us because it is
// another user's (hidepid, proc(5)).
func (fs *FS) exists(pid int) bool {
	return fs.hides && fs.own && unix.Kill(pid, 0) != unix.ESRCH
}

// errGone says that there is no such process, or none that /proc lets us see.
var errGone = errors.New("no such process")

// reader reads files of one FS. It belongs to one goroutine at a time.
type reader struct {
	fs   *FS
	name [40]byte   // the path, relative to the root, with the NUL the kernel wants
	line [2048]byte // a stat line has at most about 1,200 bytes
}

// path makes "PID/file", or "file" when pid is 0.
func (r *reader) path(pid int, file string) unsafe.Pointer {
	b := r.name[:0]
	if pid != 0 {
		b = strconv.AppendInt(b, int64(pid), 10)
		if file != "" {
			b = append(b, '/')
		}
	}
	b = append(append(b, file...), 0)
	return unsafe.Pointer(&b[0])
}

func (r *reader) open(pid int, file string) (int, error) {
	if r.fs == nil {
		return -1, errGone
	}
	name := r.path(pid, file)
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(r.fs.dir), uintptr(name),
			unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR:
			continue
		}
		return -1, gone(errno)
	}
}

// gone maps the two ways /proc says that a process is gone to one: ENOENT before
// the open, ESRCH after it.
func gone(errno unix.Errno) error {
	if errno == unix.ENOENT || errno == unix.ESRCH {
		return errGone
	}
	return errno
}

// pread reads from the start of an open file of /proc, which makes its text anew.
func pread(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Pread(fd, buf, 0)
		if err == nil {
			return n, nil
		}
		errno, _ := err.(unix.Errno)
		if errno != unix.EINTR {
			return 0, gone(errno)
		}
	}
}

// closeFD closes a file of /proc. An error there has no meaning.
func closeFD(fd int) { _ = unix.Close(fd) }

// read fills buf from a file of /proc with one read: all of it where buf is longer.
func (r *reader) read(pid int, file string, buf []byte) (int, error) {
	fd, err := r.open(pid, file)
	if err != nil {
		return 0, err
	}
	n, err := pread(fd, buf)
	closeFD(fd)
	return n, err
}

// stat reads /proc/PID/stat. s.Comm is valid until the next read by r.
func (r *reader) stat(pid int, s *Stat) error {
	fd, err := r.open(pid, "stat")
	if err != nil {
		return err
	}
	err = r.statAgain(fd, s)
	closeFD(fd)
	return err
}

// statAgain reads the stat file open at fd. It fails with errGone once the process
// it was opened for is gone, also when its PID has been given to another.
func (r *reader) statAgain(fd int, s *Stat) error {
	n, err := pread(fd, r.line[:])
	if err != nil {
		return err
	}
	if n == 0 {
		return errGone
	}
	if !parseStat(r.line[:n], s) {
		return fmt.Errorf("cannot read a line of stat: %.80q", r.line[:n])
	}
	if s.Threads == 0 && s.PGID < 0 { // it is being reaped: what it was a part of reads as -1
		return errGone
	}
	return nil
}

// owner reads the effective user and group, which own the folder /proc/PID, of
// zombies too (proc(5)). The files in it can be root's instead.
func (r *reader) owner(pid int) (uid, gid int, err error) {
	if r.fs == nil {
		return 0, 0, errGone
	}
	var st unix.Stat_t
	_, _, errno := unix.Syscall6(sysFstatat, uintptr(r.fs.dir), uintptr(r.path(pid, "")),
		uintptr(unsafe.Pointer(&st)), 0, 0, 0)
	if errno != 0 {
		return 0, 0, gone(errno)
	}
	return int(st.Uid), int(st.Gid), nil
}

// link reads a symbolic link such as /proc/PID/exe.
func (r *reader) link(pid int, file string, buf []byte) (int, error) {
	if r.fs == nil {
		return 0, errGone
	}
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(r.fs.dir), uintptr(r.path(pid, file)),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	if errno != 0 {
		return 0, gone(errno)
	}
	return int(n), nil
}

// mayRead reports whether the kernel lets us see what it hides from strangers in
// the files of pid, a zombie: its link exe is then missing, not refused.
func (r *reader) mayRead(pid int) bool {
	var b [1]byte
	_, err := r.link(pid, "exe", b[:])
	return errors.Is(err, errGone)
}

// cursor reads the newest PID of our own PID namespace.
func (r *reader) cursor() (int, bool) {
	for range 3 {
		n, err := r.read(0, "loadavg", r.line[:])
		if err != nil {
			return 0, false
		}
		if pid, ok := parseCursor(r.line[:n]); ok {
			return pid, true
		}
	}
	return 0, false
}

// maxPID is above every PID there can be: PID_MAX_LIMIT, include/linux/threads.h.
const maxPID = 1 << 22

// dirent is the most bytes the entry of a PID takes in a listing.
const dirent = 32

// lister lists the processes of an FS. It belongs to one goroutine at a time.
type lister struct {
	fs  *FS
	fd  int
	buf []byte
}

func newLister(fs *FS) (*lister, error) {
	fd, err := unix.Openat(fs.dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s to list it: %w", fs.root, err)
	}
	return &lister{fs: fs, fd: fd, buf: make([]byte, 16<<10)}, nil
}

func (l *lister) close() { closeFD(l.fd) }

// between appends the PIDs above after, up to last, to pids, in order. Threads other
// than the first of a process are not among them. In the root of a procfs the position of a
// PID is the PID plus a constant, so that a listing can begin at any PID and costs
// only what is new (fs/proc/base.c, proc_pid_readdir).
func (l *lister) between(after, last int, pids []int) ([]int, error) {
	had := len(pids)
	at, off := int64(0), l.fs.dirOffset.Load()
	if off > 0 && after > 0 {
		at = int64(after) + 1 + off
	}
	if _, err := unix.Seek(l.fd, at, 0); err != nil {
		return pids, fmt.Errorf("cannot list %s: %w", l.fs.root, err)
	}
	// A few PIDs need little room, and what fits the room is what the kernel makes.
	buf := l.buf[:min(len(l.buf), max(256, (last-after)*dirent))]
	var c calibration
	for {
		n, err := unix.Getdents(l.fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return pids, fmt.Errorf("cannot list %s: %w", l.fs.root, err)
		}
		if n <= 0 {
			break
		}
		for b := buf[:n]; len(b) >= 19; {
			// struct linux_dirent64: ino, position of the next entry, length, type, name.
			next, size := int64(binary.NativeEndian.Uint64(b[8:])), int(binary.NativeEndian.Uint16(b[16:]))
			if size < 19 || size > len(b) {
				break
			}
			pid, ok := parsePID(cString(b[19:size]))
			c.entry(pid, next)
			if ok && pid > last && off > 0 {
				return pids, nil
			}
			if ok && pid > after && pid <= last {
				pids = append(pids, pid)
			}
			b = b[size:]
		}
	}
	if off == 0 {
		off = c.result()
		l.fs.dirOffset.Store(off)
	}
	if off < 0 {
		slices.Sort(pids[had:])
	}
	return pids, nil
}

// calibration finds the constant between PIDs and positions in a whole listing.
type calibration struct {
	next   int64 // position of the entry to come, as its forerunner gave it
	offset int64
	pairs  int
	broken bool
}

func (c *calibration) entry(pid int, next int64) {
	if pid > 0 && c.next > 0 {
		off := c.next - int64(pid)
		c.broken = c.broken || off <= 0 || c.pairs > 0 && off != c.offset
		c.offset = off
		c.pairs++
	}
	c.next = next
}

func (c *calibration) result() int64 {
	if c.broken || c.pairs == 0 {
		return -1
	}
	return c.offset
}

func cString(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			return b[:i]
		}
	}
	return b
}
