package truth

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// node is a process to be made. It leads a session if it is to, creates its
// children, lingers, waits for them if it does that, and ends by itself or by
// becoming another program.
type node struct {
	setsid   bool
	children []*node
	linger   time.Duration // after the forks
	waits    bool          // for its children
	late     bool          // it becomes a program at the end of its life only
	argv     []string      // the program it becomes; nil: none
	becomes  [][]string    // the programs that one becomes in turn
	exit     int           // how it, or the program, ends
	kill     syscall.Signal
	part     bool      // it is there for the others
	vfork    bool      // its parent rests until it has become a program or ended
	instant  bool      // the program it becomes ends at once
	victim   bool      // its parent kills it; what it makes may never be
	shell    []*byMark // what the program makes in turn

	rec    *record
	parent *node
}

// byMark is a process that a shell makes, known by its command line alone.
type byMark struct {
	argv    []string
	direct  bool // the shell itself creates it
	adopted bool
	exit    int
}

// plan is a tree to be made, ready for walk.
type plan struct {
	tree   string
	life   time.Duration
	root   *node // stands for the process that walks
	nodes  []*node
	steps  *[maxSteps]step
	keep   []any // what steps point to
	gone   int64 // when all were gone, in ns since boot
	alive  [2]int
	memory []byte
}

// grower is what all plans need.
type grower struct {
	self  Process // of the process that makes the trees
	env   []string
	paths map[string]string
}

// compile turns the tree below root into steps.
func (g *grower) compile(tree string, life time.Duration, children ...*node) (*plan, error) {
	p := &plan{tree: tree, life: life, steps: new([maxSteps]step), root: &node{children: children, waits: true}}
	if err := unix.Pipe2(p.alive[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("cannot make a pipe: %w", err)
	}
	var err error
	if p.memory, err = unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON); err != nil {
		return nil, fmt.Errorf("cannot share memory: %w", err)
	}
	p.claim(p.root)
	next := 0
	add := func(s step) { p.steps[next%maxSteps] = s; next++ }
	queue := []*node{p.root}
	forks := map[*node]*step{}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if fork := forks[n]; fork != nil {
			fork.a = uintptr(next)
		}
		if err := g.steps(p, n, add, func(c *node) { forks[c] = &p.steps[(next-1)%maxSteps] }); err != nil {
			return nil, err
		}
		queue = append(queue, n.children...)
	}
	if next > maxSteps || len(p.nodes)*int(unsafe.Sizeof(record{})) > len(p.memory) {
		return nil, fmt.Errorf("cannot make a tree of %d steps and %d processes", next, len(p.nodes))
	}
	return p, nil
}

// claim gives every node its record.
func (p *plan) claim(n *node) {
	n.rec = (*record)(unsafe.Pointer(&p.memory[len(p.nodes)*int(unsafe.Sizeof(record{}))%len(p.memory)]))
	p.nodes = append(p.nodes, n)
	for _, c := range n.children {
		c.parent = n
		p.claim(c)
	}
}

// steps adds what n does.
func (g *grower) steps(p *plan, n *node, add func(step), forked func(*node)) error {
	if n.setsid {
		add(step{op: opSetsid})
	}
	for _, c := range n.children {
		flags := uintptr(0)
		if c.vfork {
			flags = unix.CLONE_VFORK
		}
		add(step{op: opFork, b: flags, rec: c.rec})
		forked(c)
	}
	g.sleep(p, n.linger, add)
	for _, c := range n.children {
		if c.victim {
			add(step{op: opSlay, rec: c.rec})
		}
	}
	if n.waits {
		for _, c := range n.children {
			add(step{op: opWait, rec: c.rec})
		}
	}
	switch {
	case n == p.root:
		add(step{op: opEnd})
	case n.victim:
		g.sleep(p, time.Minute, add)
		add(step{op: opExit, a: 124, rec: n.rec}) // nobody killed it
	case n.argv != nil:
		path, argv, env, err := g.program(p, n.argv)
		if err != nil {
			return err
		}
		if n.late {
			g.sleep(p, p.life, add)
		}
		add(step{op: opKeep, a: uintptr(p.alive[1])})
		add(step{op: opExec, a: path, b: argv, c: env, rec: n.rec})
	default:
		if len(n.children) == 0 {
			g.sleep(p, p.life, add)
		}
		if n.kill != 0 {
			add(step{op: opKill, a: uintptr(n.kill), rec: n.rec})
		} else {
			add(step{op: opExit, a: uintptr(n.exit), rec: n.rec})
		}
	}
	return nil
}

func (g *grower) sleep(p *plan, d time.Duration, add func(step)) {
	if d > 0 {
		ts := unix.NsecToTimespec(d.Nanoseconds())
		p.keep = append(p.keep, &ts)
		add(step{op: opSleep, a: uintptr(unsafe.Pointer(&ts))})
	}
}

// program makes the arguments of execve(2).
func (g *grower) program(p *plan, args []string) (path, argv, env uintptr, err error) {
	file, ok := g.paths[args[0]]
	if !ok {
		if file, err = exec.LookPath(args[0]); err != nil {
			return 0, 0, 0, fmt.Errorf("cannot run %s: %w", args[0], err)
		}
		g.paths[args[0]] = file
	}
	name, err := syscall.BytePtrFromString(file)
	if err != nil {
		return 0, 0, 0, err
	}
	av, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return 0, 0, 0, err
	}
	ev, err := syscall.SlicePtrFromStrings(g.env)
	if err != nil {
		return 0, 0, 0, err
	}
	p.keep = append(p.keep, name, av, ev)
	return uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&av[0])), uintptr(unsafe.Pointer(&ev[0])), nil
}

// grow makes the tree and waits until all of it is gone.
func (p *plan) grow() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A signal would run the handler of the Go runtime in a process without one.
	var mask, old unix.Sigset_t
	for _, sig := range []syscall.Signal{syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPROF} {
		mask.Val[0] |= 1 << (uint(sig) - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &mask, &old); err != nil {
		return fmt.Errorf("cannot block signals: %w", err)
	}
	walk(p.steps)
	err := unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	runtime.KeepAlive(p)
	_ = unix.Close(p.alive[1])
	for {
		var b [1]byte
		_, rerr := unix.Read(p.alive[0], b[:])
		if rerr != unix.EINTR {
			if rerr != nil {
				err = fmt.Errorf("cannot wait for the end of a tree: %w", rerr)
			}
			break
		}
	}
	_ = unix.Close(p.alive[0])
	// A process closes its files a while before it is dead.
	for _, n := range p.nodes[1:] {
		if werr := ended(n.rec); werr != nil && err == nil {
			err = werr
		}
	}
	now(&p.gone)
	for _, n := range p.nodes {
		if n.rec.failed != 0 {
			return fmt.Errorf("cannot make a process of %s: %w", p.tree, syscall.Errno(n.rec.failed))
		}
	}
	return err
}

// ended waits for the end of a process that somebody else reaps.
func ended(r *record) error {
	if r.waited != 0 || r.pid == 0 {
		return nil
	}
	fd, err := unix.PidfdOpen(int(r.pid), 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot wait for %d: %w", r.pid, err)
	}
	defer unix.Close(fd)
	for {
		if _, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
			return err
		}
	}
}

// free lets go of what grow wrote down.
func (p *plan) free() { _ = unix.Munmap(p.memory) }
