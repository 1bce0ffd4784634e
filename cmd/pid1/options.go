package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pid1/internal/flagwords"
	"pid1/internal/record"
	"pid1/internal/siginfo"
)

// options is what the command line and the environment say.
type options struct {
	env               []string
	user              string
	group             string
	workdir           string
	timeout           seconds
	grace             seconds
	signals           rewrites
	signalTarget      choice
	mapExit           statuses
	subreaper         choice
	parentDeath       signalName
	socket            string
	socketMode        fileMode
	history           count
	record            string
	recordSize        size
	recordKeep        keep
	redact            patterns
	trace             choice
	logLevel          choice
	logFormat         choice
	verbose           bool
	help              bool
	version, features bool

	command []string
	manner  manner // nil: pid1's own
}

// define makes the flags: the one table from which parsing, the environment
// twins and --help all come.
func (o *options) define() *pflag.FlagSet {
	*o = options{
		grace:        seconds(2 * time.Second),
		signals:      rewrites{},
		signalTarget: choice{"main", []string{"main", "group"}},
		mapExit:      statuses{},
		subreaper:    choice{"auto", []string{"auto", "on", "off"}},
		socketMode:   0o600,
		history:      4096,
		recordSize:   record.DefaultMaxSize,
		recordKeep:   record.DefaultKeep,
		trace:        choice{"auto", []string{"auto", "sample", "exact", "off"}},
		logLevel:     choice{"warn", []string{"debug", "info", "warn", "error"}},
		logFormat:    choice{"text", []string{"text", "json"}},
	}
	fs := pflag.NewFlagSet("pid1", pflag.ContinueOnError)
	fs.SetInterspersed(false)
	fs.SortFlags = false
	fs.Usage = func() {}
	fs.StringArrayVarP(&o.env, "env", "e", nil, "set the variable `KEY=VALUE` for COMMAND; repeatable")
	fs.StringVarP(&o.user, "user", "u", "", "run COMMAND as `NAME|UID[:GROUP|GID]`")
	fs.StringVarP(&o.group, "group", "g", "", "run COMMAND with the group `NAME|GID`")
	fs.StringVarP(&o.workdir, "workdir", "w", "", "COMMAND's `DIR`ectory")
	fs.VarP(&o.timeout, "timeout", "t", "after the first TERM or INT: wait `D` for COMMAND, then TERM everything; wait D again, then KILL everything; 0 waits for ever")
	fs.Var(&o.grace, "grace", "after COMMAND exited: TERM what is left, wait at most `D` for it, then KILL")
	fs.Var(&o.signals, "signal", "rewrite a signal before it is forwarded, `FROM=TO`; TO may be ignore; repeatable")
	fs.Var(&o.signalTarget, "signal-target", "forward to COMMAND or to its process group: `main|group`")
	fs.Var(&o.mapExit, "map-exit", "change COMMAND's exit status, `FROM=TO`; repeatable")
	fs.Var(&o.subreaper, "subreaper", "`auto|on|off`: adopt orphans; auto is on when not PID 1")
	fs.Var(&o.parentDeath, "parent-death", "`SIGNAL` that pid1 gets when its own parent dies")
	fs.StringVar(&o.socket, "socket", "", "where the feed listens, `PATH|off`")
	fs.Var(&o.socketMode, "socket-mode", "the socket's `MODE`; 0660 lets the group read the feed, 0666 everybody")
	fs.Var(&o.history, "history", "keep `N` reaps in memory")
	fs.StringVar(&o.record, "record", "", "append every event to `FILE`, for pid1top replay")
	fs.Var(&o.recordSize, "record-max-size", "begin another file when FILE has `SIZE`; the old one becomes FILE.1")
	fs.Var(&o.recordKeep, "record-keep", "keep `N` old files, FILE.1 the newest")
	fs.Var(&o.redact, "redact", "replace what matches `REGEX` in command lines by *** before it is stored or sent; repeatable")
	fs.Var(&o.trace, "trace", "how processes are observed: `auto|sample|exact|off`; auto is exact where that has no side effect, else sample")
	fs.Var(&o.logLevel, "log-level", "what pid1 itself logs on stderr: `debug|info|warn|error`")
	fs.Var(&o.logFormat, "log-format", "`text|json`")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "the same as --log-level info")
	fs.BoolVar(&o.features, "features", false, "print what this kernel and container let pid1 see, and exit")
	fs.BoolVar(&o.version, "version", false, "print the version and exit")
	fs.BoolVarP(&o.help, "help", "h", false, "print this help and exit")
	fs.StringVar(&o.user, "user-id", "", "the same as --user")
	fs.StringVar(&o.group, "group-id", "", "the same as --group")
	_ = fs.MarkHidden("user-id")
	_ = fs.MarkHidden("group-id")
	return fs
}

