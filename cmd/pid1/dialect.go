package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"pid1/reaper"
)

// A dialect is the command line of another init program. Called by that
// program's name, pid1 takes its arguments and variables, and exits and complains
// as it does; the engine behind is the same, and so is what is observed.
type dialect struct {
	names []string
	// parse gives the options for a call. It returns nil and an exit status when
	// there is nothing to run: after a bad option or --help.
	parse func(*call) (*options, int)
}

var dialects = []dialect{
	{[]string{"tini", "tini-static", "docker-init"}, parseTini},
	{[]string{"dumb-init"}, parseDumbInit},
	{[]string{"catatonit"}, parseCatatonit},
}

// call is how a dialect was called.
type call struct {
	name           string // argv[0]
	args           []string
	env            []string
	stdout, stderr io.Writer
}

// lookup is getenv(3).
func (c *call) lookup(key string) (value string, ok bool) {
	for _, kv := range c.env {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v, true
		}
	}
	return "", false
}

// options are those a dialect starts from: what it says itself is yet to be
// filled in, and observation is set by pid1's own variables.
func (c *call) options() (*options, error) {
	o := &options{}
	fs := o.define()
	if err := o.twins(fs, c.env, observational); err != nil {
		return nil, err
	}
	// An image that never heard of pid1 is not to hear of its small troubles.
	if _, asked := c.lookup("PID1_LOG_LEVEL"); !asked && o.logLevel.value == "warn" {
		o.logLevel.value = "error"
	}
	o.subreaper.value = "off"
	return o, nil
}

// observational reports whether a flag is about observation and not about how
// COMMAND is run.
func observational(f *pflag.Flag) bool {
	switch f.Name {
	case "env", "user", "group", "workdir", "timeout", "grace", "signal", "signal-target",
		"map-exit", "subreaper", "parent-death":
		return false
	}
	return true
}

// manner is what a dialect does in its own way once it has been parsed. It
// watches what happens to say it in the dialect's words.
type manner interface {
	reaper.Observer
	// prepare is called before signals are received.
	prepare(stderr *lineWriter)
	// adapt changes what no option of pid1 stands for, and puts the manner in
	// front of the observer.
	adapt(*reaper.Config)
	// failed says why COMMAND does not run, and returns the status to exit with.
	failed(error) int
	// close writes what is left to say.
	close()
}

// speaks finds the dialect that a call is in, by the name pid1 was called by or
// by --as NAME in front of the arguments; nil stands for pid1's own.
func speaks(c *call) (*dialect, error) {
	if d := dialectNamed(filepath.Base(c.name)); d != nil {
		return d, nil
	}
	if len(c.args) == 0 {
		return nil, nil
	}
	name, ok := strings.CutPrefix(c.args[0], "--as")
	switch {
	case !ok || name != "" && name[0] != '=':
		return nil, nil
	case name != "":
		name, c.args = name[1:], c.args[1:]
	case len(c.args) == 1:
		return nil, fmt.Errorf("option --as needs a value")
	default:
		name, c.args = c.args[1], c.args[2:]
	}
	d := dialectNamed(name)
	if d == nil {
		return nil, fmt.Errorf("cannot use --as %s: not one of %s", name, strings.Join(dialectNames(), ", "))
	}
	c.name = name
	return d, nil
}

func dialectNamed(name string) *dialect {
	for i, d := range dialects {
		for _, n := range d.names {
			if n == name {
				return &dialects[i]
			}
		}
	}
	return nil
}

func dialectNames() []string {
	var names []string
	for _, d := range dialects {
		names = append(names, d.names...)
	}
	return names
}

// sigset makes a set of signals, bit n-1 for signal n.
func sigset(signals ...syscall.Signal) uint64 {
	var set uint64
	for _, sig := range signals {
		set |= 1 << (sig - 1)
	}
	return set
}

// libcSignals are the two that glibc keeps for its threads: no program made with
// it can block them, nor wait for them, and one that sets a whole mask unblocks
// them.
var libcSignals = sigset(32, 33)

// faults are the signals of a program that did something wrong. tini and
// catatonit leave them alone, so that they end the one who got them.
var faults = sigset(syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV, syscall.SIGBUS,
	syscall.SIGABRT, syscall.SIGTRAP, syscall.SIGSYS)

// errnoOf finds the system's reason in err.
func errnoOf(err error) (syscall.Errno, bool) {
	var spawn *reaper.SpawnError
	if errors.As(err, &spawn) {
		return spawn.Errno, true
	}
	var errno syscall.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}

// errorText is err, or the system's reason in it as strerror(3) words it.
func errorText(err error) string {
	if errno, ok := errnoOf(err); ok {
		text := errno.Error()
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return harmless(err.Error())
}
