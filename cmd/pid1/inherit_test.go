package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/nstest"
)

// Scenario 15: what was ignored or blocked stays so, and the limit of open files
// is the one pid1 was given.
func TestInheritance(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for _, ignored := range []string{"USR1", "HUP INT QUIT", "TERM PIPE TSTP TTIN TTOU ALRM CHLD WINCH"} {
			got := status(t, shell(t, m, "trap '' "+ignored+"; exec $PID1 -- cat /proc/self/status"))
			want := status(t, program(t, m, "/bin/sh", "-c", "trap '' "+ignored+"; exec cat /proc/self/status"))
			if got["SigIgn"] != want["SigIgn"] || got["SigBlk"] != want["SigBlk"] {
				t.Errorf("%s ignored: COMMAND has %s blocked %s, without pid1 %s blocked %s",
					ignored, got["SigIgn"], got["SigBlk"], want["SigIgn"], want["SigBlk"])
			}
		}
		p := shell(t, m, "ulimit -Sn 123; exec $PID1 -- sh -c 'ulimit -Sn'").start()
		p.want(0)
		if got := p.out.String(); got != "123\n" {
			t.Errorf("limit of open files %q, want 123", got)
		}
	})
	t.Run("blocked", func(t *testing.T) {
		p := program(t, asSubreaper, os.Args[0], "-test.run=^TestHelperBlockAndExec$")
		p.cmd.Env = append(os.Environ(), "PID1_TEST_HELPER="+binary)
		if got := status(t, p)["SigBlk"]; got != "0000000400005200" {
			t.Errorf("COMMAND has %s blocked, want USR1, PIPE, TERM and 35", got)
		}
	})
}

// TestHelperBlockAndExec becomes pid1 with some signals blocked.
func TestHelperBlockAndExec(t *testing.T) {
	bin := os.Getenv("PID1_TEST_HELPER")
	if bin == "" {
		t.Skip("a helper of other tests")
	}
	runtime.LockOSThread()
	set := unix.Sigset_t{Val: [16]uint64{1<<(unix.SIGUSR1-1) | 1<<(unix.SIGPIPE-1) | 1<<(unix.SIGTERM-1) | 1<<34}}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, nil); err != nil {
		t.Fatal(err)
	}
	t.Fatal(syscall.Exec(bin, []string{"pid1", "--socket", "off", "cat", "/proc/self/status"}, os.Environ()))
}

// status runs p, which prints a /proc/PID/status, and reads it.
func status(t *testing.T, p *proc) map[string]string {
	t.Helper()
	p.start().want(0)
	fields := map[string]string{}
	for _, line := range strings.Split(p.out.String(), "\n") {
		k, v, _ := strings.Cut(line, ":")
		fields[k] = strings.TrimSpace(v)
	}
	return fields
}

// Scenario 13: pid1 does not keep open what COMMAND closes.
func TestLetsGo(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	inModes(t, func(t *testing.T, m mode) {
		p := shell(t, m, "cd "+dir+"; exec 7<>fifo; exec $PID1 -- sh -c '"+
			`exec 7>&-; pwd; while ls -l /proc/$PPID/fd | grep -q fifo || test "$(readlink /proc/$PPID/cwd)" != /; do sleep 0.01; done; echo let go'`).start()
		p.want(0)
		if got := p.out.String(); got != dir+"\nlet go\n" {
			t.Errorf("COMMAND said %q", got)
		}
	})
	t.Run("stdin", func(t *testing.T) {
		// The writer gets EPIPE once COMMAND has closed its end, though pid1 lives on.
		p := shell(t, asSubreaper, `(trap "" PIPE; while echo x 2>/dev/null; do sleep 0.01; done; echo gone >&2) 2>`+dir+`/writer | $PID1 -- sh -c 'exec <&-; until grep -q gone `+dir+`/writer; do sleep 0.01; done'`).start()
		p.want(0)
	})
}

// Scenario 14.
func TestListenPID(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		p := shell(t, m, `export LISTEN_PID=$$ LISTEN_FDS=1; exec $PID1 -- sh -c 'test "$LISTEN_PID" = $$ && echo $LISTEN_FDS'`).start()
		p.want(0)
		p = shell(t, m, `export LISTEN_PID=7654321; exec $PID1 -- sh -c 'test "$LISTEN_PID" = 7654321'`).start()
		p.want(0)
	})
}

