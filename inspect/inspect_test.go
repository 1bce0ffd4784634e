package inspect

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"

	"pid1/event"
)

// A process with everything set to something: what is told of it is what it is.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `trap '' HUP; trap : USR1; umask 0027; ulimit -n 777; exec 7<.; echo ready; read x`, "hunter2")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PASSWORD=hunter2")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		cmd.Wait()
	}()
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	table := NewTable(Config{FS: openProc(t), Self: os.Getpid(), Redact: func(args []string) []string {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "hunter2", "***")
		}
		return args
	}})
	defer table.Close()
	pid := cmd.Process.Pid
	ev, err := table.Inspect(pid)
	for err == nil && ev.State != "S" { // until it waits to read
		ev, err = table.Inspect(pid)
	}
	if err != nil {
		t.Fatal(err)
	}
	if ev.PID != pid || ev.PPID != os.Getpid() || ev.Parent == nil || ev.Parent.PID != os.Getpid() || ev.Comm != "sh" ||
		ev.Cwd != dir || ev.Root != "/" || ev.Umask != "0027" || ev.State != "S" || ev.Threads != 1 ||
		ev.UIDs[1] != os.Geteuid() || len(ev.GIDs) != 4 || ev.NSPIDs[0] != pid || *ev.Nice != 0 || len(ev.Denied) > 0 {
		t.Errorf("%s", event.Append(nil, ev))
	}
	if ev.SigChld != "handled" || !slices.Contains(ev.SigIgnored, "SIGHUP") || !slices.Contains(ev.SigCaught, "SIGUSR1") {
		t.Errorf("signals: %s, ignored %v, caught %v", ev.SigChld, ev.SigIgnored, ev.SigCaught)
	}
	if ev.NFiles < 4 || !slices.Contains(ev.Files, event.File{FD: 7, Target: dir}) {
		t.Errorf("%d files: %v", ev.NFiles, ev.Files)
	}
	if !slices.Contains(ev.Limits, event.Limit{Name: "open files", Soft: "777", Hard: "777", Unit: "files"}) {
		t.Errorf("limits: %v", ev.Limits)
	}
	line := string(event.Append(nil, ev))
	if strings.Contains(line, "hunter2") || !slices.Contains(ev.Cmdline, "***") {
		t.Errorf("a secret is told, of the arguments or the environment: %s", line)
	}
	like(t, pid, ev)

	in.Close()
	if err := cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	if _, err := table.Inspect(pid); !errors.Is(err, ErrNoProcess) {
		t.Errorf("of a process that is gone: %v", err)
	}
}

// like compares with what procfs reads.
func like(t *testing.T, pid int, ev *event.Inspect) {
	t.Helper()
	p, err := procfs.NewProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	status, err := p.NewStatus()
	if err != nil {
		t.Fatal(err)
	}
	io, err := p.IO()
	if err != nil {
		t.Fatal(err)
	}
	const kb = 1 << 10
	want := event.Memory{
		SizeKB: int64(status.VmSize / kb), RSSKB: int64(status.VmRSS / kb), PeakKB: int64(status.VmHWM / kb),
		AnonKB: int64(status.RssAnon / kb), FileKB: int64(status.RssFile / kb), ShmemKB: int64(status.RssShmem / kb),
		SwapKB: int64(status.VmSwap / kb), DataKB: int64(status.VmData / kb), StackKB: int64(status.VmStk / kb),
	}
	if d := cmp.Diff(&want, ev.Memory); d != "" {
		t.Errorf("memory: -procfs +ours\n%s", d)
	}
	if d := cmp.Diff(&event.IO{
		Rchar: int64(io.RChar), Wchar: int64(io.WChar), Syscr: int64(io.SyscR), Syscw: int64(io.SyscW),
		ReadBytes: int64(io.ReadBytes), WriteBytes: int64(io.WriteBytes),
	}, ev.IO); d != "" {
		t.Errorf("io: -procfs +ours\n%s", d)
	}
	groups, err := p.Cgroups()
	if err != nil || len(groups) != len(ev.Cgroup) {
		t.Errorf("%d cgroups, want %d, %v", len(ev.Cgroup), len(groups), err)
	}
}

// Of the dead there is still who they were.
func TestInspectAZombie(t *testing.T) {
	cmd := exec.Command("sh", "-c", "exit 3")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	table := NewTable(Config{FS: openProc(t), Self: 1})
	defer table.Close()
	for {
		ev, err := table.Inspect(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if ev.State == "Z" {
			if ev.Memory != nil || ev.NFiles != event.Unknown || ev.Cwd != "" || len(ev.Denied) > 0 || ev.ZombieMS < 0 || ev.UIDs == nil {
				t.Errorf("%s", event.Append(nil, ev))
			}
			return
		}
	}
}

func FuzzStatus(f *testing.F) {
	for _, name := range []string{"status", "io", "limits", "stat", "cgroup"} {
		text, err := os.ReadFile("/proc/self/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ev := event.New(event.TypeInspect).(*event.Inspect)
		parseStatus(text, ev)
		ev.IO, ev.Limits, ev.Nice, ev.Cgroup = parseIO(text), parseLimits(text), parseNice(text), splitLines(text, 32)
		if got, err := event.Decode(event.Append(nil, ev)); err != nil || got == nil {
			t.Fatalf("%v: %s", err, event.Append(nil, ev))
		}
	})
}
