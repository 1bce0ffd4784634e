package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Truth is a line of testdata/app.py or testdata/hoard.py.
type Truth struct {
	Kind       string   `json:"kind"`
	PID        int      `json:"pid"`
	Parent     int      `json:"parent"`
	Argv       []string `json:"argv"`
	Cmdline    []string `json:"cmdline"`
	Code       *int     `json:"code"`
	Signal     *string  `json:"signal"`
	LeastMS    float64  `json:"least_ms"`
	BornAfter  float64  `json:"born_after"` // seconds since 1970
	DiedBefore float64  `json:"died_before"`
	Zombies    int      `json:"zombies"`
}

// ofKind returns the lines of one kind that the container's program has
// printed.
func (c *Container) ofKind(kind string) []Truth {
	c.t.Helper()
	stdout, _ := c.Logs()
	if i := strings.LastIndex(stdout, "\n"); i >= 0 {
		stdout = stdout[:i+1] // the rest is still being written
	}
	all := parseLines[Truth](c.t, stdout)
	return slices.DeleteFunc(all, func(l Truth) bool { return l.Kind != kind })
}

// waitKind waits until the container's program has printed a line of kind.
func (c *Container) waitKind(kind string) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("a line of kind %q", kind), func() (bool, string) {
		stdout, stderr := c.Logs()
		if len(c.ofKind(kind)) == 0 && !c.Running() {
			c.t.Fatalf("the container has ended:\n%s", stdout+stderr)
		}
		return len(c.ofKind(kind)) > 0, stdout + stderr
	})
}

// A legacy program leaks under pid1, and pid1top tells all about it, however
// little the container is allowed.
func TestMainJob(t *testing.T) {
	tests := []struct {
		name    string
		options []string
	}{
		{"root", nil},
		{"uid 1000", []string{"--user=1000:1000"}},
		{"read-only", []string{"--read-only"}},
		{"no capabilities", []string{"--cap-drop=ALL"}},
		{"nothing allowed", []string{"--user=1000:1000", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Run(t, imageDebian, tt.options, "pid1", "--", "python3", "/app/app.py")
			feed := c.Follow()
			c.waitKind("done")

			checkReaps(t, c)
			checkZombies(t, c)
			checkTree(t, c)
			checkScreens(t, c)
			checkNoZombieOfPID1(t, c)

			if r := c.Stop(); r.Status != 143 {
				t.Errorf("stopped with status %d, want that of a program ended by SIGTERM, 143\n%s", r.Status, r.Stderr)
			} else if r.Stderr != "" {
				t.Errorf("pid1 wrote to stderr, with nothing wrong:\n%s", r.Stderr)
			}
			<-feed.done
			feed.Check(t)
		})
	}
}

// checkReaps compares "pid1top reaps --json" with what the program says about
// its orphans.
func checkReaps(t *testing.T, c *Container) {
	orphans := c.ofKind("orphan")
	reaps := map[int]Reap{}
	eventually(t, "a reap of every orphan", func() (bool, string) {
		out := c.MustExec("pid1top", "reaps", "--json")
		clear(reaps)
		for _, r := range parseLines[Reap](t, out) {
			if r.Type != "reap" {
				t.Errorf("a line of type %q", r.Type)
			}
			if _, twice := reaps[r.PID]; twice {
				t.Errorf("%d was reaped twice", r.PID)
			}
			reaps[r.PID] = r
		}
		missing := slices.ContainsFunc(orphans, func(o Truth) bool { _, ok := reaps[o.PID]; return !ok })
		return !missing, out
	})
	for _, o := range orphans {
		checkReap(t, o, reaps[o.PID])
	}
	for _, h := range c.ofKind("hoarded") {
		if r, ok := reaps[h.PID]; ok {
			t.Errorf("a child that its living parent keeps was reaped: %+v", r)
		}
	}
}

// tick is the resolution of the kernel's start times, and of what is computed
// from them.
const tick = 10 * time.Millisecond

func checkReap(t *testing.T, o Truth, r Reap) {
	t.Helper()
	name := fmt.Sprintf("orphan %d %q", o.PID, o.Argv)
	if got, want := r.Ended(), ended(o.Code, o.Signal); got != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
	if !r.Adopted || r.Main || r.PPID != 1 {
		t.Errorf("%s: adopted %v, main %v, ppid %d; want an orphan of pid1's", name, r.Adopted, r.Main, r.PPID)
	}
	// Not seen alive long enough: unknown is right, wrong is not.
	if o.LeastMS >= 100 || r.CmdlineHow != "none" {
		if diff := cmp.Diff(o.Argv, r.Cmdline); diff != "" {
			t.Errorf("%s: command line (%s) differs (-truth +reap):\n%s", name, r.CmdlineHow, diff)
		}
	} else if len(r.Cmdline) > 0 {
		t.Errorf("%s: command line %q, known by %q", name, r.Cmdline, r.CmdlineHow)
	}
	if r.Origin != nil && r.Origin.How != "inferred" && r.Origin.PID != o.Parent {
		t.Errorf("%s: origin %+v, want %d", name, *r.Origin, o.Parent)
	}

	if r.LifetimeMS == nil {
		t.Errorf("%s: no lifetime", name)
		return
	}
	lived := time.Duration(*r.LifetimeMS * float64(time.Millisecond))
	if least := time.Duration(o.LeastMS) * time.Millisecond; lived < least-tick {
		t.Errorf("%s: lived %v, want at least %v", name, lived, least)
	}
	born := time.UnixMicro(int64(o.BornAfter * 1e6))
	if r.Started.Before(born.Add(-2 * tick)) {
		t.Errorf("%s: started %v, before its parent made it at %v", name, r.Started, born)
	}
	if most := r.TS.Sub(born); lived > most+2*tick {
		t.Errorf("%s: lived %v, but was made only %v before it was reaped", name, lived, most)
	}
}

