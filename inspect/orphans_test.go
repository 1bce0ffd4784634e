package inspect

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/event"
)

func init() { helpers["reaper"] = reaperMain }

// reaperMain is a small pid1: a subreaper that runs a command, observes with the
// sample source, and prints a reap line for every child it reaps.
func reaperMain(args []string) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	fs, err := OpenFS("/proc")
	if err != nil {
		panic(err)
	}
	var events int
	table := NewTable(Config{FS: fs, Self: os.Getpid(), Emit: func(event.Event) { events++ }})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- Sample(os.Getenv("PATH")).Run(ctx, table) }()
	for table.sweepCount() == 0 {
		runtime.Gosched()
	}
	out := bufio.NewWriter(os.Stdout)
	path, err := exec.LookPath(args[0])
	if err != nil {
		panic(err)
	}
	env := []string{"PATH=" + os.Getenv("PATH")}
	began := time.Now()
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 2, 2}})
	if err != nil {
		panic(err)
	}
	table.Spawned(pid)
	var took time.Duration
	var line []byte
	for {
		dead, ok := waitAny()
		if !ok {
			break
		}
		r := table.Dying(dead)
		var status syscall.WaitStatus
		var ru syscall.Rusage
		if _, err := syscall.Wait4(dead, &status, 0, &ru); err != nil {
			panic(err)
		}
		if dead == pid {
			took = time.Since(began)
			r.Main = true
		}
		line = event.Append(line[:0], r)
		out.Write(line)
	}
	cancel()
	if err := <-done; err != nil {
		panic(err)
	}
	var ru unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &ru); err != nil {
		panic(err)
	}
	out.Flush()
	fmt.Fprintf(os.Stderr, "# loop %v, cpu %v, %d events, rss %d kB\n", took.Round(time.Millisecond),
		time.Duration(ru.Utime.Nano()+ru.Stime.Nano()).Round(time.Millisecond), events, ru.Maxrss)
}

func (t *Table) sweepCount() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.swept == 0 {
		return 0
	}
	return t.sweeps
}

// waitAny waits for a dead child without reaping it.
func waitAny() (pid int, ok bool) {
	var info [128]byte
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info[0])),
			unix.WEXITED|unix.WNOWAIT, 0, 0)
		switch errno {
		case 0:
			return int(*(*int32)(unsafe.Pointer(&info[16]))), true
		case unix.EINTR:
			continue
		}
		return 0, false
	}
}

// reapAll runs a command under the small pid1 and returns the reaps.
func reapAll(t testing.TB, command ...string) (reaps []*event.Reap, stderr string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", command...)
	cmd.Env = append(os.Environ(), helperEnv+"=reaper")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.Bytes())
	}
	for line := range bytes.Lines(out) {
		ev, err := event.Decode(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		reaps = append(reaps, ev.(*event.Reap))
	}
	return reaps, errs.String()
}

func needBash(t testing.TB) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
}

// TestOrphanLoop measures what is known of 300 processes that are orphaned right
// after their fork, and checks that what is not known is not made up. Run it with
// -v to see the numbers.
func TestOrphanLoop(t *testing.T) {
	needBash(t)
	for _, x := range []string{"0", "0.002", "0.1"} {
		t.Run(x, func(t *testing.T) {
			loop := fmt.Sprintf("for i in {1..300}; do ( sleep %s & ); done; wait", x)
			reaps, note := reapAll(t, "bash", "-c", loop)
			count := map[string]int{}
			main := 0
			for _, r := range reaps {
				if r.Main {
					main = r.PID
				}
			}
			for _, r := range reaps {
				if r.Main {
					continue
				}
				count["reaped"]++
				switch got := strings.Join(r.Cmdline, " "); {
				case r.CmdlineHow == event.HowNone:
					count["no cmdline"]++
				case r.Comm == "sleep" && got == "sleep "+x:
					count["cmdline"]++
				default:
					t.Errorf("wrong command line: %s", event.Append(nil, r))
				}
				switch {
				case r.Origin == nil:
					count["origin unknown"]++
				case r.Origin.How == event.HowInferred:
					count["origin inferred"]++
				case r.Origin.How == event.HowSeen && r.Origin.PID != main && r.Origin.Comm == "bash":
					count["origin seen"]++
				default:
					t.Errorf("wrong origin: %s", event.Append(nil, r))
				}
			}
			if count["reaped"] > 300 {
				t.Errorf("reaped %d orphans, want 300", count["reaped"])
			}
			b, _ := json.Marshal(count)
			t.Logf("sleep %-5s %s %s", x, b, note)
		})
	}
}
