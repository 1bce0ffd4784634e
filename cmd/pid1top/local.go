package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/client"
	"pid1/event"
	"pid1/inspect"
	"pid1/internal/journal"
	"pid1/internal/version"
)

// local observes the processes of this PID namespace where no pid1 does: it holds
// the parts of pid1 that look, without the one that reaps, and serves their feed to
// this program alone.
type local struct {
	fs      *inspect.FS
	table   *inspect.Table
	journal *journal.Journal
	server  *journal.Server
	hello   event.Hello

	cancel context.CancelFunc
	source sync.WaitGroup
}

// newLocal begins to observe. The processes there are have been looked at when it
// returns.
func newLocal(path string) (*local, error) {
	fs, err := inspect.OpenFS("/proc")
	if err != nil {
		return nil, fmt.Errorf("cannot observe processes: %w", err)
	}
	l := &local{fs: fs, journal: journal.New(journal.Config{})}
	l.table = inspect.NewTable(inspect.Config{FS: fs, Emit: func(ev event.Event) { l.journal.Append(ev) }})
	l.hello = event.Hello{
		Program: version.String(), PID: os.Getpid(), Role: "local", Trace: "sample", Started: time.Now(), PIDNS: newSignaller().ns,
	}
	l.hello.Host, _ = os.Hostname()
	l.server = journal.NewServer(l.journal, journal.ServerConfig{
		Hello: func() *event.Hello { h := l.hello; return &h },
		Stats: func(s *event.Stats) {
			s.UptimeMS = time.Since(l.hello.Started).Milliseconds()
			s.Processes, s.Zombies = l.table.Counts()
			// Our own cgroup is not that of those we look at.
			s.PIDsUsed, s.PIDsLimit = event.Unknown, event.Unknown
		},
		Processes: l.table.Processes,
		Inspect:   l.table.Inspect,
	})
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	source := inspect.SampleFrom(fs, path)
	if c, err := inspect.OpenConnector(); err == nil {
		source, l.hello.Trace = c, c.Name()
	} else {
		l.hello.Features = map[string]string{"connector": err.Error()}
	}
	if err := l.table.Sweep(); err != nil {
		l.close()
		return nil, err
	}
	// That it ended is told by the stream.
	l.source.Go(func() { _ = source.Run(ctx, l.table) })
	return l, nil
}

func (l *local) close() {
	l.cancel()
	l.source.Wait()
	l.server.Close()
	l.journal.Close()
	l.table.Close()
	_ = l.fs.Close()
}

// localPath stands for the path of a socket there is none of.
const localPath = "--local"

// dial connects to the feed, over a pair of sockets that need no place in any file
// system.
func (l *local) dial(ctx context.Context, requests ...event.Request) (*client.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a pair of sockets: %w", err)
	}
	ours, err := unixConn(fds[0])
	theirs, err2 := unixConn(fds[1])
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("cannot use a pair of sockets: %w", err)
	}
	l.server.Admit(theirs)
	return client.Over(ctx, ours, localPath, requests...)
}

// unixConn takes over fd.
func unixConn(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "feed")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	un, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, syscall.EPROTOTYPE
	}
	return un, nil
}

// here returns what observes this PID namespace; the first call begins it.
func (a *app) here() (*local, error) {
	if a.observer == nil {
		l, err := newLocal(a.env["PATH"])
		if err != nil {
			return nil, &exit{statusNoFeed, err}
		}
		a.observer = l
	}
	return a.observer, nil
}

// localLook is how long zombies are watched before something is said about them
// once: long enough to tell what is held from what just died.
const localLook = 2500 * time.Millisecond

// errNoReaps is said by what needs a pid1.
var errNoReaps = errors.New("nothing is reaped here: --local only looks, and what died before is not known; the init of " +
	"this PID namespace has to be pid1 for that")
