package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pid1/internal/nstest"
)

// TestTable: the first row is what the others are compared with.
func TestTable(t *testing.T) {
	got := (&table{
		unit: "ms",
		rows: []row{
			{name: "tini", values: []float64{2, 1, 4}},
			{name: "pid1", values: []float64{3, 9, 4}, goal: "at most 2.0"},
			{name: "share", values: []float64{0.5}, alone: true},
		},
		notes: []string{"Note."},
	}).String()
	want := strings.Join([]string{
		"| | median, ms | least | ratio | of the least | wanted |",
		"|---|--:|--:|--:|--:|--:|",
		"| tini | 2 | 1 | 1.00 | 1.00 |  |",
		"| pid1 | 4 | 3 | 2.00 | 3.00 | at most 2.0 |",
		"| share | 0.5 | 0.5 |  |  |  |",
		"",
		"Note.",
		"",
		"```text",
		"tini   2 1 4 ",
		"pid1   3 9 4 ",
		"share  0.5 ",
		"```",
		"",
	}, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRun measures for real, once: what is measured today must be measurable tomorrow.
func TestRun(t *testing.T) {
	nstest.Root(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "pid1/cmd/pid1", "pid1/cmd/pid1top", "pid1/internal/bench")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(dir, "bench"), "-rounds=1", "-only=^(start|spawn loop|latency)$", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"## Start\n", "| pid1 --trace exact | ", "## Spawn loop\n", "## Latency\n", "reaps, "} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the report has no %q:\n%s", want, out)
		}
	}
}
