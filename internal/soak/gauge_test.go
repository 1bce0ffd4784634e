package soak

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"pid1/internal/nstest"
)

// What is counted in pid1 from outside is what it has: with each client come two
// goroutines and a descriptor.
func TestGauge(t *testing.T) {
	binary := buildPID1(t)
	dir, err := os.MkdirTemp("", "s") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "d", "s")
	// Nothing else goes on in a namespace of its own.
	cmd := nstest.Command(t, binary, "--socket", socket, "--", "sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	first := connect(t, socket)
	defer first.conn.Close()
	g, err := newGauge(cmd.Process.Pid, binary)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), budget)
	defer cancel()
	before, err := g.rest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const n = 4
	for range n {
		f := connect(t, socket)
		defer f.conn.Close()
	}
	after, err := g.rest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.Goroutines - before.Goroutines; got != 2*n {
		t.Errorf("%d goroutines more, want %d: %v", got, 2*n, after.functions)
	}
	if got := after.FDs - before.FDs; got != n {
		t.Errorf("%d descriptors more, want %d", got, n)
	}
	if after.RSS < after.Anon || after.Anon == 0 || after.Threads == 0 {
		t.Errorf("%+v", after)
	}
}

func connect(t *testing.T, socket string) *follower {
	t.Helper()
	f, err := follow(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
