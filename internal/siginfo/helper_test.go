//go:build linux

package siginfo_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

// helperEnv makes the test binary do one of the helpers instead of the tests.
const helperEnv = "PID1_SIGINFO_HELPER"

// senderUID is the real user ID the sender takes if it may.
const senderUID = 12345

var helpers = map[string]func(){
	"kill": killer,
	"send": send,
}

func TestMain(m *testing.M) {
	if helper := os.Getenv(helperEnv); helper != "" {
		helpers[helper]()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// emulator returns the command line to put before that of a test binary of
// another architecture, such as qemu-aarch64-static.
func emulator() []string { return strings.Fields(os.Getenv("PID1_TEST_EXEC")) }

// command returns the test binary as one of the helpers.
func command(t testing.TB, helper string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(emulator(), path)
	cmd := exec.Command(argv[0], argv[1:]...)
	// The race detector would sleep for a second before it exits.
	cmd.Env = append(os.Environ(), helperEnv+"="+helper, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// sender is a child process that sends signals on request.
type sender struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	pid  int32
	uid  int32
	mark int // what the next marker carries
}

func startSender(t testing.TB) *sender {
	t.Helper()
	s := &sender{t: t, cmd: command(t, "send"), uid: int32(os.Getuid())}
	if s.uid == 0 {
		s.uid = senderUID
	}
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = int32(s.cmd.Process.Pid)
	t.Cleanup(func() {
		s.in.Close()
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("sender: %v", err)
		}
	})
	s.do("hello")
	return s
}

// do has the sender do something and waits until it did.
func (s *sender) do(format string, args ...any) {
	s.t.Helper()
	request := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintln(s.in, request); err != nil {
		s.t.Fatalf("sender: %s: %v", request, err)
	}
	if reply, err := s.out.ReadString('\n'); err != nil || reply != "ok\n" {
		s.t.Fatalf("sender: %s: %q, %v", request, reply, err)
	}
}

// send is the sender: a line per request, to the parent process.
func send() {
	if os.Getuid() == 0 {
		if err := unix.Setresuid(senderUID, 0, 0); err != nil {
			panic(err)
		}
	}
	parent := os.Getppid()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var sig, count, first, tid int
		fmt.Sscan(lines.Text(), &name, &sig, &count, &first, &tid)
		var err error
		for i := range count {
			switch name {
			case "kill":
				err = unix.Kill(parent, unix.Signal(sig))
			case "tgkill":
				err = unix.Tgkill(parent, tid, unix.Signal(sig))
			case "queue":
				err = sigqueue(parent, sig, uint64(first+i))
			}
			if err != nil {
				break
			}
		}
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
}

// sigqueue is sigqueue(3).
func sigqueue(pid, sig int, value uint64) error {
	info := struct {
		signo, errno, code, _ int32
		pid, uid              int32
		value                 uint64
		_                     [96]byte
	}{signo: int32(sig), code: siginfo.Queue, pid: int32(os.Getpid()), uid: int32(os.Getuid()), value: value}
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(pid), uintptr(sig), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return errno
	}
	return nil
}

// open opens a Receiver for the test.
func open(t testing.TB, opts siginfo.Options) *siginfo.Receiver {
	t.Helper()
	r, err := siginfo.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func openExact(t testing.TB) *siginfo.Receiver {
	t.Helper()
	needExact(t)
	return open(t, siginfo.Options{})
}

func needExact(t testing.TB) {
	t.Helper()
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("no handler for " + runtime.GOARCH)
	}
}

// marker ends what a test expects: the first queued signal of it that arrives
// came after all that was sent before and taken.
const marker = unix.Signal(50)

// wantNothing checks that nothing arrives from the receiver any more.
func wantNothing(s *sender, r *siginfo.Receiver) {
	s.t.Helper()
	s.mark++
	s.do("queue %d 1 %d", marker, s.mark)
	for info := range r.Signals() {
		if info.Signal == marker && info.Value == uint64(s.mark) {
			return
		}
		s.t.Errorf("received %v, %+v too many", info, info)
	}
	s.t.Error("closed")
}