// checkZombies compares "pid1top zombies --json" with the children that the
// program says it keeps.
func checkZombies(t *testing.T, c *Container) {
	app, hoarded := c.ofKind("app")[0], c.ofKind("hoarded")
	var lines []Zombies
	// An observer that samples may be late, never wrong.
	eventually(t, "all zombies seen", func() (bool, string) {
		out := c.MustExec("pid1top", "zombies", "--json")
		lines = parseLines[Zombies](t, out)
		total := 0
		for _, l := range lines {
			total += l.Count
		}
		return total >= len(hoarded), out
	})
	if len(lines) != 1 {
		t.Fatalf("%d parents of zombies, want one: %+v", len(lines), lines)
	}
	z := lines[0]
	if z.Parent.PID != app.PID {
		t.Errorf("parent %d, want %d", z.Parent.PID, app.PID)
	}
	if diff := cmp.Diff(app.Cmdline, z.Parent.Cmdline); diff != "" {
		t.Errorf("the parent's command line differs (-truth +zombies):\n%s", diff)
	}
	if z.Count != len(hoarded) {
		t.Errorf("count %d, want %d", z.Count, len(hoarded))
	}
	var want, got []int
	for _, h := range hoarded {
		want = append(want, h.PID)
	}
	for _, l := range z.Zombies {
		got = append(got, l.PID)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the zombies' pids differ (-truth +zombies):\n%s", diff)
	}
}

// checkTree looks for the program and one of its zombies in "pid1top tree".
func checkTree(t *testing.T, c *Container) {
	type process struct {
		PID   int    `json:"pid"`
		PPID  int    `json:"ppid"`
		State string `json:"state"`
	}
	processes := map[int]process{}
	for _, p := range parseLines[process](t, c.MustExec("pid1top", "tree", "--json")) {
		processes[p.PID] = p
	}
	app, hoarded := c.ofKind("app")[0], c.ofKind("hoarded")[0]
	want := map[int]process{
		app.PID:     {app.PID, 1, "S"},
		hoarded.PID: {hoarded.PID, app.PID, "Z"},
	}
	for pid, p := range want {
		if processes[pid] != p {
			t.Errorf("tree has %+v, want %+v", processes[pid], p)
		}
	}
}

// checkScreens looks at the three screens as a person does.
func checkScreens(t *testing.T, c *Container) {
	term := NewTerminal(t, 100, 30, "docker", "exec", "-it", c.Name, "pid1top")
	app, hoarded := c.ofKind("app")[0], c.ofKind("hoarded")
	term.Send("2")
	term.WaitFor("[2 Tree]", "pid1 -- python3", fmt.Sprint(app.PID))
	term.Send("3")
	term.WaitFor(fmt.Sprintf("[3 Zombies(%d)]", len(hoarded)), "app.py", fmt.Sprintf(" %d ", app.PID))
	term.Send("4")
	term.WaitFor("[4 Reaps]", "exit 7", "SIGKILL")
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top ended with status %d", status)
	}
}

// checkNoZombieOfPID1 looks with a tool of others.
func checkNoZombieOfPID1(t *testing.T, c *Container) {
	eventually(t, "no zombie of pid1's", func() (bool, string) {
		out := c.MustExec("ps", "-e", "-o", "ppid=,stat=,pid=,comm=")
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); f[0] == "1" && strings.HasPrefix(f[1], "Z") {
				return false, out
			}
		}
		return true, out
	})
}

// The stream is of use with nothing but netcat and jq: what is, what was, and
// what comes.
func TestNetcatAndJQ(t *testing.T) {
	// The loop gives netcat something to write when jq has ended.
	const program = `(sh -c "sleep 0.3; exit 4" &); while sleep 0.5; do :; done`
	c := Run(t, imageDebian, nil, "pid1", "--", "sh", "-c", program)
	const filter = `first(inputs | select(.type == "hello")), first(inputs | select(.type == "reap" and .adopted))`
	out := c.MustExec("sh", "-c", "nc -d -U "+c.Socket()+" | jq --null-input --compact-output '"+filter+"'")

	first, rest, _ := strings.Cut(out, "\n")
	var hello struct {
		Type    string   `json:"type"`
		V       int      `json:"v"`
		PID     int      `json:"pid"`
		Role    string   `json:"role"`
		Command []string `json:"command"`
	}
	if err := json.Unmarshal([]byte(first), &hello); err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	if hello.Type != "hello" || hello.V != 1 || hello.PID != 1 || hello.Role != "init" || !slices.Equal(hello.Command, []string{"sh", "-c", program}) {
		t.Errorf("hello is %s", first)
	}
	if reaps := parseLines[Reap](t, rest); len(reaps) != 1 || reaps[0].Ended() != "code 4" {
		t.Errorf("the reap is %s", rest)
	}
}
