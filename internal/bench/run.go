package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// parts are what this program does as a process of its own, by its first argument.
var parts map[string]func(args []string)

func init() {
	parts = map[string]func([]string){
		"launch": launch, "spawn": spawnTrue, "sweep": sweepAll, "rest": func([]string) { select {} },
	}
}

// self is this program.
var self, _ = os.Executable()

// inNamespace returns a command that becomes PID 1 of a new PID namespace, with the
// /proc of that.
func inNamespace(argv ...string) *exec.Cmd {
	cmd := exec.Command(self, append([]string{"launch"}, argv...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	return cmd
}

// launch mounts /proc, tells on descriptor 3 what time it is, and becomes args.
func launch(args []string) {
	_ = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	err := unix.Mount("proc", "/proc", "proc", 0, "")
	path := ""
	if err == nil {
		path, err = exec.LookPath(args[0])
	}
	if err == nil {
		var began [8]byte
		binary.NativeEndian.PutUint64(began[:], uint64(monotonic()))
		_, _ = unix.Write(3, began[:]) // nobody listens: EBADF
		_ = unix.Close(3)
		err = unix.Exec(path, args, os.Environ())
	}
	fmt.Fprintln(os.Stderr, "bench: cannot run", args, err)
	os.Exit(125)
}

func monotonic() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}

// timed runs argv as PID 1 and returns the milliseconds from its exec to its end.
func timed(argv ...string) (float64, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd := inNamespace(argv...)
	var stderr strings.Builder
	cmd.ExtraFiles, cmd.Stderr = []*os.File{w}, &stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		return 0, err
	}
	err = cmd.Wait()
	ended := monotonic()
	if err != nil {
		return 0, fmt.Errorf("%v: %w: %s", argv, err, stderr.String())
	}
	var began [8]byte
	if _, err := io.ReadFull(r, began[:]); err != nil {
		return 0, err
	}
	return float64(ended-time.Duration(binary.NativeEndian.Uint64(began[:]))) / 1e6, nil
}

// has reports whether a peer is to be measured and here, and says when it is not.
func (b *bench) has(name string) bool {
	if !b.peers {
		return false
	}
	if _, err := exec.LookPath(name); err != nil {
		fmt.Fprintln(os.Stderr, "bench: left out, not installed:", name)
		return false
	}
	return true
}

// inits are the inits to compare, the one to compare with first, with what is wanted of
// pid1 in its modes; "-" where a mode is not measured.
func (b *bench) inits(off, sample, exact string) []subject {
	var list []subject
	for _, s := range []subject{
		{"tini", []string{"tini", "--"}, ""},
		{"dumb-init", []string{"dumb-init", "--"}, ""},
		{"catatonit", []string{"catatonit", "--"}, ""},
	} {
		if b.has(s.argv[0]) {
			list = append(list, s)
		}
	}
	// What is wanted is wanted beside tini.
	judged := len(list) > 0 && list[0].name == "tini"
	socket := "--socket=" + b.dir + "/s"
	for _, m := range [][2]string{{"off", off}, {"sample", sample}, {"exact", exact}} {
		if m[1] == "-" {
			continue
		}
		if !judged {
			m[1] = ""
		}
		list = append(list, subject{"pid1 --trace " + m[0], []string{b.pid1, "--trace=" + m[0], socket, "--"}, m[1]})
	}
	return list
}

// start starts argv as PID 1 and returns its PID out here, and what ends it.
func start(argv ...string) (pid int, end func(), err error) {
	cmd := inNamespace(argv...)
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, nil
}
