package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pid1/internal/schematest"
)

// programs are those of a container in which every kind of thing happens that one
// without a limit on memory can see: a parent leaks zombies until PIDs run short,
// there are orphans, and one process outlives COMMAND.
var programs = map[string]string{
	"start.sh": `trap : USR1
i=0; while [ $i -lt 400 ]; do (: &); i=$((i+1)); done
(sleep 0.3 & :)
sh -c "sleep 0.2; exit 4"
python3 thumbd.py &
sh deaf.sh &
trap 'exit 3' TERM
while :; do sleep 0.1; done
`,
	"thumbd.py": `import os, time
for i in range(34):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "0.05")
    time.sleep(0.4)
time.sleep(1000)
`,
	"deaf.sh": `trap "" TERM
while :; do sleep 0.1; done
`,
}

// The examples of docs/protocol.md are lines of these runs: UPDATE_PROTOCOL=1
// writes them. What is documented is what is sent.
func TestEveryTypeOfTheProtocol(t *testing.T) {
	seen := map[string]string{}
	keep := func(lines []Event) {
		for _, e := range lines {
			if err := schematest.Line(e.Raw); err != nil {
				t.Error(err)
			}
			if telling(string(e.Raw)) > telling(seen[e.Type]) {
				seen[e.Type] = string(e.Raw)
			}
		}
	}
	dir := sharedFolder(t)
	app := sharedFolder(t)
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(app, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := Run(t, imageDebian, []string{
		"--pids-limit=60", "--volume=" + dir + ":/run/pid1", "--volume=" + app + ":/srv", "--workdir=/srv", "--hostname=web-7f9c",
	}, "pid1", "--history", "1", "--grace", "0.3", "--record", "/none/r", "--", "sh", "start.sh")
	c.Socket()
	feed := dial(t, dir)
	for _, kind := range []string{"leak", "pressure", "stats"} {
		eventually(t, kind, func() (bool, string) { return feed.has(kind, `"`), eventTypes(feed) })
	}
	c.Kill("USR1")
	keep(ask(t, dir, `{"op":"subscribe","id":"a","since":1,"types":["reap","shutdown"]}`, "subscribed"))
	keep(ask(t, dir, `{"op":"subscribe","since":1}`, "gap"))
	keep(ask(t, dir, `{"op":"processes","id":"b"}`, "processes_end"))
	keep(ask(t, dir, `{"op":"inspect","id":"c","pid":1}`, "inspect"))
	keep(ask(t, dir, `{"op":"reboot","id":"d"}`, "error"))
	if r := c.Stop(); r.Status != 3 {
		t.Errorf("status %d: %s", r.Status, r.Stderr)
	}
	<-feed.done
	keep(feed.Events())

	dir = sharedFolder(t)
	c = Run(t, imageDebian, []string{"--memory=60m", "--memory-swap=60m", "--volume=" + dir + ":/run/pid1"},
		"pid1", "--", "sh", "-c", "sleep 1; python3 -c 'x = bytearray(300 << 20)'; sleep 1")
	c.Socket()
	feed = dial(t, dir)
	c.Wait()
	<-feed.done
	keep(feed.Events())

	path := filepath.Join("..", "docs", "protocol.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	for _, typ := range schematest.Types() {
		line := seen[typ]
		if line == "" {
			t.Errorf("no %s came", typ)
			continue
		}
		var ok bool
		if doc, ok = schematest.SetExample(doc, typ, line); !ok {
			t.Errorf("docs/protocol.md has no place for an example of %s", typ)
		}
	}
	if os.Getenv("UPDATE_PROTOCOL") != "" && !t.Failed() {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// telling is how much a line tells, as an example: many fields, not too long.
func telling(line string) int {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return 0
	}
	n := 100 * len(fields)
	if len(line) > 1200 {
		n -= len(line) / 8
	}
	return max(n, 1)
}

// sharedFolder is one that a container and the test share, for the feed. Its path
// is short, for the length of a socket's address is limited.
func sharedFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pid1-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// ask sends a request over a connection of its own and returns what came, up to a
// line of type until.
func ask(t *testing.T, dir, request, until string) []Event {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, "pid1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, request)
	var events []Event
	lines := json.NewDecoder(conn)
	for {
		var raw json.RawMessage
		if err := lines.Decode(&raw); err != nil {
			t.Fatalf("no %s came for %s: %v", until, request, err)
		}
		e := Event{Raw: bytes.Clone(raw)}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if events = append(events, e); e.Type == until {
			return events
		}
	}
}
