package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/internal/debsource"
	"pid1/internal/nstest"
)

// outcome is what can be told of a program from outside.
type outcome struct {
	Status int
	Stdout string
}

// TestUnchangedPrograms: programs that know nothing of pid1 do the same, and end with the same
// status, whether every exec and exit of theirs is stopped (--trace exact) or they run alone.
func TestUnchangedPrograms(t *testing.T) {
	here, err := filepath.Abs("testdata/unchanged")
	if err != nil {
		t.Fatal(err)
	}
	hello, err := debsource.Get("hello")
	if err != nil {
		nstest.Lacking(t, "apt", err.Error())
	}
	for _, c := range []struct {
		name    string
		command []string
		needs   string
	}{
		{"configure and make -j", []string{"sh", "-c", `tar -xzf "$0" --strip-components=1 &&
			./configure -q && make -s -j4 2>make.log && ./hello -v && cksum config.h && make -s check | grep -c ^PASS && exit 2`, hello}, "make"},
		{"tests of Python", []string{"sh", "-c", `/usr/bin/python3 -m test test_fork1 test_wait3 test_wait4 test_popen test_pty >log 2>&1
			echo $?; sed -n 's/ in [0-9.]* sec.*//; /passed/p; /failed/p; /^All/p' log; exit 3`}, "/usr/lib/python3.11/test/test_fork1.py"},
		{"gunicorn", []string{"/usr/bin/python3", filepath.Join(here, "gunicorn.py")}, "gunicorn"},
		{"Node.js", []string{"node", filepath.Join(here, "cluster.js")}, "node"},
		{"Perl", []string{"perl", filepath.Join(here, "pipes.pl")}, "perl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.needs); err != nil {
				if _, err := os.Stat(c.needs); err != nil {
					nstest.Lacking(t, c.needs, "it is not installed")
				}
			}
			alone, _ := outcomeOf(t, exec.Command(c.command[0], c.command[1:]...))
			record := filepath.Join(t.TempDir(), "record")
			args := append([]string{"--trace=exact", "--socket=off", "--record=" + record, "--"}, c.command...)
			traced, stderr := outcomeOf(t, nstest.Command(t, filepath.Join(bin, "pid1"), args...))
			if strings.Contains(stderr, "cannot trace exactly") {
				nstest.Lacking(t, "exact", stderr)
			}
			if diff := cmp.Diff(alone, traced); diff != "" {
				t.Errorf("traced it did something else (-alone +traced):\n%s\n%s", diff, stderr)
			}
			if alone.Status == 0 || alone.Status > 100 || len(alone.Stdout) < 10 {
				t.Errorf("alone it did not do what it should: %+v", alone)
			}
			told, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(told, []byte(`"cmdline_how":"exact"`)); n < 10 {
				t.Errorf("%d command lines were told of as exact", n)
			}
		})
	}
}

// outcomeOf runs a command in a folder of its own.
func outcomeOf(t *testing.T, cmd *exec.Cmd) (o outcome, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("it did not end\n%s\n%s", &out, &errs)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String()}, errs.String()
}
