// Package truth measures how much of what happens a feed tells, and whether all of
// it is true.
//
// Grow makes trees of processes whose every detail is known, since it made them,
// and writes that down. Check compares a feed with it, and a Coverage counts what
// was right, what was left unknown, and what was wrong, of which there may be none.
package truth

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Tick is the unit of start times in /proc, proc_pid_stat(5).
const tick = 10 * time.Millisecond

// ID is a process. Its start lies between two readings of the boot clock, which
// mostly are of the same tick (1/100 s since boot).
type ID struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start_ticks"`
	Last  uint64 `json:"start_ticks_latest"`
}

// is reports whether id is the process pid that began at start; 0: not known.
func (id ID) is(pid int, start uint64) bool {
	return id.PID == pid && (start == 0 || id.Start <= start && start <= id.Last)
}

// Process is the truth of one process.
type Process struct {
	Tree string `json:"tree"`           // the kind of tree it stands in
	Life int    `json:"life"`           // for how long it was to run, in ms
	Part bool   `json:"part,omitempty"` // it is there for the sake of others, and is not counted
	// ID is zero for one that a shell made: it is known by its command line, which
	// no other process has.
	ID
	// Parent created it; zero: a process between Above and it, which a shell made.
	Parent ID `json:"parent,omitzero"`
	// Above are the ancestors, from the parent upwards as far as they are known.
	Above []ID `json:"above"`
	// Argv holds the command lines it had, one after the other.
	Argv   [][]string `json:"argv"`
	Became [][]string `json:"became,omitempty"` // command lines of Parent after the fork
	SID    int        `json:"sid"`
	PGID   int        `json:"pgid"`
	// Was are the session and the group it had before it made its own.
	Was     [2]int `json:"was,omitzero"`
	Adopted bool   `json:"adopted"`          // it outlived its parent
	Linger  bool   `json:"linger,omitempty"` // the parent stayed for 5 ms after the fork
	Status  int    `json:"status"`           // wait status, wait(2)
	Least   int64  `json:"least_ms"`         // its lifetime is between these two
	Most    int64  `json:"most_ms"`          // 0: not known
}

// name is what the process is called in messages.
func (p *Process) name() string { return fmt.Sprintf("%s/%d ms %d", p.Tree, p.Life, p.PID) }

// Write writes the truth as a JSON object a line.
func Write(w io.Writer, all []Process) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	for i := range all {
		if err := enc.Encode(&all[i]); err != nil {
			return fmt.Errorf("cannot write the truth: %w", err)
		}
	}
	return out.Flush()
}

// ReadFile reads what Write wrote.
func ReadFile(path string) ([]Process, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the truth: %w", err)
	}
	defer f.Close()
	var all []Process
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var p Process
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read the truth in %s: %w", path, err)
		}
		all = append(all, p)
	}
}
