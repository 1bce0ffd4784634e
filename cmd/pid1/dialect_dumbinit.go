package main

import (
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"pid1/reaper"
)

// dumbInitVersion is the version of dumb-init whose ways these are.
const dumbInitVersion = "dumb-init v1.2.5\n"

// dumbInitMax is the highest signal that dumb-init can rewrite, and the last it
// has a handler for: real-time signals are above.
const dumbInitMax = 31

// dumbInit is the manner of dumb-init. Its messages and its help are compared
// letter by letter by its own tests.
type dumbInit struct {
	reaper.Observer
	debug   bool
	session bool
	failure string // name of COMMAND, for the message of a failed exec
	mainPID int
	rewrite rewrites
	err     *lineWriter
	early   []string // said before there was a writer
}

func parseDumbInit(c *call) (*options, int) {
	d := &dumbInit{session: true}
	o, err := c.options()
	if err != nil {
		fmt.Fprintf(c.stderr, "[dumb-init] %s\n", harmless(err.Error()))
		return nil, 1
	}
	status := -1 // of a call that ends here
	g := getopt{name: c.name, short: "hvVcr:", stderr: c.stderr, long: []longOption{
		{"help", false, 'h'}, {"single-child", false, 'c'}, {"rewrite", true, 'r'},
		{"verbose", false, 'v'}, {"version", false, 'V'},
	}}
	command, ok := g.parse(c.args, func(opt byte, value string) bool {
		switch opt {
		case 'h':
			dumbInitHelp(c.stderr, c.name)
			status = 0
		case 'V':
			fmt.Fprint(c.stderr, dumbInitVersion)
			status = 0
		case 'v':
			d.debug = true
		case 'c':
			d.session = false
		case 'r':
			if from, to, ok := dumbInitRewrite(value); ok {
				o.signals[from] = to
				break
			}
			fmt.Fprintf(c.stderr, "Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and %d.\n"+
				"This option can be specified multiple times.\nUse --help for full usage.\n", dumbInitMax)
			status = 1
		}
		return status < 0
	})
	switch {
	case status >= 0:
		return nil, status
	case !ok:
		return nil, 1
	case len(command) == 0:
		fmt.Fprintf(c.stderr, "Usage: %[1]s [option] program [args]\nTry %[1]s --help for full usage.\n", harmless(c.name))
		return nil, 1
	}
	if v, _ := c.lookup("DUMB_INIT_DEBUG"); v == "1" {
		d.debug = true
		d.early = append(d.early, "Running in debug mode.")
	}
	if v, _ := c.lookup("DUMB_INIT_SETSID"); v == "0" {
		d.session = false
		d.early = append(d.early, "Not running in setsid mode.")
	}
	if d.session {
		o.signalTarget.value = "group"
		// In a session of its own COMMAND's group is an orphaned one, which the
		// terminal's stop signals do not stop.
		for _, sig := range []syscall.Signal{unix.SIGTSTP, unix.SIGTTOU, unix.SIGTTIN} {
			if _, set := o.signals[sig]; !set {
				o.signals[sig] = unix.SIGSTOP
			}
		}
	}
	d.failure, d.rewrite, o.command, o.manner = command[0], o.signals, command, d
	return o, 0
}

// dumbInitRewrite reads "FROM:TO", where TO may be 0.
func dumbInitRewrite(value string) (from, to syscall.Signal, ok bool) {
	f, rest, ok1 := scanInt(value)
	if !ok1 || rest == "" || rest[0] != ':' {
		return 0, 0, false
	}
	t, _, ok2 := scanInt(rest[1:])
	if !ok2 || f < 1 || f > dumbInitMax || t < 0 || t > dumbInitMax {
		return 0, 0, false
	}
	return syscall.Signal(f), syscall.Signal(t), true
}

