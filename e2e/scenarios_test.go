package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scenarios of cmd/pid1, which run in namespaces elsewhere, with pid1 as PID 1
// of containers.
func TestScenariosInContainers(t *testing.T) {
	cmd := exec.Command("go", "test", "-count=1", "-timeout=10m", "pid1/cmd/pid1", "-run",
		"^Test(CoalescedDeaths|EveryExitStatus|DeathByEverySignal|ClosedStreams|WhatCannotRun|Grace|EverySignalIsForwarded|"+
			"Inheritance|LetsGo|ListenPID|StopTwice|Timeout|MapExitAndRewrite|SignalTarget|"+
			"FeedOfAnOrphan|FeedOfSignals|FeedOfAShutdown|ManyOrphans|ShellOnTerminal|TerminalKeys|StartsOnTerminal)$")
	cmd.Env = append(os.Environ(), "PID1_DOCKER_IMAGE="+imageBase)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "no tests to run") {
		t.Fatal("none of these tests is there any more")
	}
}

// Scenario 19: COMMAND is killed for want of memory, or a child of it that it waits
// for itself.
func TestOutOfMemory(t *testing.T) {
	const eat = `python3 -c 'x = bytearray(300 << 20)'`
	// The feed is read from outside: what runs inside ends with the container.
	run := func(t *testing.T, script string) (*Container, *Feed) {
		dir := sharedFolder(t)
		c := Run(t, imageDebian, []string{"--memory=60m", "--memory-swap=60m", "--volume=" + dir + ":/run/pid1"},
			"pid1", "--", "sh", "-c", script)
		c.Socket()
		return c, dial(t, dir)
	}
	t.Run("COMMAND", func(t *testing.T) {
		c, feed := run(t, "sleep 1; exec "+eat)
		r := c.Wait()
		if r.Status != 137 || !strings.Contains(r.Stderr, "ran out of memory") {
			t.Errorf("status %d, want 137 and a line that says why\n%s", r.Status, r.Stderr)
		}
		<-feed.done
		for _, kind := range []string{"reap", "main_exit"} {
			if !feed.has(kind, `"oom":"probable"`) {
				t.Errorf("no %s is marked", kind)
			}
		}
	})
	t.Run("child", func(t *testing.T) {
		c, feed := run(t, "sleep 1; "+eat+"; echo child $?; sleep 1; exit 0")
		if r := c.Wait(); r.Status != 0 || !strings.Contains(r.Stdout, "child 137") {
			t.Errorf("status %d\n%s%s", r.Status, r.Stdout, r.Stderr)
		}
		<-feed.done
		if !feed.has("oom", `"kills":1`) {
			t.Errorf("no oom event: %s", eventTypes(feed))
		}
		if feed.has("main_exit", `"oom"`) {
			t.Error("COMMAND is said to be the victim")
		}
	})
}

// has reports whether there is an event of a type with these words in its line.
func (f *Feed) has(kind, words string) bool {
	for _, e := range f.Events() {
		if e.Type == kind && bytes.Contains(e.Raw, []byte(words)) {
			return true
		}
	}
	return false
}

// An engine that was told to use pid1 for docker run --init.
func TestInitPath(t *testing.T) {
	dir, err := os.MkdirTemp("", "pid1-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	initPath := filepath.Join(dir, "docker-init")
	if err := os.Symlink(filepath.Join(bin, "pid1"), initPath); err != nil {
		t.Fatal(err)
	}
	host := "unix://" + filepath.Join(dir, "sock")
	engine := exec.Command("dockerd", "--init-path", initPath, "--host", host, "--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"), "--bridge=none", "--iptables=false")
	var log bytes.Buffer
	engine.Stdout, engine.Stderr = &log, &log
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = engine.Process.Signal(os.Interrupt)
		_ = engine.Wait()
	})
	docker := func(args ...string) (string, error) {
		return command("docker", append([]string{"--host", host}, args...)...)
	}
	eventually(t, "the engine", func() (bool, string) {
		_, err := docker("version")
		return err == nil, tail(log.String(), 5)
	})
	info, err := docker("info", "--format", "{{.InitBinary}} {{.InitCommit.ID}} {{.Warnings}}")
	if err != nil || !strings.HasPrefix(info, initPath) && !strings.HasPrefix(info, "docker-init") || strings.Contains(info, "init") && strings.Contains(info, "N/A") {
		t.Errorf("docker info says %q, %v\n%s", info, err, tail(log.String(), 10))
	}
	tree, err := debianTree(release+" "+packages, bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := docker("import", tree, imageBase); err != nil {
		t.Fatal(err)
	}
	out, err := docker("run", "--rm", "--init", "--network=none", imageBase, "sh", "-c",
		`cat /proc/1/comm; (sh -c 'exit 3' &); sleep 0.3; ps -e -o stat= | grep -c Z; exit 7`)
	if err == nil || !strings.Contains(err.Error(), "exit status 7") || out != "docker-init\n0\n" {
		t.Errorf("docker run --init: %q, %v\n%s", out, err, tail(log.String(), 10))
	}
}
