package journal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"pid1/event"
)

const (
	// fresh is how old an answer may be that was made for another client: the
	// table is looked through five times a second at most, whoever asks.
	fresh = 200 * time.Millisecond

	// maxTables is how many tables that clients are still reading may be in
	// memory.
	maxTables = 4

	// Beyond spareTable bytes command lines are cut to briefCmdline; beyond
	// maxTable there is no answer.
	spareTable   = 2 << 20
	maxTable     = 8 << 20
	briefCmdline = 64

	// maxInspect is how many processes are inspected in a second, whoever asks.
	maxInspect = 50
)

var (
	errBusy      = errors.New("too many clients are reading the process table; ask again")
	errTooLarge  = errors.New("the process table is too large")
	errSlow      = errors.New("the rest of the process table is left out: it was not read for too long")
	errNoInspect = errors.New("processes cannot be inspected here")
	errRushed    = errors.New("too many processes are being inspected; ask again")
	errNoTable   = errors.New("there is no process table here")
)

// answers makes what clients ask for and shares it among them.
type answers struct {
	j   *Journal
	cfg *ServerConfig

	mu      sync.Mutex // guards all below; held while the hooks run
	stats   event.Stats
	statsAt time.Time
	told    event.Stats // the latest that became an event
	toldAt  time.Time
	newest  *table
	tables  int    // still in use, newest included
	spare   []byte // of a table nobody uses

	inspected   int       // processes, in the second that began at
	inspectedAt time.Time // this time
}

// table is the process table as lines without re.
type table struct {
	rows  []byte
	count int
	asOf  uint64
	at    time.Time
	uses  int // guarded by answers.mu
}

// statsLine appends a stats line. What the hook finds out is at most 200 ms old.
func (a *answers) statsLine(dst []byte, clients int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.count(clients)
	s.TS = a.j.now()
	return event.Append(dst, &s)
}

// tellStats makes an event of the stats, for all who listen: once a second while
// something changes, else every ten seconds. It is kept like any other, so that
// what is said once a second may not crowd out what happened.
func (a *answers) tellStats(clients int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	since := now.Sub(a.toldAt)
	if !a.toldAt.IsZero() && since < statsEvery-statsEvery/10 {
		return // another client's clock was first
	}
	s := a.count(clients)
	same := s
	same.UptimeMS, same.LastSeq, same.Clients = a.told.UptimeMS, a.told.LastSeq, a.told.Clients
	if same == a.told && since < statsAtLeast {
		return
	}
	a.told, a.toldAt = s, now
	a.j.Append(&s)
}

// count makes the stats of this moment. a.mu is held.
func (a *answers) count(clients int) event.Stats {
	if now := time.Now(); a.statsAt.IsZero() || now.Sub(a.statsAt) >= fresh {
		a.stats = *event.New(event.TypeStats).(*event.Stats)
		if a.cfg.Stats != nil {
			a.cfg.Stats(&a.stats)
		}
		a.statsAt = now
	}
	s, c := a.stats, a.j.Counts()
	s.Type = event.TypeStats
	s.Reaps, s.Failed, s.Adopted, s.LastSeq, s.Lost = c.Reaps, c.Failed, c.Adopted, c.Last, c.Lost
	s.Clients = clients
	return s
}

// inspect makes the answer to request id.
func (a *answers) inspect(pid int, id string) ([]byte, error) {
	if a.cfg.Inspect == nil {
		return nil, errNoInspect
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.inspectedAt) >= time.Second {
		a.inspectedAt, a.inspected = now, 0
	}
	if a.inspected++; a.inspected > maxInspect {
		return nil, errRushed
	}
	ev, err := a.cfg.Inspect(pid)
	if err != nil {
		return nil, fmt.Errorf("cannot inspect %d: %w", pid, err)
	}
	ev.Type, ev.Seq, ev.Re, ev.TS = event.TypeInspect, 0, id, a.j.now()
	line := event.Append(nil, ev)
	if len(line) > MaxLine {
		if line, _, err = shorten(line, ev); err != nil {
			return nil, err
		}
	}
	return line, nil
}

// table returns the process table, which the caller hands back with release.
func (a *answers) table() (*table, error) {
	if a.cfg.Processes == nil {
		return nil, errNoTable
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.newest; t != nil && time.Since(t.at) < fresh {
		t.uses++
		return t, nil
	}
	a.drop(a.newest)
	a.newest = nil
	if a.tables >= maxTables {
		return nil, errBusy
	}
	t, err := a.look()
	if err != nil {
		return nil, err
	}
	t.uses = 2 // the caller's and newest
	a.newest = t
	a.tables++
	return t, nil
}

func (a *answers) release(t *table) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drop(t)
}