func TestEnvironment(t *testing.T) {
	p := program(t, asSubreaper, binary, "--socket", "off", "-e", "A=flag", "-e", "B=", "-e", "A=last", "env")
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "A=outer", "KEEP=1", "PID1_LOG_LEVEL=info", "PID1_SOCKET=/x", "PID1_OTHER=kept"}
	p.start().want(0)
	got := strings.Split(strings.TrimSpace(p.out.String()), "\n")
	want := []string{"PATH=" + os.Getenv("PATH"), "KEEP=1", "PID1_OTHER=kept", "B=", "A=last"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("COMMAND's environment is\n%q\nwant\n%q", got, want)
	}
	if !strings.Contains(p.err.String(), "subreaper") {
		t.Errorf("PID1_LOG_LEVEL had no effect: %q", p.err.String())
	}
}

// Scenario 24.
func TestUser(t *testing.T) {
	nstest.Root(t)
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--user", "nobody"}, 0, "uid=65534 gid=65534 groups=65534"},
		{[]string{"--user", "65534"}, 0, "uid=65534 gid=65534 groups=65534"},
		{[]string{"-u", "4242"}, 0, "uid=4242 gid=0 groups=0"},
		{[]string{"-u", "4242:4343"}, 0, "uid=4242 gid=4343 groups=4343"},
		{[]string{"-u", "nobody", "-g", "7"}, 0, "uid=65534 gid=7"},
		{[]string{"--user-id", "11", "--group-id", "12"}, 0, "uid=11 gid=12 groups=12"},
		{[]string{"--user", "no-such-user"}, 125, "cannot find the user no-such-user: it has no entry in /etc/passwd"},
		{[]string{"--group", "no-such-group"}, 125, "cannot find the group no-such-group"},
		{[]string{"--user", "nobody:"}, 125, "no group follows"},
	} {
		p := pid1(t, asSubreaper, append(c.args, "sh", "-c",
			`echo uid=$(id -u) gid=$(id -g) groups=$(id -G); grep CapEff /proc/self/status`)...).start()
		p.want(c.status)
		if got := p.out.String() + p.err.String(); !strings.Contains(got, c.says) {
			t.Errorf("%q: %q, want %q", c.args, got, c.says)
		}
	}
}

// Scenario 21: a SIGTERM as early as can be is not lost.
func TestEarlyTERM(t *testing.T) {
	for i := range 60 {
		p := pid1(t, asSubreaper, "sleep", "60").start()
		for deadline := time.Now().Add(time.Duration(i) * 100 * time.Microsecond); time.Now().Before(deadline); {
		}
		p.signal(syscall.SIGTERM)
		p.want(143)
	}
}

// Scenario 23: asked to stop twice, during the grace, and with a COMMAND that
// forks while everything is being killed.
func TestStopTwice(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		mark := fmt.Sprintf("100%d", os.Getpid())
		p := pid1(t, m, "--grace", "200ms", "sh", "-c",
			`sh -c 'trap "" TERM; echo ready; while :; do sleep `+mark+` & sleep 0.01; done' & wait`).start()
		p.await("ready")
		p.signal(syscall.SIGTERM)
		time.Sleep(20 * time.Millisecond) // into the grace
		p.signal(syscall.SIGTERM)
		p.want(143)
		if left := running(mark); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
}

func TestTimeout(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		p := pid1(t, m, "-t", "0.1", "sh", "-c", `trap "" TERM; echo ready; while :; do sleep 0.01; done`).start()
		p.await("ready")
		p.signal(syscall.SIGTERM)
		p.want(137)
	})
}

