package truth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pid1/internal/nstest"
)

// For a closer look: go test ./internal/truth -v -args -rounds 100 -trees daemon
var (
	roundsFlag = flag.Int("rounds", 5, "how many trees of every kind and lifetime are made")
	busyFlag   = flag.Int("busy", 0, "how many cores are kept busy")
	treesFlag  = flag.String("trees", "", "only these kinds, separated by commas")
)

const growVar = "TRUTH_TEST_GROW"

func TestMain(m *testing.M) {
	if os.Getenv(growVar) != "" && len(os.Args) > 1 && os.Args[1] == "-o" {
		if err := Grow(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// buildPID1 builds pid1 as it is shipped.
func buildPID1(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pid1")
	cmd := exec.Command("go", "build", "-tags=faultpoints", "-o", path, "pid1/cmd/pid1")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build pid1: %v\n%s", err, out)
	}
	return path
}

// modes are the ways of pid1 to learn of processes. In the last one a look takes longer
// than other things that happen.
var modes = []struct{ name, trace, slow string }{
	{"sample", "sample", ""}, {"exact", "exact", ""}, {"exact, slow", "exact", "look"},
}

// TestNothingIsWrong compares what pid1 tells in every trace mode with the truth.
// What it does not know it may leave out, but what it tells must be so.
func TestNothingIsWrong(t *testing.T) {
	pid1 := buildPID1(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "t") // short: a socket's path has 107 bytes
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			trial := Trial{
				Command: func(args ...string) *exec.Cmd {
					cmd := nstest.Command(t, pid1, args...)
					cmd.Env = append(os.Environ(), growVar+"=1", "PID1_SLOW="+mode.slow)
					return cmd
				},
				Grower: []string{self}, Dir: dir, Trace: mode.trace, Rounds: *roundsFlag, Busy: *busyFlag, Lives: "0,1,10", Trees: *treesFlag,
			}
			c, err := trial.Run(ctx)
			if errors.Is(err, ErrTrace) {
				nstest.Lacking(t, "exact", err.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range c.Wrong {
				t.Error("wrong: ", w)
			}
			if mode.trace == "exact" {
				for _, u := range c.Unknown {
					t.Log("unknown: ", u)
				}
			}
			if want := 3 * len(ways); len(c.Rows) != want && *treesFlag == "" {
				t.Errorf("%d rows, want %d: one for each lifetime and way", len(c.Rows), want)
			}
			if testing.Verbose() {
				_ = c.Print(t.Output())
			}
		})
	}
}

// TestRandomTrees makes trees of forks, execs, ends, kills, sessions and orphans by
// chance, and compares what pid1 tells with what happened. PID1_RANDOM says how many,
// PID1_SEED which; a failure names the seed of its tree, and is made smaller.
func TestRandomTrees(t *testing.T) {
	n, seed := 150, uint64(time.Now().UnixNano())%1e12
	if v, err := strconv.Atoi(os.Getenv("PID1_RANDOM")); err == nil {
		n = v
	}
	if v, err := strconv.ParseUint(os.Getenv("PID1_SEED"), 10, 64); err == nil {
		seed = v
	}
	t.Logf("PID1_SEED=%d PID1_RANDOM=%d", seed, n)
	pid1 := buildPID1(t)
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			try := func(seed uint64, n, size int) []string {
				return randomTrees(t, pid1, mode.trace, mode.slow, seed, n, size)
			}
			wrong := try(seed, n, maxRandom)
			for _, w := range wrong {
				t.Error("wrong: ", w)
			}
			if len(wrong) > 0 {
				smaller(t, try, wrong[0])
			}
		})
	}
}

// smaller looks for a small tree with the seed of the one that went wrong.
func smaller(t *testing.T, try func(seed uint64, n, size int) []string, wrong string) {
	var seed uint64
	if _, err := fmt.Sscanf(wrong, "random %d/", &seed); err != nil {
		return // it has none
	}
	for size := 1; size <= maxRandom; size++ {
		for range 3 {
			if again := try(seed, 1, size); len(again) > 0 {
				t.Errorf("the same with PID1_SEED=%d PID1_RANDOM=1 and at most %d processes: %s", seed, size, again[0])
				return
			}
		}
	}
	t.Errorf("PID1_SEED=%d PID1_RANDOM=1 alone is right", seed)
}

// randomTrees returns what was told wrongly of n trees.
func randomTrees(t *testing.T, pid1, trace, slow string, seed uint64, n, size int) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "t") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(n)*100*time.Millisecond)
	defer cancel()
	trial := Trial{
		Command: func(args ...string) *exec.Cmd {
			cmd := nstest.Command(t, pid1, args...)
			cmd.Env = append(os.Environ(), growVar+"=1", "PID1_SLOW="+slow)
			return cmd
		},
		Grower: []string{self}, Dir: dir, Trace: trace, Random: n, Seed: seed, Size: size,
	}
	c, err := trial.Run(ctx)
	if errors.Is(err, ErrTrace) {
		nstest.Lacking(t, "exact", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d processes", c.parts.n(fieldStatus))
	if got := c.parts.n(fieldStatus); got < n {
		t.Errorf("%d processes in %d trees", got, n)
	}
	return c.Wrong
}
