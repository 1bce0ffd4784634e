package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
)

// What is tried with every program, or with several.

// programs are COMMANDs that cannot be run, or only in a way.
func programs(t *testing.T, args ...string) []peerCase {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "echo hi\n", 0o644)
	bare := write("bare", "echo no interpreter; exit 6\n", 0o755)
	lost := write("lost", "#!/no/such/interpreter\n", 0o755)
	var cases []peerCase
	for _, c := range [][]string{
		{"/no/such/file"}, {"no-such-program"}, {"/etc"}, {plain}, {bare, "a"}, {lost},
		{"/etc/passwd/x"}, {""}, {"."}, {"./bin/true"}, {"bin/true"}, {strings.Repeat("x", 300)},
		{"sh", "-c", "exit 0"}, {"sh", "-c", "exit 255"}, {"sh", "-c", "kill -KILL $$"}, {"sh", "-c", "kill -SEGV $$"},
		{"sh", "-c", `pwd; echo "$@"`, "a", "", "b c"}, {"env"},
		{"cat", "/proc/1/comm"},
		{"sh", "-c", "test -e /dev/fd/7; echo $?; cat"},
	} {
		cases = append(cases, peerCase{name: "runs " + c[0] + " " + c[len(c)-1], args: append(slices.Clone(args), c...)})
	}
	return append(cases, peerCase{
		name: "a program in PATH that may not be run", args: append(slices.Clone(args), "plain"), env: []string{"PATH=" + dir},
	}, peerCase{
		name: "another in PATH that may", args: append(slices.Clone(args), "true"), env: []string{"PATH=" + dir + ":/bin"},
	}, peerCase{
		name: "no PATH", args: append(slices.Clone(args), "true"), env: []string{"PATH"},
	})
}

// sent are the signals a program is sent one after another: all that can be sent
// and caught, but those it may die of.
func sent(except ...syscall.Signal) []syscall.Signal {
	skip := faults | libcSignals | sigset(unix.SIGKILL, unix.SIGSTOP) | sigset(except...)
	var list []syscall.Signal
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if skip>>(sig-1)&1 == 0 {
			list = append(list, sig)
		}
	}
	return list
}

var stops = []syscall.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// signals are the cases of each signal. group says that COMMAND's group gets them.
func signals(name string, group bool, args, env []string, except ...syscall.Signal) []peerCase {
	cases := []peerCase{{
		name: name + ": all signals", args: args, env: env, probe: true,
		do: func(p *peer) {
			p.ready()
			sync := func(n int) {
				p.send(unix.SIGUSR2)
				p.count("main: got SIGUSR2", n)
				if group {
					p.count("child: got SIGUSR2", n)
				}
			}
			// SIGCONT takes back stop signals that are still pending, and they it.
			p.send(sent(append(except, unix.SIGCONT, unix.SIGUSR2)...)...)
			sync(1)
			p.send(unix.SIGCONT)
			sync(2)
			p.exit(7)
		},
	}, {
		name: name + ": signals of faults", args: args, env: alone(env), probe: true, modes: []mode{asInit},
		do: func(p *peer) {
			p.ready()
			for sig := syscall.Signal(1); sig <= 64; sig++ {
				if (faults|libcSignals)>>(sig-1)&1 != 0 {
					p.send(sig)
				}
			}
			p.send(unix.SIGUSR2)
			p.count("main: got SIGUSR2", 1)
			p.exit(4)
		},
	}}
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		// With the race detector COMMAND, this test binary, has a C library that
		// keeps its own signals to itself.
		if (faults|libcSignals)>>(sig-1)&1 == 0 || raceDetector && libcSignals>>(sig-1)&1 != 0 {
			continue
		}
		cases = append(cases, peerCase{
			name: fmt.Sprint(name, ": signal ", int(sig)), args: args, env: alone(env), probe: true, modes: []mode{asSubreaper},
			do: func(p *peer) {
				p.ready()
				p.send(sig)
				p.until("something to happen", func() bool { return strings.Contains(p.out.String(), "main: got ") || p.ended() })
				if !p.ended() {
					p.exit(4)
				}
			},
		})
	}
	return cases
}

func alone(env []string) []string { return append(slices.Clone(env), "PROBE_ALONE=1") }

