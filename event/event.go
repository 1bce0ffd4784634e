// Package event is the contract between pid1 and everything that reads it: the
// types of the stream, their version, and the codec.
//
// The stream is UTF-8 JSON, one object a line. Every object has v (the schema
// version), type and ts; every event but hello, gap and the replies to requests
// has seq: 1, 2, 3 … without a hole for as long as pid1 lives. Fields and types
// are only ever added within a version, and readers ignore those they do not know.
//
// What is not known is left out of the line, never filled in: in the Go types an
// unknown number is Unknown, an unknown string is empty, an unknown time is zero.
//
// The package imports the standard library alone.
package event

import "time"

// Version is the schema version every line carries as v.
const Version = 1

// Unknown is the value of a number nobody knows. It is left out of the line.
const Unknown = -1

// Type names what a line tells.
type Type string

// The types of the stream.
const (
	TypeHello      Type = "hello"
	TypeStart      Type = "start"
	TypeExec       Type = "exec"
	TypeOrphan     Type = "orphan"
	TypeZombie     Type = "zombie"
	TypeZombieGone Type = "zombie_gone"
	TypeExit       Type = "exit"
	TypeReap       Type = "reap"
	TypeSignal     Type = "signal"
	TypeLeak       Type = "leak"
	TypePressure   Type = "pressure"
	TypeOOM        Type = "oom"
	TypeMainExit   Type = "main_exit"
	TypeShutdown   Type = "shutdown"
	TypeStats      Type = "stats"
	TypeGap        Type = "gap"
	TypeSource     Type = "source"
	TypeEnd        Type = "end"

	// Replies to requests.
	TypeSubscribed   Type = "subscribed"
	TypeProcess      Type = "process"
	TypeProcessesEnd Type = "processes_end"
	TypeInspect      Type = "inspect"
	TypeError        Type = "error"
)

// Numbered reports whether lines of this type carry a seq and are kept in the
// history. The others belong to one connection or to the moment.
func (t Type) Numbered() bool {
	switch t {
	case TypeHello, TypeGap,
		TypeSubscribed, TypeProcess, TypeProcessesEnd, TypeInspect, TypeError:
		return false
	}
	return true
}

// Head is what every line begins with.
type Head struct {
	Type Type      `json:"type"`
	Seq  uint64    `json:"seq,omitempty"` // 0 where the type is not Numbered
	TS   time.Time `json:"ts"`            // wall clock when the line was written
}

// Header gives access to the head of any event.
func (h *Head) Header() *Head { return h }

// Event is one line of the stream. The concrete types are the structs of this
// package, by pointer.
type Event interface {
	Header() *Head
	appendBody(w *writer)
}

// How says how something is known.
type How string

// The states of knowledge, from best to worst.
const (
	HowExact    How = "exact"    // the kernel said so at the moment it happened
	HowSeen     How = "seen"     // it was seen in /proc while it was true
	HowInferred How = "inferred" // it follows from session and process group; a hint, not proof
	HowNone     How = "none"     // nobody saw it
)

// ID is a process: a PID alone is reused, a PID and its start time are not.
type ID struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks (1/100 s) since boot, field 22 of
	// proc_pid_stat(5). 0 means unknown.
	Start uint64 `json:"start_ticks,omitempty"`
}

// Command is what a process runs.
type Command struct {
	// Comm is the kernel's name for it: at most 15 bytes, any bytes
	// (proc_pid_comm(5)). On the wire invalid UTF-8 becomes U+FFFD and comm_b64
	// holds the exact bytes; Decode puts them back.
	Comm string `json:"comm,omitempty"`
	// Cmdline holds the arguments, program first (proc_pid_cmdline(5)). Bytes as
	// for Comm, exact in cmdline_b64 (arguments each ended by a NUL).
	Cmdline []string `json:"cmdline,omitempty"`
	// CmdlineHow is HowNone when only Comm is known.
	CmdlineHow How `json:"cmdline_how,omitempty"`
	// CmdlineCut is set when the arguments were longer than what is kept.
	CmdlineCut bool `json:"cmdline_cut,omitempty"`
	// Exe is the path of the program's file (proc_pid_exe(5)), where it was read.
	Exe string `json:"exe,omitempty"`
}

// Proc is a process as others refer to it: a parent, an origin, a sender.
type Proc struct {
	ID
	Comm    string   `json:"comm,omitempty"`
	Cmdline []string `json:"cmdline,omitempty"`
	// How says how the relation is known; empty where there is no doubt.
	How How `json:"how,omitempty"`
}

// Ancestor is one step of a lineage.
type Ancestor struct {
	PID  int    `json:"pid"`
	Comm string `json:"comm,omitempty"`
}

// Ended is how a process ended: exactly one of Code and Signal, or neither where
// it is unknown.
type Ended struct {
	Code   int    `json:"code"`             // exit status 0…255, else Unknown
	Signal string `json:"signal,omitempty"` // "SIGKILL"
	Core   bool   `json:"core,omitempty"`   // it dumped core, as far as is known
}

// Known reports whether it is known how the process ended.
func (e Ended) Known() bool { return e.Signal != "" || e.Code >= 0 }

// Failed reports whether the process is known to have ended by a signal or with
// a status other than 0.
func (e Ended) Failed() bool { return e.Signal != "" || e.Code > 0 }

// Rusage is what a process used, from wait4(2)'s struct rusage. It counts the
// process and those of its children that it waited for.
type Rusage struct {
	UtimeMS  float64 `json:"utime_ms"`
	StimeMS  float64 `json:"stime_ms"`
	MaxRSSKB int64   `json:"maxrss_kb"`
	Minflt   int64   `json:"minflt"`
	Majflt   int64   `json:"majflt"`
	Nvcsw    int64   `json:"nvcsw"`
	Nivcsw   int64   `json:"nivcsw"`
}

// Owner is who a process belongs to; each number may be Unknown.
type Owner struct {
	UID int `json:"uid"` // effective
	GID int `json:"gid"` // effective
}

// Group is where job control puts a process; each number may be Unknown.
type Group struct {
	PGID int `json:"pgid"`
	SID  int `json:"sid"`
}
