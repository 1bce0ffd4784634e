package truth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"pid1/client"
	"pid1/event"
)

// Trial is one measurement.
type Trial struct {
	// Command returns the command that runs pid1 with arguments; socket and truth
	// lie in Dir, which both sides see under the same name.
	Command func(args ...string) *exec.Cmd
	Grower  []string // runs Grow
	Dir     string
	Trace   string // --trace
	Rounds  int
	Lives   string // as Grow takes them; empty: all
	Trees   string
	Busy    int // how many cores to keep busy meanwhile
	// Random trees are made instead of the others when there are to be any: the
	// first from Seed, each of at most Size processes.
	Random, Size int
	Seed         uint64
}

// ErrTrace is Run's error when pid1 does not trace as asked.
var ErrTrace = errors.New("this pid1 does not trace so")

// Run runs Grow under pid1, reads its feed and compares.
func (t *Trial) Run(ctx context.Context) (*Coverage, error) {
	socket, file := filepath.Join(t.Dir, "d", "s"), filepath.Join(t.Dir, "truth.jsonl")
	args := []string{"--trace", t.Trace, "--history", "100000", "--socket", socket, "--"}
	args = append(append(args, t.Grower...), "-o", file, "-rounds", strconv.Itoa(t.Rounds), "-trees", t.Trees)
	if t.Lives != "" {
		args = append(args, "-lives", t.Lives)
	}
	if t.Random > 0 {
		args = append(args, "-random", strconv.Itoa(t.Random), "-seed", strconv.FormatUint(t.Seed, 10), "-size", strconv.Itoa(t.Size))
	}
	idle, err := burn(t.Busy)
	if err != nil {
		return nil, err
	}
	defer idle()
	cmd := t.Command(args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot run pid1: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		cancel(errors.New("pid1 ended"))
	}()
	events, err := read(ctx, socket, t.Trace)
	if err != nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	if werr := <-ended; err == nil && werr != nil {
		err = werr
	}
	if bytes.Contains(said.Bytes(), []byte("cannot use --trace")) {
		err = ErrTrace
	}
	if err != nil {
		return nil, fmt.Errorf("cannot measure: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	all, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Check(all, events), nil
}

// read reads the feed at socket from the beginning to its end.
func read(ctx context.Context, socket, trace string) ([]event.Event, error) {
	c, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if got := c.Hello().Trace; got != trace {
		return nil, fmt.Errorf("%w: %s was asked for, the feed says %q", ErrTrace, trace, got)
	}
	var events []event.Event
	for {
		ev, err := c.Next()
		switch {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, err
		}
		if g, ok := ev.(*event.Gap); ok {
			return nil, fmt.Errorf("%d events were lost before they were read", g.Lost)
		}
		events = append(events, ev)
	}
}

// dial waits for pid1 to listen.
func dial(ctx context.Context, socket string) (*client.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		c, err := client.Dial(ctx, socket, event.Request{Op: event.OpSubscribe})
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
			return c, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// burn keeps n cores busy with processes of another kind until idle is called.
func burn(n int) (idle func(), err error) {
	var all []*exec.Cmd
	idle = func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	for range n {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		cmd.Stderr = os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			idle()
			return nil, fmt.Errorf("cannot keep a core busy: %w", err)
		}
		all = append(all, cmd)
	}
	return idle, nil
}
