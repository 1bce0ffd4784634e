package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/internal/siginfo"
	"pid1/reaper"
)

// tiniVersion is the version of tini whose ways these are. dockerd and scripts
// read the line "tini version …".
const tiniVersion = "tini version 0.19.0"

// The levels of tini's messages: each is printed when the verbosity is at least
// as high.
const (
	tiniFatal = iota
	tiniWarn
	tiniInfo
	tiniDebug
	tiniTrace
)

var tiniLevels = [...]string{"FATAL", "WARN ", "INFO ", "DEBUG", "TRACE"}

// tiniParentDeath are the signals that -p takes, each with "SIG" in front.
var tiniParentDeath = strings.Fields("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM " +
	"CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH SYS")

// tini is the manner of tini, also known as docker-init.
type tini struct {
	reaper.Observer
	mainPID   int
	verbosity int
	warnReap  bool
	subreaper bool
	mapExit   statuses
	err, out  *lineWriter // out: for what tini writes to standard output
}

func parseTini(c *call) (*options, int) {
	if slices.Equal(c.args, []string{"--version"}) {
		fmt.Fprintln(c.stdout, tiniVersion)
		return nil, 0
	}
	t := &tini{verbosity: tiniWarn}
	fatal := func(format string, a ...any) (*options, int) {
		fmt.Fprint(c.stderr, t.line(tiniFatal, format, a...))
		return nil, 1
	}
	o, err := c.options()
	if err != nil {
		return fatal("%s", harmless(err.Error()))
	}
	status := -1 // of a call that ends here
	g := getopt{name: c.name, short: "p:hvwgle:s", mixed: mixesOptions(c), stderr: c.stderr}
	command, ok := g.parse(c.args, func(opt byte, value string) bool {
		switch opt {
		case 'h':
			fmt.Fprint(c.stdout, tiniUsage(c.name))
			status = 0
		case 'l':
			fmt.Fprintln(c.stdout, licenseNote)
			status = 0
		case 's':
			t.subreaper = true
		case 'v':
			t.verbosity++
		case 'w':
			t.warnReap = true
		case 'g':
			o.signalTarget.value = "group"
		case 'p':
			name, sig := strings.CutPrefix(value, "SIG")
			if !sig || !slices.Contains(tiniParentDeath, name) {
				_, status = fatal("Not a valid option for -p: %s", harmless(value))
				break
			}
			_ = o.parentDeath.Set(name)
		case 'e':
			n, rest, number := scanInt(value)
			if value != "" && (!number || rest != "") || n < 0 || n > 255 {
				_, status = fatal("Not a valid option for -e: %s", harmless(value))
				break
			}
			o.mapExit[n] = 0
		}
		return status < 0
	})
	if status >= 0 {
		return nil, status
	}
	if !ok || len(command) == 0 {
		fmt.Fprint(c.stderr, tiniUsage(c.name))
		return nil, 1
	}
	if _, on := c.lookup("TINI_SUBREAPER"); on {
		t.subreaper = true
	}
	if _, on := c.lookup("TINI_KILL_PROCESS_GROUP"); on {
		o.signalTarget.value = "group"
	}
	if v, set := c.lookup("TINI_VERBOSITY"); set {
		// As atoi(3) into an unsigned number: without digits 0, below 0 a great deal.
		if t.verbosity, _, _ = scanInt(v); t.verbosity < 0 {
			t.verbosity = tiniTrace
		}
	}
	if t.subreaper {
		o.subreaper.value = "on"
	}
	t.mapExit, o.command, o.manner = o.mapExit, command, t
	return o, 0
}

func tiniUsage(name string) string {
	name = harmless(filepath.Base(name))
	return name + " (" + tiniVersion + ")\n" +
		"Usage: " + name + " [OPTIONS] PROGRAM -- [ARGS] | --version\n\n" +
		"Runs PROGRAM under the supervision of a valid init process: this is pid1, doing as\n" +
		"tini does. PID1_* variables set what it observes, see pid1 --help.\n\n" +
		"  --version  print the version, if this is the only argument\n" +
		"  -h         print this help\n" +
		"  -s         become a subreaper: adopt orphans though not PID 1\n" +
		"  -p SIGNAL  get SIGNAL when the parent dies, for example SIGKILL\n" +
		"  -v         be more verbose; repeatable\n" +
		"  -w         warn about every process that is reaped\n" +
		"  -g         pass signals to PROGRAM's process group\n" +
		"  -e CODE    turn PROGRAM's exit status CODE (0 to 255) into 0; repeatable\n" +
		"  -l         say which license this program has\n\n" +
		"Environment variables:\n\n" +
		"  TINI_SUBREAPER           the same as -s\n" +
		"  TINI_VERBOSITY           how verbose to be (1)\n" +
		"  TINI_KILL_PROCESS_GROUP  the same as -g\n\n"
}

