package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pid1/internal/schematest"
)

// chatter does a few things that are worth an event, names that are no text among
// them, and then nothing.
const chatter = `(sleep 0.1 & :); sh -c "exit 3"; cp /bin/sleep "/tmp/caf$(printf '\351')
x"; (/tmp/caf*x 0.1 & :); sleep 0.3; echo done; exec sleep 1000`

// The feed is read from a sidecar through a shared volume, from the host, and by
// docker exec, with nc, jq, Python and pid1top: all read the same.
func TestEveryReaderReadsTheSame(t *testing.T) {
	dir := sharedFolder(t)
	volume := "--volume=" + dir + ":/run/pid1"
	c := Run(t, imageDebian, []string{volume}, "pid1", "--", "sh", "-c", chatter)
	eventually(t, "done", func() (bool, string) {
		stdout, stderr := c.Logs()
		return strings.Contains(stdout, "done"), stdout + stderr
	})
	sidecar := Run(t, imageDebian, []string{volume, "--init"}, "sleep", "1000")

	const nc = "timeout 3 nc -d -U /run/pid1/pid1.sock"
	inside := c.Exec("sh", "-c", nc).Stdout
	if err := schematest.Lines([]byte(inside)); err != nil {
		t.Error(err)
	}
	want := events(t, inside)
	if len(want) < 8 || !strings.Contains(inside, `"comm_b64":"Y2Fm6Qp4"`) {
		t.Fatalf("too little happened: %s", inside)
	}
	python := `
import json, socket
s = socket.socket(socket.AF_UNIX); s.connect("/run/pid1/pid1.sock"); s.settimeout(3)
f = s.makefile(encoding="utf-8", errors="strict")
try:
    for line in f: print(json.dumps(json.loads(line)))
except TimeoutError: pass`
	recorded := c.Exec("timeout", "-s", "INT", "3", "pid1top", "record", "-o", "-")
	for who, text := range map[string]string{
		"the sidecar":        sidecar.MustExec("sh", "-c", nc+"; true"),
		"Python":             c.MustExec("python3", "-c", python),
		"Python, outside":    sidecar.MustExec("python3", "-c", python),
		"jq":                 c.Exec("sh", "-c", nc+" | jq -c .").Stdout,
		"pid1top record":     recorded.Stdout,
		"the host":           fromHost(t, dir, len(want)),
		"pid1top replay":     replayed(t, c, inside),
		"pid1top of sidecar": sidecar.Exec("timeout", "-s", "INT", "3", "pid1top", "record", "-o", "-").Stdout,
	} {
		if d := cmp.Diff(want, events(t, text)); d != "" {
			t.Errorf("%s: -nc +%s\n%s", who, who, d)
		}
	}
	var reaps []string
	for line := range strings.Lines(inside) {
		if strings.HasPrefix(line, `{"v":1,"type":"reap",`) {
			reaps = append(reaps, line)
		}
	}
	if got := c.MustExec("pid1top", "reaps", "--json"); got != strings.Join(reaps, "") {
		t.Errorf("pid1top reaps --json prints\n%s\nnot\n%s", got, strings.Join(reaps, ""))
	}
}

// events returns the numbered events in text as the same JSON, whoever wrote it,
// stats aside: they come while it is read.
func events(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(text) {
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if v["seq"] == nil || v["type"] == "stats" {
			continue
		}
		all = append(all, canonical(t, v))
	}
	// What docker exec itself starts comes after all that is compared.
	if i := slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, `"exec_session":true`) }); i >= 0 {
		all = all[:i]
	}
	return all
}

func canonical(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fromHost reads the feed from outside of all containers.
func fromHost(t *testing.T, dir string, n int) string {
	t.Helper()
	feed := dial(t, dir)
	eventually(t, "the history", func() (bool, string) { return len(feed.Events()) > n, eventTypes(feed) })
	var text bytes.Buffer
	for _, e := range feed.Events() {
		text.Write(e.Raw)
	}
	return text.String()
}

// replayed is what pid1top makes of a recording of text.
func replayed(t *testing.T, c *Container, text string) string {
	t.Helper()
	cmd := exec.Command("docker", "exec", "-i", c.Name, "pid1top", "replay", "--json", "-")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pid1top replay: %v", err)
	}
	return string(out)
}

// A second user in the container can neither open the socket nor, where somebody
// opened it to all by hand, read the feed.
func TestASecondUserIsRefused(t *testing.T) {
	dir := sharedFolder(t)
	c := Run(t, imageDebian, []string{"--volume=" + dir + ":/run/pid1"}, "pid1", "--", "sleep", "1000")
	socket := c.Socket()
	read := func() Result {
		r, err := exec.Command("docker", "exec", "--user=1234", c.Name, "timeout", "3", "nc", "-d", "-U", socket).CombinedOutput()
		_ = err // the status is nc's or timeout's
		return Result{Stdout: string(r)}
	}
	if r := read(); strings.Contains(r.Stdout, "hello") || !strings.Contains(r.Stdout, "Permission denied") {
		t.Errorf("a second user got %q", r.Stdout)
	}
	if r := c.Exec("sh", "-c", "chmod 0777 "+filepath.Dir(socket)+" "+socket); r.Status != 0 {
		t.Fatal(r.Stderr)
	}
	r := read()
	if strings.Contains(r.Stdout, "hello") || !strings.Contains(r.Stdout, "uid 1234 may not read this feed") {
		t.Errorf("with the socket open to all a second user got %q", r.Stdout)
	}
	top, _ := exec.Command("docker", "exec", "--user=1234", c.Name, "pid1top", "reaps").CombinedOutput()
	if !strings.Contains(string(top), "may not read") && !strings.Contains(string(top), "permission denied") {
		t.Errorf("pid1top of a second user says %q", top)
	}
}

// Scenario 35: a full history and ten clients fit into a container of 32 MiB. The
// orphans come in bursts of 50: a thousand shells at a time need more than that
// themselves.
func TestSmallMemory(t *testing.T) {
	dir := sharedFolder(t)
	c := Run(t, imageDebian, []string{"--memory=32m", "--memory-swap=32m", "--volume=" + dir + ":/run/pid1"},
		"pid1", "--", "sh", "-c", "while ! [ -e /run/pid1/go ]; do sleep 0.05; done; i=0; while [ $i -lt 6000 ]; do (: &); i=$((i+1)); [ $((i % 50)) = 0 ] && sleep 0.05; done; exit 7")
	// Not docker exec: it would need as much memory itself, of the container's.
	eventually(t, "the socket", func() (bool, string) {
		conn, err := net.Dial("unix", filepath.Join(dir, "pid1.sock"))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil, fmt.Sprint(err)
	})
	var feeds []*Feed
	for range 10 {
		feeds = append(feeds, dial(t, dir))
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := c.Wait(); r.Status != 7 {
		t.Errorf("status %d, want 7: %s", r.Status, r.Stderr)
	}
	for _, feed := range feeds {
		<-feed.done
		if n := len(feed.Reaps(t)); n < 6000 || feed.has("oom", "") {
			t.Errorf("a client read %d reaps of 6000; %s", n, eventTypes(feed))
		}
		feed.Check(t)
	}
}
