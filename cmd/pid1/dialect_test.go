package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests of this file need none of the programs that pid1 stands in for.

// as makes pid1 available under another name.
func as(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDialectNames(t *testing.T) {
	for _, name := range []string{"tini", "tini-static", "docker-init", "dumb-init", "catatonit"} {
		link := as(t, name)
		copied := filepath.Join(t.TempDir(), name)
		if out, err := exec.Command("cp", binary, copied).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		missing, says := 127, "tini version "
		switch name {
		case "dumb-init":
			missing, says = 2, "dumb-init v"
		case "catatonit":
			missing = 1
		}
		for _, call := range [][]string{{link}, {copied}, {binary, "--as", name}, {binary, "--as=" + name}} {
			program(t, asSubreaper, call[0], append(call[1:], "--", "sh", "-c", "exit 3")...).start().want(3)
			program(t, asSubreaper, call[0], append(call[1:], "--", "/no/such/file")...).start().want(missing)
		}
		p := program(t, asSubreaper, link, "--version").start()
		p.want(0)
		if got := p.out.String() + p.err.String(); !strings.HasPrefix(got, says) {
			t.Errorf("%s --version says %q", name, got)
		}
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--as"}, "option --as needs a value"},
		{[]string{"--as", "init", "true"}, "cannot use --as init: not one of tini,"},
		{[]string{"-v", "--as", "tini", "true"}, "unknown option --as"},
	} {
		p := program(t, asSubreaper, binary, c.args...).start()
		p.want(125)
		if got := p.err.String(); !strings.Contains(got, c.says) {
			t.Errorf("%q: %q, want %q", c.args, got, c.says)
		}
	}
}

// A dialect's messages are in its name, and pid1's own are none of the image's
// business unless asked for.
func TestDialectMessages(t *testing.T) {
	p := program(t, asSubreaper, binary, "--as", "tini", "-z").start()
	p.want(1)
	if got := p.err.String(); !strings.HasPrefix(got, "tini: invalid option -- 'z'\ntini (tini version ") {
		t.Errorf("--as tini -z says %q", got)
	}
	for _, level := range []string{"", "warn"} {
		p := program(t, asInit, as(t, "tini"), "--", "true")
		p.cmd.Env = append(os.Environ(), "PID1_SOCKET=/proc/no/place", "PID1_LOG_LEVEL="+level)
		if level == "" {
			p.cmd.Env = p.cmd.Env[:len(p.cmd.Env)-1]
		}
		p.start().want(0)
		if got := p.err.String(); strings.Contains(got, "cannot listen on /proc/no/place") != (level == "warn") {
			t.Errorf("PID1_LOG_LEVEL %q: %q", level, got)
		}
	}
}

// Observation is set by PID1_ variables in every dialect, and nothing else is.
func TestDialectObservation(t *testing.T) {
	for _, name := range dialectNames() {
		link := as(t, name)
		socket := filepath.Join(t.TempDir(), "feed.sock")
		p := program(t, asInit, link, "--", "sh", "-c", `test -S "$PID1_SOCKET" && echo "$PID1_SOCKET ${PID1_HISTORY-unset}"; exit 3`)
		p.cmd.Env = append(os.Environ(), "PID1_SOCKET="+socket, "PID1_HISTORY=7", "PID1_MAP_EXIT=3=0", "PID1_USER=no-such-user")
		p.start().want(3)
		if got := p.out.String(); got != socket+" unset\n" {
			t.Errorf("%s: COMMAND said %q", name, got)
		}
		if got := p.err.String(); got != "" {
			t.Errorf("%s said %q", name, got)
		}
		p = program(t, asInit, link, "--", "true")
		p.cmd.Env = append(os.Environ(), "PID1_TRACE=bogus")
		p.start().want(1)
		if got := p.err.String(); !strings.Contains(got, "cannot use PID1_TRACE=bogus") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s said %q", name, got)
		}
	}
}

