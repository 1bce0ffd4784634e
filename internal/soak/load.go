package soak

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Every process of the load that is to be accounted for writes a line about itself
// into the ledger before it ends: what becomes of it (o: pid1 reaps it, w: its
// parent waits for it, s: pid1 reaps it, and it came from outside), the status it
// is going to end with, and /proc/self/stat. Who writes is who dies, so this is the
// truth that the record is compared with.
const tell = `tell() { read -r s < /proc/self/stat; echo "$1 $2 $s" >&3; }; `

// scripts are kinds of load, by how often they are chosen. %d is a small number.
var scripts = []struct {
	often  int
	setsid bool
	text   string
}{
	// A burst of orphans.
	{4, false, `i=0; while [ $i -lt %d ]; do ( ( tell o 7; exit 7 ) & ); i=$((i+1)); done`},
	// A loop that starts programs and waits for them.
	{4, false, `i=0; while [ $i -lt %d ]; do ( tell w 3; exit 3 ); /bin/true; i=$((i+1)); done`},
	// Daemons: double forks in a session of their own.
	{2, true, `( ( tell o 0; sleep 0.%d; exit 0 ) & )`},
	// Killed by signals.
	{2, false, `( ( tell o 137; kill -KILL ${s%%%% *} ) & ); ( ( tell o 143; kill -TERM ${s%%%% *}; exit %d ) & )`},
	// Orphans of orphans.
	{1, false, `( ( tell o 2; ( tell o 1; sleep 0.0%d; exit 1 ) & exit 2 ) & )`},
	// A program that becomes another.
	{1, false, `( ( tell o 9; exec sh -c 'sleep 0.0%d; exit 9' ) & )`},
}

// Load makes the load: it is the COMMAND of a soak. SIGUSR2 begins it, another one
// ends it, and so on; SIGTERM ends the program.
func Load(args []string) error {
	if len(args) == 1 {
		return helper(args[0])
	}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	file := flags.String("ledger", "", "the `FILE` to write down in what was made")
	every := flags.Duration("every", time.Second, "how long to rest between two kinds of load")
	leak := flags.Duration("leak", 3*time.Minute, "after how long the leaking parent is replaced")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ledger, err := os.OpenFile(*file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot make a ledger: %w", err)
	}
	l := &loader{ledger: ledger, every: *every, leak: *leak}
	got := make(chan os.Signal, 10)
	signal.Notify(got, syscall.SIGUSR2, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), others...) // what arrives is of no use, and may not kill
	fmt.Println("ready")
	for sig := range got {
		if sig == syscall.SIGTERM {
			break
		}
		if err := l.run(got); err != nil {
			return err
		}
	}
	return nil
}

// others are the signals that the soak sends for their own sake.
var others = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGWINCH, syscall.Signal(40), syscall.Signal(50)}

type loader struct {
	ledger      *os.File
	every, leak time.Duration
	wg          sync.WaitGroup
}

// run makes load until a signal.
func (l *loader) run(until <-chan os.Signal) error {
	defer l.wg.Wait()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	replace := time.NewTicker(l.leak)
	defer replace.Stop()
	leaker, err := l.helper("leak")
	if err != nil {
		return err
	}
	defer func() { end(leaker) }()
	for {
		select {
		case <-until:
			return nil
		case <-replace.C:
			end(leaker)
			if leaker, err = l.helper("leak"); err != nil {
				return err
			}
			threads, err := l.helper("threads")
			if err != nil {
				return err
			}
			l.wg.Go(func() { _ = threads.Wait() })
		case <-tick.C:
			cmd := l.script()
			if err := cmd.Start(); err != nil {
				return fmt.Errorf("cannot make load: %w", err)
			}
			l.wg.Go(func() { _ = cmd.Wait() })
		}
	}
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// script chooses a kind of load.
func (l *loader) script() *exec.Cmd {
	all := 0
	for _, s := range scripts {
		all += s.often
	}
	n := rand.IntN(all)
	for _, s := range scripts {
		if n -= s.often; n < 0 {
			cmd := exec.Command("sh", "-c", tell+fmt.Sprintf(s.text, 1+rand.IntN(9)*rand.IntN(4)))
			cmd.ExtraFiles = []*os.File{l.ledger}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: s.setsid}
			return cmd
		}
	}
	panic("not reached")
}

// helper starts this program as something that a shell cannot be.
func (l *loader) helper(name string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{os.Args[0], name}
	cmd.ExtraFiles = []*os.File{l.ledger}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start a helper: %w", err)
	}
	return cmd, nil
}

func helper(name string) error {
	shell := func(text string) *exec.Cmd {
		cmd := exec.Command("sh", "-c", tell+text)
		cmd.ExtraFiles = []*os.File{os.NewFile(3, "ledger")}
		return cmd
	}
	switch name {
	case "leak": // until it is killed
		for range time.Tick(700 * time.Millisecond) {
			if err := shell("tell o 5; exit 5").Start(); err != nil {
				return fmt.Errorf("cannot leak: %w", err)
			}
		}
	case "threads":
		for range 10 {
			var wg sync.WaitGroup
			wg.Go(func() {
				runtime.LockOSThread()
				if syscall.Gettid() != os.Getpid() {
					path, err := exec.LookPath("sh")
					if err == nil {
						err = syscall.Exec(path, []string{"sh", "-c", tell + "tell w 4; exit 4"}, os.Environ())
					}
					fmt.Fprintln(os.Stderr, "cannot become a shell:", err)
				}
				// It ends with its lock on, and so does its thread: the next has another.
			})
			wg.Wait()
		}
		return errors.New("no thread but the first ran")
	}
	return fmt.Errorf("there is no helper %q", name)
}
