package export

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/client"
)

// watch knows which sockets there are in folders.
type watch struct {
	folders []string
	log     func(feed, what string)

	seen   map[string]time.Time // since when each has been gone; zero: it is there
	failed map[string]string    // what was said about a folder last
}

// look lists the sockets there are.
func (w *watch) look() []string {
	var here []string
	for _, dir := range w.folders {
		found, err := within(dir)
		what := ""
		if err != nil {
			what = err.Error()
		}
		if what != "" && w.failed[dir] != what {
			w.log(nameOf(dir), what)
		}
		if w.failed == nil {
			w.failed = map[string]string{}
		}
		w.failed[dir] = what
		here = append(here, found...)
	}
	return here
}

// gone returns the sockets that are not among here since linger.
func (w *watch) gone(here []string, now time.Time) []string {
	if w.seen == nil {
		w.seen = map[string]time.Time{}
	}
	there := map[string]bool{}
	for _, path := range here {
		there[path] = true
		w.seen[path] = time.Time{}
	}
	var out []string
	for path, since := range w.seen {
		switch {
		case there[path]:
		case since.IsZero():
			w.seen[path] = now
		case now.Sub(since) >= linger:
			out = append(out, path)
			delete(w.seen, path)
		}
	}
	return out
}

// within lists the sockets of a folder: NAME.sock in it, and pid1.sock in the folders
// in it. Links are not followed, see dialFound.
func within(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot look for sockets: %w", err)
	}
	var out []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Type()&os.ModeSocket != 0 && strings.HasSuffix(path, ".sock"):
			out = append(out, path)
		case e.IsDir():
			path = filepath.Join(path, "pid1.sock")
			if st, err := os.Lstat(path); err == nil && st.Mode()&os.ModeSocket != 0 {
				out = append(out, path)
			}
		}
	}
	return out, nil
}

// dialFound connects to a socket that was found in a folder. A container may write
// where its socket is, and must not be able to make us, who may be root outside,
// connect elsewhere by a link in its place: so the socket is held first, and it is
// what is held that is connected to. proc_pid_fd(5).
func dialFound(ctx context.Context, path string) (*client.Conn, error) {
	fail := func(err error) (*client.Conn, error) {
		return nil, fmt.Errorf("cannot read the feed at %s: %w", path, err)
	}
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = unix.Close(dir) }()
	fd, err := unix.Openat(dir, filepath.Base(path), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fail(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return fail(syscall.ENOTSOCK)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return fail(err)
	}
	c, err := client.Over(ctx, conn, path)
	if err != nil {
		return fail(err)
	}
	return c, nil
}
