package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
)

// The probe is a COMMAND that tells what it was given and which signals reach
// it, line by line, and does what it reads from standard input. It is this test
// binary, started with probeVar in its environment.

const probeVar = "PID1_TEST_PROBE"

func init() {
	switch role := os.Getenv(probeVar); role {
	case "":
	case "inherit":
		fmt.Fprintln(os.Stderr, inheritAndExec())
		os.Exit(99)
	default:
		probe(role)
	}
}

// inheritAndExec becomes the program of its arguments, with some signals blocked
// and others ignored.
func inheritAndExec() error {
	runtime.LockOSThread()
	for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGUSR1, unix.SIGPIPE, unix.SIGTTOU, unix.SIGTTIN, unix.SIGWINCH, 40} {
		var act [4]uintptr
		act[0] = 1 // SIG_IGN
		if _, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0); errno != 0 {
			return errno
		}
	}
	set := unix.Sigset_t{Val: [16]uint64{sigset(unix.SIGUSR2, unix.SIGTERM, unix.SIGTTIN, unix.SIGABRT, 32, 33, 34, 64)}}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, nil); err != nil {
		return err
	}
	return syscall.Exec(os.Args[1], os.Args[2:], os.Environ())
}

func probe(role string) {
	say := func(format string, a ...any) {
		_, _ = fmt.Fprintf(os.Stdout, role+": "+format+"\n", a...)
	}
	signals, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		say("cannot receive signals: %v", err)
		os.Exit(99)
	}
	if role == "main" {
		facts(say)
	}
	if role == "main" && os.Getenv("PROBE_ALONE") == "" {
		probeChild("child", nil)
		probeChild("daemon", &syscall.SysProcAttr{Setsid: true})
	}
	say("ready %d", os.Getpid())
	lines := make(chan string)
	if role == "main" {
		go func() {
			for in := bufio.NewScanner(os.Stdin); in.Scan(); {
				lines <- in.Text()
			}
		}()
	}
	moved := time.NewTicker(2 * time.Millisecond)
	if role != "orphan" {
		moved.Stop()
	}
	for {
		select {
		case info := <-signals.Signals():
			by := ""
			if info.Code == siginfo.Kern {
				by = " by the kernel"
			}
			say("got %s%s", siginfo.Name(info.Signal), by)
		case line := <-lines:
			word, arg, _ := strings.Cut(line, " ")
			n, _ := strconv.Atoi(arg)
			switch word {
			case "exit":
				os.Exit(n)
			case "orphan": // a child of a child that ends at once
				c := exec.Command("/bin/sh", "-c", `PROBE_PARENT=$$ "$0" &`, os.Args[0])
				c.Env = append(os.Environ(), probeVar+"=orphan", "PROBE_PROGRAM="+strconv.Itoa(os.Getppid()))
				c.Stdout = os.Stdout
				_ = c.Run()
			}
		case <-moved.C:
			if p := strconv.Itoa(os.Getppid()); p != os.Getenv("PROBE_PARENT") {
				say("adopted by the program: %t", p == os.Getenv("PROBE_PROGRAM"))
				moved.Stop()
			}
		}
	}
}

func probeChild(role string, attr *syscall.SysProcAttr) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), probeVar+"="+role)
	c.Stdout, c.SysProcAttr = os.Stdout, attr
	if err := c.Start(); err != nil {
		fmt.Println("cannot start", role, err)
	}
}

// facts tells what COMMAND was given.
func facts(say func(string, ...any)) {
	pid, ppid := os.Getpid(), os.Getppid()
	pgid, ppgid := unix.Getpgrp(), 0
	ppgid, _ = unix.Getpgid(ppid)
	sid, _ := unix.Getsid(0)
	say("leads its group %t, its session %t; group of parent %t", pgid == pid, sid == pid, pgid == ppgid)
	dir, _ := os.Getwd()
	say("in %s, as %q", dir, os.Args[1:])
	tty, err := os.Open("/dev/tty")
	if err != nil {
		say("has no terminal")
		return
	}
	defer tty.Close()
	front, _ := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	say("has a terminal, in the foreground %t", front == pgid)
}
