package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/nstest"
)

// Every verdict in the situation it is meant for, made of real processes under a
// real pid1, and beside it what looks alike and must not trigger it.

// testRole names, in the environment, what a process that is the test binary does.
const testRole = "PID1TOP_TEST_ROLE"

// testRoles are run from an init: they need the main thread.
var testRoles = map[string]func(){
	// leader ends its main thread; the others live on.
	"leader": func() {
		go func() { select {} }()
		runtime.LockOSThread()
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	},
	// tracer attaches to the process that is its argument, and holds it.
	"tracer": func() {
		pid, err := strconv.Atoi(os.Args[1])
		if err == nil {
			err = unix.PtraceAttach(pid)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var st unix.WaitStatus
		_, _ = unix.Wait4(pid, &st, unix.WALL, nil)
		time.Sleep(time.Hour)
	},
}

func init() {
	if role := testRoles[os.Getenv(testRole)]; role != nil {
		role()
		select {}
	}
}

// built is the folder of what was built for all tests, empty for nothing.
var built string

// pid1Binary builds pid1 once for all tests here.
var pid1Binary = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "pid1-verdict-"); err != nil {
		return "", err
	}
	path := filepath.Join(built, "pid1")
	build := exec.Command("go", "build", "-o", path, "pid1/cmd/pid1")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build pid1: %w\n%s", err, out)
	}
	return path, nil
})

// patient is a container in which a program runs that the doctor looks at.
type patient struct {
	t      *testing.T
	socket string
	cmd    *exec.Cmd
	stderr string // the file that pid1's goes to
	// cues are what the program waits for, each a pipe in $DIR: read x <$DIR/go.
	cues map[string]*os.File
}

// cue lets the program go on that waits for it.
func (p *patient) cue(name string) {
	p.t.Helper()
	if _, err := p.cues[name].WriteString("\n"); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits until pid1top's tree is as wanted: what it tells, pid1 has seen.
func (p *patient) sees(what string, wanted func(tree []diagnosis) bool) {
	p.t.Helper()
	for p.t.Context().Err() == nil {
		if wanted(p.ask("tree")) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("pid1top never saw %s", what)
}

// processes is a tree of so many processes.
func processes(n int) func([]diagnosis) bool {
	return func(tree []diagnosis) bool { return len(tree) == n }
}

// runs is a tree in which something runs a program.
func runs(comm string) func([]diagnosis) bool {
	return func(tree []diagnosis) bool {
		return slices.ContainsFunc(tree, func(d diagnosis) bool { return d.Comm == comm })
	}
}

// warnings are what pid1 wrote to stderr so far.
func (p *patient) warnings() string {
	text, err := os.ReadFile(p.stderr)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// admit runs a program under pid1, in a PID namespace of its own.
func admit(t *testing.T, name string, args ...string) *patient {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes some seconds; not with -short")
	}
	if _, err := exec.LookPath(name); err != nil {
		nstest.Lacking(t, name, err.Error())
	}
	binary, err := pid1Binary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "v") // short: a socket's path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{t: t, socket: filepath.Join(dir, "s", "s"), stderr: filepath.Join(dir, "stderr")}
	p.cues = map[string]*os.File{}
	for _, name := range []string{"go", "end"} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if p.cues[name], err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
			t.Fatal(err)
		}
	}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	p.cmd = nstest.Command(t, binary, append([]string{"--socket", p.socket, "--", name}, args...)...)
	p.cmd.Stderr = stderr
	p.cmd.Env = append(os.Environ(), "SELF="+os.Args[0], "DIR="+dir)
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		for _, f := range p.cues {
			_ = f.Close()
		}
		_ = os.RemoveAll(dir)
	})
	for range 2000 {
		if conn, err := net.Dial("unix", p.socket); err == nil {
			_ = conn.Close()
			return p
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("pid1 does not listen: %s", p.warnings())
	return nil
}

type diagnosis struct {
	Verdict string   `json:"verdict"`
	Subject procJSON `json:"subject"`
	Parent  procJSON `json:"parent"`
	Summary string   `json:"summary"`
	Advice  []string `json:"advice"`
	Count   int      `json:"count"`
	Comm    string   `json:"comm"`
}

// tell runs a command of pid1top and returns the objects that it prints.
func (p *patient) tell(command string) ([]diagnosis, error) {
	var out, errs bytes.Buffer
	if status := run([]string{"pid1top", "--socket", p.socket, command, "--json"}, nil, stdio{nil, &out, &errs}); status != statusOK {
		return nil, fmt.Errorf("%s: status %d, %s", command, status, errs.String())
	}
	var all []diagnosis
	for line := range bytes.Lines(out.Bytes()) {
		var d diagnosis
		if err := json.Unmarshal(line, &d); err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		all = append(all, d)
	}
	return all, nil
}

// ask is tell for a test.
func (p *patient) ask(command string) []diagnosis {
	p.t.Helper()
	all, err := p.tell(command)
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

// becomes waits until a command of pid1top tells a verdict alone.
func (p *patient) becomes(command, verdict string) diagnosis {
	p.t.Helper()
	var last []diagnosis
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if last = p.ask(command); len(last) == 1 && last[0].Verdict == verdict {
			return last[0]
		}
	}
	p.t.Fatalf("want %s alone; %s tells %+v\n%s", verdict, command, last, p.warnings())
	return diagnosis{}
}

// stays looks for a while, and returns an error when pid1top tells one of the
// verdicts or pid1 warns of anything.
func (p *patient) stays(d time.Duration, without ...string) error {
	for deadline := time.Now().Add(d); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		for _, command := range []string{"doctor", "zombies"} {
			all, err := p.tell(command)
			if err != nil {
				return err
			}
			for _, got := range all {
				if slices.Contains(without, got.Verdict) {
					return fmt.Errorf("a false alarm: %+v", got)
				}
			}
		}
	}
	if text := p.warnings(); text != "" {
		return fmt.Errorf("pid1 warns of a healthy program: %s", text)
	}
	return nil
}

