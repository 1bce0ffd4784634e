package inspect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"pid1/event"
)

func init() {
	helpers["exit"] = func(args []string) {
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	}
	helpers["setuid"] = func([]string) {
		if err := syscall.Setgid(65533); err != nil {
			panic(err)
		}
		if err := syscall.Setuid(65534); err != nil {
			panic(err)
		}
	}
	helpers["hoard"] = hoardMain
	helpers["leaderless"] = leaderlessMain
	helpers["named"] = namedMain
	if os.Getenv(helperEnv) == "leaderless" {
		runtime.LockOSThread() // main stays on the main thread
	}
}

// ready tells the test that the helper is what it is to be, and waits for its end.
func ready() {
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// hoardMain makes children and does not wait for them.
func hoardMain(args []string) {
	n, _ := strconv.Atoi(args[0])
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	for range n {
		_, err := syscall.ForkExec(self, []string{"kid", args[1]}, &syscall.ProcAttr{
			Env: []string{helperEnv + "=exit"}, Files: []uintptr{0, 1, 2},
		})
		if err != nil {
			panic(err)
		}
	}
	ready()
}

// leaderlessMain ends the main thread alone.
func leaderlessMain([]string) {
	go func() {
		ready()
		os.Exit(7)
	}()
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
}

// namedMain takes the name its first argument has.
func namedMain(args []string) {
	name := append([]byte(args[0]), 0)
	// The name is the main thread's.
	if err := os.WriteFile("/proc/self/task/"+strconv.Itoa(os.Getpid())+"/comm", name[:len(name)-1], 0); err != nil {
		panic(err)
	}
	ready()
}

// helper starts a helper and returns it once it is ready; end ends it.
func helper(t testing.TB, name string, args ...string) (cmd *exec.Cmd, end func()) {
	t.Helper()
	cmd = exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperEnv+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the helper %s said %q: %v", name, line, err)
	}
	done := false
	end = func() {
		if !done {
			done = true
			in.Close()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	return cmd, end
}

// realTable is a Table over the real /proc that notes what is told of children and
// grandchildren of a process.
func realTable(t testing.TB, pids func(pid, ppid int) bool) (*Table, *[]event.Event) {
	var got []event.Event
	table := NewTable(Config{FS: openProc(t), Emit: func(ev event.Event) {
		switch e := ev.(type) {
		case *event.Start:
			if pids(e.PID, e.PPID) {
				c := *e
				got = append(got, &c)
			}
		case *event.Zombie:
			if pids(e.PID, e.Parent.PID) {
				c := *e
				got = append(got, &c)
			}
		case *event.ZombieGone:
			if pids(e.PID, e.Parent.PID) {
				c := *e
				got = append(got, &c)
			}
		}
	}})
	t.Cleanup(table.Close)
	return table, &got
}

// until sweeps until cond holds.
func until(t testing.TB, table *Table, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
		if err := table.Sweep(); err != nil {
			t.Fatal(err)
		}
	}
}

func zombies(events []event.Event) (list []*event.Zombie) {
	for _, ev := range events {
		if z, ok := ev.(*event.Zombie); ok {
			list = append(list, z)
		}
	}
	return list
}

func TestRealHoarder(t *testing.T) {
	const n = 20
	cmd, _ := helper(t, "hoard", strconv.Itoa(n), "3")
	parent := cmd.Process.Pid
	table, events := realTable(t, func(_, ppid int) bool { return ppid == parent })
	until(t, table, func() bool { return len(zombies(*events)) == n })
	for _, z := range zombies(*events) {
		want := event.Ended{Code: 3}
		if z.Ended != want || z.Parent.PID != parent || z.UID != os.Geteuid() || z.GID != os.Getegid() {
			t.Errorf("got %s", event.Append(nil, z))
		}
	}
	var row *event.Process
	held := 0
	table.Processes(func(p *event.Process) bool {
		if p.PID == parent {
			c := *p
			row = &c
		}
		if p.PPID == parent && p.State == "Z" {
			held++
		}
		return true
	})
	// The runtime of a Go program handles every signal.
	if held != n || row == nil || row.SigChld != "handled" || row.Blocked {
		t.Errorf("%d zombies are held by %+v", held, row)
	}
}

func TestRealExitCodeZero(t *testing.T) {
	cmd, _ := helper(t, "hoard", "1", "0")
	table, events := realTable(t, func(_, ppid int) bool { return ppid == cmd.Process.Pid })
	until(t, table, func() bool { return len(zombies(*events)) == 1 })
	if got := zombies(*events)[0].Ended; got.Code != 0 || !got.Known() {
		t.Errorf("our own child ended with %+v, want 0", got)
	}
}

func TestRealLeaderless(t *testing.T) {
	cmd, _ := helper(t, "leaderless")
	table, events := realTable(t, func(pid, _ int) bool { return pid == cmd.Process.Pid })
	until(t, table, func() bool { return len(zombies(*events)) == 1 })
	z := zombies(*events)[0]
	if z.Threads < 1 || z.Ended.Known() {
		t.Errorf("got %s", event.Append(nil, z))
	}
}

func TestRealHostileNames(t *testing.T) {
	for _, name := range []string{"5 (x", "a) S 1 (", ") ) ) )", "\x1b]0;x\x07\x1b[31m", "two\nlines", "\xff\xfe\x80"} {
		big := strings.Repeat("x", 128<<10-1) // the longest one argument can be
		cmd, end := helper(t, "named", name, "\x1b[2J\n\xff", "", big)
		table, events := realTable(t, func(pid, _ int) bool { return pid == cmd.Process.Pid })
		until(t, table, func() bool { return len(*events) == 1 })
		s := (*events)[0].(*event.Start)
		if s.Comm != name || s.PPID != os.Getpid() {
			t.Errorf("%q came back as %q", name, s.Comm)
		}
		want := []string{"/proc/self/exe", name, "\x1b[2J\n\xff", ""}
		want = append(want, big[:MaxCmdline-len(strings.Join(want, " "))-1])
		if d := cmp.Diff(want, s.Cmdline); d != "" || !s.CmdlineCut || s.CmdlineHow != event.HowSeen {
			t.Errorf("cut %v, how %s, -want +got\n%s", s.CmdlineCut, s.CmdlineHow, d)
		}
		end()
	}
}

// zombie makes a child that ran a helper and is dead and not reaped.
func zombie(t testing.TB, helper string) (pid int, reap func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pid, err = syscall.ForkExec(self, []string{"kid", "5"}, &syscall.ProcAttr{Env: []string{helperEnv + "=" + helper}})
	if err != nil {
		t.Fatal(err)
	}
	var info [128]byte
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid), uintptr(unsafe.Pointer(&info[0])),
			unix.WEXITED|unix.WNOWAIT, 0, 0)
		if errno == 0 {
			break
		}
		if errno != unix.EINTR {
			t.Fatal(errno)
		}
	}
	return pid, func() {
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestRealDying(t *testing.T) {
	table, _ := realTable(t, func(int, int) bool { return false })
	table.cfg.Self = os.Getpid()
	pid, reap := zombie(t, "exit")
	defer reap()
	table.Spawned(pid)
	before := time.Now()
	// Neither a look that is under way nor one that hangs holds up the reaper.
	table.look.mu.Lock()
	r := table.Dying(pid)
	table.look.mu.Unlock()
	comm := filepath.Base(os.Args[0])
	comm = comm[:min(len(comm), 15)]
	sid, err := unix.Getsid(0)
	if err != nil {
		t.Fatal(err)
	}
	want := &event.Reap{
		Head: event.Head{Type: event.TypeReap}, ID: r.ID, PPID: os.Getpid(),
		Group:   event.Group{PGID: unix.Getpgrp(), SID: sid},
		Owner:   event.Owner{UID: os.Geteuid(), GID: os.Getegid()},
		Command: event.Command{Comm: comm, CmdlineHow: event.HowNone},
		Ended:   event.Ended{Code: event.Unknown}, Started: r.Started, LifetimeMS: r.LifetimeMS, ZombieMS: event.Unknown,
		Origin:  &event.Proc{ID: event.ID{PID: os.Getpid()}, How: event.HowExact},
		Lineage: []event.Ancestor{{PID: os.Getpid()}},
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if r.ID.PID != pid || r.ID.Start == 0 || r.LifetimeMS < 0 || r.LifetimeMS > 60_000 || before.Sub(r.Started).Abs() > time.Minute {
		t.Errorf("%+v started %v and lived %d ms", r.ID, r.Started, r.LifetimeMS)
	}
}

// TestRealOwner: the kernel makes root the owner of the files of a process that
// changed its user, lest others read its memory; a zombie has none.
func TestRealOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to change the user")
	}
	table, _ := realTable(t, func(int, int) bool { return false })
	pid, reap := zombie(t, "setuid")
	defer reap()
	if r := table.Dying(pid); r.UID != 65534 || r.GID != 65533 {
		t.Errorf("it was %d:%d, want 65534:65533", r.UID, r.GID)
	}
}

