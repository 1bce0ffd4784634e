//go:build linux

package early

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

// These tests check that internal/siginfo receives what this package blocks.

// queue sends this process a signal with a value, rt_sigqueueinfo(2). It says
// that PID 1 did, because a Receiver drops what its own process sends.
func queue(sig unix.Signal, value uint64) error {
	info := struct {
		signo, errno, code, _ int32
		pid, uid              int32
		value                 uint64
		_                     [96]byte
	}{signo: int32(sig), code: siginfo.Queue, pid: 1, value: value}
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGQUEUEINFO,
		uintptr(os.Getpid()), uintptr(sig), uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return errno
	}
	return nil
}

func openReceiver(t *testing.T) *siginfo.Receiver {
	t.Helper()
	r, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestReceiver(t *testing.T) {
	needHook(t)
	r := openReceiver(t)
	for _, sig := range []unix.Signal{
		unix.SIGUSR1, unix.SIGTERM, unix.SIGTSTP, unix.SIGCONT, unix.SIGTTIN, unix.SIGTTOU, unix.SIGWINCH, unix.SIGPIPE, 35, 50,
	} {
		cmd := exec.Command("sh", "-c", fmt.Sprintf("kill -%d $PPID", sig))
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		want := siginfo.Info{Signal: sig, PID: int32(cmd.Process.Pid), UID: int32(os.Getuid())}
		if len(emulator()) > 0 && sig > 31 {
			continue // the shell has other numbers for them
		}
		if got := <-r.Signals(); got != want {
			t.Errorf("received %+v, want %+v", got, want)
		}
	}
}

// TestReceiverOrder checks that real-time signals keep their order: there is one
// thread that has them unblocked.
func TestReceiverOrder(t *testing.T) {
	needHook(t)
	r := openReceiver(t)
	const count = 5000
	go func() {
		for i := range uint64(count) {
			if err := queue(40, i); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range uint64(count) {
		if got := <-r.Signals(); got.Signal != 40 || got.Value != i {
			t.Fatalf("received %v with value %d, want value %d", got, got.Value, i)
		}
	}
}

// launch is the helper that leads a session with a terminal and starts the next
// one in a process group in the background.
func launch() {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), helperEnv+"=background")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		panic(err)
	}
}

// background is the helper in a background process group of a terminal that
// stops those who write to it. It writes itself, then has a child write that has
// SIGTTOU unblocked, and prints the signals it received.
func background() {
	r, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdin.WriteString("from the background"); err != nil {
		fmt.Println("cannot write:", err)
	}
	if err := queue(50, 1); err != nil {
		panic(err)
	}
	fmt.Println(<-r.Signals())

	runtime.LockOSThread() // its mask is what the child gets
	var none, old unix.Sigset_t
	unix.PthreadSigmask(unix.SIG_SETMASK, &none, &old)
	cmd := exec.Command("sh", "-c", "echo from the child >&0")
	cmd.Stdin = os.Stdin
	err = cmd.Start()
	unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	if err != nil {
		panic(err)
	}
	var status unix.WaitStatus
	for {
		if _, err = unix.Wait4(cmd.Process.Pid, &status, unix.WUNTRACED, nil); err != unix.EINTR {
			break
		}
	}
	fmt.Println("child stopped:", status.Stopped())
	cmd.Process.Kill()
	cmd.Wait()
	fmt.Println(<-r.Signals())
	if err := queue(50, 2); err != nil {
		panic(err)
	}
	fmt.Println(<-r.Signals())
}

func TestBackgroundTerminal(t *testing.T) {
	needHook(t)
	if len(emulator()) > 0 {
		t.Skip("not under an emulator: the helpers start each other")
	}
	slave := openTerminal(t)
	cmd := exec.Command(self(t)[0])
	cmd.Env = append(os.Environ(), helperEnv+"=launch")
	cmd.Stdin, cmd.Stderr = slave, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `SIGRTMIN+16 from pid 1 (uid 0)
child stopped: true
SIGTTOU from the kernel
SIGRTMIN+16 from pid 1 (uid 0)
`
	if string(out) != want {
		t.Errorf("in the background:\n%s\nwant:\n%s", out, want)
	}
}

// openTerminal opens a pseudo-terminal, pty(7), that stops background processes
// that write to it (tostop).
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	attributes, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	attributes.Lflag |= unix.TOSTOP
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, attributes); err != nil {
		t.Fatal(err)
	}
	return slave
}
