package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"
)

// openPTY gives both ends of a pseudo terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	n := 0
	control(t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// control calls f with the descriptor. File.Fd would make reading block for ever,
// closed or not.
func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	c, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// resize gives the terminal a size.
func resize(t *testing.T, master *os.File, w, h uint16) {
	t.Helper()
	control(t, master, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: h, Col: w})
	})
}

// terminal reads what is drawn and waits for words in it.
type terminal struct {
	master *os.File
	mu     sync.Mutex
	news   *sync.Cond
	got    bytes.Buffer
	gone   bool
	done   chan struct{}
}

func newTerminal(master *os.File) *terminal {
	tt := &terminal{master: master, done: make(chan struct{})}
	tt.news = sync.NewCond(&tt.mu)
	go func() {
		defer close(tt.done)
		var b [4096]byte
		for {
			n, err := master.Read(b[:])
			tt.mu.Lock()
			tt.got.Write(b[:n])
			tt.gone = err != nil
			tt.news.Broadcast()
			tt.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return tt
}

// wait waits until the words were drawn, whatever the looks between them.
func (tt *terminal) wait(t *testing.T, words string) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() {
		tt.mu.Lock()
		defer tt.mu.Unlock()
		tt.gone = true
		tt.news.Broadcast()
	})
	defer late.Stop()
	tt.mu.Lock()
	defer tt.mu.Unlock()
	for {
		if got := tt.got.String(); strings.Contains(got, words) || strings.Contains(ansi.Strip(got), words) {
			return
		}
		if tt.gone {
			t.Fatalf("never drawn: %q; drawn: %q", words, tt.got.String())
		}
		tt.news.Wait()
	}
}

// quiet is a Source that tells of a small container and then nothing.
func quiet(ctx context.Context, emit func(Batch)) error {
	f := newFeed()
	f.now = time.Now()
	f.healthy()
	emit(Batch{State: Live, Events: f.take()})
	<-ctx.Done()
	return nil
}

func runOn(slave *os.File, env ...string) <-chan error {
	end := make(chan error, 1)
	go func() {
		end <- Run(context.Background(), sourceFunc(quiet), Options{In: slave, Out: slave, Environ: append(env, "TERM=xterm"), Zone: time.UTC})
	}()
	return end
}

// TestRunOnATerminal starts like docker exec -t does: 0x0, then the size comes.
func TestRunOnATerminal(t *testing.T) {
	master, slave := openPTY(t)
	defer slave.Close()
	tt := newTerminal(master)
	end := runOn(slave)
	tt.wait(t, "\x1b[?1049h")
	tt.wait(t, "cron -f")
	tt.wait(t, "q quit")
	resize(t, master, 120, 30)
	master.WriteString("?")
	tt.wait(t, "this help")
	master.WriteString("qq")
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	tt.wait(t, "\x1b[?1049l")
	master.Close()
	<-tt.done
}

func TestRunAsksForTheSizeAgain(t *testing.T) {
	master, slave := openPTY(t)
	defer slave.Close()
	tt := newTerminal(master)
	end := runOn(slave, "COLUMNS=30", "LINES=3")
	tt.wait(t, "\x1b[?1049h")
	tt.wait(t, "Z 0")
	resize(t, master, 120, 30)
	tt.wait(t, "q quit")
	master.WriteString("q")
	if err := <-end; err != nil {
		t.Fatal(err)
	}
	master.Close()
	<-tt.done
}

// TestRunEndsWhenTheTerminalGoes hangs up: the program must not stay behind.
func TestRunEndsWhenTheTerminalGoes(t *testing.T) {
	master, slave := openPTY(t)
	defer slave.Close()
	tt := newTerminal(master)
	end := runOn(slave)
	tt.wait(t, "cron -f")
	master.Close()
	select {
	case err := <-end:
		if err != nil {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the program goes on without a terminal")
	}
	<-tt.done
}

// TestRunEndsAtTheEndOfInput gives keys from a pipe, whose end must end the
// program too.
func TestRunEndsAtTheEndOfInput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	end := make(chan error, 1)
	go func() {
		end <- Run(context.Background(), sourceFunc(quiet), Options{In: r, Out: new(bytes.Buffer), Environ: []string{"TERM=xterm"}})
	}()
	w.Close()
	select {
	case err := <-end:
		if err != nil {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the program goes on without input")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	master, slave := openPTY(t)
	defer slave.Close()
	tt := newTerminal(master)
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- Run(ctx, sourceFunc(quiet), Options{In: slave, Out: slave, Environ: []string{"TERM=xterm"}})
	}()
	tt.wait(t, "cron -f")
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
	tt.wait(t, "\x1b[?1049l")
	master.Close()
	<-tt.done
}

// TestRunWithoutATerminal needs a process of its own: one without a controlling
// terminal.
func TestRunWithoutATerminal(t *testing.T) {
	if os.Getenv("UI_TEST_NO_TERMINAL") == "1" {
		err := Run(context.Background(), sourceFunc(quiet), Options{})
		fmt.Println(errors.Is(err, ErrNoTerminal), err)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestRunWithoutATerminal$")
	cmd.Env = append(os.Environ(), "UI_TEST_NO_TERMINAL=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "true no terminal to read keys from: use docker exec -it, or --json") {
		t.Errorf("%s", out)
	}
}
