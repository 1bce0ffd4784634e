package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pid1/event"
)

func TestSignallerNamesOneProcess(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd := exec.Command("cat") // it waits for its input
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	start, err := startTicks(cmd.Process.Pid)
	if err != nil || start == 0 {
		t.Fatal(start, err)
	}
	s := newSignaller()
	id := event.ID{PID: cmd.Process.Pid, Start: start}
	for name, c := range map[string]struct {
		id   event.ID
		sig  string
		want string
	}{
		"another start time": {event.ID{PID: id.PID, Start: start + 1}, "SIGKILL", "another one has its PID"},
		"no start time":      {event.ID{PID: id.PID}, "SIGKILL", "another one has its PID"},
		"no such signal":     {id, "SIGNONE", "no such signal"},
	} {
		if err := s.Signal(context.Background(), c.id, c.sig); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Signal(context.Background(), id, "SIGTERM"); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if ws, ok := cmd.ProcessState.Sys().(interface{ Signal() unix.Signal }); !ok || ws.Signal() != unix.SIGTERM {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
	if err := s.Signal(context.Background(), id, "SIGTERM"); err == nil || !strings.Contains(err.Error(), "it is gone") {
		t.Errorf("to one that is gone: %v", err)
	}
}

func TestSignallerKnowsItsNamespace(t *testing.T) {
	s := newSignaller()
	if s.ns == 0 {
		t.Fatal("our own PID namespace is not known")
	}
	if err := s.Able(&event.Hello{PIDNS: s.ns}); err != nil {
		t.Error(err)
	}
	for _, ns := range []uint64{0, s.ns + 1} {
		if s.Able(&event.Hello{PIDNS: ns}) == nil {
			t.Errorf("able to signal in namespace %d from %d", ns, s.ns)
		}
	}
}
