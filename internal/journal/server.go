package journal

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/internal/faultpoint"
)

const (
	// DefaultClients is how many clients there may be when
	// ServerConfig.MaxClients is not set.
	DefaultClients = 64

	// lookAfter is how often the socket's file is looked at.
	lookAfter = 2 * time.Second

	// maxRetry is the longest pause before the next try to listen or to accept.
	maxRetry = 30 * time.Second

	// patience is how long a client must have taken nothing before it has to
	// make room for another.
	patience = 30 * time.Second

	// ownMode lets nobody but our own user, and root, open the socket.
	ownMode = 0o600

	// farewell is how long Close waits for clients to take the last events.
	farewell = 200 * time.Millisecond
)

// ServerConfig says where to listen and what to tell. The hooks are called from
// the goroutines of clients; one that panics costs the client that asked. Stats,
// Processes and Inspect are called one at a time.
type ServerConfig struct {
	// Paths are tried in order; the first that works is listened on.
	Paths []string
	// Mode is that of the socket: others than root and our own user may read the
	// feed where it lets them write, as unix(7) asks of who connects. A folder that
	// is made for the socket lets them through. 0: 0600.
	Mode uint32
	// MaxClients bounds the clients at a time. 0 or less: DefaultClients.
	MaxClients int
	// Hello makes a connection's first line; the server fills in what it knows
	// itself: type, time, first and last seq. Several goroutines may call it at
	// a time. nil: those alone.
	Hello func() *event.Hello
	// Stats fills in what the server does not know: UptimeMS, Processes,
	// Zombies, PIDsUsed and PIDsLimit. At most five calls a second. May be nil.
	Stats func(*event.Stats)
	// Processes yields the process table; the rows are not kept. At most five
	// calls a second. May be nil.
	Processes func(yield func(*event.Process) bool)
	// Inspect tells everything about one process. At most maxInspect calls a second.
	// May be nil.
	Inspect func(pid int) (*event.Inspect, error)
	// Warn is told what went wrong. It may be called from several goroutines at
	// a time. May be nil.
	Warn func(error)

	// For tests.
	grace         time.Duration
	lookAfter     time.Duration
	patience      time.Duration
	tablePatience time.Duration
}

// Server serves a Journal on a unix stream socket. Each client costs two
// goroutines that wait in the runtime's poller, and about 40 KiB.
type Server struct {
	j       *Journal
	cfg     ServerConfig
	path    string
	uid     int
	answers answers
	closing chan struct{}
	wg      sync.WaitGroup // the goroutines of clients
	loops   sync.WaitGroup // accept and keep

	mu       sync.Mutex // guards all below
	place    *place
	sessions map[*session]struct{}
	closed   bool
}

// Listen serves j on the first of cfg.Paths that works. Folders are made with
// mode 0700, sockets with 0600, see ServerConfig.Mode. A socket nobody listens on is replaced; one that
// is in use never. A folder that is a link, somebody else's, or open to others is
// refused.
//
// Errors name each place and what was wrong with it.
func Listen(j *Journal, cfg ServerConfig) (*Server, error) {
	s := NewServer(j, cfg)
	pl, err := listenAny(cfg.Paths, s.cfg.Mode)
	if err != nil {
		return nil, err
	}
	s.path, s.place = pl.path, pl
	s.loop("accepting clients", s.accept)
	s.loop("looking after the socket", s.keep)
	return s, nil
}

// NewServer returns a Server that listens nowhere and serves those who are given to
// Admit.
func NewServer(j *Journal, cfg ServerConfig) *Server {
	if cfg.MaxClients <= 0 {
		cfg.MaxClients = DefaultClients
	}
	if cfg.Mode == 0 {
		cfg.Mode = ownMode
	}
	if cfg.Warn == nil {
		cfg.Warn = func(error) {}
	}
	if cfg.grace == 0 {
		cfg.grace = graceForRequest
	}
	if cfg.lookAfter == 0 {
		cfg.lookAfter = lookAfter
	}
	if cfg.patience == 0 {
		cfg.patience = patience
	}
	if cfg.tablePatience == 0 {
		cfg.tablePatience = tablePatience
	}
	s := &Server{
		j: j, cfg: cfg, uid: os.Geteuid(),
		closing: make(chan struct{}), sessions: map[*session]struct{}{},
	}
	s.answers.j, s.answers.cfg = j, &s.cfg
	return s
}

// Path returns where the server listens; empty: nowhere.
func (s *Server) Path() string { return s.path }

// Clients returns how many clients there are.
func (s *Server) Clients() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Close sends clients what was appended before the call, gives them up to 200 ms
// to take it, and removes the socket if it is still this server's. A client that
// takes nothing does not make it last that long. It returns in any case.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.closing)
	if s.place != nil {
		s.place.close()
	}
	end := time.Now().Add(farewell)
	for c := range s.sessions {
		_ = c.conn.SetWriteDeadline(end)
	}
	s.mu.Unlock()

	gone := make(chan struct{})
	go func() {
		s.wg.Wait()
		s.loops.Wait()
		close(gone)
	}()
	late := time.NewTimer(farewell + farewell/4)
	defer late.Stop()
	select {
	case <-gone:
	case <-late.C: // a hook that hangs: its goroutine is left behind
	}
}

