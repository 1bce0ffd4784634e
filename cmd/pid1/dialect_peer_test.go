package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/nstest"
	"pid1/internal/siginfo"
)

// peer is a program under comparison, running.
type peer struct {
	t     *testing.T
	mode  mode
	cmd   *exec.Cmd
	last  string   // what had been said when COMMAND was told to exit
	input *os.File // what the program reads
	out   lockedBuffer
	err   lockedBuffer
	done  chan struct{}

	readers sync.WaitGroup
	notes   []string
}

// outcome is what is compared.
type outcome struct {
	Status string
	Out    map[string][]string // lines by who said them
	Words  []string            // prefixes of messages on stderr, each once; "message" for others
	Err    string              // all of stderr, where it is compared
	Notes  []string
}

// launch starts path, called name, with args.
func launch(t *testing.T, m mode, name, path string, args, env []string, tty bool) *peer {
	t.Helper()
	p := &peer{t: t, mode: m, done: make(chan struct{})}
	if m == asInit {
		p.cmd = nstest.Command(t, path, args...)
		p.cmd.Args[2] = name
	} else {
		p.cmd = exec.Command(path, args...)
		p.cmd.Args[0] = name
	}
	p.cmd.Dir = "/usr"
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/", "PID1_SOCKET=off"}, env...)
	stdin, stdout, stderr := p.stdin(tty), p.pipe(&p.out), p.pipe(&p.err)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{stdin, stdout, stderr} {
		f.Close()
	}
	t.Cleanup(p.end)
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// pipe returns the end to write to of one that is read into b. What outlives the
// program can still be heard.
func (p *peer) pipe(b *lockedBuffer) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.readers.Go(func() { _, _ = io.Copy(b, r) })
	p.t.Cleanup(func() { r.Close() })
	return w
}

// stdin returns the program's standard input: a pipe, or a terminal that is its
// own as the leader of a session.
func (p *peer) stdin(tty bool) *os.File {
	if !tty {
		r, w, err := os.Pipe()
		if err != nil {
			p.t.Fatal(err)
		}
		p.input = w
		p.t.Cleanup(func() { w.Close() })
		return r
	}
	master, slave := openPty(p.t)
	if a, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS); err == nil {
		a.Lflag &^= unix.ECHO
		_ = unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, a)
	}
	if p.cmd.SysProcAttr == nil {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	p.cmd.SysProcAttr.Setsid, p.cmd.SysProcAttr.Setctty, p.cmd.SysProcAttr.Ctty = true, true, 0
	p.input = master
	return slave
}

// end kills what a case left.
func (p *peer) end() {
	killTree(p.cmd.Process.Pid)
	for _, m := range readyLine.FindAllStringSubmatch(p.out.String(), -1) {
		if pid, _ := strconv.Atoi(m[2]); p.mode == asSubreaper && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	<-p.done
}

// killTree kills a process and its descendants.
func killTree(pid int) {
	list := children(pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range list {
		killTree(child)
	}
}

// children lists the children of a process, of all its threads.
func children(pid int) []int {
	var list []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		b, _ := os.ReadFile(file)
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				list = append(list, child)
			}
		}
	}
	return list
}

var readyLine = regexp.MustCompile(`(\w+): ready (\d+)`)

// pid is where a probe runs, as seen from there.
func (p *peer) pid(role string) int {
	for _, m := range readyLine.FindAllStringSubmatch(p.out.String(), -1) {
		if m[1] == role {
			pid, _ := strconv.Atoi(m[2])
			return pid
		}
	}
	return 0
}

// until waits for a condition, and gives up where it never comes true.
func (p *peer) until(what string, cond func() bool) {
	p.t.Helper()
	for range 4000 {
		if cond() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	p.t.Errorf("%s: waited in vain for %s\nstdout: %s\nstderr: %s", p.cmd.Args, what, p.out.String(), p.err.String())
}

func (p *peer) await(lines ...string) {
	p.t.Helper()
	for _, text := range lines {
		p.until(text, func() bool { return strings.Contains(p.out.String(), text) })
	}
}

// ready waits for all probes.
func (p *peer) ready() {
	p.t.Helper()
	p.await("main: ready")
	if !slices.Contains(p.cmd.Env, "PROBE_ALONE=1") {
		p.await("child: ready", "daemon: ready")
	}
}

// count waits until a line was said so often.
func (p *peer) count(line string, n int) {
	p.t.Helper()
	p.until(line, func() bool { return strings.Count(p.out.String(), line+"\n") >= n })
}

// wake sends the program SIGCONT until COMMAND has it: when the program sends
// itself a SIGSTOP, that takes back a SIGCONT, also where it has no other effect.
func (p *peer) wake() {
	p.t.Helper()
	tries := 0
	p.until("SIGCONT", func() bool {
		if tries%200 == 0 {
			_ = p.cmd.Process.Signal(unix.SIGCONT)
		}
		tries++
		return strings.Contains(p.out.String(), "main: got SIGCONT")
	})
}

// main is COMMAND's PID as it is here.
func (p *peer) main() int {
	if list := children(p.cmd.Process.Pid); len(list) > 0 {
		return list[0]
	}
	return 0
}

// ended reports whether the program is gone.
func (p *peer) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stopped reports whether a process is in the stopped state.
func stopped(pid int) bool { return strings.HasPrefix(procStatus(pid)["State"], "T") }

// exit tells COMMAND to exit.
func (p *peer) exit(status int) {
	p.last = p.out.String()
	_, _ = fmt.Fprintf(p.input, "exit %d\n", status)
}

// send sends the program signals and waits until it has taken each.
func (p *peer) send(signals ...syscall.Signal) {
	p.t.Helper()
	for _, sig := range signals {
		if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			p.t.Fatal(err)
		}
		p.until("the signal to be taken", func() bool {
			s := p.status()
			return s == nil || s["ShdPnd"] == "0000000000000000" && s["SigPnd"] == "0000000000000000"
		})
	}
}

