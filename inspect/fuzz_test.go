package inspect

import (
	"os"
	"path/filepath"
	"testing"

	"pid1/event"
)

// FuzzDying has a whole Table look at a /proc that says anything: the sweep, a look at
// one process, and what the reaper asks when it dies. Whatever it is, there is a reap of
// that PID, and a reader of the stream can read it.
func FuzzDying(f *testing.F) {
	const stat = "7 (x) Z 1 7 7 0 -1 4 0 0 0 0 7 8 0 0 20 0 1 0 100 4096 10 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 256\n"
	f.Add([]byte(stat), []byte("Name:\tx\nTgid:\t7\nUid:\t0\t0\t0\t0\n"), []byte("x\x00y\x00"), []byte("0::/\n"))
	f.Add([]byte("7 (x) y)\n\x1b[2J) R 1 7"), []byte("Uid:\t-1\n"), []byte{}, []byte("::::"))
	f.Add([]byte("7 (x"), []byte("\x00"), []byte("\xff\xfe"), []byte("\n"))
	proc := newFakeProc(f) // one for all: making folders takes most of the time
	proc.put(fakeProcess{pid: 1, comm: "pid1", start: 10})
	dir := filepath.Join(proc.dir, "7")
	proc.must(os.MkdirAll(filepath.Join(dir, "task", "7"), 0o755))
	fs, err := OpenFS(proc.dir)
	proc.must(err)
	f.Cleanup(func() { fs.Close() })
	f.Fuzz(func(t *testing.T, stat, status, cmdline, cgroup []byte) {
		table := NewTable(Config{FS: fs, Clock: newFakeClock(), Self: 1, Emit: func(event.Event) {}})
		defer table.Close()
		for name, text := range map[string][]byte{
			"stat": stat, "status": status, "cmdline": cmdline, "cgroup": cgroup, "io": status, "limits": status,
			"task/7/children": cgroup, "task/7/stat": stat, "schedstat": cgroup, "wchan": cmdline,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_ = table.Sweep()
		readable := func(ev event.Event) {
			if back, err := event.Decode(event.Append(nil, ev)); err != nil || back == nil {
				t.Errorf("%v: %s", err, event.Append(nil, ev))
			}
		}
		for pid := range 20 {
			if ev, err := table.Inspect(pid); err == nil {
				readable(ev)
			}
		}
		for row := range table.Processes {
			readable(row)
		}
		if r := table.Dying(7); r.PID != 7 {
			t.Errorf("the reap of %d is that of 7", r.PID)
		} else {
			readable(r)
		}
		table.Farewell()
	})
}
