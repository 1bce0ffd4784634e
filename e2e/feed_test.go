package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"pid1/internal/schematest"
)

// What a user of the stream reads from it. These types are written from the
// documentation and not shared with the binaries: a renamed field is a failure.

// Event is any line of the stream.
type Event struct {
	V    int       `json:"v"`
	Type string    `json:"type"`
	TS   time.Time `json:"ts"`
	Seq  uint64    `json:"seq"`
	// Raw is the whole line.
	Raw []byte `json:"-"`
}

// Reap is an event of type "reap".
type Reap struct {
	Event
	PID        int       `json:"pid"`
	PPID       int       `json:"ppid"`
	Comm       string    `json:"comm"`
	Cmdline    []string  `json:"cmdline"`
	CmdlineHow string    `json:"cmdline_how"`
	Started    time.Time `json:"started"`
	LifetimeMS *float64  `json:"lifetime_ms"`
	Code       *int      `json:"code"`
	Signal     *string   `json:"signal"`
	Main       bool      `json:"main"`
	Adopted    bool      `json:"adopted"`
	Origin     *struct {
		PID int    `json:"pid"`
		How string `json:"how"`
	} `json:"origin"`
}

// Ended is how the process ended, in one word.
func (r Reap) Ended() string { return ended(r.Code, r.Signal) }

func ended(code *int, signal *string) string {
	switch {
	case code != nil && signal != nil:
		return fmt.Sprintf("both code %d and signal %s", *code, *signal)
	case code != nil:
		return fmt.Sprintf("code %d", *code)
	case signal != nil:
		return "signal " + *signal
	}
	return "neither code nor signal"
}

// Zombies is a line of "pid1top zombies --json".
type Zombies struct {
	Parent struct {
		PID     int      `json:"pid"`
		Comm    string   `json:"comm"`
		Cmdline []string `json:"cmdline"`
	} `json:"parent"`
	Count   int    `json:"count"`
	Verdict string `json:"verdict"`
	Zombies []struct {
		PID  int      `json:"pid"`
		Comm string   `json:"comm"`
		AgeS *float64 `json:"age_s"`
	} `json:"zombies"`
}

// parseLines reads a JSON object from each line of text.
func parseLines[T any](t *testing.T, text string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(text) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("not a line of JSON: %v\n%s", err, line)
		}
		all = append(all, v)
	}
	return all
}

// findSocket prints, in a container's shell, where the feed is.
const findSocket = `for s in /run/pid1/pid1.sock /dev/shm/pid1-*/pid1.sock /tmp/pid1-*/pid1.sock; do if [ -S "$s" ]; then echo "$s"; exit; fi; done; exit 1`

// Socket waits for the feed to listen and returns where it does.
func (c *Container) Socket() string {
	c.t.Helper()
	var socket string
	eventually(c.t, "the feed's socket", func() (bool, string) {
		r := c.Exec("sh", "-c", findSocket)
		socket = strings.TrimSpace(r.Stdout)
		_, stderr := c.Logs()
		return r.Status == 0, r.Stderr + stderr
	})
	return socket
}

// Feed collects the events of one connection as they come.
type Feed struct {
	mu     sync.Mutex
	events []Event       // mu guards it
	done   chan struct{} // closed at the stream's end
}

// Follow connects to the feed as a person without pid1top would, and collects
// all it says until the container ends.
func (c *Container) Follow() *Feed {
	c.t.Helper()
	cmd := exec.Command("docker", "exec", c.Name, "nc", "-d", "-U", c.Socket())
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatalf("cannot follow the feed: %v", err)
	}
	f := collect(stdout)
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		<-f.done
		cmd.Wait()
	})
	return f
}

// collect reads events from r until its end.
func collect(r io.Reader) *Feed {
	f := &Feed{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		lines := bufio.NewReader(r)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return // what has no newline was cut off by the end
			}
			e := Event{}
			if err := json.Unmarshal(line, &e); err != nil {
				e.Type = "not JSON: " + err.Error()
			}
			e.Raw = line
			f.mu.Lock()
			f.events = append(f.events, e)
			f.mu.Unlock()
		}
	}()
	return f
}

// Events returns what has come so far.
func (f *Feed) Events() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events[:len(f.events):len(f.events)]
}

// Reaps returns the reaps that have come so far, by PID.
func (f *Feed) Reaps(t *testing.T) map[int]Reap {
	t.Helper()
	reaps := map[int]Reap{}
	for _, e := range f.Events() {
		if e.Type != "reap" {
			continue
		}
		var r Reap
		if err := json.Unmarshal(e.Raw, &r); err != nil {
			t.Fatalf("not a reap: %v\n%s", err, e.Raw)
		}
		reaps[r.PID] = r
	}
	return reaps
}

// Check tells what is wrong with a connection that was there from the start
// and read everything: it must begin with hello, and miss nothing.
func (f *Feed) Check(t *testing.T) {
	t.Helper()
	events := f.Events()
	if len(events) == 0 || events[0].Type != "hello" {
		t.Fatalf("the stream does not begin with hello: %.1000v", events)
	}
	var last uint64
	for _, e := range events {
		if err := schematest.Line(e.Raw); err != nil {
			t.Error(err)
		}
		if e.V != 1 || e.TS.IsZero() || strings.HasPrefix(e.Type, "not JSON") {
			t.Errorf("%s: %s", e.Type, e.Raw)
		}
		switch e.Type {
		case "hello":
			continue
		case "gap":
			t.Errorf("lost events: %s", e.Raw)
			continue
		}
		if e.Seq == 0 {
			t.Errorf("no seq: %s", e.Raw)
			continue
		}
		if e.Seq != last+1 {
			t.Errorf("seq %d follows %d: %s", e.Seq, last, e.Raw)
		}
		last = e.Seq
	}
	if last == 0 {
		t.Error("no event came")
	}
}
