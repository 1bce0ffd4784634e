package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
	"pid1/reaper"
)

// catatonitVersion is the version of catatonit whose ways these are. It calls
// itself tini for dockerd's sake.
const catatonitVersion = "tini version 0.1.7_catatonit"

// catatonit is the manner of catatonit.
type catatonit struct {
	reaper.Observer
	debug bool
	pause bool
	err   io.Writer
}

func parseCatatonit(c *call) (*options, int) {
	k := &catatonit{err: c.stderr}
	_, k.debug = c.lookup("CATATONIT_DEBUG")
	if _, set := c.lookup("CATATONIT_LOG"); set {
		k.say("ERROR", "CATATONIT_LOG must not be set: the name is reserved")
		return nil, 1
	}
	o, err := c.options()
	if err != nil {
		k.say("ERROR", "%s", harmless(err.Error()))
		return nil, 1
	}
	status := -1 // of a call that ends here
	g := getopt{name: c.name, short: "ghLPV", stderr: c.stderr, mixed: mixesOptions(c),
		long: []longOption{{"version", false, 'V'}}}
	command, ok := g.parse(c.args, func(opt byte, _ string) bool {
		switch opt {
		case 'g':
			o.signalTarget.value = "group"
		case 'P':
			k.pause = true
		case 'h':
			catatonitHelp(c.stderr)
			status = 0
		case 'L':
			fmt.Fprintln(c.stdout, licenseNote)
			status = 0
		case 'V':
			fmt.Fprintln(c.stdout, catatonitVersion)
			status = 0
		}
		return status < 0
	})
	switch {
	case status >= 0:
		return nil, status
	case !ok:
		fmt.Fprintln(c.stderr, catatonitUsage)
		return nil, 1
	case k.pause:
		command = nil
	case len(command) == 0:
		k.say("ERROR", "missing program name")
		fmt.Fprintln(c.stderr, catatonitUsage)
		return nil, 1
	}
	o.subreaper.value = "auto"
	o.command, o.manner = command, k
	return o, 0
}

const catatonitUsage = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]"

func catatonitHelp(w io.Writer) {
	fmt.Fprint(w, catatonitUsage+`

This is pid1, doing as catatonit does. PID1_* variables set what it observes,
see pid1 --help.

  -g             pass signals to the program's process group
  -P             run no program: reap until INT or TERM arrives
  -L             say which license this program has
  -V, --version  print the version
  -h             print this help
`)
}

func (k *catatonit) prepare(stderr *lineWriter) { k.err = stderr }

func (k *catatonit) adapt(c *reaper.Config) {
	stops := sigset(unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	c.Rewrite[unix.SIGTSTP], c.Rewrite[unix.SIGTTIN], c.Rewrite[unix.SIGTTOU] = 0, 0, 0
	c.Fatal = faults | libcSignals
	c.Rest = reaper.Leave
	c.Pause = k.pause
	// COMMAND gets these blocked, whatever the mask was.
	c.Inherited.Mask = c.Inherited.Mask&^libcSignals | stops
	k.Observer, c.Observer = c.Observer, k
}

func (k *catatonit) failed(err error) int {
	k.say("ERROR", "%s", harmless(err.Error()))
	return 1
}

func (k *catatonit) close() {}

func (k *catatonit) say(level, format string, a ...any) {
	_, _ = fmt.Fprintf(k.err, "%s (catatonit:%d): %s\n", level, os.Getpid(), fmt.Sprintf(format, a...))
}

func (k *catatonit) tell(format string, a ...any) {
	if k.debug {
		k.say("DEBUG", format, a...)
	}
}

func (k *catatonit) Spawned(pid int) {
	k.Observer.Spawned(pid)
	k.tell("pid1 (%d) spawned", pid)
}

func (k *catatonit) Received(rc reaper.Receipt) {
	k.Observer.Received(rc)
	name := siginfo.Name(rc.Info.Signal)
	switch {
	case rc.Err != nil && k.debug:
		k.say("WARN", "forwarding of signal %s failed: %s", name, errorText(rc.Err))
	case rc.Became == 0:
		k.tell("signal %s is not forwarded", name)
	}
}

func (k *catatonit) Reaped(d reaper.Death) {
	k.Observer.Reaped(d)
	switch {
	case d.Main:
	case d.Signal != 0:
		k.tell("child process %d exited due to signal %d", d.PID, int(d.Signal))
	default:
		k.tell("child process %d exited with code %d", d.PID, d.Code)
	}
}

var _ manner = (*catatonit)(nil)
