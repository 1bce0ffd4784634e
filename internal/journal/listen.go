package journal

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxPath is how long the path of a unix socket may be: sun_path in unix(7) has
// 108 bytes with the NUL.
const maxPath = 107

// place is a listening socket and where it stands.
type place struct {
	path   string
	folder int // descriptor of the folder
	ln     *net.UnixListener
	dev    uint64
	ino    uint64
	mode   uint32 // of the socket
}

// listenAny listens on the first of paths where that works.
func listenAny(paths []string, mode uint32) (*place, error) {
	var failed []string
	for _, p := range paths {
		pl, err := listen(p, mode)
		if err == nil {
			return pl, nil
		}
		failed = append(failed, err.Error())
	}
	if len(failed) == 0 {
		return nil, errors.New("cannot listen: no place was given")
	}
	return nil, errors.New(strings.Join(failed, "; "))
}

// listen makes the folder of path unless it is there, and a listening socket in
// it with the given mode.
//
// Others in the container may write to /tmp and /dev/shm and try to lead us
// elsewhere. So the folder is opened without following a link and must be such
// that nobody but us and root can change what is in it (openFolder); from then on
// names in it are ours, and every look and removal goes through the descriptor.
// bind(2) knows no descriptors. Where the folder itself could be swapped (its
// parent is not ours to judge) it may bind elsewhere: standsIn notices.
func listen(path string, mode uint32) (_ *place, err error) {
	fail := func(err error) (*place, error) {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	if !strings.HasPrefix(path, "/") {
		return fail(errors.New("it must be an absolute path"))
	}
	path = filepath.Clean(path)
	if len(path) > maxPath {
		return fail(fmt.Errorf("the path has %d bytes, a socket's may have %d", len(path), maxPath))
	}
	folder, err := openFolder(filepath.Dir(path), folderMode(mode))
	if err != nil {
		return fail(err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(folder)
		}
	}()
	lock(folder)
	defer func() { _ = unix.Flock(folder, unix.LOCK_UN) }()

	ln, err := bind(folder, path, mode)
	if err != nil {
		return fail(err)
	}
	pl := &place{path: path, folder: folder, ln: ln, mode: mode}
	if err = pl.standsIn(); err != nil {
		_ = ln.Close()
		return fail(err)
	}
	return pl, nil
}

// folderMode is that of the folder of a socket: who may open the one must get
// through the other.
func folderMode(socket uint32) uint32 {
	mode := uint32(0o700)
	if socket&0o020 != 0 {
		mode |= 0o010
	}
	if socket&0o002 != 0 {
		mode |= 0o001
	}
	return mode
}

// openFolder makes dir with that mode unless it is there, and opens it.
func openFolder(dir string, mode uint32) (int, error) {
	made := unix.Mkdir(dir, mode)
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, whyNoFolder(dir, made, err)
	}
	if made == nil {
		// Whatever the umask was.
		if err := unix.Fchmod(fd, mode); err != nil {
			_ = unix.Close(fd)
			return -1, fmt.Errorf("cannot set the mode of %s: %w", dir, err)
		}
	}
	if err := trust(fd, dir); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func whyNoFolder(dir string, made, opened error) error {
	if made != nil && made != unix.EEXIST {
		return fmt.Errorf("cannot make the folder %s: %w", dir, made)
	}
	var st unix.Stat_t
	if unix.Lstat(dir, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return fmt.Errorf("%s is a symbolic link; name the folder it leads to", dir)
	}
	return fmt.Errorf("cannot open the folder %s: %w", dir, opened)
}

// trust reports why others could change names in the folder. A folder like /tmp,
// sticky and root's, will do for a path given by hand: nobody can remove or
// rename what is ours there.
func trust(fd int, dir string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("cannot look at the folder %s: %w", dir, err)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("the folder %s belongs to uid %d", dir, st.Uid)
	}
	if st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0 {
		return fmt.Errorf("others may write to the folder %s; name one inside it, which is then made", dir)
	}
	return nil
}