// states are the cases of what COMMAND is given, who is adopted, who lives on and
// what a terminal does. group says that COMMAND's group gets the signals.
func states(name string, group bool, args, env []string) []peerCase {
	terminal := func(p *peer) {
		p.ready()
		for _, key := range []struct{ typed, signal string }{{"\x03", "SIGINT"}, {"\x1c", "SIGQUIT"}, {"\x1a", "SIGTSTP"}} {
			_, _ = p.input.WriteString(key.typed)
			p.await("main: got "+key.signal, "child: got "+key.signal)
		}
		if slices.Contains(args, "-c") && p.mode == asSubreaper {
			// dumb-init got the key as well.
			p.until("the program to be stopped", func() bool { return stopped(p.cmd.Process.Pid) })
		}
		p.wake()
		_ = unix.IoctlSetWinsize(int(p.input.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77})
		p.await("main: got SIGWINCH", "child: got SIGWINCH")
	}
	return []peerCase{{
		name: name + ": exit", args: args, env: env, probe: true,
		do: func(p *peer) { p.ready(); p.exit(9) },
	}, {
		name: name + ": orphan", args: args, env: alone(env), probe: true,
		do: func(p *peer) {
			p.ready()
			_, _ = p.input.WriteString("orphan\n")
			p.await("orphan: adopted")
			p.exit(0)
		},
	}, {
		name: name + ": terminal", args: args, env: env, probe: true, tty: true,
		do: func(p *peer) { terminal(p); p.exit(3) },
	}, {
		name: name + ": hang-up", args: args, env: env, probe: true, tty: true, without: onceEach,
		do: func(p *peer) {
			p.ready()
			main := p.main()
			p.input.Close()
			p.await("main: got SIGHUP", "main: got SIGCONT")
			if group {
				p.await("child: got SIGHUP", "child: got SIGCONT")
			}
			p.last = p.out.String()
			_ = syscall.Kill(main, syscall.SIGKILL)
		},
	}}
}

// once is for cases where COMMAND gets a signal from the terminal and from the
// program: two of a kind may become one before they are delivered.
func once(cases []peerCase) []peerCase {
	for i := range cases {
		cases[i].without = onceEach
	}
	return cases
}

// onceEach keeps one line of each signal.
func onceEach(o *outcome) {
	for who, list := range o.Out {
		for i := range list {
			list[i] = strings.TrimSuffix(list[i], " by the kernel")
		}
		slices.Sort(list)
		o.Out[who] = slices.Compact(list)
	}
}

// inheriting are the cases of what COMMAND gets as the program got it.
func inheriting(args ...string) []peerCase {
	show := func(command ...string) []string { return append(slices.Clone(args), command...) }
	return []peerCase{{
		name: "inherited signals", inherit: true, args: show("--", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"),
	}, {
		name: "inherited limits", shell: `ulimit -Sn 123; ulimit -Hn 456; exec "$@"`, args: show("--", "sh", "-c", "ulimit -Sn; ulimit -Hn"),
	}, {
		name: "inherited files", shell: `exec 7</dev/null 9>/dev/null; exec "$@"`, args: show("--", "sh", "-c", "cd /proc/self/fd; echo 7* 9*"),
	}}
}

// suspends are the cases of the signals that stop dumb-init itself.
func suspends(name string, args, env []string) []peerCase {
	var cases []peerCase
	for _, sig := range stops {
		cases = append(cases, peerCase{
			name: name + ": " + siginfo.Name(sig), args: args, env: alone(env), probe: true,
			do: func(p *peer) {
				p.ready()
				main := p.main()
				_ = p.cmd.Process.Signal(sig)
				if !slices.Contains(args, fmt.Sprint(int(sig), ":0")) {
					// A SIGCONT takes back a stop signal that is still pending.
					p.until("COMMAND to be told", func() bool { return stopped(main) || strings.Contains(p.out.String(), "main: got ") })
				}
				if p.mode == asSubreaper {
					p.until("the program to be stopped", func() bool { return stopped(p.cmd.Process.Pid) })
				}
				p.note("program stopped %t", stopped(p.cmd.Process.Pid))
				p.wake()
				p.note("program stopped %t, COMMAND %t", stopped(p.cmd.Process.Pid), stopped(main))
				p.send(unix.SIGUSR2)
				p.await("main: got SIGUSR2")
				p.exit(6)
			},
		})
	}
	return cases
}

// pauses are the cases of catatonit -P.
func pauses() []peerCase {
	var cases []peerCase
	for _, c := range []struct {
		args []string
		sig  syscall.Signal
	}{
		{[]string{"-P"}, unix.SIGTERM}, {[]string{"-P"}, unix.SIGINT}, {[]string{"-gP", "false"}, unix.SIGTERM},
		{[]string{"-P", "--", "/no/such/file"}, unix.SIGINT},
	} {
		cases = append(cases, peerCase{
			name: fmt.Sprint("pause ", c.args, " ", c.sig), args: c.args,
			do: func(p *peer) {
				// Before this it can be lost to a signal.
				p.until("the program to be ready", func() bool {
					proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
					exe, _ := os.Readlink(proc + "exe")
					dir, _ := os.Readlink(proc + "cwd")
					return dir == "/" || filepath.Base(exe) == "catatonit" && p.status()["SigBlk"] != strings.Repeat("0", 16)
				})
				p.send(unix.SIGHUP, unix.SIGUSR1, unix.SIGCHLD, unix.SIGTSTP, 40)
				p.note("children %v, lives %t", p.main(), p.status() != nil)
				p.send(c.sig)
			},
		})
	}
	return cases
}
