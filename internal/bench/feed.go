package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"pid1/client"
	"pid1/event"
	"pid1/internal/journal"
)

// maker is a COMMAND that makes as many orphans as it reads on its standard input.
const maker = `while read n; do i=0; while [ $i -lt $n ]; do (: &); i=$((i+1)); done; echo made; done`

func memory(b *bench) (*table, error) {
	const many = 50_000
	cmd := inNamespace(b.pid1, "--trace=sample", "--socket="+b.dir+"/s", "--", "sh", "-c", maker)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	made := bufio.NewReader(out)
	orphans := func(n int) error {
		if _, err := fmt.Fprintln(in, n); err != nil {
			return err
		}
		_, err := made.ReadString('\n')
		return err
	}
	t := &table{unit: "MiB"}
	note := func(name, goal string) error {
		time.Sleep(time.Second)
		rss, err := residentMiB(cmd.Process.Pid)
		t.rows = append(t.rows, row{name: name, values: []float64{rss}, goal: goal, alone: true})
		return err
	}
	if err := note("started", "at most 6"); err != nil {
		return nil, err
	}
	if err := orphans(journal.DefaultReaps); err != nil {
		return nil, err
	}
	if err := note(fmt.Sprintf("with %d reaps of history", journal.DefaultReaps), "at most 8"); err != nil {
		return nil, err
	}
	for range 10 {
		conn, err := net.Dial("unix", b.dir+"/s")
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	if err := orphans(many); err != nil {
		return nil, err
	}
	return t, note(fmt.Sprintf("after %d reaps more, with ten clients", many), "at most 12")
}

func residentMiB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("process %d has no VmRSS", pid)
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	return kb / 1024, err
}

func latency(b *bench) (*table, error) {
	const perSecond, seconds = 1000, 3
	// A child that forks and goes leaves an orphan, which goes at once.
	script := fmt.Sprintf(`use Time::HiRes qw(time sleep); my $began = time + 0.5; sleep 0.5;
		for my $i (1 .. %d) { if (!fork) { fork; exit } wait; my $rest = $began + $i / %d - time; sleep $rest if $rest > 0 }
		sleep 0.5`, perSecond*seconds, perSecond)
	end, err := startServed(b, "perl", "-e", script)
	if err != nil {
		return nil, err
	}
	defer end()
	conn, err := client.Dial(context.Background(), b.dir+"/s", event.Request{Op: event.OpSubscribe, Now: true})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var took []float64
	var first, last time.Time
	for {
		line, err := conn.NextLine()
		came := time.Now()
		if err != nil {
			break
		}
		ev, err := event.Decode(line)
		if err != nil {
			return nil, err
		}
		if r, ok := ev.(*event.Reap); ok && !r.Main {
			if first.IsZero() {
				first = came
			}
			last = came
			took = append(took, float64(came.Sub(r.TS))/1e6)
		}
	}
	if len(took) < 100 {
		return nil, fmt.Errorf("%d reaps were told", len(took))
	}
	return &table{
		unit: "ms",
		rows: []row{
			{name: "median", values: []float64{median(took)}, goal: "1", alone: true},
			{name: "99 of 100", values: []float64{quantile(took, 0.99)}, goal: "10", alone: true},
			{name: "slowest", values: []float64{quantile(took, 1)}, alone: true},
		},
		notes: []string{fmt.Sprintf("%d reaps, %.0f a second.", len(took), float64(len(took))/last.Sub(first).Seconds())},
	}, nil
}

// startServed starts a command under pid1 and waits until its socket is there.
func startServed(b *bench, argv ...string) (end func(), err error) {
	path := b.dir + "/s"
	_ = os.Remove(path)
	_, end, err = start(append([]string{b.pid1, "--socket=" + path, "--"}, argv...)...)
	if err != nil {
		return nil, err
	}
	for range 1000 {
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return end, nil
		}
		time.Sleep(time.Millisecond)
	}
	end()
	return nil, fmt.Errorf("pid1 does not listen on %s", path)
}
