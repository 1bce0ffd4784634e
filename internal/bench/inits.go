package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pid1/internal/debsource"
)

func startToExit(b *bench) (*table, error) {
	rows, err := b.interleave(60, b.inits("", "at most 2.0", ""), func(s subject) (float64, error) {
		return timed(append(s.argv, "true")...)
	})
	return &table{unit: "ms", rows: rows}, err
}

const spawns = 1000

func spawnLoop(b *bench) (*table, error) {
	command := []string{self, "spawn", strconv.Itoa(spawns)}
	rows, err := b.interleave(9, b.inits("", "at most 1.03", "at most 1.12"), func(s subject) (float64, error) {
		return timed(append(s.argv, command...)...)
	})
	if err != nil {
		return nil, err
	}
	if b.has("strace") && b.has("tini") {
		traced, err := b.interleave(2, []subject{{"strace -f, tini", []string{"strace", "-f", "-o", os.DevNull, "tini", "--"}, ""}},
			func(s subject) (float64, error) { return timed(append(s.argv, command...)...) })
		if err != nil {
			return nil, err
		}
		rows = append(rows, traced...)
	}
	return &table{unit: "ms", rows: rows}, nil
}

// spawnTrue starts true, one at a time.
func spawnTrue(args []string) {
	n, err := strconv.Atoi(args[0])
	path := ""
	if err == nil {
		path, err = exec.LookPath("true")
	}
	for i := 0; i < n && err == nil; i++ {
		var pid int
		if pid, err = syscall.ForkExec(path, []string{"true"}, &syscall.ProcAttr{}); err == nil {
			_, err = syscall.Wait4(pid, nil, 0, nil)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func realBuild(b *bench) (*table, error) {
	tar, err := debsource.Get("hello")
	if err != nil {
		return nil, err
	}
	rows, err := b.interleave(3, b.inits("", "at most 1.01", "at most 1.05"), func(s subject) (float64, error) {
		dir, err := os.MkdirTemp(b.dir, "build")
		if err != nil {
			return 0, err
		}
		defer os.RemoveAll(dir)
		if out, err := exec.Command("tar", "-xzf", tar, "--strip-components=1", "-C", dir).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, out)
		}
		return timed(append(s.argv, "sh", "-c", `cd "$0" && ./configure -q >/dev/null 2>&1 && make -s -j2 >/dev/null 2>&1`, dir)...)
	})
	return &table{unit: "ms", rows: rows}, err
}

func orphans(b *bench) (*table, error) {
	const n = 5000
	// The init ends when the last of them is reaped: its end is the end.
	command := []string{"sh", "-c", `i=0; while [ $i -lt $0 ]; do (: &); i=$((i+1)); done`, strconv.Itoa(n)}
	subjects := b.inits("-", "at most 1.05", "")
	for i, s := range subjects {
		if strings.HasPrefix(s.name, "pid1") {
			record := []string{"--record=" + filepath.Join(b.dir, "record"), "--record-max-size=1GiB"}
			subjects[i].argv = append([]string{s.argv[0]}, append(record, s.argv[1:]...)...)
		}
	}
	rows, err := b.interleave(5, subjects, func(s subject) (float64, error) {
		return timed(append(s.argv, command...)...)
	})
	return &table{unit: "ms", rows: rows}, err
}

// idle runs all at the same time, so that they have the same neighbours.
func idle(b *bench) (*table, error) {
	const processes, span = 50, 20 * time.Second
	subjects := b.inits("", "", "")
	pids := make([]int, len(subjects))
	for i, s := range subjects {
		// Each needs a socket of its own.
		argv := append([]string{}, s.argv...)
		for j, a := range argv {
			if strings.HasPrefix(a, "--socket=") {
				argv[j] = fmt.Sprintf("%s%d", a, i)
			}
		}
		pid, end, err := start(append(argv, "sh", "-c", fmt.Sprintf(`for i in $(seq %d); do sleep 1000 & done; wait`, processes))...)
		if err != nil {
			return nil, err
		}
		defer end()
		pids[i] = pid
	}
	time.Sleep(3 * time.Second) // the start is over
	before := make([]time.Duration, len(pids))
	for i, pid := range pids {
		var err error
		if before[i], err = processorTime(pid); err != nil {
			return nil, err
		}
	}
	time.Sleep(span)
	t := &table{unit: "% of a core"}
	first := 0.0
	for i, pid := range pids {
		used, err := processorTime(pid)
		if err != nil {
			return nil, err
		}
		share := 100 * float64(used-before[i]) / float64(span)
		if i == 0 {
			first = share
		}
		goal := ""
		if i > 0 && strings.HasPrefix(subjects[i].name, "pid1") {
			goal = fmt.Sprintf("at most %.3g", first+0.1)
		}
		t.rows = append(t.rows, row{name: subjects[i].name, values: []float64{share}, goal: goal, alone: true})
	}
	return t, nil
}

// processorTime is what the threads of a process have used, proc_pid_schedstat(5), to the
// nanosecond.
func processorTime(pid int) (sum time.Duration, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		return 0, fmt.Errorf("process %d is gone", pid)
	}
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		word, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}
