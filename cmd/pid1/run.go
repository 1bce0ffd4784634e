package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pid1/internal/early"
	"pid1/internal/siginfo"
	"pid1/internal/version"
	"pid1/reaper"
)

const hint = "(pid1 --help lists the options)"

// run is the whole program; it returns the exit status.
func run(args, env []string, stdout, stderr io.Writer) int {
	c := &call{name: args[0], args: args[1:], env: env, stdout: stdout, stderr: stderr}
	d, err := speaks(c)
	if d != nil {
		o, status := d.parse(c)
		if o == nil {
			return status
		}
		return execute(o, env)
	}
	var o *options
	if err == nil {
		o, err = parse(c.args, env)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "pid1:", harmless(err.Error()), hint)
		return reaper.StatusFailure
	case o.help:
		fmt.Fprint(stdout, help())
		return 0
	case o.version:
		fmt.Fprintln(stdout, "pid1 version", version.String())
		return 0
	case o.features:
		features(stdout)
		return 0
	case len(o.command) == 0:
		fmt.Fprintln(stderr, "pid1: no command to run", hint)
		return reaper.StatusFailure
	}
	return execute(o, env)
}

// execute runs COMMAND and says why when it cannot.
func execute(o *options, env []string) int {
	lines := newLineWriter(2)
	defer lines.close()
	log := logger(o, lines)
	if o.manner != nil {
		o.manner.prepare(lines)
		defer o.manner.close()
	}
	status, err := serve(o, env, log)
	switch {
	case err == nil:
	case o.manner != nil:
		status = o.manner.failed(err)
	default:
		log.Error(err.Error())
	}
	return status
}

func help() string {
	return "Usage: pid1 [OPTIONS] [--] COMMAND [ARG...]\n\n" +
		"Runs COMMAND, forwards signals to it, reaps zombies and orphans, exits with its\n" +
		"status, and tells on a unix socket what died. Every option has a twin in the\n" +
		"environment: PID1_TIMEOUT=10 stands for --timeout 10.\n\n" +
		"Called as " + strings.Join(dialectNames(), ", ") + ",\n" +
		"or with --as NAME as the first argument, it takes that program's options and variables.\n\n" +
		(&options{}).define().FlagUsagesWrapped(100)
}

// serve runs COMMAND with everything around it.
func serve(o *options, env []string, log *slog.Logger) (int, error) {
	// The one process that must stay small and never run out of threads.
	debug.SetGCPercent(50)
	// One for the reaper, one for a source between two looks, one for the others.
	runtime.GOMAXPROCS(3)

	// Signals first: one that arrives from here on reaches COMMAND.
	signals, err := siginfo.Open(siginfo.Options{})
	if err != nil {
		return reaper.StatusFailure, fmt.Errorf("cannot receive signals: %w", err)
	}
	user, err := lookupUser(o.user, o.group)
	if err != nil {
		return reaper.StatusFailure, err
	}
	role := becomeReaper(o, log)

	w := newWatch(o, role, os.Getenv("PATH"), log)
	defer w.close()
	config := reaper.Config{
		Command:   o.command,
		Env:       o.commandEnv(env, w.socket()),
		Dir:       o.workdir,
		User:      user,
		Inherited: inherited(),
		Signals:   signals,
		Rewrite:   o.signals,
		ToGroup:   o.signalTarget.value == "group",
		Timeout:   time.Duration(o.timeout),
		Grace:     time.Duration(o.grace),
		MapExit:   o.mapExit,
		Filter:    w.tracer.filter,
		Settled:   w.start,
		Observer:  w.observer,
		Log:       log,
	}
	if o.manner != nil {
		o.manner.adapt(&config)
	}
	return reaper.Run(config)
}

// inherited is what COMMAND gets as pid1 got it.
func inherited() reaper.Inherited {
	in := reaper.Inherited{Mask: early.Mask(), Ignored: early.Ignored()}
	if soft, hard, ok := early.NoFile(); ok {
		in.NoFile = &unix.Rlimit{Cur: soft, Max: hard}
	}
	return in
}

// becomeReaper makes orphans come to this process, and returns its role.
func becomeReaper(o *options, log *slog.Logger) string {
	if sig := syscall.Signal(o.parentDeath); sig != 0 {
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(sig), 0, 0, 0); err != nil {
			log.Warn("cannot ask for a signal at the parent's death", "error", err)
		}
	}
	init := os.Getpid() == 1
	adopts := init
	if o.subreaper.value == "on" || o.subreaper.value == "auto" && !init {
		adopts = true
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			log.Warn("cannot become a subreaper: orphans go to PID 1", "error", err)
		}
	}
	if init {
		return "init"
	}
	if adopts {
		log.Info("not PID 1: reaping what COMMAND leaves behind, as a subreaper", "pid", os.Getpid())
	}
	return "subreaper"
}
