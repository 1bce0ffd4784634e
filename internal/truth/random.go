package truth

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// maxRandom is of how many processes a random tree is at most: what it does has to
// fit into maxSteps.
const maxRandom = 12

// random makes n random trees, several at a time. Each is named by its seed, which
// makes it again.
func (g *grower) random(n int, seed uint64, size int) ([]Process, error) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards all and errs
		all  []Process
		errs []error
		room = make(chan struct{}, 4)
	)
	for i := range uint64(n) { //nolint:gosec // G115: a count is not negative
		p, err := g.randomTree(seed+i, min(size, maxRandom))
		if err != nil {
			return nil, fmt.Errorf("cannot make a random tree: %w", err)
		}
		room <- struct{}{}
		wg.Go(func() {
			err := p.grow()
			mu.Lock()
			defer mu.Unlock()
			all, errs = append(all, g.truth(p)...), append(errs, err)
			p.free()
			<-room
		})
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

func (g *grower) randomTree(seed uint64, size int) (*plan, error) {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // G404: it has to come again
	m := &randomMaker{Rand: r, life: time.Duration(r.IntN(12)) * time.Millisecond, left: 1 + r.IntN(size)}
	var children []*node
	for m.left > 0 {
		children = append(children, m.node(0, false))
	}
	return g.compile(fmt.Sprintf("random %d", seed), m.life, children...)
}

// randomMaker makes random processes.
type randomMaker struct {
	*rand.Rand
	life time.Duration
	left int // how many it may still make
}

// in says yes once in n times.
func (m *randomMaker) in(n int) bool { return m.IntN(n) == 0 }

// node makes a process and those below it. Below a victim there is none: the one
// that were to kill it could be dead itself.
func (m *randomMaker) node(depth int, below bool) *node {
	m.left--
	n := &node{part: true, setsid: m.in(4), exit: m.IntN(256), waits: m.in(2), linger: time.Duration(m.IntN(4)) * 2 * time.Millisecond}
	switch m.IntN(8) {
	case 0:
		n.kill = syscall.SIGKILL
	case 1:
		n.kill = syscall.SIGTERM
	case 2:
		if depth > 0 && !below {
			// Its session would depend on when it is killed.
			*n = node{part: true, victim: true, kill: syscall.SIGKILL}
		}
	case 3, 4:
		n.exit, n.argv = 0, sleeper(m.life)
		n.instant = m.life == 0
		n.late = m.in(3)
	case 5:
		n.argv, n.instant = []string{"sh", "-c", fmt.Sprintf("exit %d; : n%d", n.exit, number())}, true
	case 6:
		n.kill, n.instant = syscall.SIGTERM, true
		n.argv = []string{"sh", "-c", fmt.Sprintf("kill -TERM $$; : n%d", number())}
	}
	n.vfork = !n.victim && m.in(4)
	for m.left > 0 && depth < 4 && !m.in(3) {
		n.children = append(n.children, m.node(depth+1, below || n.victim))
	}
	return n
}