// status is the program's /proc/PID/status; nil once it is gone.
func (p *peer) status() map[string]string { return procStatus(p.cmd.Process.Pid) }

func procStatus(pid int) map[string]string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(line, ":")
		fields[k] = strings.TrimSpace(v)
	}
	return fields
}

func (p *peer) note(format string, a ...any) { p.notes = append(p.notes, fmt.Sprintf(format, a...)) }

var (
	prefixes = regexp.MustCompile(`(?m)^(\[[A-Z]+ +tini \()\d+\)\]|^(\[dumb-init\])|^([A-Z]+ \(catatonit:)\d+\)|^(.)`)
	roles    = regexp.MustCompile(`^(main|child|daemon|orphan): `)
)

// outcome waits for the end and gathers what is compared.
func (p *peer) outcome(words bool) outcome {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Errorf("%s does not end\nstdout: %s\nstderr: %s", p.cmd.Args, p.out.String(), p.err.String())
		p.end()
	}
	p.alive()
	p.end()
	heard := make(chan struct{})
	go func() {
		p.readers.Wait()
		close(heard)
	}()
	select {
	case <-heard:
	case <-time.After(10 * time.Second):
		p.t.Errorf("%s: something still holds standard output or error", p.cmd.Args)
	}
	o := outcome{Out: map[string][]string{}, Notes: p.notes}
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	o.Status = fmt.Sprint("exit ", ws.ExitStatus())
	if ws.Signaled() {
		o.Status = "signal " + siginfo.Name(ws.Signal())
	}
	add := func(who, line string) { o.Out[who] = append(o.Out[who], line) }
	out := p.out.String()
	if p.mode == asInit && p.last != "" {
		// How much the others still say before the kernel kills them is chance.
		out = p.last
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if role := roles.FindStringSubmatch(line); role != nil {
			if !strings.Contains(line, ": ready ") {
				add(role[1], line)
			}
			continue
		}
		if m := prefixes.FindString(line); len(m) > 1 {
			o.Words = append(o.Words, "stdout "+strings.TrimRight(m, "0123456789)]"))
			continue
		}
		if !strings.HasPrefix(line, "PID1_SOCKET=") {
			add("", line)
		}
	}
	for who, list := range o.Out {
		if who != "" { // of two pending signals the lower one is delivered first
			slices.Sort(list)
		}
	}
	for _, m := range prefixes.FindAllStringSubmatch(p.err.String(), -1) {
		word := m[1] + m[2] + m[3]
		if m[4] != "" {
			word = "message"
		}
		o.Words = append(o.Words, word)
	}
	slices.Sort(o.Words)
	o.Words = slices.Compact(o.Words)
	if words {
		o.Err = regexp.MustCompile(`(\bPID |\bpid=|\()\d+`).ReplaceAllString(p.err.String(), "${1}N")
	}
	return o
}

// alive notes which of the probes outlive the program, and waits until they have
// said what they were sent. Inside a namespace nothing does.
func (p *peer) alive() {
	p.t.Helper()
	for _, role := range []string{"main", "child", "daemon", "orphan"} {
		pid := p.pid(role)
		if p.mode == asInit || pid == 0 {
			continue
		}
		// The highest signal is delivered after all others.
		line := role + ": got SIGRTMAX\n"
		before := strings.Count(p.out.String(), line)
		_ = syscall.Kill(pid, siginfo.RTMax)
		lives := false
		p.until(line, func() bool {
			s := procStatus(pid)
			lives = strings.Count(p.out.String(), line) > before
			return lives || s == nil || s["State"][0] == 'Z'
		})
		p.note("%s lives on: %t", role, lives)
	}
}

// openPty opens a pseudo terminal. The end for the program is the caller's to close.
func openPty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}
