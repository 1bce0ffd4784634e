package soak

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pid1/internal/nstest"
)

// pageFlag is the file to write the figures to, as a page.
var pageFlag = flag.String("soak-page", "", "write the page about the run to this file")

// lengthVar is for how long to soak.
const lengthVar = "PID1_SOAK"

const loadVar = "SOAK_TEST_LOAD"

func TestMain(m *testing.M) {
	if os.Getenv(loadVar) != "" {
		if err := Load(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// shared is a writer for several goroutines.
type shared struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// TestSoak runs pid1 in both modes under everything at once: for PID1_SOAK, or for
// some seconds.
func TestSoak(t *testing.T) {
	length := 6 * time.Second
	if v := os.Getenv(lengthVar); v != "" {
		var err error
		if length, err = time.ParseDuration(v); err != nil || length < time.Second {
			t.Fatalf("%s is %q, want a duration", lengthVar, v)
		}
	}
	if _, err := exec.LookPath("nsenter"); err != nil {
		nstest.Lacking(t, "nsenter", err.Error())
	}
	binary := buildPID1(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := &shared{w: t.Output()}
	if length >= time.Minute {
		log.w = os.Stdout // to be read meanwhile
	}
	all := make([]*Summary, 2)
	t.Run("modes", func(t *testing.T) {
		for i, trace := range []string{"sample", "exact"} {
			t.Run(trace, func(t *testing.T) {
				t.Parallel()
				dir, err := os.MkdirTemp("", "s") // short: a socket's path has 107 bytes
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				s := Soak{
					Command: func(args ...string) *exec.Cmd {
						cmd := nstest.Command(t, binary, args...)
						cmd.Env = append(os.Environ(), loadVar+"=1")
						return cmd
					},
					Binary: binary, Loader: []string{self}, Dir: dir, Trace: trace, For: length, Log: log,
				}
				sum, err := s.Run(t.Context())
				if errors.Is(err, ErrTrace) {
					nstest.Lacking(t, "exact", err.Error())
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range sum.Faults {
					t.Error(f)
				}
				all[i] = sum
			})
		}
	})
	if all[0] == nil || all[1] == nil {
		return // it was said why
	}
	var table strings.Builder
	WriteTable(&table, all)
	fmt.Fprint(log, table.String())
	if *pageFlag != "" {
		f, err := os.Create(*pageFlag)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := WritePage(f, all); err != nil {
			t.Fatal(err)
		}
	}
}

// buildPID1 builds pid1 as it is shipped.
func buildPID1(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pid1")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "pid1/cmd/pid1")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build pid1: %v\n%s", err, out)
	}
	return path
}