// twin is the environment variable that stands for a flag; "" where none does.
func twin(f *pflag.Flag) string {
	switch f.Name {
	case "help", "version", "features", "user-id", "group-id":
		return ""
	}
	return "PID1_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// parse reads the arguments and, for what they leave open, the environment.
func parse(args, env []string) (*options, error) {
	o := &options{}
	fs := o.define()
	if err := fs.Parse(args); err != nil {
		return nil, flagwords.Error(err)
	}
	if err := o.twins(fs, env, func(f *pflag.Flag) bool { return !f.Changed }); err != nil {
		return nil, err
	}
	for _, kv := range o.env {
		if k, _, ok := strings.Cut(kv, "="); !ok || k == "" {
			return nil, fmt.Errorf("cannot use --env %q: it is not KEY=VALUE", kv)
		}
	}
	o.command = fs.Args()
	return o, nil
}

// twins reads from the environment what the flags it stands for would say, where
// want agrees.
func (o *options) twins(fs *pflag.FlagSet, env []string, want func(*pflag.Flag) bool) error {
	vars := map[string]string{}
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	var err error
	fs.VisitAll(func(f *pflag.Flag) {
		v, ok := vars[twin(f)]
		if !ok || v == "" || err != nil || !want(f) {
			return
		}
		// A variable that stands for a repeatable option holds one value a line.
		values := []string{v}
		if repeatable(f) {
			values = strings.Split(strings.Trim(v, "\n"), "\n")
		}
		for _, v := range values {
			if e := f.Value.Set(v); e != nil {
				err = fmt.Errorf("cannot use %s=%s: %w", twin(f), v, e)
				return
			}
		}
	})
	if o.verbose && o.logLevel.value == "warn" {
		o.logLevel.value = "info"
	}
	return err
}

func repeatable(f *pflag.Flag) bool {
	switch f.Value.(type) {
	case pflag.SliceValue, *rewrites, *statuses, *patterns:
		return true
	}
	return false
}

// commandEnv is COMMAND's environment: pid1's own without the twins, with --env
// and the address of the feed ("" when there is none).
func (o *options) commandEnv(env []string, socket string) []string {
	drop := map[string]bool{}
	(&options{}).define().VisitAll(func(f *pflag.Flag) { drop[twin(f)] = true })
	set := append([]string(nil), o.env...)
	if socket != "" {
		set = append(set, "PID1_SOCKET="+socket)
	}
	for _, kv := range set {
		k, _, _ := strings.Cut(kv, "=")
		drop[k] = true
	}
	var out []string
	for _, kv := range env {
		if k, _, _ := strings.Cut(kv, "="); !drop[k] {
			out = append(out, kv)
		}
	}
	// Of a variable set twice the last value counts.
	for i, kv := range set {
		k, _, _ := strings.Cut(kv, "=")
		last := true
		for _, later := range set[i+1:] {
			last = last && !strings.HasPrefix(later, k+"=")
		}
		if last {
			out = append(out, kv)
		}
	}
	return out
}

// seconds is a duration of which a plain number means seconds.
type seconds time.Duration

func (s *seconds) String() string { return time.Duration(*s).String() }
func (s *seconds) Type() string   { return "D" }

func (s *seconds) Set(v string) error {
	d, err := time.ParseDuration(v)
	if n, e := strconv.ParseFloat(v, 64); e == nil {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return errors.New("not a duration such as 10, 1.5 or 500ms")
	}
	*s = seconds(d)
	return nil
}

// choice is one word of a few.
type choice struct {
	value string
	words []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "word" }

func (c *choice) Set(v string) error {
	for _, w := range c.words {
		if v == w {
			c.value = v
			return nil
		}
	}
	return fmt.Errorf("not one of %s", strings.Join(c.words, ", "))
}

// count is a number from 1 up.
type count int

func (c *count) String() string { return strconv.Itoa(int(*c)) }
func (c *count) Type() string   { return "N" }

func (c *count) Set(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 1<<20 {
		return fmt.Errorf("not a number from 1 to %d", 1<<20)
	}
	*c = count(n)
	return nil
}

// signalName is a signal by name or number; 0 stands for none.
type signalName syscall.Signal

func (s *signalName) Type() string { return "SIGNAL" }

func (s *signalName) String() string {
	if *s == 0 {
		return ""
	}
	return siginfo.Name(syscall.Signal(*s))
}

func (s *signalName) Set(v string) error {
	sig, err := siginfo.Parse(v)
	if err != nil {
		return errNotSignal
	}
	*s = signalName(sig)
	return nil
}

var errNotSignal = errors.New("not a signal; use a name such as TERM or RTMIN+3, or a number from 1 to 64")

// rewrites says what a received signal becomes; 0: nothing.
type rewrites map[syscall.Signal]syscall.Signal

func (r *rewrites) Type() string   { return "FROM=TO" }
func (r *rewrites) String() string { return "" }

func (r *rewrites) Set(v string) error {
	from, to, ok := strings.Cut(v, "=")
	if !ok {
		return errors.New("not FROM=TO")
	}
	f, err := siginfo.Parse(from)
	if err != nil {
		return fmt.Errorf("%s is %w", from, errNotSignal)
	}
	if f == syscall.SIGKILL || f == syscall.SIGSTOP || f == syscall.SIGCHLD {
		return fmt.Errorf("%s never reaches COMMAND through pid1", from)
	}
	if strings.EqualFold(to, "ignore") {
		(*r)[f] = 0
		return nil
	}
	t, err := siginfo.Parse(to)
	if err != nil {
		return fmt.Errorf("%s is %w", to, errNotSignal)
	}
	(*r)[f] = t
	return nil
}

// statuses says what an exit status becomes.
type statuses map[int]int

func (s *statuses) Type() string   { return "FROM=TO" }
func (s *statuses) String() string { return "" }

func (s *statuses) Set(v string) error {
	from, to, ok := strings.Cut(v, "=")
	f, err1 := strconv.ParseUint(from, 10, 8)
	t, err2 := strconv.ParseUint(to, 10, 8)
	if !ok || err1 != nil || err2 != nil {
		return errors.New("not FROM=TO with numbers from 0 to 255")
	}
	(*s)[int(f)] = int(t)
	return nil
}
