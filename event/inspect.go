package event

import (
	"encoding/json"
	"time"
)

// Inspect answers an inspect request: everything about one process, read at that
// moment. What its environment holds is not among it. Of a zombie most is gone; of
// another user's process the kernel may refuse some, and Denied says what.
type Inspect struct {
	Head
	Re string `json:"re,omitempty"` // the request's id
	ID
	PPID   int   `json:"ppid"`
	Parent *Proc `json:"parent,omitempty"` // who should wait for it; nil where PPID is 0 or unknown
	Group
	Owner
	Command
	State     string     `json:"state"` // R S D Z T t X I, proc_pid_stat(5)
	Started   time.Time  `json:"started,omitzero"`
	AgeMS     int64      `json:"age_ms"`
	Threads   int        `json:"threads"`
	UtimeMS   float64    `json:"utime_ms"`
	StimeMS   float64    `json:"stime_ms"`
	Nice      *int       `json:"nice,omitempty"`
	Origin    *Proc      `json:"origin,omitempty"`
	Lineage   []Ancestor `json:"lineage,omitempty"`
	Children  []int      `json:"children,omitempty"`  // living and dead ones, the newest MaxInspectList
	NChildren int        `json:"nchildren,omitempty"` // how many there are
	ZombieMS  int64      `json:"zombie_ms"`           // how long it has been seen dead; Unknown for the living

	ExecSession bool `json:"exec_session,omitempty"`
	SeenBefore  bool `json:"seen_before,omitempty"`

	UIDs   []int `json:"uids,omitempty"`   // real, effective, saved, file system
	GIDs   []int `json:"gids,omitempty"`   // the same
	Groups []int `json:"groups,omitempty"` // supplementary, the first MaxInspectList
	// NSPIDs are its PIDs in the namespaces it is in, from that of the /proc it was
	// read from inwards.
	NSPIDs     []int  `json:"ns_pids,omitempty"`
	TracerPID  int    `json:"tracer_pid,omitempty"`
	Umask      string `json:"umask,omitempty"`   // octal
	Seccomp    string `json:"seccomp,omitempty"` // "off", "strict", "filter"
	NoNewPrivs bool   `json:"no_new_privs,omitempty"`
	CapEff     string `json:"cap_eff,omitempty"` // effective capabilities, a hexadecimal mask

	SigChld string `json:"sigchld,omitempty"` // "default", "ignored", "handled"
	Blocked bool   `json:"sigchld_blocked,omitempty"`
	// The signal masks by name.
	SigPending []string `json:"sig_pending,omitempty"` // the thread's and the process's
	SigBlocked []string `json:"sig_blocked,omitempty"`
	SigIgnored []string `json:"sig_ignored,omitempty"`
	SigCaught  []string `json:"sig_caught,omitempty"`

	Wchan       string   `json:"wchan,omitempty"` // proc_pid_wchan(5)
	Cwd         string   `json:"cwd,omitempty"`
	Root        string   `json:"root,omitempty"`
	Cgroup      []string `json:"cgroup,omitempty"` // lines of proc_pid_cgroup(5)
	OOMScore    int64    `json:"oom_score"`        // Unknown allowed
	OOMScoreAdj *int     `json:"oom_score_adj,omitempty"`

	Memory *Memory `json:"memory,omitempty"`
	IO     *IO     `json:"io,omitempty"`
	// Files are its open files, the first MaxInspectList; NFiles counts all of them
	// (Unknown allowed).
	Files  []File  `json:"files,omitempty"`
	NFiles int     `json:"nfiles"`
	Limits []Limit `json:"limits,omitempty"`

	VoluntaryCtxt   int64 `json:"vol_ctxt"` // switches it waited for; Unknown allowed
	InvoluntaryCtxt int64 `json:"invol_ctxt"`

	// Denied names the files of /proc/PID that were not to be read, and why.
	Denied []Denied `json:"denied,omitempty"`
}

// MaxInspectList is how long a list in an Inspect is at most.
const MaxInspectList = 64

// Memory is what a process has of it, in KiB (proc_pid_status(5)); each number may
// be Unknown.
type Memory struct {
	SizeKB  int64 `json:"size_kb"` // address space
	RSSKB   int64 `json:"rss_kb"`
	PeakKB  int64 `json:"peak_kb"` // the most RSSKB ever was
	AnonKB  int64 `json:"anon_kb"`
	FileKB  int64 `json:"file_kb"`
	ShmemKB int64 `json:"shmem_kb"`
	SwapKB  int64 `json:"swap_kb"`
	DataKB  int64 `json:"data_kb"`
	StackKB int64 `json:"stack_kb"`
}

// IO is what a process has read and written, in bytes (proc_pid_io(5)); each
// number may be Unknown.
type IO struct {
	Rchar      int64 `json:"rchar"`
	Wchar      int64 `json:"wchar"`
	Syscr      int64 `json:"syscr"`
	Syscw      int64 `json:"syscw"`
	ReadBytes  int64 `json:"read_bytes"`
	WriteBytes int64 `json:"write_bytes"`
}

// File is an open file of a process (proc_pid_fd(5)).
type File struct {
	FD     int    `json:"fd"`
	Target string `json:"target,omitempty"`
}

// Limit is a limit of a process (proc_pid_limits(5)), as the kernel words it.
type Limit struct {
	Name string `json:"name"` // "open files"
	Soft string `json:"soft"` // a number, or "unlimited"
	Hard string `json:"hard"`
	Unit string `json:"unit,omitempty"` // "bytes"
}

// Denied is a file of /proc/PID that was not to be read.
type Denied struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

