package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pid1/event"
	"pid1/inspect"
)

// sweep looks at 200, 2,000 and 20,000 processes.
func sweep(b *bench) (*table, error) {
	t := &table{unit: "ms"}
	goals := map[string]string{"sweep of 20000": "at most 0.5", "sweep of 2000": "at most 0.05: linear", "sweep of 200": "at most 0.005: linear"}
	for _, n := range []string{"20000", "2000", "200"} {
		cmd := inNamespace(self, "sweep", n)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(out)) {
			name, figures, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r := row{name: name + " of " + n}
			r.goal = goals[r.name]
			for word := range strings.FieldsSeq(figures) {
				v, err := strconv.ParseFloat(word, 64)
				if err != nil {
					return nil, err
				}
				r.values = append(r.values, v)
			}
			t.rows = append(t.rows, r)
		}
	}
	t.notes = []string{"The first look reads the command line of each; later ones read it again every ten seconds."}
	return t, nil
}

// sweepAll makes processes, and prints how long looks at them take: by ps, by the first
// look of ours, by later ones.
func sweepAll(args []string) {
	if err := sweepThem(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func sweepThem(n string) error {
	many := exec.Command("perl", "-e", `$| = 1; for (1 .. $ARGV[0]) { defined(my $pid = fork) or die "fork: $!"; if (!$pid) { sleep 1000; exit } } print "made\n"; sleep 1000`, n)
	out, err := many.StdoutPipe()
	if err != nil {
		return err
	}
	many.Stderr = os.Stderr
	if err := many.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("cannot make %s processes: %w", n, err)
	}
	var ps, first, later []string
	took := func(list *[]string, f func() error) error {
		began := time.Now()
		err := f()
		*list = append(*list, fmt.Sprintf("%.3f", float64(time.Since(began))/1e6))
		return err
	}
	for range 5 {
		if err := took(&ps, func() error { return exec.Command("ps", "-e", "-o", "pid,ppid,stat,args").Run() }); err != nil {
			return err
		}
		fs, err := inspect.OpenFS("/proc")
		if err != nil {
			return err
		}
		table := inspect.NewTable(inspect.Config{FS: fs, Self: 1, Emit: func(event.Event) {}})
		for i, list := range []*[]string{&first, &later, &later} {
			if err := took(list, table.Sweep); err != nil {
				return fmt.Errorf("look %d: %w", i, err)
			}
		}
		fs.Close()
	}
	fmt.Printf("ps: %s\nfirst look: %s\nsweep: %s\n", strings.Join(ps, " "), strings.Join(first, " "), strings.Join(later, " "))
	return nil
}

func firstScreen(b *bench) (*table, error) {
	end, err := startServed(b, "sh", "-c", `for i in $(seq 50); do sleep 1000 & done; wait`)
	if err != nil {
		return nil, err
	}
	defer end()
	time.Sleep(time.Second)
	subjects := []subject{}
	if b.has("htop") {
		subjects = append(subjects, subject{name: "htop", argv: []string{"htop"}})
	}
	subjects = append(subjects, subject{name: "pid1top", argv: []string{b.pid1top, "--socket=" + b.dir + "/s"}, goal: "at most 1.5"})
	last := map[string]string{"htop": "Quit", "pid1top": "quit"}
	rows, err := b.interleave(15, subjects, func(s subject) (float64, error) { return untilShown(last[s.name], s.argv) })
	return &table{unit: "ms", rows: rows}, err
}

// untilShown starts argv in a terminal and returns the milliseconds until text was written.
func untilShown(text string, argv []string) (float64, error) {
	master, slave, err := openTerminal()
	if err != nil {
		return 0, err
	}
	defer master.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	began := time.Now()
	err = cmd.Start()
	slave.Close()
	if err != nil {
		return 0, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	var seen bytes.Buffer
	buf := make([]byte, 32<<10)
	for {
		n, err := master.Read(buf)
		seen.Write(buf[:n])
		if bytes.Contains(seen.Bytes(), []byte(text)) {
			return float64(time.Since(began)) / 1e6, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%v ended or wrote no %q", argv, text)
		}
	}
}

// openTerminal returns both ends of a new terminal, pty(7).
func openTerminal() (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		unlocked := int32(0)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCSPTLCK, uintptr(unsafe.Pointer(&unlocked))); errno != 0 {
			err = errno
		}
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	return master, slave, nil
}