// What the dialects do that pid1 itself does not, without the originals to
// compare with.
func TestDialectWays(t *testing.T) {
	run := func(name string, m mode, args []string, do func(*peer)) outcome {
		t.Helper()
		path := as(t, name)
		p := launch(t, m, name, path, append(args, "--", os.Args[0]), []string{probeVar + "=main"}, false)
		do(p)
		return p.outcome(false)
	}
	has := func(o outcome, who, line string) bool {
		return strings.Contains(strings.Join(o.Out[who], "\n"), line)
	}
	exit := func(p *peer) { p.ready(); p.exit(3) }

	o := run("dumb-init", asSubreaper, nil, exit)
	if !has(o, "main", "its session true") || !has(o, "child", "got SIGTERM") || has(o, "daemon", "got SIGTERM") || o.Status != "exit 3" {
		t.Errorf("dumb-init: want a session, and TERM to its group in the end: %+v", o)
	}
	o = run("dumb-init", asSubreaper, []string{"-c"}, exit)
	if !has(o, "main", "its session false; group of parent true") || has(o, "child", "got SIGTERM") {
		t.Errorf("dumb-init -c: want the same group, and no TERM in the end: %+v", o)
	}
	for _, name := range []string{"tini", "catatonit"} {
		o = run(name, asSubreaper, nil, exit)
		if !has(o, "main", "leads its group true, its session false") || has(o, "child", "got SIGTERM") || len(o.Notes) != 3 {
			t.Errorf("%s: want a group, and the rest left alone: %+v", name, o)
		}
		o = run(name, asSubreaper, nil, func(p *peer) {
			p.ready()
			p.send(unix.SIGABRT)
			<-p.done
		})
		if o.Status != "signal SIGABRT" || has(o, "main", "got SIGABRT") {
			t.Errorf("%s: want it to be ended by SIGABRT, and COMMAND not: %+v", name, o)
		}
	}
	o = run("dumb-init", asSubreaper, nil, func(p *peer) {
		p.ready()
		main := p.main()
		_ = p.cmd.Process.Signal(unix.SIGTSTP)
		p.until("both to be stopped", func() bool { return stopped(main) && stopped(p.cmd.Process.Pid) })
		p.wake()
		p.exit(0)
	})
	if o.Status != "exit 0" {
		t.Errorf("dumb-init was suspended and continued: %+v", o)
	}
}

// COMMAND starts where pid1 was started, and never finds pid1 there, however soon
// it looks; a name with a slash is looked up from there.
func TestDirectoryIsLeft(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/bin/sh", filepath.Join(dir, "sh")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lost"), []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pid1", "dumb-init"} {
		link := as(t, name)
		for range 20 {
			p := program(t, asSubreaper, link, "./sh", "-c", "readlink /proc/$PPID/cwd /proc/$$/cwd")
			p.cmd.Dir = dir
			p.start().want(0)
			if got, want := p.out.String(), "/\n"+dir+"\n"; got != want {
				t.Fatalf("%s: the directories are %q, want %q", name, got, want)
			}
		}
	}
	p := pid1(t, asSubreaper, "./lost")
	p.cmd.Dir = dir
	p.start().want(127)
	if got := p.err.String(); !strings.Contains(got, "the interpreter or loader it names does not exist") {
		t.Errorf("a script without its interpreter: %q", got)
	}
}

// Where the C library is musl, options are not looked for after COMMAND.
func TestMixesOptions(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{
		"\x7fELF\x02 … /lib64/ld-linux-x86-64.so.2\x00": false,
		"\x7fELF\x02 … /lib/ld-musl-x86_64.so.1\x00":    true,
		"": false,
		strings.Repeat("x", 4090) + "/lib/ld-musl-x86_64.so.1": false,
	} {
		path := filepath.Join(dir, "sh")
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := usesMusl(path); got != want {
			t.Errorf("usesMusl of %.50q: %t", text, got)
		}
	}
	if usesMusl(filepath.Join(dir, "none")) {
		t.Error("no file uses musl")
	}
	if mixesOptions(&call{env: []string{"POSIXLY_CORRECT="}}) {
		t.Error("POSIXLY_CORRECT has no effect")
	}
}
