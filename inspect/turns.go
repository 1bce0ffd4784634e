package inspect

import (
	"bytes"
	"time"

	"golang.org/x/sys/unix"
)

// turns tells how the thread that made it came to run, by getrusage(2) and its schedstat
// (Linux 3.17, where the kernel accounts for it).
type turns struct {
	fd  int // -1: it is not to be had
	buf [96]byte
}

// turn is how often a thread has slept of its own accord, and for how long it has waited
// for a processor, in all.
type turn struct {
	slept  int64
	waited time.Duration // 0: it is not known
}

func newTurns(r *reader) turns {
	fd, err := r.open(0, "thread-self/schedstat")
	if err != nil {
		fd = -1
	}
	return turns{fd: fd}
}

func (t *turns) close() {
	if t.fd >= 0 {
		closeFD(t.fd)
		t.fd = -1
	}
}

// now is the turn the thread has. The thread has to be that which made t.
func (t *turns) now() (now turn) {
	if t.fd < 0 {
		return turn{}
	}
	n, err := pread(t.fd, t.buf[:])
	if err != nil {
		return turn{}
	}
	// Nanoseconds on a processor, nanoseconds waited for one, and how often.
	_, text, _ := bytes.Cut(t.buf[:n], []byte(" "))
	var waited int64
	for i := 0; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		waited = waited*10 + int64(text[i]-'0')
	}
	var use unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &use) != nil {
		return turn{}
	}
	return turn{slept: int64(use.Nvcsw), waited: time.Duration(waited)} //nolint:unconvert // 32 bits on some architectures
}

// woken is since when at least a thread has been ready to run that was at before when it
// began to wait, and came back at the time at, since boot; 0: it is not known. Stopped or
// frozen meanwhile, it slept more than once.
func (before turn) woken(after turn, at time.Duration) time.Duration {
	if before.waited == 0 || after.waited == 0 || after.slept != before.slept+1 {
		return 0
	}
	return max(0, at-(after.waited-before.waited)-glance)
}
