package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"pid1/event"
	"pid1/internal/nstest"
	"pid1/internal/version"
)

// runLocal runs pid1top --local in this process.
func runLocal(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(append([]string{"pid1top", "--local"}, args...), []string{"PATH=" + os.Getenv("PATH")}, stdio{os.Stdin, &out, &err})
	return status, out.String(), err.String()
}

// begin starts a program that ends with the test.
func begin(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// TestLocalCommands looks at a PID namespace whose init is no pid1.
func TestLocalCommands(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		hoarder := begin(t, "sh", "-c", "sleep 0 & exec sleep 1000")
		for deadline := time.Now().Add(20 * time.Second); ; {
			_, out, errs := runLocal("tree")
			if strings.Contains(out, "sleep 1000") && strings.Contains(out, "<[sleep]>") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("there is no zombie\n%s%s", out, errs)
			}
		}
		var all sync.WaitGroup // each looks for a while before it judges
		defer all.Wait()
		all.Go(func() {
			status, out, errs := runLocal("zombies", "--json")
			var got zombieGroup
			if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 {
				t.Errorf("status %d: %v\n%s%s", status, err, out, errs)
			}
			if got.Parent.PID != hoarder.Process.Pid || got.Count != 1 || got.Verdict != "held" {
				t.Errorf("got %s", out)
			}
		})
		all.Go(func() {
			if status, out, errs := runLocal("doctor", "--fail-on", "any"); status != statusFailOn || !strings.HasPrefix(out, "held") {
				t.Errorf("status %d\n%s%s", status, out, errs)
			}
		})
		all.Go(func() {
			if status, out, errs := runLocal(); status != 0 || !strings.HasPrefix(out, "pid1top "+version.String()+", without a pid1, on ") {
				t.Errorf("status %d\n%s%s", status, out, errs)
			}
		})
	})
}

func TestLocalReapsNothing(t *testing.T) {
	status, out, errs := runLocal("reaps")
	if status != statusNoFeed || out != "" || !strings.HasPrefix(errs, "pid1top: nothing is reaped here") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
	status, _, errs = runLocal("tree", "--socket", "/x")
	if status != statusUsage || !strings.Contains(errs, "cannot use --local and --socket /x") {
		t.Errorf("status %d\n%s", status, errs)
	}
}

// TestLocalStream sees processes come and go, of whom nothing was known before.
func TestLocalStream(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		l, err := newLocal(os.Getenv("PATH"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c, err := l.dial(ctx, event.Request{Op: event.OpSubscribe})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		if h := c.Hello(); h.Role != "local" || c.Path() != localPath {
			t.Errorf("hello %+v at %s", h, c.Path())
		}
		// As long as nothing reads, it lives: it is seen, whoever is busy.
		sh := exec.Command("sh", "-c", "read x; exit 3")
		in, err := sh.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := sh.Start(); err != nil {
			t.Fatal(err)
		}
		for {
			ev, err := c.Next()
			if err != nil {
				t.Fatal(err)
			}
			switch e := ev.(type) {
			case *event.Start:
				if e.PID == sh.Process.Pid {
					if e.PPID != os.Getpid() {
						t.Errorf("start %+v", e)
					}
					_ = in.Close()
					go func() { _ = sh.Wait() }()
				}
			case *event.Exit:
				if e.PID == sh.Process.Pid {
					return
				}
			}
		}
	})
}