// lock keeps another pid1 from taking our socket for a stale one between bind and
// listen. It is a courtesy among ourselves: it is not waited for long, and a
// filesystem that has no locks is no reason to do without a feed.
func lock(folder int) {
	for range 10 {
		if err := unix.Flock(folder, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// bind makes the socket, in place of a stale one if need be.
func bind(folder int, path string, mode uint32) (*net.UnixListener, error) {
	for try := 0; ; try++ {
		ln, err := bindOnce(path, mode)
		if err != unix.EADDRINUSE || try == 2 {
			return ln, err
		}
		if err := removeStale(folder, path); err != nil {
			return nil, err
		}
	}
}

// bindOnce returns the system's reason as it is. It does not ask [net.Listen],
// which brings the resolver of host names with it: a tenth of pid1's size.
func bindOnce(path string, mode uint32) (*net.UnixListener, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() { _ = file.Close() }()
	// The file that bind(2) makes takes its mode from the socket. The umask would
	// do too, but it is COMMAND's as well.
	if err := unix.Fchmod(fd, mode); err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return nil, err
	}
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	return ln.(*net.UnixListener), nil // which removes no file: place.close looks first whose it is
}

// removeStale removes the socket at path if nobody listens on it.
func removeStale(folder int, path string) error {
	name := filepath.Base(path)
	var st unix.Stat_t
	switch err := unix.Fstatat(folder, name, &st, unix.AT_SYMLINK_NOFOLLOW); {
	case err == unix.ENOENT:
		return nil
	case err != nil:
		return fmt.Errorf("cannot look at what is there: %w", err)
	case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
		return errors.New("there is something else that is not a socket")
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("the socket there belongs to uid %d", st.Uid)
	}
	pid, err := listening(path)
	switch {
	case err == unix.ENOENT:
		return nil
	case err == unix.ECONNREFUSED:
	case err != nil:
		return fmt.Errorf("cannot find out whether somebody listens there: %w", err)
	case pid > 0:
		return fmt.Errorf("process %d listens there", pid)
	default:
		return errors.New("another process listens there")
	}
	if err := unix.Unlinkat(folder, name, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("cannot remove the stale socket: %w", err)
	}
	return nil
}

// listening returns who listens on path, 0 when that is not to be seen;
// ECONNREFUSED when nobody does.
func listening(path string) (pid int, err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	if err == unix.EAGAIN {
		return 0, nil // its backlog is full: somebody does
	}
	if err != nil {
		return 0, err
	}
	if cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
		pid = int(cred.Pid)
	}
	return pid, nil
}

// standsIn makes sure that the socket is in the folder and has its mode, and
// remembers which file it is.
func (p *place) standsIn() error {
	var st unix.Stat_t
	name := filepath.Base(p.path)
	err := unix.Fstatat(p.folder, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK || int(st.Uid) != os.Geteuid() {
		return errors.New("the folder was replaced meanwhile")
	}
	if st.Mode&0o777 != p.mode { // a kernel that does not take the socket's mode
		if err := unix.Fchmodat(p.folder, name, p.mode, 0); err != nil {
			return fmt.Errorf("cannot set its mode: %w", err)
		}
	}
	p.dev, p.ino = st.Dev, st.Ino
	return nil
}

// there reports whether the path still leads to this socket. The number of a
// bound socket's file is not used again while the socket is open.
func (p *place) there() bool {
	var st unix.Stat_t
	return unix.Lstat(p.path, &st) == nil && st.Dev == p.dev && st.Ino == p.ino
}

// close stops listening and removes the socket if it is still this one.
func (p *place) close() {
	lock(p.folder)
	var st unix.Stat_t
	name := filepath.Base(p.path)
	if unix.Fstatat(p.folder, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Dev == p.dev && st.Ino == p.ino {
		_ = unix.Unlinkat(p.folder, name, 0)
	}
	_ = p.ln.Close()
	_ = unix.Close(p.folder)
}

// bare returns the errno in a net.OpError, whose other words repeat ours.
func bare(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}