// loop runs f in a goroutine of its own whose panic ends only what it does.
func (s *Server) loop(what string, f func()) {
	s.loops.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				err := fmt.Errorf("cannot go on %s: %v", what, p)
				s.warn(err)
				s.tell("off", err.Error())
			}
		}()
		f()
	})
}

// warn tells err, and lets a log that fails fail alone.
func (s *Server) warn(err error) {
	defer func() { _ = recover() }()
	s.cfg.Warn(err)
}

func (s *Server) current() *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place
}

// accept takes connections until Close.
func (s *Server) accept() {
	const first = 5 * time.Millisecond
	wait := first
	for {
		pl := s.current()
		conn, err := pl.ln.AcceptUnix()
		faultpoint.Here("accept")
		switch {
		case err == nil:
			s.Admit(conn)
			wait = first
			continue
		case s.isClosing():
			return
		case errors.Is(err, net.ErrClosed) && s.current() != pl:
			continue // listening elsewhere by now
		}
		if wait == first {
			s.warn(fmt.Errorf("cannot accept a client: %w; trying on", bare(err)))
		}
		if !s.sleep(wait) {
			return
		}
		wait = min(wait*2, time.Second)
	}
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// sleep reports whether the time passed before Close.
func (s *Server) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}

// Admit starts a session for conn, or tells it why not.
func (s *Server) Admit(conn *net.UnixConn) {
	c, err := newSession(s, conn)
	if err == nil {
		err = s.enter(c)
	}
	if err == nil {
		return
	}
	// The first bytes into a fresh socket never wait.
	if c != nil {
		_ = c.write(errorLine(s.j, "", err))
	}
	_ = conn.Close()
}

// enter starts c, if need be in the place of a client that has taken nothing for
// long.
func (s *Server) enter(c *session) error {
	if err := s.allowed(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("pid1 is about to exit")
	}
	if len(s.sessions) >= s.cfg.MaxClients && !s.dismiss() {
		return fmt.Errorf("there are %d clients already", s.cfg.MaxClients)
	}
	s.sessions[c] = struct{}{}
	c.start()
	return nil
}

// allowed reports why c may not read the feed: only root and our own user may,
// see SO_PEERCRED in unix(7), unless the socket's mode was set to let others in.
// Then the kernel has asked it.
func (s *Server) allowed(c *session) error {
	if s.cfg.Mode != ownMode {
		return nil
	}
	var cred *unix.Ucred
	var err error
	if e := c.raw.Control(func(fd uintptr) {
		cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); e != nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("cannot find out who you are: %w", err)
	}
	if cred.Uid != 0 && int(cred.Uid) != s.uid {
		return fmt.Errorf("uid %d may not read this feed, only uid 0 and uid %d", cred.Uid, s.uid)
	}
	return nil
}

// dismiss drops the client that has been taking nothing for longest, if there is
// one that has for longer than patience. The caller holds mu.
func (s *Server) dismiss() bool {
	var worst *session
	oldest := time.Now().Add(-s.cfg.patience).UnixNano()
	for c := range s.sessions {
		if since := c.stuck.Load(); since != 0 && since < oldest {
			worst, oldest = c, since
		}
	}
	if worst == nil {
		return false
	}
	delete(s.sessions, worst)
	_ = worst.conn.Close()
	return true
}

func (s *Server) left(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c)
}

// keep looks now and then whether clients still find the socket.
func (s *Server) keep() {
	k := keeper{s: s, wait: s.cfg.lookAfter}
	for s.sleep(k.wait) {
		faultpoint.Here("keep")
		k.look()
	}
}

// keeper listens anew when the socket's file is gone. Those who are connected
// stay so.
type keeper struct {
	s    *Server
	wait time.Duration // until the next look
	off  string        // why the last try failed; told once
}

func (k *keeper) look() {
	if !k.s.current().there() {
		if err := k.s.again(); err != nil {
			k.failed(err)
			return
		}
		k.s.tell("on", "the socket was gone and was made anew")
	}
	k.wait, k.off = k.s.cfg.lookAfter, ""
}

func (k *keeper) failed(err error) {
	k.wait = min(k.wait*2, maxRetry)
	if k.off != err.Error() {
		k.off = err.Error()
		k.s.warn(err)
		k.s.tell("off", k.off)
	}
}

// again puts a new socket in the place of one whose file is gone.
func (s *Server) again() error {
	pl, err := listen(s.path, s.cfg.Mode)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		pl.close()
		return nil
	}
	s.place, pl = pl, s.place
	pl.close()
	return nil
}

func (s *Server) tell(state, reason string) {
	ev := event.New(event.TypeSource).(*event.Source)
	ev.Name, ev.State, ev.Reason = "socket", state, reason
	s.j.Append(ev)
}

func errorLine(j *Journal, re string, err error) []byte {
	e := event.New(event.TypeError).(*event.Error)
	e.TS, e.Re, e.Message = j.now(), re, err.Error()
	return event.Append(nil, e)
}
