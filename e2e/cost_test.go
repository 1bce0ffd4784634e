package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pid1/internal/nstest"
)

// The crowd of BenchmarkScreen: so many processes stay, and so many orphans are born
// and die in a second, each of which makes a start, an orphan and a reap.
const (
	crowdStays  = 5000
	crowdBirth  = 340
	crowdSettle = 5 * time.Second  // before the measurement, for both to settle
	crowdWatch  = 20 * time.Second // the measurement
)

// crowdScript leaves an orphan behind that lives for a twentieth of a second, again
// and again, at its rate also after it was late.
const crowdScript = `use Time::HiRes qw(time sleep); my ($stays, $rate) = @ARGV;
for (1..$stays) { fork or do { sleep 100000; exit } }
my $next = time;
while (1) {
  my $p = fork;
  if (!$p) { fork or do { sleep 0.05; exit }; exit }
  waitpid $p, 0;
  $next += 1 / $rate;
  my $d = $next - time; sleep $d if $d > 0;
}`

// BenchmarkScreen compares what pid1top's screen costs with htop's: side by side in
// terminals of 200x60, looking at the same 5,000 processes and about 1,000 events a
// second, both drawing ten times a second. It tells the processor time of both, in
// percent of one processor, and the ratio; pid1's own beside it. "make bench-screen".
func BenchmarkScreen(b *testing.B) {
	for _, name := range []string{"htop", "perl", "nsenter"} {
		if _, err := exec.LookPath(name); err != nil {
			nstest.Lacking(b, name, err.Error())
		}
	}
	dir, err := os.MkdirTemp("", "b") // short: a socket's path has 107 bytes
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	init := nstest.Command(b, filepath.Join(bin, "pid1"), "--socket", socket, "--grace", "0", "--",
		"perl", "-e", crowdScript, strconv.Itoa(crowdStays), strconv.Itoa(crowdBirth))
	init.Stderr = os.Stderr
	if err := init.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = init.Process.Kill()
		_ = init.Wait()
	})
	seen := func() (lastSeq uint64, processes int) {
		out, _ := exec.Command("nsenter", "-t", strconv.Itoa(init.Process.Pid), "-p", "-m",
			filepath.Join(bin, "pid1top"), "--socket", socket, "reaps", "--json").Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		var last struct{ Seq uint64 }
		_ = json.Unmarshal([]byte(lines[len(lines)-1]), &last)
		kids, _ := os.ReadFile("/proc/loadavg")
		_, n, _ := strings.Cut(strings.Fields(string(kids) + " 0/0 0 0 0")[3], "/")
		processes, _ = strconv.Atoi(n)
		return last.Seq, processes
	}
	eventually(b, "the crowd", func() (bool, string) {
		seq, n := seen()
		return seq > 0 && n >= crowdStays, fmt.Sprint(n, " tasks, event ", seq)
	})
	inside := []string{"nsenter", "-t", strconv.Itoa(init.Process.Pid), "-p", "-m"}
	ours := NewTerminal(b, 200, 60, append(inside, filepath.Join(bin, "pid1top"), "--socket", socket)...)
	ours.WaitFor("[2 Tree]", "LIVE")
	theirs := NewTerminal(b, 200, 60, append(inside, "htop", "-d", "1")...)
	theirs.WaitFor("Load average")
	time.Sleep(crowdSettle) // both have read all there is

	for range b.N {
		watched := map[string]int{"pid1top": program(b, ours), "htop": program(b, theirs), "pid1": init.Process.Pid}
		before := map[string]float64{}
		from, _ := seen()
		counted := time.Now()
		began := time.Now()
		for name, pid := range watched {
			before[name] = cpuSeconds(b, pid)
		}
		time.Sleep(crowdWatch)
		took := time.Since(began).Seconds()
		used := map[string]float64{}
		for name, pid := range watched {
			used[name] = 100 * (cpuSeconds(b, pid) - before[name]) / took
			b.ReportMetric(used[name], name+"-%CPU")
		}
		to, n := seen()
		b.ReportMetric(float64(to-from)/time.Since(counted).Seconds(), "events/s")
		b.ReportMetric(float64(n), "tasks")
		b.ReportMetric(used["pid1top"]/used["htop"], "pid1top/htop")
	}
	b.ReportMetric(0, "ns/op") // it says nothing here
}

// program is the PID of what a terminal runs, below nsenter.
func program(b *testing.B, term *Terminal) int {
	b.Helper()
	pane := strings.TrimSpace(term.tmux("display-message", "-p", "#{pane_pid}"))
	kids, err := os.ReadFile("/proc/" + pane + "/task/" + pane + "/children")
	if err != nil || len(strings.Fields(string(kids))) != 1 {
		b.Fatalf("cannot find what runs below nsenter %s: %q, %v", pane, kids, err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(kids))[0])
	if err != nil {
		b.Fatal(err)
	}
	return pid
}

// cpuSeconds is the processor time a process has used, all its threads together,
// proc_pid_stat(5).
func cpuSeconds(b *testing.B, pid int) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("cannot understand %s", stat)
	}
	const hz = 100 // of USER_HZ, on every Linux Go runs on
	return (user + system) / hz
}
