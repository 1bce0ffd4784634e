package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// label is on everything these tests make in the engine.
const label = "pid1-e2e"

// owner is the label on this run's containers, so that two runs at a time do
// not remove each other's.
var owner = label + "=" + strconv.Itoa(os.Getpid())

// Container is a container that goes away with its test.
type Container struct {
	Name string
	t    *testing.T
}

// Run starts a container from image in the background, with options for
// "docker run" and the command to run in it.
func Run(t *testing.T, image string, options []string, cmd ...string) *Container {
	t.Helper()
	args := append([]string{"run", "--detach", "--label", owner, "--network=none"}, options...)
	args = append(append(args, image), cmd...)
	// A COMMAND that cannot be run is told by pid1 and is no error here: the
	// container itself starts.
	id, err := command("docker", args...)
	if err != nil {
		t.Fatal(err)
	}
	c := &Container{Name: strings.TrimSpace(id)[:12], t: t}
	t.Cleanup(func() {
		if t.Failed() {
			stdout, stderr := c.Logs()
			processes, _ := command("docker", "top", c.Name, "-eo", "pid,ppid,stat,etimes,wchan:20,args")
			t.Logf("the container's processes:\n%s", processes)
			t.Logf("the container's last output:\n%s\nand on stderr:\n%s", tail(stdout, 5), tail(stderr, 20))
		}
		command("docker", "rm", "--force", "--volumes", c.Name)
	})
	return c
}

// Result is how a command ended.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Exec runs a command in the container, as "docker exec" does.
func (c *Container) Exec(args ...string) Result {
	c.t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command("docker", append([]string{"exec", c.Name}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("cannot run docker exec: %v", err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// MustExec runs a command in the container that has to succeed, and returns
// what it wrote to stdout.
func (c *Container) MustExec(args ...string) string {
	c.t.Helper()
	r := c.Exec(args...)
	if r.Status != 0 {
		c.t.Fatalf("%s: status %d\n%s%s", strings.Join(args, " "), r.Status, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Wait waits until the container has ended, and returns all that it said.
func (c *Container) Wait() Result {
	c.t.Helper()
	status, err := strconv.Atoi(strings.TrimSpace(c.docker("wait", c.Name)))
	if err != nil {
		c.t.Fatal(err)
	}
	stdout, stderr := c.Logs()
	return Result{stdout, stderr, status}
}

// Stop is "docker stop" with a time before SIGKILL that no test should take.
func (c *Container) Stop() Result {
	c.t.Helper()
	c.docker("stop", "--time="+fmt.Sprint(int(patience.Seconds())), c.Name)
	return c.Wait()
}

// Kill sends a signal to the container's PID 1.
func (c *Container) Kill(signal string) {
	c.t.Helper()
	c.docker("kill", "--signal="+signal, c.Name)
}

// Logs returns what the container has said so far.
func (c *Container) Logs() (stdout, stderr string) {
	c.t.Helper()
	var o, e strings.Builder
	cmd := exec.Command("docker", "logs", c.Name)
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("cannot read the logs: %v\n%s", err, e.String())
	}
	return o.String(), e.String()
}

// Running reports whether the container has not ended.
func (c *Container) Running() bool {
	c.t.Helper()
	return strings.TrimSpace(c.docker("inspect", "--format={{.State.Running}}", c.Name)) == "true"
}

func (c *Container) docker(args ...string) string {
	c.t.Helper()
	out, err := command("docker", args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// removeContainers removes what a test that crashed left behind, and the images
// of earlier builds.
func removeContainers() {
	ids, err := command("docker", "ps", "--all", "--quiet", "--filter=label="+owner)
	if err == nil && ids != "" {
		command("docker", append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...)
	}
	command("docker", "image", "prune", "--force", "--filter=label="+label)
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
