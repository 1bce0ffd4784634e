package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/ui"
)

// signaller sends signals with this program's own rights. pid1 has no part in it.
type signaller struct {
	ns uint64 // inode of our own PID namespace; 0: unknown
}

var _ ui.Signaller = signaller{}

func newSignaller() signaller {
	var s signaller
	if st, err := os.Stat("/proc/self/ns/pid"); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			s.ns = sys.Ino
		}
	}
	return s
}

// Able says whether the PIDs of the feed are ours as well: the same number is
// another process in another PID namespace.
func (s signaller) Able(h *event.Hello) error {
	if s.ns == 0 || h.PIDNS == 0 || s.ns != h.PIDNS {
		return errors.New("cannot send signals from here: these processes are in another PID namespace than pid1top")
	}
	return nil
}

// Signal sends sig to id. The process is held by a pidfd (pidfd_open(2), Linux 5.3)
// before its start time is looked at, so that what is looked at is what gets the
// signal.
func (s signaller) Signal(_ context.Context, id event.ID, sig string) error {
	number := unix.SignalNum(sig)
	if number == 0 {
		return fmt.Errorf("cannot send %s: there is no such signal", sig)
	}
	fail := func(err error) error {
		return fmt.Errorf("cannot send %s to %d: %w", sig, id.PID, err)
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return fail(errors.New("it is gone"))
	case err != nil:
		return fail(err)
	}
	defer unix.Close(fd)
	start, err := startTicks(id.PID)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH):
		return fail(errors.New("it is gone"))
	case err != nil:
		return fail(err)
	case id.Start == 0 || start != id.Start:
		return fail(errors.New("that process is gone, and another one has its PID now"))
	}
	if err := unix.PidfdSendSignal(fd, number, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			err = errors.New("it is gone")
		}
		return fail(err)
	}
	return nil
}

// startTicks reads when a process started, in clock ticks since boot: field 22 of
// proc_pid_stat(5). The name before it may hold anything.
func startTicks(pid int) (uint64, error) {
	const field = 22 - 3 // counted from the state, the first after the name
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(line[bytes.LastIndexByte(line, ')')+1:])
	if len(f) <= field {
		return 0, fmt.Errorf("cannot understand /proc/%d/stat", pid)
	}
	return strconv.ParseUint(string(f[field]), 10, 64)
}
