package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"pid1/internal/early"
	"pid1/internal/nstest"
)

// The tests of this file run tini, dumb-init and catatonit and, under their
// names, pid1, with the same arguments, environment and signals, and compare
// what comes of it. docs/dialects.md lists the differences that are meant.

// peerCase is a run of a program and what happens to it.
type peerCase struct {
	name  string
	args  []string // before COMMAND, if probe is set
	probe bool     // COMMAND is the probe
	env   []string
	tty   bool
	shell string // starts the program, which is "$@", with other files or on its own
	// inherit starts the program with signals blocked and ignored.
	inherit bool
	words   bool // messages are compared to the letter
	modes   []mode
	do      func(*peer)
	// without takes from an outcome what is chance or, with a reason in differs,
	// is not the same.
	differs string
	without func(*outcome)
}

// comparePeers runs the cases with the program and with pid1 under its name.
func comparePeers(t *testing.T, program string, cases []peerCase) {
	t.Helper()
	if early.Known() {
		t.Skip("COMMAND is this test binary, which without cgo blocks signals before it starts: run with cgo")
	}
	real, err := exec.LookPath(program)
	if err != nil {
		nstest.Lacking(t, "peers", err.Error())
	}
	ours := filepath.Join(t.TempDir(), program)
	if err := os.Symlink(binary, ours); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		modes := c.modes
		if modes == nil {
			modes = []mode{asInit, asSubreaper}
		}
		for _, m := range modes {
			t.Run(fmt.Sprintf("%s/%s", c.name, m), func(t *testing.T) {
				t.Parallel()
				want, got := c.run(t, m, program, real), c.run(t, m, program, ours)
				// Some of it is a race between the program and who stops it, for both of
				// them: a difference is one that comes every time.
				for again := 0; again < 3 && !c.same(want, got); again++ {
					want, got = c.run(t, m, program, real), c.run(t, m, program, ours)
				}
				if c.differs != "" && cmp.Equal(want, got) {
					t.Errorf("no difference any more, though: %s", c.differs)
				}
				c.leaveOut(&want, &got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("pid1 is not %s: -%[1]s +pid1\n%s", program, diff)
				}
			})
		}
	}
}

// same reports whether the outcomes are what the case says they should be.
func (c *peerCase) same(want, got outcome) bool {
	if c.differs != "" && cmp.Equal(want, got) {
		return false
	}
	c.leaveOut(&want, &got)
	return cmp.Equal(want, got)
}

func (c *peerCase) leaveOut(outcomes ...*outcome) {
	if c.without == nil {
		return
	}
	for _, o := range outcomes {
		c.without(o)
	}
}

func (c *peerCase) run(t *testing.T, m mode, name, path string) outcome {
	t.Helper()
	args, env := slices.Clone(c.args), slices.Clone(c.env)
	if c.probe {
		args, env = append(args, "--", os.Args[0], "one", "-two"), append(env, probeVar+"=main")
	}
	if c.inherit {
		path, name, args = os.Args[0], os.Args[0], append([]string{path, name}, args...)
		env = append(env, probeVar+"=inherit")
	}
	if c.shell != "" {
		path, name, args = "/bin/bash", "bash", append([]string{"-c", c.shell, "bash", path}, args...)
	}
	p := launch(t, m, name, path, args, env, c.tty)
	if c.do != nil {
		c.do(p)
	} else if !c.tty { // there it would be a hang-up
		p.input.Close()
	}
	return p.outcome(c.words)
}

// lines makes cases of command lines: words separated by spaces, where ” is an
// empty word, _ a space inside one and VAR=value in front the environment.
func lines(commands ...string) []peerCase {
	var cases []peerCase
	for _, line := range commands {
		c := peerCase{name: line}
		for _, word := range strings.Fields(line) {
			word = strings.ReplaceAll(strings.ReplaceAll(word, "''", ""), "_", " ")
			if k, _, ok := strings.Cut(word, "="); ok && len(c.args) == 0 && strings.ToUpper(k) == k && k[0] != '-' {
				c.env = append(c.env, strings.ReplaceAll(k, " ", "_")+word[len(k):])
				continue
			}
			c.args = append(c.args, word)
		}
		if c.name == "" {
			c.name = "no arguments"
		}
		c.modes = []mode{asSubreaper}
		cases = append(cases, c)
	}
	return cases
}