func TestRealListing(t *testing.T) {
	fs := openProc(t)
	l, err := newLister(fs)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	all, err := l.between(0, maxPID, nil)
	if err != nil {
		t.Fatal(err)
	}
	me := os.Getpid()
	if !slices.Contains(all, me) || !slices.IsSorted(all) || all[0] != 1 {
		t.Errorf("%d is not in order among %v", me, all)
	}
	if fs.dirOffset.Load() <= 0 {
		t.Error("the positions in /proc are not what they were")
	}
	tids := make(chan int)
	go func() {
		runtime.LockOSThread() // ends with the thread
		tids <- unix.Gettid()
		tids <- 0
	}()
	for _, pid := range []int{me, <-tids} {
		got, err := l.between(pid-1, pid, nil)
		if err != nil {
			t.Fatal(err)
		}
		if isProcess := len(got) == 1 && got[0] == pid; isProcess != (pid == me) || len(got) > 1 {
			t.Errorf("of %d in the process %d it lists %v", pid, me, got)
		}
	}
	<-tids
}

func TestRealFileOutlivesItsProcess(t *testing.T) {
	r := reader{fs: openProc(t)}
	pid, reap := zombie(t, "exit")
	fd, err := r.open(pid, "stat")
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	var st Stat
	if err := r.statAgain(fd, &st); err != nil || st.PID != pid || !st.Dead() {
		t.Errorf("%+v, %v", st, err)
	}
	reap()
	if err := r.statAgain(fd, &st); !errors.Is(err, errGone) {
		t.Errorf("its file reads on: %v", err)
	}
	if err := r.stat(pid, &st); !errors.Is(err, errGone) {
		t.Errorf("it opens again: %v", err)
	}
	if _, _, err := r.owner(pid); !errors.Is(err, errGone) {
		t.Errorf("it has an owner: %v", err)
	}
}

