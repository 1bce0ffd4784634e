package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pid1/event"
	"pid1/internal/journal"
)

// feed is a pid1's feed without a pid1: a real journal and a real socket, with
// events and rows made up here.
type feed struct {
	j   *journal.Journal
	s   *journal.Server
	now time.Time

	mu   sync.Mutex // guards rows once the feed is served
	rows []*event.Process
}

func id(pid int) event.ID { return event.ID{PID: pid, Start: uint64(pid)} }

// newFeed serves what fill makes at path until stop is called.
func newFeed(path string, fill func(*feed)) (f *feed, stop func(), err error) {
	f = &feed{j: journal.New(journal.Config{}), now: time.Now()}
	fill(f)
	f.s, err = journal.Listen(f.j, journal.ServerConfig{
		Paths: []string{path},
		Hello: func() *event.Hello {
			h := event.New(event.TypeHello).(*event.Hello)
			h.Program, h.PID, h.Role, h.Command = "1.0", 1, "init", []string{"/app/start.sh", "--all"}
			h.Started = f.now.Add(-2 * time.Hour)
			return h
		},
		Stats: func(s *event.Stats) {
			s.UptimeMS, s.PIDsUsed, s.PIDsLimit = (2 * time.Hour).Milliseconds(), 40, 100
		},
		Inspect: func(pid int) (*event.Inspect, error) {
			if pid > 9999 {
				return nil, fmt.Errorf("there is no process %d", pid)
			}
			e := event.New(event.TypeInspect).(*event.Inspect)
			e.ID, e.Cwd = id(pid), "/srv"
			return e, nil
		},
		Processes: func(yield func(*event.Process) bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, r := range f.rows {
				if !yield(r) {
					return
				}
			}
		},
	})
	if err != nil {
		f.j.Close()
		return nil, nil, err
	}
	return f, func() { f.s.Close(); f.j.Close() }, nil
}

// serve is newFeed for a Go test; it returns the socket.
func serve(t *testing.T, fill func(*feed)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s", "pid1.sock")
	_, stop, err := newFeed(path, fill)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return path
}

// row adds a living process.
func (f *feed) row(pid, ppid int, state string, age time.Duration, comm string, args ...string) *event.Process {
	p := event.New(event.TypeProcess).(*event.Process)
	p.ID, p.PPID, p.State, p.AgeMS, p.Threads, p.UID = id(pid), ppid, state, age.Milliseconds(), 1, 0
	p.Comm, p.Cmdline, p.CmdlineHow = comm, args, event.HowSeen
	f.rows = append(f.rows, p)
	return p
}

// zombie adds a process that died that long ago, and its event.
func (f *feed) zombie(pid, ppid int, ago time.Duration, comm string, args ...string) {
	p := f.row(pid, ppid, "Z", ago+time.Second, comm, args...)
	p.ZombieMS = ago.Milliseconds()
	e := event.New(event.TypeZombie).(*event.Zombie)
	e.TS = f.now.Add(-ago)
	e.ID, e.Command, e.Parent, e.Code = p.ID, p.Command, event.Proc{ID: id(ppid)}, 0
	f.j.Append(e)
}

func (f *feed) reap(pid int, ago time.Duration, end event.Ended, comm string, args ...string) *event.Reap {
	e := event.New(event.TypeReap).(*event.Reap)
	e.TS = f.now.Add(-ago)
	e.ID, e.PPID, e.Comm, e.Cmdline, e.Ended = id(pid), 1, comm, args, end
	e.LifetimeMS, e.Adopted = 140, true
	e.Origin = &event.Proc{ID: id(812), Comm: "gunicorn", How: event.HowSeen}
	e.Rusage = &event.Rusage{UtimeMS: 20, StimeMS: 10}
	return e
}

const hostile = "a\x1b[31m\n\xff\u202eb"

// scenarios are what feeds tell. Ages lie in the middle of what is printed of them.
var scenarios = map[string]func(*feed){
	"healthy": func(f *feed) {
		f.row(1, 0, "S", 2*time.Hour, "pid1", "pid1", "--", "/app/start.sh")
		f.row(812, 1, "S", time.Hour, "gunicorn", "gunicorn: master")
	},
	"empty": func(*feed) {},
	"secrets": func(f *feed) {
		f.row(1, 0, "S", 2*time.Hour, "pid1", "pid1")
		f.row(812, 1, "S", time.Hour, "server", "server", "--password", "hunter2",
			"--url", "https://me:hunter2@host.example/x", "DB_TOKEN=hunter2", "--port", "80")
		for i := range 4 {
			f.zombie(9120+i, 812, time.Hour-time.Duration(i)*time.Minute, "x", "x```\n## Verdict", "--token=hunter2")
		}
	},
	"held": func(f *feed) {
		f.row(1, 0, "S", 2*time.Hour, "pid1", "pid1", "--", "/app/start.sh")
		f.row(7, 1, "S", 2*time.Hour, "start.sh", "/bin/sh", "/app/start.sh")
		p := f.row(812, 7, "S", 62*time.Minute+30*time.Second, "gunicorn", "gunicorn: master [app:wsgi]")
		p.SigChld, p.Wchan = "default", "do_epoll_wait"
		f.zombie(9120, 812, 42*time.Minute+30*time.Second, "convert", "convert", "-resize", "200")
		f.zombie(9121, 812, 32*time.Minute+30*time.Second, "convert", "convert", "-resize", "200")
		f.zombie(9122, 812, 12*time.Minute+30*time.Second, hostile)
		f.row(9500, 1, "R", 12*time.Minute+30*time.Second, hostile, hostile).ExecSession = true
	},
	"leak": func(f *feed) {
		f.row(1, 0, "S", 2*time.Hour, "pid1", "pid1", "--", "/app/start.sh")
		f.row(7, 1, "S", 2*time.Hour, "start.sh", "/bin/sh", "/app/start.sh")
		f.row(812, 7, "S", 62*time.Minute+30*time.Second, "gunicorn", "gunicorn: master [app:wsgi]").SigChld = "default"
		for i := range 7 {
			f.zombie(9120+i, 812, 130500*time.Millisecond-time.Duration(i)*20*time.Second, "convert", "convert", "-resize", "200")
		}
		f.j.Append(f.reap(300, time.Hour, event.Ended{Code: 0}, "date", "date"))
		f.j.Append(f.reap(301, 2*time.Minute, event.Ended{Code: 0}, "sh", "sh", "-c", "date"))
		f.j.Append(f.reap(302, time.Minute, event.Ended{Code: event.Unknown, Signal: "SIGKILL"}, "ffmpeg", "ffmpeg", "-i", "in.mp4"))
		e := f.reap(303, 30*time.Second, event.Ended{Code: 127}, hostile)
		e.Origin, e.LifetimeMS, e.Rusage, e.CmdlineHow = nil, event.Unknown, nil, event.HowNone
		f.j.Append(e)
	},
	"long": func(f *feed) {
		f.row(1, 0, "S", 2*time.Hour, "pid1", "pid1")
		for i := range 300 {
			f.row(100+i, 1, "S", time.Hour, "worker", "worker", fmt.Sprint(i))
			f.j.Append(f.reap(1000+i, time.Minute, event.Ended{Code: i % 2}, "x", "x"))
		}
	},
}
