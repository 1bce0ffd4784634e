package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/inspect"
	"pid1/internal/nstest"
	"pid1/internal/replay"
	"pid1/internal/truth"
)

var (
	coverageTable  = flag.String("coverage-table", "", "write what TestCoverage measures to `FILE`, with more rounds")
	coverageRounds = flag.Int("coverage-rounds", 100, "how many trees of every kind and lifetime go into that table")
)

// TestCoverage compares what pid1 tells with the truth, in every trace mode, with
// all cores busy: as root in a namespace, and in a container as nobody special. What
// is not known may be missing; what is told must be so.
func TestCoverage(t *testing.T) {
	rounds, lives, stormRounds := 5, "0,1,5,50", 1
	if *coverageTable != "" {
		rounds, lives, stormRounds = *coverageRounds, "", 7
	}
	dir, err := os.MkdirTemp("", "c") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-o", dir, "pid1/internal/truth/grow")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build what makes the processes: %v\n%s", err, out)
	}
	page := &bytes.Buffer{}
	page.WriteString(coverageHead())
	for _, place := range []struct {
		name, slug string
		command    func(dir string, args ...string) *exec.Cmd
	}{
		{"as root, in a PID namespace", "root", func(_ string, args ...string) *exec.Cmd {
			return nstest.Command(t, filepath.Join(bin, "pid1"), args...)
		}},
		{"in Docker as uid 1000 with `--cap-drop ALL`", "docker", func(dir string, args ...string) *exec.Cmd {
			return exec.Command("docker", append([]string{
				"run", "--rm", "--label", owner, "--network=none", "--user=1000", "--cap-drop=ALL",
				"--volume", dir + ":" + dir, "--entrypoint=pid1", imageDebian,
			}, args...)...)
		}},
	} {
		for _, trace := range []string{"sample", "exact"} {
			t.Run(place.slug+"/"+trace, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				mine := filepath.Join(dir, place.slug[:1]+trace[:1])
				for _, step := range []error{
					os.Chmod(dir, 0o755), os.Mkdir(mine, 0o777), os.Chmod(mine, 0o777),
					os.Link(filepath.Join(dir, "grow"), filepath.Join(mine, "grow")),
				} {
					if step != nil {
						t.Fatal(step)
					}
				}
				trial := truth.Trial{
					Command: func(args ...string) *exec.Cmd { return place.command(mine, args...) },
					Grower:  []string{filepath.Join(mine, "grow")}, Dir: mine, Trace: trace,
					Rounds: rounds, Lives: lives, Busy: runtime.NumCPU(),
				}
				c, err := trial.Run(ctx)
				if errors.Is(err, truth.ErrTrace) {
					nstest.Lacking(t, "exact", err.Error())
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range c.Wrong {
					t.Error("wrong: ", w)
				}
				fmt.Fprintf(page, "\n## `--trace %s`, %s\n\n", trace, place.name)
				if err := c.Print(page); err != nil {
					t.Fatal(err)
				}
				storm(t, page, stormRounds, func(args ...string) *exec.Cmd { return place.command(mine, args...) }, mine, trace)
			})
		}
	}
	t.Log(page)
	if *coverageTable != "" {
		if err := os.WriteFile(*coverageTable, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// storm tells what is known of 300 orphans that live for a millisecond, which a shell makes as
// fast as it can, with nothing else to do for the processors.
func storm(t *testing.T, page *bytes.Buffer, rounds int, command func(args ...string) *exec.Cmd, dir, trace string) {
	t.Helper()
	const orphans = 300
	var lines, seen []int
	for i := range rounds {
		record := filepath.Join(dir, fmt.Sprintf("storm%d", i))
		out, err := command("--trace="+trace, "--socket=off", "--record="+record, "--", "bash", "-c",
			fmt.Sprintf("sleep 0.4; for i in $(seq %d); do ( sleep 0 & ); done; sleep 1", orphans)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		rec, err := replay.Open(record)
		if err != nil {
			t.Fatal(err)
		}
		defer rec.Close()
		line, parent := 0, 0
		for i := range rec.Len() {
			ev, err := rec.Event(i)
			if err != nil {
				t.Fatal(err)
			}
			r, ok := ev.(*event.Reap)
			if !ok || r.Main || r.Comm != "sleep" {
				continue
			}
			switch {
			case slices.Equal(r.Cmdline, []string{"sleep", "0"}):
				line++
			case r.CmdlineHow != event.HowNone:
				t.Errorf("wrong: the command line of a sleep 0 is told as %q", r.Cmdline)
			}
			if o := r.Origin; o != nil && (o.How == event.HowSeen || o.How == event.HowExact) {
				if parent++; o.Comm != "bash" {
					t.Errorf("wrong: the parent of a subshell's child is told as %q", o.Comm)
				}
			}
		}
		lines, seen = append(lines, line), append(seen, parent)
	}
	slices.Sort(lines)
	slices.Sort(seen)
	fmt.Fprintf(page, "\nOf %d orphans a shell makes as fast as it can (`( sleep 0 & )`), with nothing else to do for the processors: "+
		"the command lines of %d (%d to %d), the original parents of %d (%d to %d), medians of %d rounds.\n", orphans,
		lines[rounds/2], lines[0], lines[rounds-1], seen[rounds/2], seen[0], seen[rounds-1], rounds)
}

// coverageHead is what comes before the tables.
func coverageHead() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	release := unix.ByteSliceToString(u.Release[:])
	version, _, _ := bytes.Cut([]byte(release), []byte("-"))
	return fmt.Sprintf(coverageText, runtime.NumCPU(), version,
		inspect.MaxCmdline, inspect.MaxArgs, inspect.MaxLineage, inspect.DefaultMaxProcesses)
}

const coverageText = `# What is known of processes

Measured and written by ` + "`make coverage-table`" + `, on %d cores, all of them kept busy by other
processes meanwhile, with Linux %s.

A program makes trees of processes whose every detail it knows, since it made them: children
that are waited for, threads that fork, double forks, daemons, prefork servers, what make does,
pipelines and subshells of a real shell, programs that exec again. Its processes run for a known
time: ` + "`true`" + ` ends as fast as a program can, and the others sleep. What the feed told is then compared
with what was (` + "`internal/truth`" + `). The figures say of how many processes a thing was told and
right. The others were told of as unknown, or not at all. "Wrong" would be a value that was told
and was not so.

Status, lifetime and session of what pid1 reaps itself, as it does where the parent goes, come
from the kernel. So do, from Linux 6.15, status and end of all that were seen while they lived,
whoever reaped them. Lifetimes end when pid1 heard of the end, and are unknown where that may have
been later by more than 20 ms and one percent. Of a process that only forked, ended soon and was
reaped at once, command line and session are unknown: it may have execed last.

A command line that was seen was that of the process when it was last looked at. A process that
execs again and ends before the next look is told as what it ran before: by a wrong name where
somebody else reaps it, else only where the last program has the name of the one before, for that
is all a dead process tells. How often this happened is below each table; the rows "execs again"
count it as not known. ` + "`exact`" + ` does not have this. It does not see those that a signal kills:
of these it knows what ` + "`sample`" + ` does.

Of a command line %d bytes in %d arguments are kept, and ` + "`cmdline_cut`" + ` says that there were more;
of the ancestors the nearest %d; of processes %d at a time. Those beyond are not followed
until there is room, but what pid1 reaps is always told.
`
