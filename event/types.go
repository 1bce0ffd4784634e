package event

import "time"

// Hello is the first line of every connection and every recording.
type Hello struct {
	Head
	Program  string            `json:"version"`            // pid1's version
	PID      int               `json:"pid"`                // pid1's own, in its namespace
	Role     string            `json:"role"`               // "init", "subreaper" or "local"
	Command  []string          `json:"command,omitempty"`  // COMMAND and its arguments
	Trace    string            `json:"trace,omitempty"`    // the trace mode in force
	Started  time.Time         `json:"started,omitzero"`   // when pid1 started
	Host     string            `json:"host,omitempty"`     // the UTS namespace's host name
	PIDNS    uint64            `json:"pid_ns,omitempty"`   // inode of pid1's PID namespace
	FirstSeq uint64            `json:"first_seq"`          // oldest event kept; 0: none yet
	LastSeq  uint64            `json:"last_seq"`           // newest event; 0: none yet
	Features map[string]string `json:"features,omitempty"` // what this kernel and container let pid1 see
}

// Start tells that a process was first seen.
type Start struct {
	Head
	ID
	PPID int `json:"ppid"`
	Group
	Owner
	Command
	Origin      *Proc     `json:"origin,omitempty"`
	Started     time.Time `json:"started,omitzero"`
	ExecSession bool      `json:"exec_session,omitempty"`
}

// Exec tells that a process changed its program.
type Exec struct {
	Head
	ID
	PPID int `json:"ppid"`
	Command
	Was string `json:"was,omitempty"` // the comm it had before
}

// Orphan tells that a process lost its parent and came to pid1.
type Orphan struct {
	Head
	ID
	Command
	Origin *Proc `json:"origin,omitempty"`
}

// Zombie tells that a process that is not pid1's to reap was seen dead and
// unreaped.
type Zombie struct {
	Head
	ID
	Command
	Owner
	Ended
	Parent  Proc      `json:"parent"`
	Started time.Time `json:"started,omitzero"`
	// Threads counts the threads that live on behind a dead leader; 0 when there
	// are none.
	Threads int `json:"threads,omitempty"`
	// SeenBefore is set when the process was already dead when observation
	// began: its age counts from then and is a lower bound.
	SeenBefore bool `json:"seen_before,omitempty"`
}

// ZombieGone tells that a zombie disappeared, reaped by its parent or handed to
// pid1, whose reap then follows.
type ZombieGone struct {
	Head
	ID
	Command
	Parent   Proc  `json:"parent"`
	ZombieMS int64 `json:"zombie_ms"` // how long it was seen dead; Unknown allowed
}