// never is stays for a test.
func (p *patient) never(d time.Duration, verdicts ...string) {
	p.t.Helper()
	if err := p.stays(d, verdicts...); err != nil {
		p.t.Error(err)
	}
}

// perl is a program in a language that every Debian has.
const (
	hoards = `for (1..1000) { fork or exit; select undef, undef, undef, 0.3 }`
	keeps  = `for (1..5) { fork or exit } sleep 1000`
)

// What is decided by an exec or an origin needs somebody who saw it: these programs
// wait for a cue, which they get when pid1 has.
func TestVerdicts(t *testing.T) {
	tests := []struct {
		name    string
		command []string
		verdict string
		subject string
		says    string // in the summary or the advice
		cues    func(p *patient)
	}{
		{"leaking", []string{"perl", "-e", hoards}, "leaking", "perl", "does not wait for its children", nil},
		{"held", []string{"perl", "-e", keeps}, "held", "perl", "has not waited", nil},
		{"inherited_by_exec", []string{"sh", "-c", "(read x <$DIR/end) & read x <$DIR/go; exec sleep 1000"}, "inherited_by_exec", "sleep", `was "sh" when it started`, execs},
		{"inherited_by_exec, a process substitution", []string{"bash", "-c", "exec > >(read x <$DIR/end); read x <$DIR/go; exec sleep 1000"}, "inherited_by_exec", "sleep", "Start script (a guess by its exec)", execs},
		{"parent_stopped", []string{"perl", "-e", `for (1..5) { fork or exit } kill "STOP", $$`}, "parent_stopped", "perl", "kill -CONT", nil},
		{"parent_stopped by a debugger", []string{"sh", "-c", `perl -e '` + keeps + `' & read x <$DIR/go; PID1TOP_TEST_ROLE=tracer exec "$SELF" $!`}, "parent_stopped", "perl", "debugger", func(p *patient) {
			p.sees("the dead children", processes(1+2+5))
			p.cue("go")
		}},
		{"parent_blocked, SIGCHLD", []string{"perl", "-MPOSIX", "-e", `sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGCHLD)); ` + hoards}, "parent_blocked", "perl", "SIGCHLD blocked", nil},
		{"other_reaper", []string{"perl", "-e", subreaper + `sub cue { open my $f, "<", "$ENV{DIR}/$_[0]"; <$f> } my $p = fork; if (!$p) { fork or do { cue("end"); exit }; cue("go"); exit } waitpid $p, 0; sleep 1000`}, "other_reaper", "perl", "subreaper", func(p *patient) {
			p.sees("the child and its child", processes(4))
			p.cue("go")
			p.sees("the orphan", processes(3))
			p.cue("end")
		}},
	}
	t.Parallel()
	var patients []*patient // all fall ill at the same time
	for _, tt := range tests {
		patients = append(patients, admit(t, tt.command[0], tt.command[1:]...))
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := patients[i]
			p.t = t
			if tt.cues != nil {
				tt.cues(p)
			}
			d := p.becomes("doctor", tt.verdict)
			if d.Subject.Comm != tt.subject {
				t.Errorf("it is about %+v, want %s", d.Subject, tt.subject)
			}
			if all := d.Summary + strings.Join(d.Advice, "\n"); !strings.Contains(all, tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, all)
			}
		})
	}
}

// execs lets a shell become something else when its child has been seen, and the
// child end when that has.
func execs(p *patient) {
	p.sees("the child", processes(3))
	p.cue("go")
	p.sees("the exec", runs("sleep"))
	p.cue("end")
}

// subreaper is prctl(PR_SET_CHILD_SUBREAPER, 1) in Perl, which has no name for it.
var subreaper = fmt.Sprintf("syscall(%d, %d, 1, 0, 0, 0); ", unix.SYS_PRCTL, unix.PR_SET_CHILD_SUBREAPER)