func TestPeerTini(t *testing.T) {
	comparePeers(t, "tini", slices.Concat(
		programs(t, "--"),
		lines("", "--version", "--version x", "--version --", "-z", "-z true", "--help", "--", "-- --", "- x", "-s", "-- -- true",
			"sh -c exit_3", "-- sh -c exit_3", "POSIXLY_CORRECT=1 sh -c exit_3", "true -z", "echo -v a", "echo a -- -v b", "echo a -sgv",
			"-e", "-e 3", "-e 3 -- sh -c exit_3", "-e3 -- sh -c exit_3", "-e 3 -e 4 -- sh -c exit_4", "-e 5 -- sh -c exit_3",
			"-sge3 -- sh -c exit_3", "-e 256 true", "-e -1 true", "-e x true", "-e '' false", "-e _1 false", "-e 1_ false", "-e +1 false",
			"-e 0x1 false", "-e 99999999999999999999 true", "-e 143 -- sh -c kill_$$", "-e 127 /no/such/file", "-e 126 /etc", "-e 1 ''",
			"-p SIGKILL true", "-p SIGSYS true", "-p TERM true", "-p sigterm true", "-p SIGPWR true", "-p 9 true", "-p", "-p ''",
			"-v true", "-vv true", "-vvv true", "-vvvv true", "-vs true", "-vw true", "-w true", "-g true", "true -s -v",
			"TINI_VERBOSITY=0 true", "TINI_VERBOSITY=1 true", "TINI_VERBOSITY=3 true", "TINI_VERBOSITY=3 -s true", "TINI_VERBOSITY=x true", "TINI_VERBOSITY= true",
			"TINI_VERBOSITY=-1 true", "TINI_VERBOSITY=_2x true", "TINI_VERBOSITY=0 -vvv true", "TINI_VERBOSITY=0 /no/such/file",
			"TINI_SUBREAPER= env", "TINI_SUBREAPER=0 true", "TINI_KILL_PROCESS_GROUP= env"),
		differently("the help is pid1's own", noOutput, lines("-h")),
		differently("so is the license", noOutput, lines("-l")),
		[]peerCase{{
			name: "directory", differs: "pid1 keeps no directory busy", without: noNotes,
			env: alone(nil), probe: true,
			do: func(p *peer) {
				p.ready()
				p.send(unix.SIGUSR1) // from when that arrives, the program is past its start
				p.await("main: got SIGUSR1")
				dir, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.cmd.Process.Pid))
				p.note("directory %s", dir)
				p.exit(0)
			},
		}, {
			name: "closed standard input", differs: "tini fails on it; the Go runtime opens /dev/null instead", without: nothing,
			args: []string{"--", "true"}, shell: `exec "$@" <&-`,
		}, {
			name: "background", differs: "tini takes the terminal from who has it", without: noOutput,
			args: []string{"--", "sh", "-c", inFront}, tty: true, shell: `set -m; "$@" & wait`,
		}, {
			name: "stopped COMMAND", differs: "pid1 is stopped with COMMAND, so that a shell notices", without: noNotes,
			args: []string{"--", "sh", "-c", "echo ready; kill -TSTP $$; echo on"}, tty: true, modes: []mode{asSubreaper},
			do: func(p *peer) {
				p.await("ready")
				main := p.main()
				p.until("COMMAND to be stopped", func() bool { return stopped(main) })
				for range 50 { // one of them never is
					if !stopped(p.cmd.Process.Pid) {
						time.Sleep(2 * time.Millisecond)
					}
				}
				p.note("stopped: %t", stopped(p.cmd.Process.Pid))
				_ = p.cmd.Process.Signal(unix.SIGCONT)
			},
		}, {
			name: "warning of reaps", args: []string{"-s", "-w", "--", "sh", "-c", "(true &) ; sleep 0.2"}, words: true,
		}, {
			name: "death of the parent", args: []string{"-p", "SIGUSR1"}, env: alone(nil), probe: true, shell: `"$@" <&0 & wait`, modes: []mode{asSubreaper},
			do: func(p *peer) {
				p.ready()
				_ = p.cmd.Process.Kill()
				p.await("main: got SIGUSR1")
			},
		}, {
			name: "socket activation", differs: "tini keeps LISTEN_PID, which is then not COMMAND's", without: noOutput,
			args: []string{"--", "sh", "-c", `test "$LISTEN_PID" != $$ || echo mine`}, shell: `LISTEN_PID=$$ exec "$@"`,
		}},
		signals("plain", false, nil, nil),
		signals("-g", true, []string{"-g"}, nil),
		signals("-s", false, []string{"-s"}, nil),
		signals("TINI_KILL_PROCESS_GROUP", true, nil, []string{"TINI_KILL_PROCESS_GROUP=", "TINI_SUBREAPER="}),
		states("plain", false, nil, nil),
		states("-g -s", true, []string{"-g", "-s"}, nil),
		states("TINI_SUBREAPER", false, nil, []string{"TINI_SUBREAPER="}),
		inheriting(),
	))
}

