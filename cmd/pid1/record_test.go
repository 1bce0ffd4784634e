package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"pid1/client"
	"pid1/event"
	"pid1/internal/nstest"
	"pid1/internal/schematest"
)

// recorded reads a record that pid1 wrote: whole lines, a hello first.
func recorded(t *testing.T, path string) []event.Event {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Event
	for line := range bytes.Lines(text) {
		ev, err := event.Decode(line)
		if err != nil || ev == nil {
			t.Fatalf("%v: %s", err, line)
		}
		if err := schematest.Line(line); err != nil {
			t.Error(err)
		}
		all = append(all, ev)
	}
	if len(all) == 0 || all[0].Header().Type != event.TypeHello {
		t.Fatalf("it does not begin with a hello: %.300s", text)
	}
	return all
}

// What the record holds is what a client was sent, from the first event to the end.
func TestRecordIsTheStream(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		path := filepath.Join(t.TempDir(), "r.jsonl")
		w := follow(t, m, "--record", path, "sh", "-c", "(sleep 0.05 & :); sleep 0.2; exit 4")
		w.want(4)
		events := recorded(t, path)
		if d := cmp.Diff(w.all(), events[1:]); d != "" {
			t.Errorf("-sent +recorded\n%s", d)
		}
		end, ok := events[len(events)-1].(*event.End)
		if !ok || end.Reason != event.EndExit {
			t.Errorf("it ends with %+v", events[len(events)-1])
		}
		if len(only[*event.MainExit](events, nil)) != 1 || len(only[*event.Reap](events, nil)) < 2 {
			t.Errorf("recorded are %+v", events)
		}
		if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
			t.Errorf("%v %v", st.Mode(), err)
		}
	})
}

// What dies together with COMMAND, more than one pass reaps, is reaped and recorded before
// pid1 ends: it is dead already when pid1 looks for whom to end.
func TestAllDieAtOnce(t *testing.T) {
	const n = 600
	inModes(t, func(t *testing.T, m mode) {
		if m == asDocker {
			t.Skip("needs pid1's PIDs")
		}
		path := filepath.Join(t.TempDir(), "r.jsonl")
		p := pid1(t, m, "--record", path, "sh", "-c",
			"i=0; while [ $i -lt "+strconv.Itoa(n)+" ]; do sleep 1000 & i=$((i+1)); done; echo made; wait")
		p.start().await("made")
		p.signal(unix.SIGSTOP)
		killTree(children(p.cmd.Process.Pid)[0])
		p.signal(unix.SIGCONT)
		p.want(128 + int(unix.SIGKILL))
		recordedAll(t, path, n)
	})
}

// A relative path is where pid1 was started, though it leaves from there. With no
// socket the record is all there is.
func TestRecordWithoutAFeed(t *testing.T) {
	dir := t.TempDir()
	p := program(t, asSubreaper, binary, "--socket", "off", "sh", "-c", "exit 0")
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "PID1_RECORD=r.jsonl", "PID1_RECORD_MAX_SIZE=1MiB", "PID1_RECORD_KEEP=0")
	p.start().want(0)
	if n := len(only[*event.MainExit](recorded(t, filepath.Join(dir, "r.jsonl")), nil)); n != 1 {
		t.Errorf("%d main_exit", n)
	}
}

// COMMAND's fate does not depend on the record: nothing of this is more than a
// warning.
func TestRecordThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none", "r"): "no such file or directory",
		"/dev/null":                     "not a file",
		dir:                             "is a folder",
		"/etc/passwd":                   "not a recording",
		"/proc/self/environ":            "cannot record to /proc/self/environ",
		// A pipe that nobody reads, through a link.
		"/dev/stdin": "symbolic link",
	} {
		p := pid1(t, asSubreaper, "--record", path, "sh", "-c", "exit 6").start()
		p.want(6)
		if msg := p.err.String(); strings.Count(msg, "cannot record to "+path) < 1 || !strings.Contains(msg, want) {
			t.Errorf("%s: the log says %q, want %q", path, msg, want)
		}
	}
}

// pid1 on a disk that is full: COMMAND goes on and ends as it would have, and the
// log says what is missing.
func TestRecordOnAFullDisk(t *testing.T) {
	nstest.Run(t, func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16k,mode=700"); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(dir, unix.MNT_DETACH)
		p := pid1(t, asSubreaper, "--record", filepath.Join(dir, "r.jsonl"), "sh", "-c",
			"i=0; while [ $i -lt 50 ]; do (sleep 0 & :); i=$((i+1)); done; sleep 0.2; exit 3").start()
		p.want(3)
		if msg := p.err.String(); !strings.Contains(msg, "no space left on device") || !strings.Contains(msg, "cannot record the last events") {
			t.Errorf("the log says %q", msg)
		}
	})
}

const secret = "hunter2"

