package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// file is a recording that is being written.
type file struct {
	path     string
	fd       int
	size     int64
	fresh    bool // nothing but a hello is in it
	dev, ino uint64
	looked   time.Time // when there last looked
}

// start is how every line of every recording begins.
var start = []byte(`{"v":`)

// open opens the recording at path to append to it, or makes it.
//
// Others in the container may write to the folder. So links are not followed, and
// what is there must be ours alone.
func open(path string) (_ *file, err error) {
	fd, err := openAs(path, unix.O_RDWR|unix.O_APPEND|unix.O_CREAT, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	st, err := ours(fd)
	if err != nil {
		return nil, err
	}
	if st.Mode&0o777 != 0o600 { // the umask's doing, or of who made it
		if err := unix.Fchmod(fd, 0o600); err != nil {
			return nil, fmt.Errorf("cannot set its mode: %w", err)
		}
	}
	f := &file{path: path, fd: fd, size: st.Size, dev: st.Dev, ino: st.Ino, looked: time.Now()}
	var last [1]byte
	if n, err := unix.Pread(fd, last[:], f.size-1); n == 1 && err == nil && last[0] != '\n' {
		// It was cut in the midst of a line: what follows begins a new one.
		if err := f.whole([]byte{'\n'}); err != nil {
			return nil, err
		}
	}
	f.fresh = f.size == 0
	return f, nil
}

func openAs(path string, flags int, mode uint32) (int, error) {
	// Not waiting for the other end, should it be a pipe.
	fd, err := unix.Open(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, mode)
	switch {
	case err == unix.ELOOP:
		return -1, errors.New("it is a symbolic link")
	case err == unix.EISDIR:
		return -1, errors.New("it is a folder")
	case err != nil:
		return -1, err
	}
	return fd, nil
}

// ours reports why the open file is not a recording that only we write to.
func ours(fd int) (st unix.Stat_t, err error) {
	if err := unix.Fstat(fd, &st); err != nil {
		return st, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return st, errors.New("it is not a file")
	case int(st.Uid) != os.Geteuid():
		return st, fmt.Errorf("it belongs to uid %d", st.Uid)
	case st.Nlink > 1:
		return st, errors.New("it has a second name (a hard link)")
	case st.Size == 0:
		return st, nil
	}
	begin := make([]byte, len(start))
	if n, err := unix.Pread(fd, begin, 0); err != nil || !bytes.Equal(begin[:n], start) {
		return st, errors.New("it is there and is not a recording")
	}
	return st, nil
}

func (f *file) close() { _ = unix.Close(f.fd) }

// there reports whether the path still leads to this file. It looks once in every
// while, which is when a file somebody moved away is begun anew.
func (f *file) there(now time.Time, every time.Duration) bool {
	if since := now.Sub(f.looked); since >= 0 && since < every {
		return true
	}
	f.looked = now
	var st unix.Stat_t
	return unix.Lstat(f.path, &st) == nil && st.Dev == f.dev && st.Ino == f.ino
}

// limit returns how large the file may become: most, or RLIMIT_FSIZE. Beyond that
// the kernel sends SIGXFSZ, see setrlimit(2), which pid1 would take for one to
// forward.
func (f *file) limit(most int64) int64 {
	var rl unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &rl) == nil && rl.Cur < uint64(most) {
		return int64(rl.Cur)
	}
	return most
}

// write writes b, and returns how much of it the disk took.
func (f *file) write(b []byte) (n int, err error) {
	if f.limit(f.size+int64(len(b))) < f.size+int64(len(b)) {
		return 0, unix.EFBIG
	}
	for n < len(b) {
		w, err := unix.Write(f.fd, b[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		f.fresh = false
		f.size += int64(w)
		n += w
	}
	return n, nil
}

// whole writes all of b, or nothing.
func (f *file) whole(b []byte) error {
	had, fresh := f.size, f.size == 0
	n, err := f.write(b)
	f.fresh = fresh
	if err != nil && n > 0 {
		f.size = had
		return errors.Join(err, unix.Ftruncate(f.fd, had))
	}
	return err
}

// rotate renames the recording and the older ones, of which keep remain. It
// touches nothing but recordings of our own.
func rotate(path string, keep int) error {
	name := func(i int) string {
		if i == 0 {
			return path
		}
		return path + "." + strconv.Itoa(i)
	}
	if keep == 0 {
		if err := unix.Unlink(path); err != nil && err != unix.ENOENT {
			return fmt.Errorf("cannot remove it to begin anew: %w", err)
		}
		return nil
	}
	last := 0 // the first that is not there, or the oldest
	for last < keep {
		fd, err := openAs(name(last+1), unix.O_RDONLY, 0)
		if err == unix.ENOENT {
			last++
			break
		}
		if err == nil {
			_, err = ours(fd)
			_ = unix.Close(fd)
		}
		if err != nil {
			return fmt.Errorf("cannot rotate it to %s: %w", name(last+1), err)
		}
		last++
	}
	for i := last; i > 0; i-- {
		if err := unix.Rename(name(i-1), name(i)); err != nil && err != unix.ENOENT {
			return fmt.Errorf("cannot rename %s: %w", name(i-1), err)
		}
	}
	return nil
}