func TestPeerDumbInit(t *testing.T) {
	comparePeers(t, "dumb-init", slices.Concat(
		programs(t),
		inWords(lines("", "-h", "--help", "--hel", "-V", "--version", "--ver", "--vers", "-V true", "-z", "-z true", "--yolo true", "--help=x", "--", "-- --",
			"- x", "sh -c exit_3", "-- sh -c exit_3", "echo -v a", "echo a -- b", "-c true", "--single-child true", "--s true", "-cv true", "-vc true",
			"-r", "-r ''", "-r x true", "-r 15 true", "-r 15:", "-r 15:2 true", "-r15:2 true", "-r _15:_2 true", "-r 15_:2 true", "-r 15:2x true",
			"-r 15:x true", "-r 15::2 true", "-r 0:1 true", "-r 1:0 true", "-r 31:31 true", "-r 32:1 true", "-r 1:32 true", "-r -1:1 true", "-r +1:+2 true",
			"-r 15:2:3 true", "--rewrite", "--rewrite=15:2 true", "--rewrite 15:2 true", "--rew 15:2 true", "--rewrite= true", "-r 9:15 true",
			"DUMB_INIT_DEBUG=1 -c true", "DUMB_INIT_DEBUG=1 DUMB_INIT_SETSID=0 true", "DUMB_INIT_DEBUG=0 true", "DUMB_INIT_DEBUG= env", "DUMB_INIT_DEBUG=yes true",
			"DUMB_INIT_SETSID=0 env", "DUMB_INIT_SETSID=1 env", "DUMB_INIT_SETSID= true", "DUMB_INIT_DEBUG=1 --nope", "/no/such/file", "-c /no/such/file",
			"-v -c false", "-vc -- sh -c kill_$$", "POSIXLY_CORRECT=1 true -v")),
		lines("-v true", "--verbose false", "--verb true", "-v -- sh -c kill_$$", "-v /no/such/file", "DUMB_INIT_DEBUG=1 true"),
		signals("plain", true, nil, nil, stops...),
		signals("-c", false, []string{"-c"}, nil, stops...),
		signals("-r", true, []string{"-r", "15:2", "-r", "2:15", "-r", "1:0", "-r", "3:23", "-r", "23:3", "-r", "10:1", "-r", "28:17"}, nil, stops...),
		signals("-v", true, []string{"-v"}, nil, stops...),
		signals("DUMB_INIT_SETSID=0", false, nil, []string{"DUMB_INIT_SETSID=0"}, stops...),
		suspends("plain", nil, nil),
		suspends("-c", []string{"-c"}, nil),
		suspends("-r", []string{"-r", "20:1", "-r", "21:0", "-r", "22:2"}, nil),
		suspends("DUMB_INIT_SETSID=0", nil, []string{"DUMB_INIT_SETSID=0"}),
		states("plain", false, nil, nil),
		once(states("-c", false, []string{"-c"}, nil)),
		states("-r", false, []string{"-r", "15:12"}, nil),
		inheriting(),
		inheriting("-c"),
	))
}

func TestPeerCatatonit(t *testing.T) {
	comparePeers(t, "catatonit", slices.Concat(
		programs(t, "--"),
		lines("", "-V", "--version", "--vers", "--v", "-V true", "-z", "-z true", "--help", "--", "-- --", "- x", "sh -c exit_3", "-- sh -c exit_3",
			"POSIXLY_CORRECT=1 sh -c exit_3", "true -z", "echo -g a", "-g true", "-gV", "true --version",
			"CATATONIT_LOG= true", "CATATONIT_LOG=x --version", "--version=x"),
		differently("messages for debugging are pid1's own", noWords, lines("CATATONIT_DEBUG= true", "CATATONIT_DEBUG=0 env", "CATATONIT_DEBUG=1 /no/such/file")),
		differently("the help is pid1's own", noWords, inWords(lines("-h"))),
		differently("so is the license", noOutput, lines("-L")),
		signals("plain", false, nil, nil),
		signals("-g", true, []string{"-g"}, nil),
		states("plain", false, nil, nil),
		states("-g", true, []string{"-g"}, nil),
		pauses(),
		inheriting(),
	))
}

// differently marks cases that end otherwise, for a reason, but for what without
// leaves.
func differently(reason string, without func(*outcome), cases []peerCase) []peerCase {
	for i := range cases {
		cases[i].differs, cases[i].without = reason, without
	}
	return cases
}

func noOutput(o *outcome) { o.Out = nil }
func noWords(o *outcome)  { o.Words, o.Err = nil, "" }
func noNotes(o *outcome)  { o.Notes = nil }
func nothing(o *outcome)  { *o = outcome{} }

// inFront is a COMMAND that says whether its group has the terminal, from
// proc_pid_stat(5).
const inFront = `read -r pid comm state ppid pgrp session tty tpgid rest </proc/$$/stat; test $pgrp = $tpgid && echo front || echo back`

// inWords compares messages to the letter.
func inWords(cases []peerCase) []peerCase {
	for i := range cases {
		cases[i].words = true
	}
	return cases
}
