package ui

import "pid1/event"

// standIn names the row that shows a process which has no row of its own: the
// fold it went into, or the nearest process above it that is shown.
func (t *tree) standIn(s *scene) func(treeKey) (treeKey, bool) {
	return func(k treeKey) (treeKey, bool) {
		i := s.find(k.id)
		if i < 0 {
			return treeKey{}, false
		}
		if key := (treeKey{id: s.procs[i].id}); k.id.Start == 0 && key != k {
			return key, true // its start time became known
		}
		if k.fold != noneFolded { // a fold that came apart: its first member
			for j := range t.rows {
				q := &s.procs[t.rows[j].p]
				if q.parent == i && s.foldOf(t.rows[j].p) == k {
					return t.rows[j].key, true
				}
			}
			return treeKey{id: k.id}, true
		}
		for j := i; j >= 0; j = s.procs[j].parent {
			for _, key := range []treeKey{{id: s.procs[j].id}, s.foldOf(j)} {
				if key != k && index(t.list.keys, key) >= 0 {
					return key, true
				}
			}
		}
		return treeKey{}, false
	}
}

// foldOf is the fold that process i goes into where there are many like it; none for
// a root.
func (s *scene) foldOf(i int) treeKey {
	p := &s.procs[i]
	if p.parent < 0 {
		return treeKey{}
	}
	up := s.procs[p.parent].id
	switch {
	case p.zombie():
		return treeKey{id: up, fold: zombiesFolded}
	case p.gone:
		return treeKey{id: up, fold: goneFolded}
	}
	return treeKey{id: up, fold: siblingsFolded, comm: p.comm}
}

// leaves reports whether process k may vanish into the line of the just dead: all
// below it is gone as well, and nobody looks at it.
func (t *tree) leaves(s *scene, k int) bool {
	at, selected := t.list.selected()
	for j := k; j < s.procs[k].end; j++ {
		if p := &s.procs[j]; !p.gone || selected && at == (treeKey{id: p.id}) {
			return false
		}
	}
	return true
}

// manyGone reports whether so many of the children of process i are just dead that
// they make one line.
func (t *tree) manyGone(s *scene, i int, kids []int) bool {
	n := 0
	for _, k := range kids {
		if t.leaves(s, k) {
			n++
		}
	}
	key := treeKey{id: s.procs[i].id, fold: goneFolded}
	if n > foldGone || n > unfoldGone && t.grouped[key] {
		t.grouped[key] = true
		return true
	}
	delete(t.grouped, key)
	return false
}

// prune forgets the folds of processes that are long gone.
func (t *tree) prune(s *scene) {
	if len(t.closed)+len(t.grouped) < 2*len(s.procs)+1000 {
		return
	}
	here := make(map[event.ID]bool, len(s.procs))
	for i := range s.procs {
		here[s.procs[i].id] = true
	}
	for _, m := range []map[treeKey]bool{t.closed, t.grouped} {
		for k := range m {
			if !here[k.id] {
				delete(m, k)
			}
		}
	}
}

// fold closes the selected row, or goes to the row it hangs from.
func (t *tree) fold() {
	if r := t.current(); r != nil {
		if r.mark == isOpen {
			t.closed[r.key] = true
		} else if r.parent >= 0 {
			t.list.moveTo(r.parent)
		}
	}
}

// unfold opens the selected row, or goes to the first under it.
func (t *tree) unfold() {
	if r := t.current(); r != nil {
		switch r.mark {
		case isClosed:
			t.closed[r.key] = false
		case isOpen:
			t.list.move(1)
		}
	}
}

// toggleAll folds every process that has something under it and is not alone at the
// top, or, where something is folded, unfolds everything.
func (t *tree) toggleAll() {
	folded := false
	for i := range t.rows {
		folded = folded || t.rows[i].mark == isClosed
	}
	for i := range t.rows {
		if r := &t.rows[i]; r.mark != noFold && (folded || r.depth > 0 || r.isFold()) {
			t.closed[r.key] = !folded
		}
	}
}

func (t *tree) toggle() {
	if r := t.current(); r != nil && r.mark != noFold {
		t.closed[r.key] = r.mark == isOpen
	}
}

func (t *tree) current() *treeRow {
	if t.list.sel < 0 || t.list.sel >= len(t.rows) {
		return nil
	}
	return &t.rows[t.list.sel]
}

// isFold reports whether the row stands for several processes.
func (r *treeRow) isFold() bool { return r.key.fold != noneFolded }
