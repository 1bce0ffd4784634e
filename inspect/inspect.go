package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"pid1/event"
)

// ErrNoProcess is what Inspect's error is when there is no such process, or none
// that is to be told of.
var ErrNoProcess = errors.New("there is no such process")

// Inspect returns everything about one process, read at this moment from the files
// of /proc/PID, its environment excepted. The command line is that of the Table,
// with what is to be hidden hidden. What the kernel refuses is told in Denied.
//
// It reads about a dozen files and, of the open files, no more links than are told;
// none of it takes a lock of the process's memory, but for the command line, whose
// read is bounded in time.
func (t *Table) Inspect(pid int) (*event.Inspect, error) {
	fs := t.cfg.FS
	if fs == nil {
		return nil, errors.New("there is no /proc")
	}
	t.look.mu.Lock()
	t.look.process(pid, notKept, 0, 0)
	t.look.mu.Unlock()
	ev := t.inspected(pid)
	if ev == nil {
		return nil, ErrNoProcess
	}
	d := details{reader: reader{fs: fs}, pid: pid, ev: ev, buf: make([]byte, 16<<10)}
	d.read()
	// All of it is about the process that was there at first.
	var st Stat
	if d.reader.stat(pid, &st) != nil || st.Start != ev.Start {
		return nil, ErrNoProcess
	}
	return ev, nil
}

// inspected is what the Table knows of pid.
func (t *Table) inspected(pid int) *event.Inspect {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byPID[pid]
	if e == nil || !t.tells(e) {
		return nil
	}
	now := t.epoch.now()
	ev := event.New(event.TypeInspect).(*event.Inspect)
	ev.ID, ev.PPID, ev.Group, ev.Owner, ev.Command = e.id, e.ppid, e.group(), e.owner(), e.command()
	ev.State, ev.Started, ev.AgeMS = stateName(e.state), t.epoch.started(e.id.Start), age(e.id.Start, now)
	ev.Threads, ev.UtimeMS, ev.StimeMS = e.threads, ticksMS(e.utime), ticksMS(e.stime)
	ev.ZombieMS, ev.ExecSession, ev.SeenBefore = e.zombieMS(now), e.execSession, e.seenBefore
	ev.Origin = e.origin(&event.Proc{})
	for _, p := range e.line {
		ev.Lineage = append(ev.Lineage, event.Ancestor{PID: p.id.PID, Comm: p.comm})
	}
	if e.ppid > 0 {
		p := t.parent(e)
		ev.Parent = &p
	}
	var children []*entry
	for _, c := range t.byPID {
		if c.ppid == pid && c.id.Start >= e.id.Start {
			children = append(children, c)
		}
	}
	ev.NChildren = len(children)
	slices.SortFunc(children, func(a, b *entry) int { return cmp.Compare(a.id.Start, b.id.Start) })
	for _, c := range children[max(0, len(children)-event.MaxInspectList):] {
		ev.Children = append(ev.Children, c.id.PID)
	}
	return ev
}

// details reads what the Table does not keep.
type details struct {
	reader
	pid int
	ev  *event.Inspect
	buf []byte
}

func (d *details) read() {
	ev := d.ev
	parseStatus(d.file("status"), ev)
	if stat := parseNice(d.file("stat")); stat != nil {
		ev.Nice = stat
	}
	if w := d.file("wchan"); len(w) > 0 && string(w) != "0" {
		ev.Wchan = string(w)
	}
	ev.Cgroup = splitLines(d.file("cgroup"), 32)
	if n, ok := parseInt(d.file("oom_score")); ok {
		ev.OOMScore = n
	}
	if n, ok := parseInt(d.file("oom_score_adj")); ok {
		adj := int(n)
		ev.OOMScoreAdj = &adj
	}
	ev.Limits = parseLimits(d.file("limits"))
	if ev.State == "Z" || ev.State == "X" {
		return // the rest is gone with it
	}
	ev.IO = parseIO(d.file("io"))
	ev.Cwd = d.target("cwd")
	ev.Root = d.target("root")
	d.files()
}

// file returns what is in a file of the process, valid until the next call. It is
// nothing where there is none, or none for us.
func (d *details) file(name string) []byte {
	n, err := d.reader.read(d.pid, name, d.buf)
	if err != nil {
		d.denied(name, err)
		return nil
	}
	return d.buf[:n]
}

func (d *details) target(name string) string {
	n, err := d.link(d.pid, name, d.buf[:4096])
	if err != nil {
		d.denied(name, err)
		return ""
	}
	return string(d.buf[:n])
}

// denied notes that the kernel refused a file. That one is gone, or that this
// kernel has none, is no refusal.
func (d *details) denied(name string, err error) {
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		d.ev.Denied = append(d.ev.Denied, event.Denied{File: name, Error: err.Error()})
	}
}

// maxCounted is how many open files are counted one by one.
const maxCounted = 4096

// files lists the open files, and counts them: since Linux 6.2 the size of
// /proc/PID/fd is their number (proc_pid_fd(5)).
func (d *details) files() {
	fd, err := d.open(d.pid, "fd")
	if err != nil {
		d.denied("fd", err)
		return
	}
	defer closeFD(fd)
	numbers := []int{}
	for len(numbers) < maxCounted {
		n, err := unix.Getdents(fd, d.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			break
		}
		_, _, names := unix.ParseDirent(d.buf[:n], -1, nil)
		for _, name := range names {
			if n, err := strconv.Atoi(name); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	var st unix.Stat_t
	if len(numbers) < maxCounted {
		d.ev.NFiles = len(numbers)
	} else if unix.Fstat(fd, &st) == nil && st.Size > 0 {
		d.ev.NFiles = int(st.Size)
	}
	slices.Sort(numbers)
	for _, n := range numbers[:min(len(numbers), event.MaxInspectList)] {
		f := event.File{FD: n}
		if size, err := d.link(d.pid, fmt.Sprintf("fd/%d", n), d.buf[:4096]); err == nil {
			f.Target = string(d.buf[:size])
		}
		d.ev.Files = append(d.ev.Files, f)
	}
}