// TestReadThatHangs has the command line of a process that is stuck in the kernel
// be a pipe nobody writes to.
func TestReadThatHangs(t *testing.T) {
	b := newBench(t)
	stuck := func(pid int) {
		b.put(fakeProcess{pid: pid, ppid: 1, comm: "stuck", state: "D", start: 100})
		name := filepath.Join(b.dir, strconv.Itoa(pid), "cmdline")
		b.must(os.Remove(name))
		b.must(unix.Mkfifo(name, 0o600))
	}
	stuck(20)
	b.sweep()
	b.sweep()
	if n := b.table.look.args.stuck.Load(); n != 1 {
		t.Errorf("%d reads of one command line hang: it was tried again", n)
	}
	for i := range maxStuck {
		stuck(21 + i)
	}
	b.put(fakeProcess{pid: 90, ppid: 1, comm: "fine", cmdline: "fine\x00", state: "D", start: 100})
	b.sweep()
	if n := b.table.look.args.stuck.Load(); n != maxStuck {
		t.Errorf("%d reads hang, want %d", n, maxStuck)
	}
	if last := b.events[len(b.events)-1]; last != `start 90 fine "" none` {
		t.Errorf("with all threads in use it told %s", last)
	}
	for i := range maxStuck {
		f, err := os.OpenFile(filepath.Join(b.dir, strconv.Itoa(20+i), "cmdline"), os.O_WRONLY, 0)
		b.must(err)
		f.Close()
	}
	for b.table.look.args.stuck.Load() > 0 {
		runtime.Gosched()
	}
	b.look(90)
	if _, c, _ := b.table.Command(90); len(c.Cmdline) != 1 {
		t.Errorf("the reads came back and it is still without: %+v", c)
	}
}