// Exit tells that a process ended that somebody else reaped.
type Exit struct {
	Head
	ID
	PPID int `json:"ppid"`
	Group
	Owner
	Command
	Ended
	Origin     *Proc     `json:"origin,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	LifetimeMS int64     `json:"lifetime_ms"`
	Rusage     *Rusage   `json:"rusage,omitempty"`
	OOM        string    `json:"oom,omitempty"`
}

// Reap tells that pid1 reaped a process.
type Reap struct {
	Head
	ID
	Group
	Owner
	PPID int `json:"ppid"` // its parent at the time of reaping
	Command
	Ended
	// Origin is the parent that created it; nil when unknown.
	Origin *Proc `json:"origin,omitempty"`
	// Lineage holds the ancestors from Origin upwards, as far as known.
	Lineage []Ancestor `json:"lineage,omitempty"`
	Started time.Time  `json:"started,omitzero"`
	// LifetimeMS counts from the kernel's start time, which ticks in 10 ms; it
	// does not depend on the wall clock.
	LifetimeMS  int64   `json:"lifetime_ms"`
	ZombieMS    int64   `json:"zombie_ms"` // how long it was dead before; Unknown where nobody saw it
	Main        bool    `json:"main"`
	Adopted     bool    `json:"adopted"`
	ExecSession bool    `json:"exec_session"`
	Rusage      *Rusage `json:"rusage,omitempty"`
	OOM         string  `json:"oom,omitempty"` // "probable"
}

// Signal tells that pid1 received a signal and what it did with it.
type Signal struct {
	Head
	Signal  string `json:"signal"`           // "SIGTERM"
	From    Sender `json:"from"`             // who sent it
	Became  string `json:"became,omitempty"` // what was sent on, or "ignore"
	Target  string `json:"target,omitempty"` // "main", "group" or "all"
	Reached []int  `json:"reached,omitempty"`
	Error   string `json:"error,omitempty"` // why it could not be sent on
}

// Sender is who sent a signal, as far as the kernel said.
type Sender struct {
	PID     int      `json:"pid"` // Unknown where the kernel did not say
	UID     int      `json:"uid"`
	Comm    string   `json:"comm,omitempty"`
	Cmdline []string `json:"cmdline,omitempty"`
	// Outside is set when the sender lives outside the PID namespace: the
	// container runtime, usually.
	Outside bool `json:"outside,omitempty"`
	// Kernel is set when the kernel raised it (a terminal's Ctrl-C, a limit).
	Kernel bool `json:"kernel,omitempty"`
}

// Leak tells that a parent began or stopped leaking zombies.
type Leak struct {
	Head
	State      string  `json:"state"` // "began" or "ended"
	Verdict    string  `json:"verdict"`
	Parent     Proc    `json:"parent"`
	Count      int     `json:"count"`
	OldestMS   int64   `json:"oldest_ms"`
	RatePerMin float64 `json:"rate_per_min"`
	// EachMS and Each are the cadence, where there is one: so many zombies every so
	// many milliseconds; both Unknown else.
	Each    int    `json:"each"`
	EachMS  int64  `json:"each_ms"`
	Summary string `json:"summary,omitempty"`
}

// Pressure tells that the PIDs in use crossed a share of the cgroup's limit.
type Pressure struct {
	Head
	Percent  int   `json:"percent"` // the threshold crossed: 80 or 95; 0 when it fell back
	Current  int64 `json:"current"`
	Limit    int64 `json:"limit"`
	FullInMS int64 `json:"full_in_ms"` // until the limit is reached at this rate; Unknown: not in sight
	// Holder is who holds most of the PIDs in use: Held of them by its threads and
	// children, Zombies of these by children it did not wait for.
	Holder  *Proc  `json:"holder,omitempty"`
	Held    int    `json:"held"`    // Unknown without a Holder
	Zombies int    `json:"zombies"` // Unknown without a Holder
	Summary string `json:"summary,omitempty"`
}

// OOM tells that the cgroup's oom_kill count rose.
type OOM struct {
	Head
	Kills int64 `json:"kills"` // since the last such event
	Total int64 `json:"total"` // the cgroup's count
}

// MainExit tells that COMMAND ended.
type MainExit struct {
	Head
	ID
	Ended
	LifetimeMS int64  `json:"lifetime_ms"`
	Status     int    `json:"status"` // the status pid1 will exit with
	OOM        string `json:"oom,omitempty"`
}

// Shutdown tells what happened to each process that outlived COMMAND, or that
// the timeout ended with it.
type Shutdown struct {
	Head
	Reason    string     `json:"reason"` // "main_exit" or "timeout"
	Survivors []Survivor `json:"survivors,omitempty"`
	// SurvivorsCut is set when there were more than fit on a line.
	SurvivorsCut bool  `json:"survivors_cut,omitempty"`
	Status       int   `json:"status"`
	TookMS       int64 `json:"took_ms"`
}

// Survivor is one process of a Shutdown.
type Survivor struct {
	ID
	Comm    string   `json:"comm,omitempty"`
	Cmdline []string `json:"cmdline,omitempty"`
	Signals []Sent   `json:"signals,omitempty"`
	Outcome string   `json:"outcome"` // "left", "killed" or "remains"
}

// Sent is a signal and when it was sent.
type Sent struct {
	Signal string    `json:"signal"`
	TS     time.Time `json:"ts"`
}

// Stats are counters and totals, about once a second while somebody listens and
// they change, else every ten seconds. The answer to a stats request has no seq.
type Stats struct {
	Head
	UptimeMS  int64  `json:"uptime_ms"`
	Reaps     uint64 `json:"reaps"`      // all that pid1 reaped
	Failed    uint64 `json:"failed"`     // of these, ended by a signal or a status other than 0
	Adopted   uint64 `json:"adopted"`    // of these, orphans
	Processes int    `json:"processes"`  // alive or zombie, at the last sweep
	Zombies   int    `json:"zombies"`    // held by others, at the last sweep
	LastSeq   uint64 `json:"last_seq"`   //
	PIDsUsed  int64  `json:"pids_used"`  // the cgroup's pids.current; Unknown allowed
	PIDsLimit int64  `json:"pids_limit"` // the cgroup's pids.max; Unknown: none or unreadable
	// PIDMax and ThreadsMax are the kernel's own limits, kernel.pid_max and
	// kernel.threads-max (proc_sys_kernel(5)), which all of the machine shares; before
	// Linux 6.14 no PID namespace has a pid_max of its own. Unknown allowed.
	PIDMax     int64  `json:"pid_max"`
	ThreadsMax int64  `json:"threads_max"`
	Clients    int    `json:"clients"` // connected now
	Lost       uint64 `json:"lost"`    // events no longer there when a client came to read them
}

// Gap stands in place of events that a reader was too slow for.
type Gap struct {
	Head
	Lost    uint64 `json:"lost"`
	FromSeq uint64 `json:"from_seq"`
	ToSeq   uint64 `json:"to_seq"`
}

// Source tells that a source of observations was switched on or off.
type Source struct {
	Head
	Name   string `json:"name"`  // "sample", "exact", "socket", …
	State  string `json:"state"` // "on", "off"
	Reason string `json:"reason,omitempty"`
}

// End is the last event there is: who reads it has read everything, and pid1 ended
// in good order. A recording that a reader of the stream made ends with one, too,
// without a seq.
type End struct {
	Head
	Reason string `json:"reason"` // EndExit or EndStopped
}

// Why a stream or a recording ends.
const (
	EndExit    = "exit"    // pid1 exits
	EndStopped = "stopped" // the recorder was told to stop; pid1 goes on
)

// Subscribed answers a subscribe request: what follows is the chosen stream.
type Subscribed struct {
	Head
	Re      string `json:"re,omitempty"` // the request's id
	NextSeq uint64 `json:"next_seq"`     // first event that can follow
}

// Process is one process as it is now: a row of the answer to a processes request.
type Process struct {
	Head
	Re string `json:"re,omitempty"`
	ID
	PPID int `json:"ppid"`
	Group
	Owner
	Command
	State string `json:"state"` // R S D Z T t X I, proc_pid_stat(5)
	// StateMS is for how long every look found it in this state: a lower bound,
	// with gaps between the looks.
	StateMS  int64     `json:"state_ms"`
	Started  time.Time `json:"started,omitzero"`
	AgeMS    int64     `json:"age_ms"`
	Threads  int       `json:"threads"`
	UtimeMS  float64   `json:"utime_ms"`
	StimeMS  float64   `json:"stime_ms"`
	RSSKB    int64     `json:"rss_kb"`
	Origin   *Proc     `json:"origin,omitempty"`
	ZombieMS int64     `json:"zombie_ms"` // how long it has been seen dead; Unknown for the living

	// Was is the comm it had before it last changed its program; empty where no exec
	// was seen. BeforeExec is set when its parent execed after this was first seen.
	Was        string `json:"was,omitempty"`
	BeforeExec bool   `json:"before_exec,omitempty"`
	// Waited counts its children that were seen and that it waited for.
	Waited int64 `json:"waited"`

	ExecSession bool `json:"exec_session,omitempty"`
	SeenBefore  bool `json:"seen_before,omitempty"`
	// SigChld, Blocked and Wchan are read for parents that hold zombies only.
	SigChld string `json:"sigchld,omitempty"` // "default", "ignored", "handled"
	Blocked bool   `json:"sigchld_blocked,omitempty"`
	Wchan   string `json:"wchan,omitempty"` // proc_pid_wchan(5)
}

// ProcessesEnd follows the last row of an answer to a processes request.
type ProcessesEnd struct {
	Head
	Re    string `json:"re,omitempty"`
	Count int    `json:"count"`
	// AsOfSeq is the last event that the rows take into account.
	AsOfSeq uint64 `json:"as_of_seq"`
}

// Error answers a request that could not be carried out.
type Error struct {
	Head
	Re      string `json:"re,omitempty"`
	Message string `json:"message"`
}
