package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// surrounding is a way to keep the demo apart from everything else.
type surrounding struct {
	name string
	attr syscall.SysProcAttr
}

// surroundings are those worth trying, best first.
func surroundings() []surrounding {
	// Should this program be killed, the demo goes as well. ^C is for this program
	// alone, which then cleans up.
	var list []surrounding
	ns := syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL, Setpgid: true,
	}
	uid := os.Geteuid()
	if uid == 0 {
		list = append(list, surrounding{"a PID namespace of its own", ns})
	}
	// root without CAP_SYS_ADMIN may have a user namespace, too.
	ns.Cloneflags |= syscall.CLONE_NEWUSER
	ns.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	ns.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	return append(list,
		surrounding{"a user and a PID namespace of its own", ns},
		surrounding{
			"no namespace of its own, which was refused, but below pid1 as a subreaper",
			syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true},
		},
	)
}

// demo is a running demo program.
type demo struct {
	where   string
	socket  string
	log     string
	process *os.Process
	gone    chan struct{} // closed when the first process is
}

// start starts the first process of the demo: this program again, which sets up
// the namespace and becomes pid1.
func (s *surrounding) start(dir, pid1 string) (*demo, error) {
	d := &demo{
		where: s.name, gone: make(chan struct{}),
		socket: filepath.Join(dir, "pid1.sock"), log: filepath.Join(dir, "pid1.log"),
	}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command("/proc/self/exe", pid1, "--socket", d.socket, "--timeout", "1", "--grace", "1",
		"--", filepath.Join(dir, "shop"))
	cmd.Args[0] = "pid1top"
	cmd.Env = demoEnv("init")
	cmd.Stdout, cmd.Stderr = log, log
	attr := s.attr
	cmd.SysProcAttr = &attr

	started := make(chan error)
	go func() {
		// Pdeathsig is sent when the thread that started the process ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(d.gone)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	d.process = cmd.Process
	return d, nil
}

// demoEnv is the environment of one part of the demo: ours, without what is meant
// for a pid1 or for another part.
func demoEnv(role string) []string {
	env := []string{demoRole + "=" + role}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PID1_") && !strings.HasPrefix(kv, demoRole+"=") {
			env = append(env, kv)
		}
	}
	return env
}

// stop ends all processes of the demo and waits until they are gone. pid1 is asked
// to: its timeouts are a second each, with which it ends whatever does not end
// itself. Killed, as the init of a namespace it would take all of them along, but
// not before exits that wait for its answer have failed.
func (d *demo) stop() {
	_ = d.process.Signal(syscall.SIGTERM)
	select {
	case <-d.gone:
	case <-time.After(10 * time.Second):
		_ = d.process.Kill()
		<-d.gone
	}
}

// lastWords is why the demo ended, as far as it said.
func (d *demo) lastWords() string {
	text, _ := os.ReadFile(d.log)
	if line := lastLine(text); line != "" {
		return line
	}
	return "it ended without a word"
}

// demoInit is the first process: it gives the namespace its /proc and becomes
// pid1. args are this program's name and pid1's command line.
func demoInit(args []string) error {
	if len(args) < 2 {
		return errors.New("nothing to become")
	}
	if os.Getpid() == 1 {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("cannot make the mounts private: %w", err)
		}
		flags := uintptr(syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC)
		if err := syscall.Mount("proc", "/proc", "proc", flags, ""); err != nil {
			return fmt.Errorf("cannot mount /proc: %w", err)
		}
	}
	err := syscall.Exec(args[1], append([]string{"pid1"}, args[2:]...), demoEnv("shop"))
	return fmt.Errorf("cannot run %s: %w", args[1], err)
}
