package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pid1/event"
)

// exporter runs pid1top export with these arguments, and returns where it listens
// and how to end it.
func exporter(t *testing.T, env string, args ...string) (url string, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"export", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), beProgram+"=1", event.SocketEnv+"="+env)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { _ = r.Close() })
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(r).ReadString('\n')
	m := regexp.MustCompile(`metrics at (http://127\.0\.0\.1:\d+/metrics)\n`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("it says %q, %v", line, err)
	}
	return m[1], func() {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v", err)
		}
	}
}

// scrape waits until what is served holds all of that.
func scrape(t *testing.T, url string, all ...string) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		body := get(t, url)
		lacks := slices.IndexFunc(all, func(line string) bool { return !strings.Contains(body, "\n"+line+"\n") })
		if lacks < 0 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("no %s in:\n%s", all[lacks], body)
		case <-tick.C:
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return string(body)
}

func TestExport(t *testing.T) {
	up := func(feed string) string { return `pid1_feed_up{feed="` + feed + `"} 1` }
	leaks, healthy := serve(t, scenarios["leak"]), serve(t, scenarios["healthy"])
	t.Run("the feed there is", func(t *testing.T) {
		url, end := exporter(t, leaks)
		scrape(t, url, up("s"), `pid1_pids_used{feed="s"} 40`, `pid1_findings{feed="s",verdict="leaking"} 1`)
		end()
	})
	t.Run("several", func(t *testing.T) {
		url, end := exporter(t, "", "--socket", leaks, "--socket", healthy)
		scrape(t, url, up("s"), up(healthy))
		end()
	})
	t.Run("none", func(t *testing.T) {
		url, end := exporter(t, t.TempDir()+"/none")
		scrape(t, url, `pid1_feed_up{feed="none"} 0`)
		end()
	})
	t.Run("local", func(t *testing.T) {
		url, end := exporter(t, "", "--local")
		scrape(t, url, up("local"))
		end()
	})
}
