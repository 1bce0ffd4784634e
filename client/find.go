package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pid1/event"
)

// ErrNoFeed is what Find's error is when there is nothing to connect to.
var ErrNoFeed = errors.New("no feed")

// notFound lists what was tried. It is ErrNoFeed to errors.Is.
type notFound struct{ tried []string }

func (e *notFound) Error() string {
	return "cannot find a feed to read: " + strings.Join(e.tried, "; ")
}

func (e *notFound) Is(target error) bool { return target == ErrNoFeed }

// Find connects to the feed of this container: at path unless it is empty, else
// where the environment's PID1_SOCKET says, else in the first of the usual places
// (event.Places) that answers. These are looked at for our own user, for that of
// process 1 and, by root, for every user there is one of.
//
// The requests are sent at once, see Dial. When there is nothing to connect to
// the error is ErrNoFeed and lists what was tried, in one line.
func Find(ctx context.Context, path string, requests ...event.Request) (*Conn, error) {
	for _, p := range []string{path, os.Getenv(event.SocketEnv)} {
		if p != "" {
			return find(ctx, []string{p}, anybody, requests)
		}
	}
	return find(ctx, usual(), trusted, requests)
}

func find(ctx context.Context, places []string, trust func(*Conn) bool, requests []event.Request) (*Conn, error) {
	var missing, wrong []string
	for _, p := range places {
		c, err := Dial(ctx, p, requests...)
		switch {
		case err == nil && trust(c):
			return c, nil
		case err == nil:
			_ = c.Close()
			wrong = append(wrong, fmt.Sprintf("%s: it is served by uid %d, to whom the place does not belong", p, c.uid))
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, p)
		default:
			wrong = append(wrong, p+": "+explain(err))
		}
	}
	if len(missing) > 0 {
		wrong = append(wrong, "nothing at "+strings.Join(missing, ", "))
	}
	return nil, &notFound{wrong}
}

// explain says what is wrong with one place, which the reader already knows.
func explain(err error) string {
	if in := errors.Unwrap(err); in != nil {
		err = in
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied (only root and the user who runs pid1 may read it)"
	}
	return err.Error()
}

// usual returns where to look when nobody said, best first.
func usual() []string {
	places := event.Places(os.Geteuid())
	if st, err := os.Stat("/proc/1"); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			places = append(places, event.Places(int(sys.Uid))...)
		}
	}
	if os.Geteuid() == 0 {
		for _, pattern := range []string{"/dev/shm/pid1-*/pid1.sock", "/tmp/pid1-*/pid1.sock"} {
			more, _ := filepath.Glob(pattern) // the pattern is right
			places = append(places, more...)
		}
	}
	var once []string
	for _, p := range places {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// trusted reports whether c is served by root, by us, or by the user whose place
// it is. In /tmp anybody can make a folder with the number of another and a feed
// of lies in it.
func trusted(c *Conn) bool {
	if c.uid == event.Unknown || c.uid == 0 || c.uid == os.Geteuid() {
		return true
	}
	return slices.Contains(event.Places(c.uid), c.path)
}

// anybody is for a place that was named: who named it knows whose it is.
func anybody(*Conn) bool { return true }
