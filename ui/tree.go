package ui

import "pid1/event"

const (
	// foldSiblings is how many siblings with one command make one line.
	foldSiblings = 20
	// unfoldSiblings is below how many they are shown one by one again: far from
	// foldSiblings, so that a busy parent's children do not flicker.
	unfoldSiblings = 10
	// foldZombies is how many zombies one parent may have before all but the first
	// are folded.
	foldZombies = 4
	// foldGone is how many of one parent's children may be just dead before they are
	// folded, and unfoldGone how few are shown one by one again.
	foldGone   = 3
	unfoldGone = 1
)

// treeKey names a row of the tree for as long as it may be there: a process, or a
// fold among a process's children.
type treeKey struct {
	id   event.ID
	fold foldKind
	comm string // of folded siblings
}

// foldKind says what of a process's children are folded.
type foldKind uint8

const (
	noneFolded     foldKind = iota // the row is the process itself
	zombiesFolded                  // its zombies
	siblingsFolded                 // those that run one command
	goneFolded                     // those that are just dead
)

// treeRow is a row of the tree.
type treeRow struct {
	key    treeKey
	p      int // the process; of a fold, its first member, of the just dead the last that went
	parent int // the row this one hangs from; -1: none
	depth  int
	count  int  // of a fold: its members
	gone   int  // of a fold: its members that are just dead
	kids   int  // of a fold: their children
	last   bool // no sibling follows
	mark   foldMark
	aside  bool // it is here only because something below it matches
}

type foldMark uint8

const (
	noFold foldMark = iota
	isOpen
	isClosed
)

// tree is the Tree view.
type tree struct {
	list    list[treeKey]
	rows    []treeRow
	closed  map[treeKey]bool // what the user chose; absent: the default
	grouped map[treeKey]bool // siblings that are folded by number

	lens
	zombiesOnly bool
	noGhosts    bool
	path        bool // the program is shown with its folder
	flat        bool // no branches: every process by itself

	// scratch, to be free of garbage
	wanted []bool
	below  []bool
	stack  []int
	shown  int // how many match, also those in a fold
}

func newTree() *tree {
	return &tree{lens: newLens(treeColumns), closed: map[treeKey]bool{}, grouped: map[treeKey]bool{}}
}

// build makes the rows of a scene.
func (t *tree) build(s *scene, o *Options, height int) {
	t.match(s, o)
	t.rows = t.rows[:0]
	if t.flat {
		t.addAll(s)
	} else {
		t.children(s, -1)
		for i, roots := 0, len(t.stack); i < roots; i++ {
			t.add(s, t.stack[i], -1, 0, i == roots-1)
		}
	}
	t.pop(0)
	keys := t.list.buffer()
	for i := range t.rows {
		keys = append(keys, t.rows[i].key)
	}
	t.list.sync(keys, height, t.standIn(s))
	t.prune(s)
}

// match decides which processes are shown: those that match, and those above them.
func (t *tree) match(s *scene, o *Options) {
	n := len(s.procs)
	if cap(t.wanted) < n {
		t.wanted, t.below = make([]bool, n), make([]bool, n)
	}
	t.wanted, t.below = t.wanted[:n], t.below[:n]
	clear(t.below)
	t.shown = 0
	for i := n - 1; i >= 0; i-- {
		p := &s.procs[i]
		w := !(t.noGhosts && p.gone) && !(t.zombiesOnly && !p.zombie())
		if w && t.filter.active() {
			w = t.filter.matchProc(p, o)
		}
		if t.wanted[i] = w; w {
			t.shown++
		}
		if (w || t.below[i]) && p.parent >= 0 {
			t.below[p.parent] = true
		}
	}
}

func (t *tree) visible(i int) bool { return t.wanted[i] || t.below[i] }

// narrowed reports whether not everything is shown.
func (t *tree) narrowed() bool { return t.zombiesOnly || t.filter.active() }

// children pushes the visible children of process i, or the roots for -1, on the
// stack. The caller takes them off again with pop.
func (t *tree) children(s *scene, i int) (from int) {
	from = len(t.stack)
	j, to := 0, len(s.procs)
	if i >= 0 {
		j, to = i+1, s.procs[i].end
	}
	for ; j < to; j = s.procs[j].end {
		if t.visible(j) {
			t.stack = append(t.stack, j)
		}
	}
	if t.ordered() {
		t.sort(t.stack[from:], s.compare)
	}
	return from
}

// addAll adds a row for every process that is wanted, without branches.
func (t *tree) addAll(s *scene) {
	for i := range s.procs {
		if t.wanted[i] {
			t.stack = append(t.stack, i)
		}
	}
	if t.ordered() {
		t.sort(t.stack, s.compare)
	}
	for n, i := range t.stack {
		t.rows = append(t.rows, treeRow{key: treeKey{id: s.procs[i].id}, p: i, parent: -1, last: n == len(t.stack)-1})
	}
}

