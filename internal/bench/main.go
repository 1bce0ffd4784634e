// Command bench measures pid1 and pid1top beside what people use instead, in one
// run on one machine, round by round, and prints medians and ratios. It is for root:
// every init runs as PID 1 of a PID namespace of its own.
//
//	bench [-peers] [-only REGEXP] [-rounds N] [-o FILE] DIR
//
// DIR holds the binaries pid1 and pid1top. Peers that are not installed are named and
// left out.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// bench is one run.
type bench struct {
	pid1, pid1top string
	peers         bool
	rounds        int // 0: what each measure thinks right
	dir           string
}

// measure is a part of the report.
type measure struct {
	name  string
	about string // how it is measured
	peers bool   // it makes no sense without other tools
	run   func(b *bench) (*table, error)
}

var measures = []measure{
	{"start", "From the exec of the init until it is gone, with COMMAND `true`.", false, startToExit},
	{"spawn loop", "A program starts `true` 1,000 times by posix_spawn-like vfork, and waits for each.", false, spawnLoop},
	{"build", "`./configure && make` of GNU hello.", true, realBuild},
	{"orphans", "A shell makes 5,000 orphans as fast as it can; until the init has reaped them all and ended. pid1 records them to a file.", false, orphans},
	{"idle", "Processor time of the init in 20 s beside a COMMAND with 50 processes that do nothing. Each program that anybody starts from the same file system wakes pid1: a figure is worth something only where nothing else runs.", false, idle},
	{"memory", "Resident memory of pid1 (VmRSS).", false, memory},
	{"latency", "From the time stamp of a reap to its line at a client, at 1,000 orphans a second for 3 s.", false, latency},
	{"sweep", "A look at all processes, again and again, beside one `ps`.", false, sweep},
	{"screen", "From the start in a terminal of 100x30 to a screen that is complete, with 50 processes.", true, firstScreen},
}

func main() {
	if len(os.Args) > 1 {
		if part := parts[os.Args[1]]; part != nil {
			part(os.Args[2:])
			return
		}
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	b := &bench{}
	flags.BoolVar(&b.peers, "peers", false, "measure other programs beside ours")
	only := flags.String("only", "", "measure only what this regular expression matches")
	flags.IntVar(&b.rounds, "rounds", 0, "rounds of each measure")
	out := flags.String("o", "", "write the report to this file, too")
	_ = flags.Parse(args)
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("give the folder with pid1 and pid1top")
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("not root: cannot make PID namespaces")
	}
	for name, to := range map[string]*string{"pid1": &b.pid1, "pid1top": &b.pid1top} {
		path, err := filepath.Abs(filepath.Join(flags.Arg(0), name))
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		*to = path
	}
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)

	var page bytes.Buffer
	say := func(format string, args ...any) {
		fmt.Printf(format, args...)
		fmt.Fprintf(&page, format, args...)
	}
	say("# Benchmarks\n\nMeasured and written by `make bench-peers`. Figures of different runs or machines do not\n"+
		"compare; ratios within a run do. Rounds are interleaved; ratios are of medians.\n\n%s\n", machine())
	for _, m := range measures {
		if !chosen.MatchString(m.name) || m.peers && !b.peers {
			continue
		}
		say("\n## %s%s\n\n%s\n\n", strings.ToUpper(m.name[:1]), m.name[1:], m.about)
		t, err := m.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		say("%s", t)
	}
	if *out == "" {
		return nil
	}
	return os.WriteFile(*out, page.Bytes(), 0o644)
}

// machine says where this ran.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d × %s, Linux %s, %s, load %s at the start.", runtime.NumCPU(), model,
		unix.ByteSliceToString(u.Release[:]), runtime.Version(), first)
}
