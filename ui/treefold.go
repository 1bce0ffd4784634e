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
				if q.parent == i && (k.fold == zombiesFolded && q.zombie() || k.fold == siblingsFolded && k.comm == q.comm) {
					return t.rows[j].key, true
				}
			}
			return treeKey{id: k.id}, true
		}
		p := &s.procs[i]
		if p.parent < 0 {
			return treeKey{}, false
		}
		fold := treeKey{id: s.procs[p.parent].id, fold: siblingsFolded, comm: p.comm}
		if p.zombie() {
			fold = treeKey{id: fold.id, fold: zombiesFolded}
		}
		if index(t.list.keys, fold) >= 0 {
			return fold, true
		}
		for j := p.parent; j >= 0; j = s.procs[j].parent {
			if up := (treeKey{id: s.procs[j].id}); index(t.list.keys, up) >= 0 {
				return up, true
			}
		}
		return treeKey{}, false
	}
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
