package inspect

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxWatches bounds the files and folders a bell hangs on.
const maxWatches = 64

// maxRoots bounds the file systems a bell hangs in.
const maxRoots = 4

// A bell rings when somebody starts a program, as far as that opens one of the files
// and folders it watches (inotify(7)). It rings for other opens too, and not for
// every program: who hears it looks for himself.
//
// It is waited for by ppoll(2) and not through the Go runtime, whose poller would
// wake a thread for every ring, whether anybody waits for one or not.
type bell struct {
	watches int // the inotify descriptor
	call    int // an eventfd(2), for wake

	mu     sync.Mutex // guards closed, and call from being closed in a wake
	closed bool

	fds [3]unix.PollFd // what wait and nap pass to the kernel
	buf [4096]byte
}

// stdPath is searched for programs by those who have no PATH.
const stdPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// bellPlaces returns what every start of a program is likely to open: the cache
// every program linked against glibc opens, the loaders of glibc and musl, which the
// kernel opens itself, and the folders programs are in.
//
// They are looked for below each of roots.
func bellPlaces(path string, roots ...string) []string {
	var places []string
	for _, root := range roots {
		places = append(places, filepath.Join(root, "etc/ld.so.cache"))
		for _, glob := range []string{"lib/ld-musl-*.so.1", "lib/ld-linux*.so*", "lib64/ld-linux*.so*"} {
			found, err := filepath.Glob(filepath.Join(root, glob))
			if err == nil {
				places = append(places, found...)
			}
		}
		for _, dir := range strings.Split(path+":"+stdPath, ":") {
			if place := filepath.Join(root, dir); filepath.IsAbs(dir) && !slices.Contains(places, place) {
				places = append(places, place)
			}
		}
	}
	return places[:min(len(places), maxWatches)]
}

// roots returns the root folders of the processes there are, our own first, and why
// some are not among them; nil: all are.
func (fs *FS) roots() (list []string, lacking error) {
	list = []string{"/"}
	seen := map[[2]uint64]bool{}
	add := func(dir string) bool {
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil {
			if err != unix.ENOENT && err != unix.ESRCH {
				lacking = fmt.Errorf("cannot look into %s: %w", dir, err)
			}
			return false
		}
		at := [2]uint64{uint64(st.Dev), st.Ino} //nolint:unconvert // not on every architecture
		had := seen[at]
		seen[at] = true
		return !had
	}
	add("/")
	l, err := newLister(fs)
	if err != nil {
		return list, err
	}
	defer l.close()
	pids, err := l.between(0, maxPID, nil)
	if err != nil {
		return list, err
	}
	for _, pid := range pids {
		if dir := fmt.Sprintf("%s/%d/root", fs.root, pid); len(list) < maxRoots && add(dir+"/.") {
			list = append(list, dir)
		}
	}
	return list, lacking
}

// newBell hangs a bell on places. Missing ones are left out; a place that is there
// under two names rings once.
func newBell(places []string) (*bell, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot set up inotify: %w", err)
	}
	b := &bell{watches: fd}
	hung := 0
	var refused error
	for _, place := range places {
		switch _, err := unix.InotifyAddWatch(fd, place, unix.IN_OPEN); {
		case err == nil:
			hung++
		case !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR):
			refused = fmt.Errorf("cannot watch %s: %w", place, err)
		}
	}
	if hung == 0 {
		closeFD(fd)
		if refused == nil {
			refused = errors.New("cannot watch for programs: none of the usual folders is there")
		}
		return nil, refused
	}
	if b.call, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		closeFD(fd)
		return nil, fmt.Errorf("cannot make an eventfd: %w", err)
	}
	b.fds = [...]unix.PollFd{{Fd: int32(b.call), Events: unix.POLLIN}, {Fd: int32(b.watches), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLIN}}
	return b, nil
}

func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	closeFD(b.watches)
	closeFD(b.call)
}

// wake ends a wait as if the bell had rung.
func (b *bell) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		one := [8]byte{1}
		_, _ = unix.Write(b.call, one[:]) // EAGAIN: it was woken 2^64 times
	}
}

// besides makes wait end when fd can be read, too; -1: no more.
func (b *bell) besides(fd int) { b.fds[2].Fd = int32(fd) }

// wait sleeps until the bell rings, wake is called or d has passed, and reports
// whether there is reason to look at once.
func (b *bell) wait(d time.Duration) (rang bool, err error) {
	ts := unix.NsecToTimespec(max(0, d).Nanoseconds())
	_, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&b.fds)), uintptr(len(b.fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		return false, fmt.Errorf("cannot wait for inotify: %w", errno)
	}
	return b.rung(), nil
}

// nap waits for d or, where it listens, until the bell rings, and reports whether
// it rang.
//
// It is for the many short pauses while something happens. The scheduler is not
// told of the wait: every one it knows of wakes its monitor, which then looks around
// every 20 µs for a millisecond (Go 1.26, runtime.sysmon), at several times the cost
// of the look the pause is between. The goroutine keeps its P meanwhile; whoever
// wants to stop the world interrupts it by a signal.
func (b *bell) nap(d time.Duration, listen bool) (rang bool) {
	n := 1 // wake is heard in any case
	if listen {
		n = 2
	}
	ts := unix.NsecToTimespec(d.Nanoseconds())
	_, _, _ = unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&b.fds)), uintptr(n), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	return b.rung()
}

// rung empties the queues without waiting, and reports whether the bell rang since.
func (b *bell) rung() (rang bool) {
	for _, fd := range [2]int{b.call, b.watches} {
		for again := true; again; {
			n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b.buf)), uintptr(len(b.buf)))
			rang = rang || errno == 0
			again = errno == unix.EINTR || errno == 0 && n > uintptr(len(b.buf)/2)
		}
	}
	return rang
}
