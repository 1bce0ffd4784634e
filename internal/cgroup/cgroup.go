// Package cgroup reads what the control group of this process says about its
// limits: PIDs in use (pids.current, pids.max) and how often the kernel killed for
// memory (oom_kill). It knows both versions, cgroups(7), also side by side, with
// and without a cgroup namespace.
package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Unlimited is what a limit is when there is none.
const Unlimited = math.MaxInt64

// ErrNone is returned where the group has no such controller or does not show it.
var ErrNone = errors.New("no such controller in this control group")

// Group is the control group of this process. Its files are kept open, so that
// reading one is a single call. It is for use by several goroutines, up to Close.
type Group struct {
	current, max, oom  file
	pidMax, threadsMax file
}

// file is one file of the group; fd -1: there is none.
type file struct {
	fd  int
	key string // the line to look for; empty: the file is one number
}

// Open finds the group of this process through proc, usually "/proc". What cannot
// be found is missing from the Group and gives ErrNone later.
func Open(proc string) *Group {
	dirs := directories(proc)
	pids, memory := dirs("pids"), dirs("memory")
	g := &Group{
		current: open(pids, "pids.current", ""),
		max:     open(pids, "pids.max", ""),
		oom:     open(memory, "memory.events", "oom_kill"), // version 2

		pidMax:     open([]string{filepath.Join(proc, "sys/kernel")}, "pid_max", ""),
		threadsMax: open([]string{filepath.Join(proc, "sys/kernel")}, "threads-max", ""),
	}
	if g.oom.fd < 0 {
		g.oom = open(memory, "memory.oom_control", "oom_kill") // version 1, Linux 4.13
	}
	return g
}

// Close closes the files.
func (g *Group) Close() {
	for _, f := range []*file{&g.current, &g.max, &g.oom, &g.pidMax, &g.threadsMax} {
		if f.fd >= 0 {
			_ = unix.Close(f.fd)
			f.fd = -1
		}
	}
}

// PIDs returns how many tasks, threads included, the group has and may have;
// Unlimited where there is no limit.
func (g *Group) PIDs() (current, limit int64, err error) {
	if current, err = g.current.number(); err != nil {
		return 0, 0, err
	}
	limit, err = g.max.number()
	return current, limit, err
}

// Kernel returns the limits that hold where the group has none: how many PIDs and how
// many tasks the kernel allows, proc_sys_kernel(5). The machine shares them.
func (g *Group) Kernel() (pidMax, threadsMax int64, err error) {
	if pidMax, err = g.pidMax.number(); err != nil {
		return 0, 0, err
	}
	threadsMax, err = g.threadsMax.number()
	return pidMax, threadsMax, err
}

// OOMKills returns how many processes of the group the kernel has killed for want
// of memory, since the group was made.
func (g *Group) OOMKills() (int64, error) { return g.oom.number() }

func open(dirs []string, name, key string) file {
	for _, dir := range dirs {
		fd, err := unix.Open(filepath.Join(dir, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		f := file{fd, key}
		if _, err := f.number(); err == nil {
			return f
		}
		_ = unix.Close(fd)
	}
	return file{fd: -1}
}

func (f file) number() (int64, error) {
	if f.fd < 0 {
		return 0, ErrNone
	}
	var buf [1024]byte
	n, err := unix.Pread(f.fd, buf[:], 0)
	for err == unix.EINTR {
		n, err = unix.Pread(f.fd, buf[:], 0)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the control group: %w", err)
	}
	return parse(buf[:n], f.key)
}

// parse reads the number of a file, or of its line that begins with key.
func parse(b []byte, key string) (int64, error) {
	if key != "" {
		for line := range bytes.Lines(b) {
			if k, v, ok := bytes.Cut(line, []byte{' '}); ok && string(k) == key {
				return parse(v, "")
			}
		}
		return 0, ErrNone
	}
	text := string(bytes.TrimSpace(b))
	if text == "max" {
		return Unlimited, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot understand the control group's %q", text)
	}
	return n, nil
}

// directories returns where a controller's files of this process may be, the
// likeliest first.
func directories(proc string) func(controller string) []string {
	groups, _ := os.ReadFile(proc + "/self/cgroup")
	mounts, _ := os.ReadFile(proc + "/self/mountinfo")
	return func(controller string) []string {
		return find(controller, string(groups), string(mounts))
	}
}

// find joins proc_pid_cgroup(5), which names the group in each hierarchy, with
// proc_pid_mountinfo(5), which tells where a hierarchy is mounted and from which
// group downwards.
func find(controller, groups, mounts string) []string {
	path := map[bool]string{} // by whether it is version 2
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		if v2 := f[0] == "0" && f[1] == ""; v2 || has(f[1], controller) {
			path[v2] = f[2]
		}
	}
	var dirs []string
	for line := range strings.Lines(mounts) {
		if !strings.Contains(line, " - cgroup") {
			continue // most lines
		}
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		mount, super := strings.Fields(before), strings.Fields(after)
		if !ok || len(mount) < 5 || len(super) < 3 {
			continue
		}
		v2 := super[0] == "cgroup2"
		group, in := path[v2]
		if !in || !v2 && (super[0] != "cgroup" || !has(super[len(super)-1], controller)) {
			continue
		}
		root, point := mount[3], unescape(mount[4])
		if rest, ok := strings.CutPrefix(group, strings.TrimSuffix(root, "/")); ok {
			dirs = append(dirs, filepath.Join(point, rest))
		}
		// With a mount or a namespace that begins elsewhere, the mount itself is
		// what is left to look at.
		dirs = append(dirs, point)
	}
	return dirs
}

func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
