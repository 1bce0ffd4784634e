package e2e

import (
	"strings"
	"testing"
)

// A container whose entrypoint is no pid1 and cannot be changed is looked at from
// another one, which joins its PID namespace and has nothing but the two binaries.
func TestLocal(t *testing.T) {
	const leak = `import os, time
while True:
    if os.fork() == 0:
        os.execvp("sleep", ["sleep", "0.3"])
    time.sleep(1)`
	c := Run(t, imageBase, nil, "python3", "-c", leak)
	beside := func(args ...string) Result {
		r := Run(t, imageScratch, []string{"--pid=container:" + c.Name}, append([]string{"/pid1top", "--local"}, args...)...)
		return r.Wait()
	}
	eventually(t, "zombies", func() (bool, string) {
		r := beside("zombies")
		return strings.Contains(r.Stdout, "1 python3 -c"), r.Stdout + r.Stderr
	})
	if r := beside("tree"); r.Status != 0 || !strings.Contains(r.Stdout, "python3 -c") || !strings.Contains(r.Stdout, "/pid1top --local tree") {
		t.Errorf("tree: %+v", r)
	}
	if r := beside("reaps"); r.Status != 3 || !strings.Contains(r.Stderr, "nothing is reaped here") {
		t.Errorf("reaps: %+v", r)
	}
	if r := beside("doctor", "--fail-on", "zombies"); r.Status != 1 {
		t.Errorf("doctor: %+v", r)
	}
	// What lives shorter than a sweep takes is seen as it starts, and with the
	// command line it had.
	term := NewTerminal(t, 100, 30, "docker", "run", "--rm", "-it", "--label", owner, "--network=none",
		"--pid=container:"+c.Name, imageScratch, "/pid1top", "--local")
	term.Send("2")
	term.WaitFor("LIVE", "LEAK", "[2 Tree]", "─ sleep 0.3")
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top ended with status %d", status)
	}
}
