package cgroup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	const (
		v1      = "12:pids:/docker/abc\n11:cpu,cpuacct:/docker/abc\n9:memory:/docker/abc\n0::/docker/abc\n"
		inside  = "/docker/abc"
		v1Mount = "741 738 0:31 " + inside + " /sys/fs/cgroup/pids ro,nosuid - cgroup cgroup rw,pids\n" +
			"742 738 0:32 " + inside + " /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
		host = "41 30 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	)
	for _, c := range []struct {
		name, controller, groups, mounts string
		want                             []string
	}{
		{"version 1 in a container", "pids", v1, v1Mount, []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids"}},
		{"one of two controllers", "cpuacct", v1, v1Mount, []string{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"}},
		{"version 1 on the host", "pids", v1, host, []string{"/sys/fs/cgroup/pids/docker/abc", "/sys/fs/cgroup/pids"}},
		{"not mounted", "memory", v1, v1Mount, nil},
		{"version 2 with a namespace", "pids", "0::/\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n",
			[]string{"/sys/fs/cgroup", "/sys/fs/cgroup"}},
		{"version 2 on the host", "memory", "0::/user.slice/x\n", "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n",
			[]string{"/sys/fs/cgroup/user.slice/x", "/sys/fs/cgroup"}},
		{"a namespace that begins elsewhere", "pids", "0::/../x\n", "30 23 0:26 /a /m\\040p ro - cgroup2 cgroup rw\n", []string{"/m p"}},
		{"nonsense", "pids", "x\n:\n", "a b c\n - \n", nil},
	} {
		if d := cmp.Diff(c.want, find(c.controller, c.groups, c.mounts)); d != "" {
			t.Errorf("%s: -want +got\n%s", c.name, d)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/self/cgroup", "0::/\n")
	write("proc/self/mountinfo", "30 23 0:26 / "+dir+"/cg ro - cgroup2 cgroup rw\n")
	write("cg/pids.current", "42\n")
	write("cg/pids.max", "max\n")
	write("cg/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n")
	g := Open(dir + "/proc")
	defer g.Close()
	if cur, limit, err := g.PIDs(); cur != 42 || limit != Unlimited || err != nil {
		t.Errorf("PIDs %d of %d, %v", cur, limit, err)
	}
	write("cg/pids.max", "100\n")
	if _, limit, err := g.PIDs(); limit != 100 || err != nil {
		t.Errorf("limit %d, %v", limit, err)
	}
	if n, err := g.OOMKills(); n != 3 || err != nil {
		t.Errorf("%d kills, %v", n, err)
	}
	none := Open(dir)
	defer none.Close()
	if _, _, err := none.PIDs(); err != ErrNone {
		t.Errorf("without a group: %v", err)
	}
	if _, err := none.OOMKills(); err != ErrNone {
		t.Errorf("without a group: %v", err)
	}
}

// What this machine has is read without an error other than that it is not there.
func TestThisMachine(t *testing.T) {
	g := Open("/proc")
	defer g.Close()
	cur, limit, err := g.PIDs()
	if err == nil && (cur < 1 || limit < cur) || err != nil && err != ErrNone {
		t.Errorf("PIDs %d of %d, %v", cur, limit, err)
	}
	t.Logf("PIDs %d of %d, %v", cur, limit, err)
	n, err := g.OOMKills()
	if err != nil && err != ErrNone {
		t.Error(err)
	}
	t.Logf("%d kills, %v", n, err)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("oom_kill 3\n"), "oom_kill")
	f.Add([]byte("max\n"), "")
	f.Fuzz(func(_ *testing.T, b []byte, key string) { _, _ = parse(b, key) })
}