// A parent in uninterruptible sleep for long: it waits in vfork(2) for a child that
// does not exec.
func TestVerdictOfABlockedParent(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("vfork(2) has a system call of its own on amd64 only")
	}
	const vfork = 58
	p := admit(t, "perl", "-e", fmt.Sprintf(`for (1..5) { fork or exit } syscall(%d); sleep 1000`, vfork))
	d := p.becomes("doctor", "parent_blocked")
	if !strings.Contains(d.Summary, "is in uninterruptible sleep") {
		t.Error(d.Summary)
	}
}

// A process whose leader is gone while a thread runs on is nobody's fault.
func TestVerdictOfALeaderWithThreads(t *testing.T) {
	t.Parallel()
	p := admit(t, "sh", "-c", `PID1TOP_TEST_ROLE=leader "$SELF" & wait`)
	p.becomes("zombies", "threads_alive")
	p.never(3*time.Second, "leaking", "held", "other_reaper")
}

// A parent outside of the namespace, such as the runtime's side of docker exec.
func TestVerdictOfAParentOutside(t *testing.T) {
	t.Parallel()
	nstest.Root(t)
	if _, err := exec.LookPath("nsenter"); err != nil {
		nstest.Lacking(t, "nsenter", err.Error())
	}
	p := admit(t, "sleep", "1000")
	enter := exec.Command("nsenter", "--target", strconv.Itoa(p.cmd.Process.Pid), "--pid", "--mount", "sleep", "1")
	if err := enter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = enter.Process.Kill()
		_ = enter.Wait()
	})
	for len(p.ask("tree")) < 3 { // pid1, its COMMAND, and what came in
		time.Sleep(50 * time.Millisecond)
	}
	if err := enter.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d := p.becomes("doctor", "outside")
	if !strings.Contains(strings.Join(d.Advice, "\n"), "container runtime") {
		t.Errorf("the advice does not name the container runtime: %v", d.Advice)
	}
}

// After the program waits, the verdict is gone.
func TestVerdictGoesWhenTheParentWaits(t *testing.T) {
	t.Parallel()
	p := admit(t, "perl", "-e", `for (1..40) { fork or exit; select undef, undef, undef, 0.2 } 1 while wait != -1; sleep 1000`)
	p.becomes("doctor", "leaking")
	p.becomes("doctor", "healthy")
}

// What looks like a leak and is none.
func TestNoFalseAlarm(t *testing.T) {
	const (
		job = `while :; do for i in 0 1 2; do (sleep 0.3; exit $i) & done; wait; true | cat | cat; x=$(date); sh -c "sleep 0.1; exit 3"; done`
		// What make and ninja do: many at a time, waited for in the order they end.
		build = `while :; do seq 60 | xargs -P 8 -n 1 sh -c 'perl -e "select undef, undef, undef, 0.1 * rand"; :'; done`
	)
	tests := []struct{ name, program, script string }{
		{"a CI job", "sh", job},
		{"a build", "sh", build},
		{"a prefork server", "perl", `my %w; while (1) { while (keys %w < 8) { my $p = fork; if (!$p) { select undef, undef, undef, 0.2 + rand 2; exit } $w{$p} = 1 } delete $w{wait()} }`},
		{"200 short-lived zombies a second", "perl", `my @p; while (1) { my $p = fork; $p or exit; push @p, $p; select undef, undef, undef, 0.005; waitpid shift @p, 0 if @p > 4 }`},
		{"a batch, waited for in order", "perl", `while (1) { my @p; for my $i (0..7) { my $p = fork; if (!$p) { select undef, undef, undef, $i ? 0.1 + $i / 3 : 5; exit } push @p, $p } waitpid $_, 0 for @p }`},
		{"SIGCHLD ignored", "perl", `$SIG{CHLD} = "IGNORE"; while (1) { fork or exit; select undef, undef, undef, 0.01 }`},
	}
	t.Parallel()
	var patients []*patient
	for _, tt := range tests {
		flag := "-e"
		if tt.program == "sh" {
			flag = "-c"
		}
		patients = append(patients, admit(t, tt.program, flag, tt.script))
	}
	var alarms sync.WaitGroup
	for i, tt := range tests {
		alarms.Go(func() {
			if err := patients[i].stays(10*time.Second, "leaking", "parent_stopped", "parent_blocked", "inherited_by_exec", "other_reaper", "orphans"); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		})
	}
	alarms.Wait()
}

// A debugger beside a program that holds nothing is no finding.
func TestNoFalseAlarmOfADebugger(t *testing.T) {
	t.Parallel()
	p := admit(t, "sh", "-c", `sleep 1000 & sleep 0.2; PID1TOP_TEST_ROLE=tracer exec "$SELF" $!`)
	p.never(4*time.Second, "leaking", "held", "parent_stopped", "parent_blocked", "inherited_by_exec")
}