func TestMapExitAndRewrite(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		pid1(t, m, "--map-exit", "3=0", "--map-exit", "4=44", "sh", "-c", "exit 3").start().want(0)
		pid1(t, m, "--map-exit", "143=0", "sh", "-c", "kill -TERM $$").start().want(0)

		p := pid1(t, m, "--signal", "HUP=TERM", "--signal", "sigusr1=ignore", "--signal", "10=15", "--signal", "WINCH=ignore",
			"sh", "-c", `trap 'echo term; exit 5' TERM; trap 'echo winch' WINCH; echo ready; while :; do sleep 0.01; done`).start()
		p.await("ready")
		p.signal(syscall.SIGWINCH)
		p.signal(syscall.SIGHUP)
		p.want(5)
		if got := p.out.String(); got != "ready\nterm\n" {
			t.Errorf("COMMAND got %q", got)
		}
	})
}

// Scenario 11: by default only COMMAND itself gets a signal, with --signal-target
// group its children too.
func TestSignalTarget(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for target, want := range map[string]string{"main": "ready\nmain\n", "group": "both"} {
			p := pid1(t, m, "--grace", "0", "--signal-target", target, "sh", "-c",
				`sh -c 'trap "echo child" USR1; while :; do sleep 0.01; done' & trap 'echo main; sleep 0.2; exit 0' USR1; sleep 0.1; echo ready; while :; do sleep 0.01; done`).start()
			p.await("ready")
			p.signal(syscall.SIGUSR1)
			p.want(0)
			got := p.out.String()
			if target == "group" && strings.Contains(got, "main\n") && strings.Contains(got, "child\n") {
				continue
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", target, got, want)
			}
		}
	})
}

func TestBadUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  string
		says string
	}{
		{nil, "", "no command to run"},
		{[]string{"--"}, "", "no command to run"},
		{[]string{"--bogus", "true"}, "", "unknown option --bogus"},
		{[]string{"-z", "true"}, "", "unknown option -z"},
		{[]string{"--env"}, "", "option --env needs a value"},
		{[]string{"--env", "=x", "true"}, "", `cannot use --env "=x"`},
		{[]string{"--timeout", "soon", "true"}, "", "cannot use --timeout soon: not a duration"},
		{[]string{"-t", "-1", "true"}, "", "cannot use --timeout -1"},
		{[]string{"--signal", "TERM", "true"}, "", "cannot use --signal TERM: not FROM=TO"},
		{[]string{"--signal", "NOPE=TERM", "true"}, "", "NOPE is not a signal"},
		{[]string{"--signal", "KILL=TERM", "true"}, "", "KILL never reaches"},
		{[]string{"--signal-target", "all", "true"}, "", "not one of main, group"},
		{[]string{"--map-exit", "3", "true"}, "", "cannot use --map-exit 3"},
		{[]string{"--map-exit", "256=0", "true"}, "", "cannot use --map-exit 256=0"},
		{[]string{"--subreaper", "maybe", "true"}, "", "not one of auto, on, off"},
		{[]string{"--parent-death", "SIGFOO", "true"}, "", "cannot use --parent-death SIGFOO: not a signal"},
		{[]string{"--history", "0", "true"}, "", "cannot use --history 0"},
		{[]string{"--trace", "ptrace", "true"}, "", "cannot use --trace ptrace"},
		{[]string{"--log-level", "loud", "true"}, "", "cannot use --log-level loud"},
		{[]string{"true"}, "PID1_TIMEOUT=soon", "cannot use PID1_TIMEOUT=soon"},
		{[]string{"true\x1b[31m"}, "PID1_TRACE=\x1b]0;x\a", `\x1b`},
	} {
		p := program(t, asSubreaper, binary, c.args...)
		p.cmd.Env = append(os.Environ(), c.env)
		p.start().want(125)
		if msg := p.err.String(); !strings.Contains(msg, c.says) || strings.Count(msg, "\n") != 1 || strings.Contains(msg, "\x1b") {
			t.Errorf("%q %s: %q, want one line with %q", c.args, c.env, msg, c.says)
		}
	}
}

// running lists the processes that have arg among their arguments.
func running(arg string) []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range dirs {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, a := range strings.Split(string(b), "\x00") {
			if a == arg {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// The binary is static and small in what it links.
func TestWhatPid1Links(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "net/http" || strings.HasPrefix(dep, "charm.land/") || strings.HasPrefix(dep, "github.com/charmbracelet/") {
			t.Errorf("pid1 links %s", dep)
		}
	}
}
