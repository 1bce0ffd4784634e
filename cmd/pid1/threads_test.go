package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestThreadsAreMadeAhead: when COMMAND has run for a moment there are as many threads as may be
// needed. When PIDs have run out it is too late to make one.
func TestThreadsAreMadeAhead(t *testing.T) {
	inModes(t, func(t *testing.T, m mode) {
		for _, trace := range []string{"off", "sample"} {
			p := pid1(t, m, "--trace", trace, "--socket", "off", "sleep", "1000").start()
			n := 0
			for began := time.Now(); n < threads && time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
				tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
				if err != nil {
					t.Fatal(err)
				}
				n = len(tasks)
			}
			if n < threads {
				t.Errorf("with --trace %s there are %d threads, want %d at least", trace, n, threads)
			}
			p.signal(unix.SIGTERM)
			p.want(143)
		}
	})
}