func (t *tree) pop(from int) { t.stack = t.stack[:from] }

// add adds the row of process i and what is under it.
func (t *tree) add(s *scene, i, parent, depth int, last bool) {
	p := &s.procs[i]
	row := treeRow{key: treeKey{id: p.id}, p: i, parent: parent, depth: depth, last: last, aside: !t.wanted[i]}
	from := t.children(s, i)
	defer t.pop(from)
	at := len(t.rows)
	if len(t.stack) > from {
		row.mark = isOpen
		if t.closed[row.key] {
			row.mark = isClosed
		}
	}
	t.rows = append(t.rows, row)
	if row.mark == isOpen {
		t.addChildren(s, i, from, at, depth+1)
	}
}

// addChildren adds the rows of a process's children, which are on the stack from
// from on, folded where they are many.
func (t *tree) addChildren(s *scene, i, from, parent, depth int) {
	to := len(t.stack)
	zombies := 0
	for _, k := range t.stack[from:to] {
		if foldable(s, k) {
			zombies++
		}
	}
	many := t.siblings(s, i, t.stack[from:to])
	goneToo := t.manyGone(s, i, t.stack[from:to])
	if zombies <= foldZombies && many == nil && !goneToo {
		for n := from; n < to; n++ {
			t.add(s, t.stack[n], parent, depth, n == to-1)
		}
		return
	}

	type item struct {
		key     treeKey
		members []int
	}
	var items []item
	where := map[treeKey]int{}
	zseen := 0
	for _, k := range t.stack[from:to] {
		p := &s.procs[k]
		key := treeKey{id: p.id}
		switch {
		case foldable(s, k):
			if zseen++; zombies > foldZombies && zseen > 1 {
				key = treeKey{id: s.procs[i].id, fold: zombiesFolded}
			}
		case goneToo && t.leaves(s, k):
			key = treeKey{id: s.procs[i].id, fold: goneFolded}
		case many[p.comm] && p.zunder == 0:
			key = treeKey{id: s.procs[i].id, fold: siblingsFolded, comm: p.comm}
		}
		at, ok := where[key]
		if !ok {
			at = len(items)
			where[key] = at
			items = append(items, item{key: key})
		}
		items[at].members = append(items[at].members, k)
	}
	// The living come first.
	if at, ok := where[treeKey{id: s.procs[i].id, fold: goneFolded}]; ok {
		it := items[at]
		items = append(append(items[:at:at], items[at+1:]...), it)
	}
	for n, it := range items {
		last := n == len(items)-1
		if it.key.fold == noneFolded {
			t.add(s, it.members[0], parent, depth, last)
		} else {
			t.addFold(s, it.key, it.members, parent, depth, last)
		}
	}
}

// addFold adds one row for many siblings, and under it the siblings when it is open.
func (t *tree) addFold(s *scene, key treeKey, members []int, parent, depth int, last bool) {
	row := treeRow{
		key: key, p: members[0], parent: parent, depth: depth, last: last,
		count: len(members), mark: isClosed, aside: true,
	}
	for _, m := range members {
		p := &s.procs[m]
		row.kids += p.kids
		if p.gone {
			row.gone++
		}
		if t.wanted[m] {
			row.aside = false
		}
		if key.fold == goneFolded {
			row.count += p.end - m - 1
			if p.goneFor <= s.procs[row.p].goneFor {
				row.p = m
			}
		}
	}
	if key.fold == goneFolded {
		row.gone = row.count
	}
	if closed, chosen := t.closed[key]; chosen && !closed {
		row.mark = isOpen
	}
	at := len(t.rows)
	t.rows = append(t.rows, row)
	if row.mark == isClosed {
		return
	}
	for n, m := range members {
		t.add(s, m, at, depth+1, n == len(members)-1)
	}
}

// foldable reports whether a process may vanish into a line of zombies.
func foldable(s *scene, i int) bool {
	p := &s.procs[i]
	return p.zombie() && p.end == i+1
}

// siblings finds the commands that so many children of process i run that they
// make one line.
func (t *tree) siblings(s *scene, i int, kids []int) map[string]bool {
	if len(kids) < unfoldSiblings {
		return nil
	}
	count := map[string]int{}
	for _, k := range kids {
		if p := &s.procs[k]; !foldable(s, k) && p.zunder == 0 && !p.gone {
			count[p.comm]++
		}
	}
	var many map[string]bool
	for comm, n := range count {
		key := treeKey{id: s.procs[i].id, fold: siblingsFolded, comm: comm}
		if n >= foldSiblings || n >= unfoldSiblings && t.grouped[key] {
			if many == nil {
				many = map[string]bool{}
			}
			many[comm] = true
			t.grouped[key] = true
		} else if t.grouped[key] {
			delete(t.grouped, key)
		}
	}
	return many
}
