package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxWatches bounds the files and folders a bell hangs on.
const maxWatches = 64

// maxRoots bounds the file systems a bell hangs in.
const maxRoots = 4

// A bell rings when somebody starts a program, as far as that opens one of the files
// and folders it watches (inotify(7)). It rings for other opens too, and not for
// every program: who hears it looks for himself.
type bell struct {
	f     *os.File
	raw   syscall.RawConn
	woken atomic.Bool // by wake, not by a ring
	buf   [4096]byte
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
	b := &bell{f: os.NewFile(uintptr(fd), "inotify")}
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
		b.f.Close()
		if refused == nil {
			refused = errors.New("cannot watch for programs: none of the usual folders is there")
		}
		return nil, refused
	}
	if b.raw, err = b.f.SyscallConn(); err != nil {
		b.f.Close()
		return nil, fmt.Errorf("cannot wait for inotify: %w", err)
	}
	return b, nil
}

func (b *bell) close() { b.f.Close() }

// wake ends a wait as if the bell had rung.
func (b *bell) wake() {
	b.woken.Store(true)
	// It fails only on a closed bell, on which nobody waits.
	_ = b.f.SetReadDeadline(time.Unix(1, 0))
}

// wait sleeps until the bell rings, wake is called or until has come, and reports
// whether there is reason to look at once.
func (b *bell) wait(until time.Time) (rang bool, err error) {
	if err := b.f.SetReadDeadline(until); err != nil {
		return false, fmt.Errorf("cannot wait for inotify: %w", err)
	}
	if b.woken.Swap(false) {
		return true, nil
	}
	_, err = b.f.Read(b.buf[:])
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return b.woken.Swap(false), nil
	}
	return false, fmt.Errorf("cannot read inotify: %w", err)
}

// rung empties the queue without waiting, and reports whether the bell rang since.
func (b *bell) rung() bool {
	rang := b.woken.Swap(false)
	// Not by raw.Read, which does nothing once the time of the last wait is over. An
	// error comes again in wait, which tells it.
	_ = b.raw.Control(func(fd uintptr) {
		for {
			n, err := unix.Read(int(fd), b.buf[:])
			if n > 0 {
				rang = true
			}
			if n < len(b.buf)/2 && err != unix.EINTR {
				return
			}
		}
	})
	return rang
}
