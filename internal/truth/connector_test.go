package truth

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"pid1/event"
	"pid1/inspect"
	"pid1/internal/nstest"
)

// TestConnectorIsNotWrong compares what the process connector tells with the truth.
func TestConnectorIsNotWrong(t *testing.T) {
	t.Parallel()
	nstest.Root(t)
	source, err := inspect.OpenConnector()
	if err != nil {
		nstest.Lacking(t, "connector", err.Error())
	}
	fs, err := inspect.OpenFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	var lines [][]byte // one goroutine tells, and the end is waited for
	table := inspect.NewTable(inspect.Config{FS: fs, Emit: func(ev event.Event) {
		lines = append(lines, event.Append(nil, ev))
	}})
	defer table.Close()
	if err := table.Sweep(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := source.Run(ctx, table); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "truth")
	grow := exec.Command("/proc/self/exe", "-o", file, "-rounds", "5", "-lives", "0,1,10", "-trees", *treesFlag)
	grow.Env = append(os.Environ(), growVar+"=1")
	// Not in a session whose leader is an ancestor the kernel has forgotten.
	grow.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := grow.CombinedOutput()
	cancel()
	run.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all, err := ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	for _, line := range lines {
		ev, err := event.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	c := Check(all, events)
	for _, w := range c.Wrong {
		t.Error("wrong: ", w)
	}
	if testing.Verbose() {
		_ = c.Print(t.Output())
	}
}
