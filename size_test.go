package pid1

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// maxSize is what a binary may have, in bytes: it is copied into every image, and
// read from a cold disk at the start of every container.
var maxSize = map[string]int64{
	"pid1":    4 << 20,
	"pid1top": 14 << 20,
}

// The binaries as "make build" makes them stay small.
func TestSizes(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("make", "build", "BIN="+dir)
	if _, err := exec.LookPath("make"); err != nil {
		build = exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+"/", "./cmd/...")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	for name, most := range maxSize {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, %d more than it may", name, info.Size(), info.Size()-most)
		}
	}
}