func newInspect(h Head) *Inspect {
	const u = Unknown
	return &Inspect{
		Head: h, PPID: u, Group: Group{PGID: u, SID: u}, Owner: Owner{UID: u, GID: u},
		AgeMS: u, Threads: u, ZombieMS: u, OOMScore: u, NFiles: u, VoluntaryCtxt: u, InvoluntaryCtxt: u,
	}
}

// UnmarshalJSON makes what a line leaves out Unknown.
func (m *Memory) UnmarshalJSON(b []byte) error {
	type plain Memory
	const u = Unknown
	p := plain{u, u, u, u, u, u, u, u, u}
	err := json.Unmarshal(b, &p)
	*m = Memory(p)
	return err
}

// UnmarshalJSON makes what a line leaves out Unknown.
func (i *IO) UnmarshalJSON(b []byte) error {
	type plain IO
	const u = Unknown
	p := plain{u, u, u, u, u, u}
	err := json.Unmarshal(b, &p)
	*i = IO(p)
	return err
}

func (e *Inspect) appendBody(w *writer) {
	w.text("re", e.Re)
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Parent.append(w, "parent")
	e.Group.append(w)
	e.Owner.append(w)
	e.Command.append(w)
	w.str("state", e.State)
	w.time("started", e.Started)
	w.int("age_ms", e.AgeMS)
	w.int("threads", int64(e.Threads))
	w.float("utime_ms", e.UtimeMS)
	w.float("stime_ms", e.StimeMS)
	w.optional("nice", e.Nice)
	e.Origin.append(w, "origin")
	w.lineage(e.Lineage)
	w.ints("children", e.Children)
	if e.NChildren > 0 {
		w.num("nchildren", int64(e.NChildren))
	}
	w.int("zombie_ms", e.ZombieMS)
	w.flag("exec_session", e.ExecSession)
	w.flag("seen_before", e.SeenBefore)
	e.appendRights(w)
	e.appendSignals(w)
	w.text("wchan", e.Wchan)
	w.bytes("cwd", "cwd_b64", e.Cwd)
	w.bytes("root", "root_b64", e.Root)
	w.strs("cgroup", e.Cgroup)
	w.int("oom_score", e.OOMScore)
	w.optional("oom_score_adj", e.OOMScoreAdj)
	e.Memory.append(w)
	e.IO.append(w)
	e.appendFiles(w)
	w.int("vol_ctxt", e.VoluntaryCtxt)
	w.int("invol_ctxt", e.InvoluntaryCtxt)
}

func (e *Inspect) appendRights(w *writer) {
	w.ints("uids", e.UIDs)
	w.ints("gids", e.GIDs)
	w.ints("groups", e.Groups)
	w.ints("ns_pids", e.NSPIDs)
	if e.TracerPID != 0 {
		w.num("tracer_pid", int64(e.TracerPID))
	}
	w.text("umask", e.Umask)
	w.text("seccomp", e.Seccomp)
	w.flag("no_new_privs", e.NoNewPrivs)
	w.text("cap_eff", e.CapEff)
}

func (e *Inspect) appendSignals(w *writer) {
	w.text("sigchld", e.SigChld)
	w.flag("sigchld_blocked", e.Blocked)
	w.strs("sig_pending", e.SigPending)
	w.strs("sig_blocked", e.SigBlocked)
	w.strs("sig_ignored", e.SigIgnored)
	w.strs("sig_caught", e.SigCaught)
}

func (m *Memory) append(w *writer) {
	if m == nil {
		return
	}
	w.open("memory")
	w.int("size_kb", m.SizeKB)
	w.int("rss_kb", m.RSSKB)
	w.int("peak_kb", m.PeakKB)
	w.int("anon_kb", m.AnonKB)
	w.int("file_kb", m.FileKB)
	w.int("shmem_kb", m.ShmemKB)
	w.int("swap_kb", m.SwapKB)
	w.int("data_kb", m.DataKB)
	w.int("stack_kb", m.StackKB)
	w.close()
}

func (i *IO) append(w *writer) {
	if i == nil {
		return
	}
	w.open("io")
	w.int("rchar", i.Rchar)
	w.int("wchar", i.Wchar)
	w.int("syscr", i.Syscr)
	w.int("syscw", i.Syscw)
	w.int("read_bytes", i.ReadBytes)
	w.int("write_bytes", i.WriteBytes)
	w.close()
}

func (e *Inspect) appendFiles(w *writer) {
	w.each("files", len(e.Files), func(i int) {
		w.num("fd", int64(e.Files[i].FD))
		w.bytes("target", "target_b64", e.Files[i].Target)
	})
	w.int("nfiles", int64(e.NFiles))
	w.each("limits", len(e.Limits), func(i int) {
		l := &e.Limits[i]
		w.str("name", l.Name)
		w.str("soft", l.Soft)
		w.str("hard", l.Hard)
		w.text("unit", l.Unit)
	})
	w.each("denied", len(e.Denied), func(i int) {
		w.str("file", e.Denied[i].File)
		w.str("error", e.Denied[i].Error)
	})
}

// optional leaves out a number nobody knows that may be negative.
func (w *writer) optional(k string, n *int) {
	if n != nil {
		w.num(k, int64(*n))
	}
}

// each writes a list of n objects; nothing when there is none.
func (w *writer) each(k string, n int, elem func(i int)) {
	if n == 0 {
		return
	}
	w.array(k)
	for i := range n {
		w.elem()
		w.b = append(w.b, '{')
		elem(i)
		w.close()
	}
	w.endArray()
}
