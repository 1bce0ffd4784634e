package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// New returns an event of type t in which every number is Unknown that may be,
// or nil when the type is not known to this version.
func New(t Type) Event {
	const u = Unknown
	var (
		own = Owner{UID: u, GID: u}
		grp = Group{PGID: u, SID: u}
		end = Ended{Code: u}
		h   = Head{Type: t}
	)
	switch t {
	case TypeHello:
		return &Hello{Head: h}
	case TypeStart:
		return &Start{Head: h, PPID: u, Group: grp, Owner: own}
	case TypeExec:
		return &Exec{Head: h, PPID: u}
	case TypeOrphan:
		return &Orphan{Head: h}
	case TypeZombie:
		return &Zombie{Head: h, Owner: own, Ended: end}
	case TypeZombieGone:
		return &ZombieGone{Head: h, ZombieMS: u}
	case TypeExit:
		return &Exit{Head: h, PPID: u, Group: grp, Owner: own, Ended: end, LifetimeMS: u}
	case TypeReap:
		return &Reap{Head: h, PPID: u, Group: grp, Owner: own, Ended: end, LifetimeMS: u, ZombieMS: u}
	case TypeSignal:
		return &Signal{Head: h, From: Sender{PID: u, UID: u}}
	case TypeLeak:
		return &Leak{Head: h, OldestMS: u, Each: u, EachMS: u}
	case TypePressure:
		return &Pressure{Head: h, FullInMS: u, Held: u, Zombies: u}
	case TypeOOM:
		return &OOM{Head: h}
	case TypeMainExit:
		return &MainExit{Head: h, Ended: end, LifetimeMS: u}
	case TypeShutdown:
		return &Shutdown{Head: h}
	case TypeStats:
		return &Stats{Head: h, PIDsUsed: u, PIDsLimit: u, PIDMax: u, ThreadsMax: u}
	case TypeGap:
		return &Gap{Head: h}
	case TypeSource:
		return &Source{Head: h}
	case TypeEnd:
		return &End{Head: h}
	case TypeSubscribed:
		return &Subscribed{Head: h}
	case TypeProcess:
		return &Process{
			Head: h, PPID: u, Group: grp, Owner: own,
			StateMS: u, AgeMS: u, Threads: u, RSSKB: u, ZombieMS: u, Waited: u,
		}
	case TypeProcessesEnd:
		return &ProcessesEnd{Head: h}
	case TypeInspect:
		return newInspect(h)
	case TypeError:
		return &Error{Head: h}
	}
	return nil
}

// Decode reads one line. A type this version does not know gives (nil, nil): the
// line is to be ignored. Strings from outside come back as the exact bytes they
// were.
func Decode(line []byte) (Event, error) {
	var head struct {
		V    int  `json:"v"`
		Type Type `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("cannot read the line: %w", err)
	}
	if head.Type == "" {
		return nil, fmt.Errorf("cannot read the line: it has no type")
	}
	if head.V != Version {
		return nil, fmt.Errorf("cannot read version %d of the stream, only version %d", head.V, Version)
	}
	ev := New(head.Type)
	if ev == nil {
		return nil, nil
	}
	if err := json.Unmarshal(line, ev); err != nil {
		return nil, fmt.Errorf("cannot read a %s line: %w", head.Type, err)
	}
	if bytes.Contains(line, []byte(`_b64":"`)) {
		if err := restore(line, ev); err != nil {
			return nil, fmt.Errorf("cannot read a %s line: %w", head.Type, err)
		}
	}
	return ev, nil
}

// exact mirrors the places of a line that may carry exact bytes.
type exact struct {
	Comm    string `json:"comm_b64"`
	Cmdline string `json:"cmdline_b64"`
	Exe     string `json:"exe_b64"`
	Was     string `json:"was_b64"`
	Cwd     string `json:"cwd_b64"`
	Root    string `json:"root_b64"`
	Target  string `json:"target_b64"`
}

// restore puts the exact bytes of a line back where readable stand-ins are.
func restore(line []byte, ev Event) error {
	var raw struct {
		exact
		Origin    exact   `json:"origin"`
		Parent    exact   `json:"parent"`
		Holder    exact   `json:"holder"`
		From      exact   `json:"from"`
		Lineage   []exact `json:"lineage"`
		Survivors []exact `json:"survivors"`
		Files     []exact `json:"files"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return err
	}
	var err error
	text := func(b64 string, dst *string) {
		if b64 == "" {
			return
		}
		b, e := base64.StdEncoding.DecodeString(b64)
		if e != nil {
			err = e
			return
		}
		*dst = string(b)
	}
	args := func(b64 string, dst *[]string) {
		var s string
		text(b64, &s)
		if s != "" {
			*dst = strings.Split(strings.TrimSuffix(s, "\x00"), "\x00")
		}
	}
	command := func(c *Command) {
		text(raw.Comm, &c.Comm)
		args(raw.Cmdline, &c.Cmdline)
		text(raw.Exe, &c.Exe)
	}
	proc := func(x exact, p *Proc) {
		if p != nil {
			text(x.Comm, &p.Comm)
			args(x.Cmdline, &p.Cmdline)
		}
	}
	lineage := func(list []Ancestor) {
		for i := range min(len(list), len(raw.Lineage)) {
			text(raw.Lineage[i].Comm, &list[i].Comm)
		}
	}
	switch e := ev.(type) {
	case *Start:
		command(&e.Command)
		proc(raw.Origin, e.Origin)
	case *Exec:
		command(&e.Command)
		text(raw.Was, &e.Was)
	case *Orphan:
		command(&e.Command)
		proc(raw.Origin, e.Origin)
	case *Zombie:
		command(&e.Command)
		proc(raw.Parent, &e.Parent)
	case *ZombieGone:
		command(&e.Command)
		proc(raw.Parent, &e.Parent)
	case *Exit:
		command(&e.Command)
		proc(raw.Origin, e.Origin)
	case *Reap:
		command(&e.Command)
		proc(raw.Origin, e.Origin)
		lineage(e.Lineage)
	case *Inspect:
		command(&e.Command)
		proc(raw.Origin, e.Origin)
		proc(raw.Parent, e.Parent)
		lineage(e.Lineage)
		text(raw.Cwd, &e.Cwd)
		text(raw.Root, &e.Root)
		for i := range min(len(e.Files), len(raw.Files)) {
			text(raw.Files[i].Target, &e.Files[i].Target)
		}
	case *Process:
		command(&e.Command)
		text(raw.Was, &e.Was)
		proc(raw.Origin, e.Origin)
	case *Leak:
		proc(raw.Parent, &e.Parent)
	case *Pressure:
		proc(raw.Holder, e.Holder)
	case *Signal:
		text(raw.From.Comm, &e.From.Comm)
		args(raw.From.Cmdline, &e.From.Cmdline)
	case *Shutdown:
		for i := range min(len(e.Survivors), len(raw.Survivors)) {
			text(raw.Survivors[i].Comm, &e.Survivors[i].Comm)
			args(raw.Survivors[i].Cmdline, &e.Survivors[i].Cmdline)
		}
	}
	return err
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
