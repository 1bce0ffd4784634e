package truth

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Grow is the program that makes the trees; args are its arguments without its
// name. It ends when all of the processes it made have.
func Grow(args []string) error {
	f := flag.NewFlagSet("grow", flag.ContinueOnError)
	out := f.String("o", "", "write the truth to `FILE`")
	rounds := f.Int("rounds", 10, "how many trees of every kind and lifetime")
	lives := f.String("lives", "0,1,2,5,10,50,500", "lifetimes in `MS`, separated by commas")
	pause := f.Duration("pause", 1200*time.Millisecond, "how long to wait at the end, for an observer who looks now and then")
	only := f.String("trees", "", "only these kinds of trees, separated by commas")
	random := f.Int("random", 0, "make `N` random trees, and no others")
	seed := f.Uint64("seed", 0, "of the first random tree; the next has the next one")
	size := f.Int("size", maxRandom, "of how many processes a random tree is at most")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("cannot write the truth: no -o FILE")
	}
	g, err := newGrower()
	if err != nil {
		return err
	}
	var all []Process
	if *random > 0 {
		*lives = ""
		if all, err = g.random(*random, *seed, *size); err != nil {
			return err
		}
	}
	for word := range strings.SplitSeq(*lives, ",") {
		if word == "" {
			continue
		}
		life, err := time.ParseDuration(word + "ms")
		if err != nil {
			return fmt.Errorf("cannot use -lives %s: %w", *lives, err)
		}
		for _, k := range kinds {
			if *only != "" && !strings.Contains(","+*only+",", ","+k.name+",") {
				continue
			}
			grown, err := g.rounds(k, life, *rounds)
			if err != nil {
				return err
			}
			all = append(all, grown...)
		}
	}
	file, err := os.Create(*out)
	if err != nil {
		return fmt.Errorf("cannot write the truth: %w", err)
	}
	defer file.Close()
	if err := Write(file, append(all, g.self)); err != nil {
		return err
	}
	time.Sleep(*pause)
	return file.Close()
}

// growerTree is what the grower itself is called.
const growerTree = "grower"

func newGrower() (*grower, error) {
	g := &grower{env: []string{"PATH=" + os.Getenv("PATH")}, paths: map[string]string{}}
	_, start, err := stat(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("cannot see myself: %w", err)
	}
	above, err := ancestors(os.Getppid())
	if err != nil {
		return nil, err
	}
	runner, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", os.Getppid()))
	if err != nil {
		return nil, fmt.Errorf("cannot see who runs me: %w", err)
	}
	sid, err := unix.Getsid(0)
	if err != nil {
		return nil, fmt.Errorf("cannot see my session: %w", err)
	}
	g.self = Process{
		Tree: growerTree, Part: true, ID: ID{os.Getpid(), start, start},
		Parent: above[0], Above: above,
		Argv: [][]string{strings.Split(strings.TrimSuffix(string(runner), "\x00"), "\x00"), os.Args}, SID: sid, PGID: unix.Getpgrp(), Least: -1,
	}
	return g, nil
}

// ancestors returns the process pid and those above it.
func ancestors(pid int) (list []ID, err error) {
	for pid > 0 {
		ppid, start, err := stat(pid)
		if err != nil {
			return nil, fmt.Errorf("cannot see my ancestors: %w", err)
		}
		list = append(list, ID{pid, start, start})
		pid = ppid
	}
	return list, nil
}

// stat reads the parent and the start of a process, proc_pid_stat(5).
func stat(pid int) (ppid int, start uint64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	words := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(words) < 20 {
		return 0, 0, fmt.Errorf("%q is no line of stat", text)
	}
	if _, err := fmt.Sscan(words[1], &ppid); err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(words[19], &start)
	return ppid, start, err
}

