// Package e2e runs both binaries in real containers.
//
// The tests need root, a Docker Engine, debootstrap and tmux, and run with
// PID1_E2E=1 only; then whatever is missing is a failure. Everything they make
// in the engine carries a label and is removed at the end, but for the images,
// which the next run takes up again. No container has a network.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const enableVar = "PID1_E2E"

// bin is the folder of the binaries under test.
var bin string

func TestMain(m *testing.M) {
	if os.Getenv(enableVar) != "1" {
		fmt.Println("skipped: " + enableVar + "=1 runs these tests, in real containers (see CONTRIBUTING.md)")
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	for _, tool := range []string{"docker", "debootstrap", "tmux"} {
		if _, err := exec.LookPath(tool); err != nil {
			return 0, fmt.Errorf("cannot run without %s: %w", tool, err)
		}
	}
	if _, err := command("docker", "version", "--format", "{{.Server.Version}}"); err != nil {
		return 0, fmt.Errorf("cannot reach a Docker Engine: %w", err)
	}
	bin, err = os.MkdirTemp("", "pid1-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(bin)
	// Users of containers run what is in it.
	if err := os.Chmod(bin, 0o755); err != nil {
		return 0, err
	}
	if err := build(bin); err != nil {
		return 0, err
	}
	if err := makeImages(); err != nil {
		return 0, err
	}
	defer removeContainers()
	defer func() {
		if stopped := stopDocsEngine(); err == nil {
			err = stopped
		}
	}()
	return m.Run(), nil
}

// build makes both static binaries in dir, as they are shipped.
func build(dir string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "pid1/cmd/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the binaries: %w\n%s", err, out)
	}
	return nil
}

// command runs a program and returns its output; an error holds what the
// program wrote to stderr.
func command(name string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("cannot run %s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// patience is how long a test waits for something that should come at once:
// long enough for a machine that is busy with other things.
const patience = 60 * time.Second

// eventually waits until look finds what it looks for, and fails the test with
// what look said last when that takes too long.
func eventually(t testing.TB, what string, look func() (ok bool, state string)) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := look()
		if ok {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited %v for %s; now:\n%s", patience, what, state)
		case <-tick.C:
		}
	}
}