// licenseNote stands for the license text of the program that pid1 stands in for.
const licenseNote = "This is pid1, under the MIT License; its source comes with the text (LICENSE)."

func (t *tini) prepare(stderr *lineWriter) {
	t.err = stderr
	if t.verbosity >= tiniInfo {
		// pid1 lets go of standard output once COMMAND runs.
		if fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3); err == nil {
			t.out = newLineWriter(fd)
		}
	}
	if t.subreaper {
		t.say(tiniTrace, "Registered as child subreaper")
	} else if os.Getpid() != 1 && !isSubreaper() {
		t.say(tiniWarn, "Tini is not running as PID 1 and isn't registered as a child subreaper: "+
			"orphans go elsewhere, so zombie reaping won't work.\n"+
			"Run it as PID 1, or register it with -s or the environment variable TINI_SUBREAPER.")
	}
}

// isSubreaper reports whether whoever started this process made it a subreaper,
// which outlasts an exec.
func isSubreaper() bool {
	var on int32
	_, _, errno := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&on)), 0)
	return errno == 0 && on != 0
}

func (t *tini) adapt(c *reaper.Config) {
	c.Rewrite[unix.SIGTTIN], c.Rewrite[unix.SIGTTOU] = 0, 0
	c.Fatal = faults | libcSignals
	c.Inherited.Mask &^= libcSignals
	c.Rest = reaper.Leave
	t.Observer, c.Observer = c.Observer, t
}

func (t *tini) failed(err error) int {
	status := 1
	switch e, _ := errnoOf(err); {
	case e == unix.ENOENT:
		status = 127
	case e == unix.EACCES:
		status = 126
	}
	t.say(tiniFatal, "%s", harmless(err.Error()))
	if to, ok := t.mapExit[status]; ok {
		status = to
	}
	return status
}

func (t *tini) close() {
	if t.out != nil {
		t.out.close()
	}
}

func (t *tini) line(level int, format string, a ...any) string {
	return fmt.Sprintf("[%s tini (%d)] %s\n", tiniLevels[level], os.Getpid(), fmt.Sprintf(format, a...))
}

// say writes warnings to standard error and what is less to standard output.
func (t *tini) say(level int, format string, a ...any) {
	w := t.err
	if level >= tiniInfo {
		w = t.out
	}
	if level <= t.verbosity && w != nil {
		_, _ = w.Write([]byte(t.line(level, format, a...)))
	}
}

func (t *tini) Spawned(pid int) {
	t.mainPID = pid
	t.Observer.Spawned(pid)
	t.say(tiniInfo, "Spawned child process with pid '%d'", pid)
}

func (t *tini) Received(rc reaper.Receipt) {
	t.Observer.Received(rc)
	switch {
	case rc.Err == unix.ESRCH:
		t.say(tiniWarn, "Child was dead when forwarding signal")
	case rc.Err != nil:
		t.say(tiniFatal, "Unexpected error when forwarding signal: '%s'", errorText(rc.Err))
	case rc.Became != 0:
		t.say(tiniDebug, "Passing signal: '%s'", siginfo.Name(rc.Became))
	}
}

func (t *tini) Reaped(d reaper.Death) {
	t.Observer.Reaped(d)
	t.say(tiniDebug, "Received SIGCHLD")
	t.say(tiniDebug, "Reaped child with pid: '%d'", d.PID)
	if !d.Main && t.warnReap {
		t.say(tiniWarn, "Reaped zombie process with pid=%d", d.PID)
	}
}

func (t *tini) MainExited(d reaper.Death, status int) {
	t.Observer.MainExited(d, status)
	if d.Signal != 0 {
		t.say(tiniInfo, "Main child exited with signal (with signal '%s')", siginfo.Name(d.Signal))
	} else {
		t.say(tiniInfo, "Main child exited normally (with status '%d')", d.Code)
	}
	t.say(tiniTrace, "Exiting: child has exited")
}

var _ manner = (*tini)(nil)