func (a *answers) drop(t *table) {
	if t == nil {
		return
	}
	if t.uses--; t.uses == 0 {
		a.tables--
		if cap(t.rows) <= spareTable {
			a.spare = t.rows
		}
		t.rows = nil
	}
}

// look makes a new table.
func (a *answers) look() (*table, error) {
	// Before the look: what is appended during it may or may not be in the rows,
	// and applying it once more does no harm.
	t := &table{rows: a.spare[:0], asOf: a.j.Counts().Last, at: time.Now()}
	a.spare = nil
	var err error
	a.cfg.Processes(func(p *event.Process) bool {
		if len(t.rows) >= maxTable {
			err = errTooLarge
			return false
		}
		t.rows = a.row(t.rows, p)
		t.count++
		return true
	})
	return t, err
}

func (a *answers) row(rows []byte, p *event.Process) []byte {
	q := *p
	q.Type, q.Seq, q.Re = event.TypeProcess, 0, ""
	if q.TS.IsZero() {
		q.TS = a.j.now()
	}
	if len(rows) >= spareTable {
		var cut bool
		q.Cmdline, cut = cutArgs(q.Cmdline, briefCmdline)
		q.CmdlineCut = q.CmdlineCut || cut
	}
	start := len(rows)
	rows = event.Append(rows, &q)
	if len(rows)-start <= MaxLine-roomForRe {
		return rows
	}
	line, _, err := shorten(nil, &q)
	if err != nil || len(line) > MaxLine-roomForRe {
		brief := event.New(event.TypeProcess).(*event.Process)
		brief.TS, brief.ID, brief.PPID, brief.State = q.TS, q.ID, q.PPID, q.State
		line = event.Append(nil, brief)
	}
	return append(rows[:start], line...)
}

// roomForRe is more than a request's id takes on a row: a byte of it six.
const roomForRe = 16 + 6*maxID

// rowStart is how every row begins; a request's id goes right after it.
var rowStart = func() []byte {
	s := lineStart(event.TypeProcess)
	return s[:len(s)-1]
}()

// reField returns the field that carries a request's id, as the encoder writes
// it, with the comma before it; nothing when there is no id.
func reField(id string) []byte {
	if id == "" {
		return nil
	}
	e := event.New(event.TypeError).(*event.Error)
	e.Re = id
	line := event.Append(nil, e)
	start := lineStart(event.TypeError)
	line = bytes.TrimPrefix(line, start[:len(start)-1])
	return bytes.TrimSuffix(line, []byte(",\"message\":\"\"}\n"))
}

// sendTable writes the rows of t, which it releases, as the answer to request id.
// A client that takes nothing for long loses the rest, so that it does not keep
// the table in memory.
func (c *session) sendTable(t *table, id string) error {
	re, rows := reField(id), t.rows
	watch := time.AfterFunc(time.Hour, func() { c.s.answers.release(t) })
	for len(rows) > 0 {
		rows = c.fill(rows, re)
		watch.Reset(c.s.cfg.tablePatience)
		err := c.write(c.chunk)
		if !watch.Stop() { // the table is no longer ours
			if err == nil {
				err = c.write(errorLine(c.s.j, id, errSlow))
			}
			return err
		}
		if err != nil {
			c.s.answers.release(t)
			return err
		}
	}
	watch.Stop()
	end := event.New(event.TypeProcessesEnd).(*event.ProcessesEnd)
	end.TS, end.Re, end.Count, end.AsOfSeq = c.s.j.now(), id, t.count, t.asOf
	c.s.answers.release(t)
	return c.write(event.Append(nil, end))
}

// fill makes the next chunk and returns the rows that are left.
func (c *session) fill(rows, re []byte) []byte {
	if c.chunk == nil {
		c.chunk = make([]byte, 0, batch)
	}
	c.chunk = c.chunk[:0]
	for len(rows) > 0 {
		n := bytes.IndexByte(rows, '\n') + 1
		if len(c.chunk)+n+len(re) > batch {
			break
		}
		c.chunk = append(append(append(c.chunk, rowStart...), re...), rows[len(rowStart):n]...)
		rows = rows[n:]
	}
	return rows
}
