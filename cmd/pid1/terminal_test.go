package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Scenario 10: with a terminal, pid1 behaves as if it were not there.

// terminal is a pseudo terminal with a program on it.
type terminal struct {
	*proc
	master *os.File
}

// onTerminal starts p as leader of a session on a new terminal.
func onTerminal(t *testing.T, p *proc) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if p.container != "" {
		p.cmd.Args = slices.Insert(p.cmd.Args, 2, "-t", "--env", "PS1", "--env", "TERM", "--env", "HISTFILE")
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	if p.cmd.SysProcAttr == nil {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	p.cmd.SysProcAttr.Setsid, p.cmd.SysProcAttr.Setctty, p.cmd.SysProcAttr.Ctty = true, true, 0
	if p.cmd.Env == nil {
		p.cmd.Env = os.Environ()
	}
	p.cmd.Env = append(p.cmd.Env, "PS1=ready$ ", "TERM=dumb", "HISTFILE=", "PID1="+binary+" --socket off")
	p.start()
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			p.out.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	return &terminal{p, master}
}

// say types text and waits for what answers it.
func (tt *terminal) say(text, answer string) {
	tt.t.Helper()
	tt.out.reset()
	if _, err := tt.master.WriteString(text); err != nil {
		tt.t.Fatal(err)
	}
	tt.await(answer)
}

func interactiveShell(t *testing.T) []string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here to try job control with")
	}
	return []string{bash, "--norc", "--noprofile", "--noediting", "-i"}
}

func TestShellOnTerminal(t *testing.T) {
	sh := interactiveShell(t)
	inModes(t, func(t *testing.T, m mode) {
		tt := onTerminal(t, pid1(t, m, append([]string{"--"}, sh...)...))
		tt.await("ready$ ")
		if strings.Contains(tt.out.String(), "no job control") {
			t.Fatalf("the shell has no job control: %s", tt.out.String())
		}
		// "u\p" becomes "up" when the job runs, not by the terminal's echo.
		tt.say("sh -c 'echo u\\p; exec sleep 100'\n", "up\r\n")
		tt.say("\x03", "ready$ ")
		tt.say("echo status $?\n", "status 130")
		tt.say("sh -c 'trap \"echo con\\t\" CONT; echo u\\p; while :; do :; done'\n", "up\r\n")
		tt.say("\x1a", "Stopped")
		tt.say("fg\n", "cont\r\n")
		tt.say("\x03", "ready$ ")
		tt.say("trap 'echo WINCHED' WINCH\n", "ready$ ")
		if err := unix.IoctlSetWinsize(int(tt.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 77}); err != nil {
			t.Fatal(err)
		}
		// The new size may take its way, through Docker's client for example.
		tt.say("until test \"$(stty size)\" = '33 77'; do sleep 0.05; done; echo re\\sized\n", "resized\r\n")
		tt.say("exit 3\n", "exit")
		tt.want(3)
	})
}

// The keys of the terminal reach COMMAND once, and not twice by way of pid1.
func TestTerminalKeys(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		tt := onTerminal(t, pid1(t, m, "sh", "-c",
			`trap 'echo int' INT; trap 'echo quit' QUIT; echo ready; while :; do sleep 0.01; done`))
		tt.await("ready")
		tt.say("\x03", "int\r\n")
		tt.say("\x1c", "quit\r\n")
		tt.say("\x03", "int\r\n")
		tt.signal(syscall.SIGKILL)
		tt.status()
		if got := tt.out.String(); strings.Count(got, "int") != 1 || strings.Contains(got, "quit") {
			t.Errorf("COMMAND got more than was typed: %q", got)
		}
	})
}

// Started from a shell, pid1 is suspended and continued together with COMMAND.
func TestSuspendedWithCommand(t *testing.T) {
	tt := onTerminal(t, program(t, asSubreaper, interactiveShell(t)[0], interactiveShell(t)[1:]...))
	tt.await("ready$ ")
	tt.say("$PID1 -- sh -c 'trap \"echo con\\t\" CONT; echo u\\p; while :; do :; done'\n", "up\r\n")
	tt.say("\x1a", "Stopped")
	tt.say("jobs\n", "Stopped")
	tt.say("fg\n", "cont\r\n")
	tt.say("\x1a", "Stopped")
	tt.say("bg\n", "cont\r\n")
	tt.say("fg\n", "$PID1 --") // no signal: the shell does not wake what runs
	tt.say("\x03", "ready$ ")
	tt.say("echo status $?\n", "status 130")
	// Started in the background and brought to the front.
	tt.say("$PID1 -- sh -c 'read line; echo read $line' &\n", "ready$ ")
	// The shell tells that it was stopped when it likes to, with the same words as fg.
	tt.say("sleep 0.5; jobs; echo to\\ld\n", "told\r\n")
	tt.say("fg\n", "$PID1 --")
	tt.say("some words\n", "read some words")
	tt.say("exit 0\n", "exit")
	tt.want(0)
}

// A terminal that goes away ends COMMAND and with it pid1.
func TestHangUp(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		if m == asDocker {
			return // Docker keeps the container's terminal when its client goes
		}
		tt := onTerminal(t, pid1(t, m, "sh", "-c", `echo ready; while :; do sleep 0.01; done`))
		tt.await("ready")
		tt.master.Close()
		tt.want(129)
	})
}

// A start on a terminal never raises a hang-up or a stop of its own.
func TestStartsOnTerminal(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		rounds := 30
		if m == asDocker {
			rounds = 5
		}
		for range rounds {
			onTerminal(t, pid1(t, m, "sh", "-c", "trap 'exit 9' HUP CONT TTOU TTIN; stty -a >/dev/null; exit 4")).want(4)
		}
	})
}

// A terminal in the background is left where it is, and does not stop pid1.
func TestBackground(t *testing.T) {
	tt := onTerminal(t, program(t, asSubreaper, interactiveShell(t)[0], interactiveShell(t)[1:]...))
	tt.await("ready$ ")
	tt.say("stty tostop; $PID1 -v -- sh -c 'exit 5' & wait $!; echo status $?\n", "status 5")
	tt.say("exit 0\n", "exit")
	tt.want(0)
}