// rounds makes n trees of one kind: the short-lived one after the other, as fast as
// it goes, and of the others several at a time.
func (g *grower) rounds(k kind, life time.Duration, n int) ([]Process, error) {
	atOnce := 1
	if life > 10*time.Millisecond {
		atOnce = 16
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards all and errs
		all  []Process
		errs []error
		room = make(chan struct{}, atOnce)
	)
	for range n {
		p, err := k.make(g, life)
		if err != nil {
			return nil, fmt.Errorf("cannot make a tree %s: %w", k.name, err)
		}
		room <- struct{}{}
		grow := func() {
			err := p.grow()
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, g.truth(p)...), append(errs, err)
			p.free()
			<-room
		}
		if atOnce == 1 && !k.thread {
			grow()
		} else {
			wg.Go(grow)
		}
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

// truth turns what was written down of a tree into the truth.
func (g *grower) truth(p *plan) []Process {
	var all []Process
	at := map[*node]*Process{}
	self := g.self
	at[p.root] = &self
	for _, n := range p.nodes[1:] { // parents come first
		parent, r := at[n.parent], n.rec
		if parent == nil || r.pid == 0 { // its parent was killed before
			continue
		}
		t := Process{
			Tree: p.tree, Life: int(p.life.Milliseconds()), Part: n.part, ID: idOf(r),
			Parent: parent.ID, SID: parent.SID, PGID: parent.PGID,
			Argv: [][]string{began(parent, n.parent == p.root)}, Linger: n.parent.linger > 0,
			Adopted: n.parent != p.root && !n.parent.waits, Status: n.exit << 8,
		}
		t.Above = append([]ID{parent.ID}, parent.Above...)
		if n.setsid {
			t.Was = [2]int{t.SID, t.PGID}
			t.SID, t.PGID = t.PID, t.PID
		}
		if n.kill != 0 {
			t.Status = int(n.kill)
		}
		if n.argv != nil {
			if n.late { // that it ran its parent's image is no passing state
				t.Argv = append(t.Argv, t.Argv[0])
			}
			t.Argv = append(t.Argv, n.argv)
			t.Argv = append(t.Argv, n.becomes...)
		}
		if n.parent.argv != nil {
			t.Became = append([][]string{n.parent.argv}, n.parent.becomes...)
		}
		if n.argv != nil && n.shell == nil && !n.instant {
			t.Least = p.life.Milliseconds()
		}
		if r.leaves != 0 {
			t.Least = (r.leaves - r.after) / 1e6
		}
		end := p.gone
		if r.waited != 0 {
			end = r.waited
		}
		t.Most = (end-r.before)/1e6 + 1
		at[n] = &t
		all = append(all, t)
		for _, m := range n.shell {
			all = append(all, g.marked(p, &t, m))
		}
	}
	return all
}

// began is what a child of p runs at first. p forks before it becomes a program, but
// for the grower, which is one.
func began(p *Process, grower bool) []string {
	if grower {
		return p.Argv[len(p.Argv)-1]
	}
	return p.Argv[0]
}

// marked is the truth of a process that a shell made.
func (g *grower) marked(p *plan, shell *Process, m *byMark) Process {
	t := Process{
		Tree: p.tree, Life: int(p.life.Milliseconds()), SID: shell.SID, PGID: shell.PGID,
		Above: append([]ID{shell.ID}, shell.Above...), Adopted: m.adopted,
		Argv: [][]string{shell.Argv[1], m.argv}, Status: m.exit << 8,
		Least: p.life.Milliseconds(),
	}
	if m.direct {
		t.Parent = shell.ID
	}
	return t
}

func idOf(r *record) ID {
	return ID{int(r.pid), uint64(r.before / int64(tick)), uint64(r.after / int64(tick))}
}

// lingers is how long a parent stays that is to be seen.
const lingers = 5 * time.Millisecond

// kind is a kind of tree.
type kind struct {
	name   string
	thread bool // made by several threads at once
	make   func(g *grower, life time.Duration) (*plan, error)
}

var serial struct {
	mu sync.Mutex
	n  int
}

func number() int {
	serial.mu.Lock()
	defer serial.mu.Unlock()
	serial.n++
	return serial.n
}

// sleeper is a command that lives for life and that nobody else runs: sleep(1) adds
// its arguments.
func sleeper(life time.Duration) []string {
	if life == 0 {
		return []string{"true", fmt.Sprintf("n%d", number())}
	}
	return []string{"sleep", fmt.Sprintf("%.3f", life.Seconds()), fmt.Sprintf("0.%09d", number())}
}

// work is a sleeper for a shell, into which true(1) may be built.
func (g *grower) work(life time.Duration) []string {
	argv := sleeper(life)
	if file, err := exec.LookPath(argv[0]); err == nil {
		argv[0] = file
	}
	return argv
}

// kinds are the trees there are.
var kinds = []kind{
	{name: "child", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("child", life, &node{argv: sleeper(life)})
	}},
	{name: "thread", thread: true, make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("thread", life, &node{argv: sleeper(life)})
	}},
	{name: "orphan", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("orphan", life, &node{part: true, children: []*node{{argv: sleeper(life)}}})
	}},
	{name: "orphan-late", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("orphan-late", life, &node{part: true, linger: lingers, children: []*node{{argv: sleeper(life)}}})
	}},
	{name: "daemon", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("daemon", life, &node{part: true, children: []*node{
			{part: true, setsid: true, children: []*node{{argv: sleeper(life)}}},
		}})
	}},
	{name: "prefork", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("prefork", life, &node{part: true, waits: true, children: []*node{
			{exit: 0}, {exit: 7}, {kill: syscall.SIGKILL}, {kill: syscall.SIGTERM},
		}})
	}},
	{name: "make", make: func(g *grower, life time.Duration) (*plan, error) {
		rule := func(status int) *node {
			work := g.work(life)
			return &node{
				argv: []string{"sh", "-c", fmt.Sprintf("%s; exit %d", strings.Join(work, " "), status)}, exit: status,
				shell: shellMakes(work),
			}
		}
		return g.compile("make", life, &node{part: true, waits: true, children: []*node{rule(0), rule(3)}})
	}},
	{name: "pipeline", make: func(g *grower, life time.Duration) (*plan, error) {
		a, b, c := g.work(life), g.work(life), g.work(life)
		script := strings.Join(a, " ") + " | " + strings.Join(b, " ") + " | " + strings.Join(c, " ") + "; exit 4"
		return g.compile("pipeline", life, &node{argv: []string{"sh", "-c", script}, exit: 4, shell: shellMakes(a, b, c)})
	}},
	{name: "subshell", make: func(g *grower, life time.Duration) (*plan, error) {
		work := g.work(life)
		script := "( " + strings.Join(work, " ") + " & ); exit 5"
		return g.compile("subshell", life, &node{
			argv: []string{"sh", "-c", script}, exit: 5,
			shell: []*byMark{{argv: work, adopted: true}},
		})
	}},
	{name: "exec", make: func(g *grower, life time.Duration) (*plan, error) {
		last := g.work(life)
		return g.compile("exec", life, &node{part: true, children: []*node{{
			argv: []string{"sh", "-c", "exec " + strings.Join(last, " ")}, becomes: [][]string{last},
		}}})
	}},
	{name: "exec-waited", make: func(g *grower, life time.Duration) (*plan, error) {
		last := g.work(life)
		return g.compile("exec-waited", life, &node{
			argv: []string{"sh", "-c", "exec " + strings.Join(last, " ")}, becomes: [][]string{last},
		})
	}},
	{name: "killed", make: func(g *grower, life time.Duration) (*plan, error) {
		work := g.work(life)
		return g.compile("killed", life, &node{
			argv: []string{"sh", "-c", strings.Join(work, " ") + "; kill -KILL $$"}, kill: syscall.SIGKILL,
			shell: shellMakes(work),
		})
	}},
	{name: "exec-late", make: func(g *grower, life time.Duration) (*plan, error) {
		return g.compile("exec-late", life, &node{late: true, argv: sleeper(0)})
	}},
	// It becomes another program of the same name, and ends.
	{name: "exec-same", make: func(g *grower, life time.Duration) (*plan, error) {
		var shell []*byMark
		first, last := "", []string{"sh", "-c", fmt.Sprintf(": n%d", number())}
		if life > 0 {
			work := g.work(life)
			shell, first = shellMakes(work), strings.Join(work, " ")+"; "
		}
		return g.compile("exec-same", life, &node{part: true, children: []*node{{
			argv: []string{"sh", "-c", first + fmt.Sprintf("exec sh -c '%s'", last[2])}, becomes: [][]string{last}, shell: shell,
		}}})
	}},
}

// shellMakes are commands that a shell runs as its children.
func shellMakes(commands ...[]string) (list []*byMark) {
	for _, argv := range commands {
		list = append(list, &byMark{argv: argv, direct: true})
	}
	return list
}