func dumbInitHelp(w io.Writer, name string) {
	fmt.Fprintf(w, "%sUsage: %s [option] command [[arg] ...]\n\n", dumbInitVersion, harmless(name))
	fmt.Fprint(w, `dumb-init is a simple process supervisor that forwards signals to children.
It is designed to run as PID1 in minimal container environments.

Optional arguments:
   -c, --single-child   Run in single-child mode.
                        In this mode, signals are only proxied to the
                        direct child and not any of its descendants.
   -r, --rewrite s:r    Rewrite received signal s to new signal r before proxying.
                        To ignore (not proxy) a signal, rewrite it to 0.
                        This option can be specified multiple times.
   -v, --verbose        Print debugging information to stderr.
   -h, --help           Print this help message and exit.
   -V, --version        Print the current version and exit.

Full help is available online at https://github.com/Yelp/dumb-init
`)
}

func (d *dumbInit) prepare(stderr *lineWriter) {
	d.err = stderr
	for _, line := range d.early {
		d.say("%s", line)
	}
	if !d.session {
		return
	}
	switch leader, err := reaper.DropTerminal(); {
	case err != nil:
		e, _ := errnoOf(err)
		d.say("Unable to detach from controlling tty (errno=%d %s).", int(e), errorText(err))
	case leader:
		d.say("Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive.")
		for _, sig := range []syscall.Signal{unix.SIGHUP, unix.SIGCONT} {
			d.say("Received signal %d.", int(sig))
			d.say("Ignoring tty hand-off signal %d.", int(sig))
		}
	default:
		d.say("Detached from controlling tty, but was not session leader.")
	}
}

func (d *dumbInit) adapt(c *reaper.Config) {
	c.Place, c.Rest = reaper.SameGroup, reaper.Leave
	if d.session {
		c.Place, c.Rest = reaper.OwnSession, reaper.TermGroup
	}
	c.Suspend = sigset(unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	c.Fatal = libcSignals
	// COMMAND starts with nothing blocked; having a handler for a signal turns
	// an inherited "ignore" into the default.
	c.Inherited.Mask &= libcSignals
	c.Inherited.Ignored &^= 1<<dumbInitMax - 1
	d.Observer, c.Observer = c.Observer, d
}

func (d *dumbInit) failed(err error) int {
	if e, ok := errnoOf(err); ok {
		d.print("%s: %s", harmless(d.failure), errorText(e))
	} else {
		d.print("%s", harmless(err.Error()))
	}
	return 2
}

func (d *dumbInit) close() {}

func (d *dumbInit) print(format string, a ...any) {
	_, _ = fmt.Fprintf(d.err, "[dumb-init] "+format+"\n", a...)
}

func (d *dumbInit) say(format string, a ...any) {
	if d.debug {
		d.print(format, a...)
	}
}

func (d *dumbInit) Spawned(pid int) {
	d.mainPID = pid
	d.Observer.Spawned(pid)
	d.say("Child spawned with PID %d.", pid)
	if d.session {
		d.say("setsid complete.")
	}
}

func (d *dumbInit) Received(rc reaper.Receipt) {
	d.Observer.Received(rc)
	d.say("Received signal %d.", int(rc.Info.Signal))
	d.forwarded(rc.Info.Signal)
	switch rc.Info.Signal {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		d.say("Suspending self due to TTY signal.")
	}
}

func (d *dumbInit) forwarded(sig syscall.Signal) {
	to, rewritten := d.rewrite[sig]
	if rewritten {
		d.say("Translating signal %d to %d.", int(sig), int(to))
		sig = to
	}
	if sig == 0 {
		d.say("Not forwarding signal %d to children (ignored).", int(sig))
	} else {
		d.say("Forwarded signal %d to children.", int(sig))
	}
}

func (d *dumbInit) Reaped(death reaper.Death) {
	d.Observer.Reaped(death)
	d.say("Received signal %d.", int(unix.SIGCHLD))
	if death.Signal != 0 {
		d.say("A child with PID %d was terminated by signal %d.", death.PID, int(death.Signal))
	} else {
		d.say("A child with PID %d exited with exit status %d.", death.PID, death.Code)
	}
}

func (d *dumbInit) MainExited(death reaper.Death, status int) {
	d.Observer.MainExited(death, status)
	d.forwarded(unix.SIGTERM)
	d.say("Child exited with status %d. Goodbye.", status)
}

var _ manner = (*dumbInit)(nil)
