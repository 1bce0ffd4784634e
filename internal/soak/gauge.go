package soak

import (
	"bytes"
	"context"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sample is what a process takes at a moment.
type Sample struct {
	At         time.Duration // since the start
	RSS        int           // VmRSS in KiB, proc_pid_status(5)
	Anon       int           // RssAnon in KiB: without what is mapped from files
	FDs        int
	Threads    int
	Goroutines int           // those of the program, without the runtime's own
	CPU        time.Duration // used since its start
	functions  []string      // that the goroutines began with
	files      []string      // that the descriptors are open on
}

// gauge measures a Go program from outside: pid1 has no door for that.
type gauge struct {
	pid   int
	begun time.Time
	goroutineReader
}

// goroutineReader finds the goroutines in a program's memory, by its debug information.
type goroutineReader struct {
	allg, allglen   uint64            // addresses of runtime.allgptr and runtime.allglen
	status, startpc uint64            // offsets in runtime.g
	names           map[uint64]string // of functions, but the runtime's own
	order           binary.ByteOrder
}

// newGauge measures the process pid, which runs binary.
func newGauge(pid int, path string) (*gauge, error) {
	g := &gauge{pid: pid, begun: time.Now()}
	if err := g.load(path); err != nil {
		return nil, fmt.Errorf("cannot find the goroutines of %s: %w", path, err)
	}
	return g, nil
}

func (r *goroutineReader) load(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return err
	}
	r.order, r.names = f.ByteOrder, map[uint64]string{}
	for _, s := range symbols {
		switch {
		case s.Name == "runtime.allgptr":
			r.allg = s.Value
		case s.Name == "runtime.allglen":
			r.allglen = s.Value
		case elf.ST_TYPE(s.Info) == elf.STT_FUNC && (!strings.HasPrefix(s.Name, "runtime.") || s.Name == "runtime.main"):
			r.names[s.Value] = s.Name
		}
	}
	data, err := f.DWARF()
	if err != nil {
		return err
	}
	if err := r.layout(data); err != nil {
		return err
	}
	if r.allg == 0 || r.allglen == 0 || r.status == 0 || r.startpc == 0 {
		return errors.New("it is built in a way not known here")
	}
	return nil
}

// layout reads where the fields of runtime.g are.
func (r *goroutineReader) layout(data *dwarf.Data) error {
	in := data.Reader()
	for {
		e, err := in.Next()
		if err != nil || e == nil {
			return err
		}
		if name, _ := e.Val(dwarf.AttrName).(string); e.Tag != dwarf.TagStructType || name != "runtime.g" {
			if e.Tag == dwarf.TagSubprogram {
				in.SkipChildren()
			}
			continue
		}
		typ, err := data.Type(e.Offset)
		if err != nil {
			return err
		}
		for _, field := range typ.(*dwarf.StructType).Field {
			switch field.Name {
			case "atomicstatus":
				r.status = uint64(field.ByteOffset)
			case "startpc":
				r.startpc = uint64(field.ByteOffset)
			}
		}
		return nil
	}
}

// list returns the functions that the goroutines of the process pid began with. What
// changes meanwhile may be missed: of an idle program they are all there.
func (r *goroutineReader) list(pid int) (functions []string, err error) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	word := func(at uint64) uint64 {
		var b [8]byte
		if _, rerr := mem.ReadAt(b[:], int64(at)); rerr != nil {
			err = rerr
		}
		return r.order.Uint64(b[:])
	}
	all := word(r.allg)
	for i := range word(r.allglen) {
		g := word(all + 8*i)
		// As in runtime2.go of Go 1.26: 0 is not yet one, 6 and 11 are none any more;
		// 0x1000 marks one that is being scanned.
		switch status := uint32(word(g+r.status)) &^ 0x1000; {
		case status == 0 || status == 6 || status == 11:
		default:
			if name, ok := r.names[word(g+r.startpc)]; ok {
				functions = append(functions, name)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(functions)
	return functions, err
}

// sample measures now.
func (g *gauge) sample() (s Sample, err error) {
	s.At = time.Since(g.begun)
	dir := fmt.Sprintf("/proc/%d/", g.pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return s, fmt.Errorf("cannot measure pid1: %w", err)
	}
	for line := range bytes.Lines(status) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		v, _ := strconv.Atoi(string(f[1]))
		switch string(f[0]) {
		case "VmRSS:":
			s.RSS = v
		case "RssAnon:":
			s.Anon = v
		case "Threads:":
			s.Threads = v
		}
	}
	fds, err := filepath.Glob(dir + "fd/*")
	if err != nil || len(fds) == 0 {
		return s, fmt.Errorf("cannot count pid1's descriptors: %w", err)
	}
	s.FDs = len(fds)
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil { // it may be closed meanwhile
			s.files = append(s.files, filepath.Base(fd)+" "+name)
		}
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return s, fmt.Errorf("cannot measure pid1: %w", err)
	}
	if _, rest, ok := bytes.Cut(stat, []byte(") ")); ok {
		f := strings.Fields(string(rest))
		for _, ticks := range f[11:13] { // utime, stime
			n, _ := strconv.Atoi(ticks)
			s.CPU += time.Duration(n) * 10 * time.Millisecond
		}
	}
	s.functions, err = g.list(g.pid)
	s.Goroutines = len(s.functions)
	if err != nil {
		return s, fmt.Errorf("cannot count pid1's goroutines: %w", err)
	}
	return s, nil
}

// looks is how often a program at rest is looked at, every 100 ms: now and then it opens
// a file for the time of a read, and what it holds of a process that only its parent
// knows to be dead goes with a sweep, of which there is one in two seconds.
const looks = 50

// rest waits until there are as many descriptors and goroutines at two looks, and
// returns the fewest of some more.
func (g *gauge) rest(ctx context.Context) (Sample, error) {
	var before Sample
	for same := 0; ; {
		s, err := g.sample()
		if err != nil {
			return s, err
		}
		switch {
		case same > 0:
			same++
			if s.FDs > before.FDs {
				s.FDs, s.files = before.FDs, before.files
			}
			if s.Goroutines > before.Goroutines {
				s.Goroutines, s.functions = before.Goroutines, before.functions
			}
		case s.FDs == before.FDs && s.Goroutines == before.Goroutines:
			same = 1
		}
		if same == looks {
			return s, nil
		}
		before = s
		<-after(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return s, fmt.Errorf("pid1 does not come to rest: %w", ctx.Err())
		}
	}
}
