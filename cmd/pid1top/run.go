package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pid1/internal/flagwords"
	"pid1/internal/version"
	"pid1/ui"
)

// Exit statuses.
const (
	statusOK     = 0
	statusFailOn = 1 // --fail-on matched
	statusUsage  = 2 // bad usage, or no terminal to use
	statusNoFeed = 3 // no feed to connect to
	statusFailed = 4 // something else went wrong
)

// stdio is what the program reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// exit is an error that has a status of its own. Without an err nothing is
// printed: what there is to say is on standard output.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usage is a mistake in the command line; its text names the wrong word.
func usage(format string, a ...any) error {
	return &exit{statusUsage, fmt.Errorf(format, a...)}
}

// app is one run of the program.
type app struct {
	stdio
	env map[string]string

	// Global flags.
	socket string
	color  string
	ascii  bool
	local  bool
	// Of the screen alone.
	readonly bool
	probe    time.Duration

	observer *local // with --local, from its first use on
}

// run is the whole program; it returns the exit status.
func run(args, env []string, std stdio) int {
	a := &app{stdio: std, env: map[string]string{}}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		a.env[k] = v
	}
	if role := a.env[demoRole]; role != "" {
		return demoProgram(role, args)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// Who waits for a file or a pipe does not hear of ctx: the second signal ends all.
	defer context.AfterFunc(ctx, stop)()

	defer func() {
		if a.observer != nil {
			a.observer.close()
		}
	}()
	root := a.command()
	root.SetArgs(args[1:])
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	return a.status(root.ExecuteContext(ctx))
}

// status prints err, if there is anything to say, and turns it into a status.
func (a *app) status(err error) int {
	var e *exit
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, syscall.EPIPE):
		return statusOK // the reader has seen enough
	case errors.Is(err, context.Canceled):
		e = &exit{statusFailed, errors.New("interrupted")}
	case !errors.As(err, &e):
		e = &exit{statusFailed, err}
	}
	if e.err != nil {
		hint := ""
		if e.status == statusUsage && !errors.Is(err, errNoTerminal) {
			hint = " (pid1top --help lists the commands and options)"
		}
		fmt.Fprintf(a.err, "pid1top: %s%s\n", clean(e.Error()), hint)
	}
	return e.status
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "pid1top",
		Short: "See what runs, what died and who leaks zombies in a container run by pid1",
		Long: "pid1top shows the processes of a container, what pid1 reaped, and who holds\n" +
			"zombies, live on the whole terminal. Its commands print the same as text once;\n" +
			"without a terminal on stdout pid1top alone prints an overview.\n\n" +
			"Exit status: 0; 1 when --fail-on matched; 2 bad usage; 3 no feed to connect to;\n" +
			"4 anything else.",
		Version:       version.String(),
		SilenceErrors: true, SilenceUsage: true,
		Args: unknownCommand,
		RunE: a.top,
	}
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	// No template is set: text/template calls methods by their names, for which the linker
	// would keep every method of every type, two megabytes of them.
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	f := root.PersistentFlags()
	f.StringVar(&a.socket, "socket", "", "the feed's socket, `PATH`; default: $PID1_SOCKET, else the usual places")
	f.BoolVar(&a.local, "local", false, "look at the processes of this PID namespace; no pid1 is needed")
	f.StringVar(&a.color, "color", "auto", "`auto|always|never`")
	f.BoolVar(&a.ascii, "ascii", false, "draw with ASCII alone")
	f.BoolVar(&a.readonly, "readonly", false, "the screen offers nothing that acts on processes")
	f.DurationVar(&a.probe, "probe", ui.DefaultProbe,
		"ask a terminal that is silent for `D` whether it is there, and end when it is not; 0: never")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.local && a.socket != "" {
			return localAndSocket(a.socket)
		}
		switch a.color {
		case "auto", "always", "never":
			return nil
		}
		return usage("cannot use --color %s: it must be auto, always or never", a.color)
	}
	root.AddCommand(a.treeCommand(), a.zombiesCommand(), a.reapsCommand(), a.doctorCommand(), a.reportCommand(),
		a.recordCommand(), a.replayCommand(), a.demoCommand(), a.installCommand(), a.exportCommand())
	return root
}

func localAndSocket(path string) error {
	return usage("cannot use --local and --socket %s: the one is without a feed", path)
}

// unknownCommand says that the first word is no command, and which one is close.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		return usage("unknown command %q; did you mean %q?", args[0], s[0])
	}
	return usage("unknown command %q", args[0])
}

// noArguments is for commands that take none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no argument %q", cmd.Name(), args[0])
	}
	return nil
}

// oneArgument is for commands that take one argument or none.
func oneArgument(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes no argument %q", cmd.Name(), args[1])
	}
	return nil
}

// flagError makes pflag's errors bad usage.
func flagError(err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return &exit{statusUsage, flagwords.Error(err)}
}