// Whatever a command line comes from, what --redact matches reaches neither the
// stream, nor a reply, nor the record, nor the log.
func TestRedactedEverywhere(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		path := filepath.Join(t.TempDir(), "r.jsonl")
		// COMMAND, its origin, orphans, a sender of signals and a survivor know it.
		w := follow(t, m, "--record", path, "--redact", secret, "--redact", `--token \S+`, "--log-level", "debug", "--grace", "100ms",
			"sh", "-c", `trap : USR1; sh -c 'sh -c "sleep 0.3; :" --pw=hunter2 & sleep 0.1' hunter2 --token abcdef
				sh -c "kill -USR1 $PPID; sleep 0.1" hunter2; sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done' hunter2 & sleep 0.5`,
			"hunter2", "--token", "abcdef")
		w.await("ready")
		var raw bytes.Buffer
		conn, err := client.Dial(context.Background(), w.socket, event.Request{Op: event.OpProcesses})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for {
			line, err := conn.NextLine()
			if err != nil {
				t.Fatal(err)
			}
			raw.Write(line)
			if bytes.Contains(line, []byte(`"processes_end"`)) {
				break
			}
		}
		w.want(0)
		w.all()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw.Write(text)
		if err := schematest.Lines(raw.Bytes()); err != nil {
			t.Error(err)
		}
		for what, s := range map[string]string{"stream": raw.String(), "log": w.err.String()} {
			if i := strings.Index(s, secret); i >= 0 {
				t.Errorf("the %s holds it: %.500s", what, s[max(0, i-250):])
			}
			if i := strings.Index(s, "abcdef"); i >= 0 {
				t.Errorf("the %s holds a token: %.500s", what, s[max(0, i-250):])
			}
		}
		if n := strings.Count(raw.String(), "***"); n < 8 {
			t.Errorf("only %d places of it", n)
		}
	})
}

func TestRedact(t *testing.T) {
	for _, c := range []struct {
		redact     string
		args, want []string
	}{
		{"secret", []string{"x", "--pw=secret", "secretsecret"}, []string{"x", "--pw=***", "******"}},
		{"pw=.*", []string{"x", "--pw=a b", "rest"}, []string{"x", "--***", "rest"}},
		{`--pw[ =]\S+`, []string{"x", "--pw", "a", "--pw=b", "rest"}, []string{"x", "***", "***", "***", "rest"}},
		{`--pw \S+`, []string{"--pw", "longer", "--pw", "b", "rest"}, []string{"***", "***", "***", "***", "rest"}},
		{`^a$`, []string{"a", "ab", "a"}, []string{"***", "ab", "***"}},
		{`x*`, []string{"a", "xx", ""}, []string{"a", "***", ""}},
		{`é+`, []string{"caf\xe9 éé"}, []string{"caf\xe9 ***"}},
		{`never`, []string{"x"}, []string{"x"}},
		{`.`, nil, nil},
	} {
		var p patterns
		if err := p.Set(c.redact); err != nil {
			t.Fatal(err)
		}
		given := append([]string(nil), c.args...)
		if d := cmp.Diff(c.want, p.of(c.args)); d != "" {
			t.Errorf("%s: -want +got\n%s", c.redact, d)
		}
		if d := cmp.Diff(given, c.args); d != "" {
			t.Errorf("%s changed what it was given: %s", c.redact, d)
		}
	}
}

func TestValuesOfOptions(t *testing.T) {
	for _, c := range []struct{ args, want, err string }{
		{"--record-max-size 1MiB", "1MiB", ""},
		{"--record-max-size 5000", "5000", ""},
		{"--record-max-size 64M", "64MiB", ""},
		{"--record-max-size 1.5G", "1536MiB", ""},
		{"--record-max-size 8MB", "8000000", ""},
		{"--record-max-size 1k", "", "less than 4KiB"},
		{"--record-max-size -1M", "", "not a size"},
		{"--record-max-size NaN", "", "not a size"},
		{"--record-max-size 9999999999G", "", "not a size"},
		{"--record-keep 0", "0", ""},
		{"--record-keep -1", "", "not a number from 0"},
		{"--socket-mode 660", "0660", ""},
		{"--socket-mode 0666", "0666", ""},
		{"--socket-mode 0777", "", "not a mode"},
		{"--socket-mode 066", "", "not a mode"},
		{"--socket-mode rw", "", "not a mode"},
		{"--redact (", "", "missing closing )"},
		{"--redact a", "", ""},
	} {
		args := strings.Fields(c.args)
		fs := (&options{}).define()
		err := fs.Parse(args)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.args, err, c.err)
		}
		if got := fs.Lookup(args[0][2:]).Value.String(); err == nil && got != c.want {
			t.Errorf("%s is shown as %s, want %s", c.args, got, c.want)
		}
	}
}

// --socket-mode lets others read the feed; without it they cannot, whatever the
// folder allows.
func TestSocketMode(t *testing.T) {
	nstest.Root(t)
	setpriv := tool(t, "setpriv")
	nc := tool(t, "nc")
	for _, c := range []struct {
		mode     string
		uid, gid string
		reads    bool
	}{
		{"0600", "12345", "12345", false},
		{"0660", "12345", "12345", false},
		{"0660", "12345", "0", true},
		{"0666", "12345", "12345", true},
		{"0600", "0", "0", true},
	} {
		w := follow(t, asSubreaper, "--socket-mode", c.mode, "sleep", "5")
		// The test's folder for it is 0700, its own is what pid1 made of it.
		if err := os.Chmod(filepath.Dir(filepath.Dir(w.socket)), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(setpriv, "--reuid", c.uid, "--regid", c.gid, "--clear-groups",
			"sh", "-c", `echo '{"op":"stats"}' | "$0" -N -U "$1"`, nc, w.socket)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), `"type":"hello"`); got != c.reads {
			t.Errorf("mode %s, uid %s, gid %s: read %q", c.mode, c.uid, c.gid, out)
		}
		w.signal(syscall.SIGTERM)
		w.status()
		w.all()
	}
}
