package ui

import (
	"cmp"
	"sort"
	"strings"
	"time"

	"pid1/event"
	"pid1/internal/world"
)

// zombieKey names a row of the Zombies view: a parent, or the zombies under it
// that ran one program and ended one way.
type zombieKey struct {
	parent event.ID
	what   string
}

type zombieRow struct {
	key    zombieKey
	group  int
	mark   foldMark
	count  int
	text   string
	mixed  bool // text is what their command lines begin with
	status string
	id     event.ID // of the only one
	oldest time.Duration
}

// zombies is the Zombies view.
type zombies struct {
	list   list[zombieKey]
	rows   []zombieRow
	closed map[zombieKey]bool // what the user chose; absent: open
	lens
	order []int // of groups, as shown
	shown int
}

func newZombies() *zombies {
	return &zombies{lens: newLens(zombieColumns), closed: map[zombieKey]bool{}}
}

func (z *zombies) build(s *scene, height int) {
	z.rows, z.shown, z.order = z.rows[:0], 0, z.order[:0]
	for i := range s.groups {
		z.order = append(z.order, i)
	}
	if z.ordered() {
		z.sort(z.order, func(col, a, b int) int { return compareGroups(col, &s.groups[a], &s.groups[b]) })
	}
	for _, i := range z.order {
		g := &s.groups[i]
		if z.filter.active() && !z.filter.matchGroup(g) {
			continue
		}
		z.shown += len(g.Zombies)
		key := zombieKey{parent: g.Parent.ID}
		row := zombieRow{key: key, group: i, mark: isOpen, count: len(g.Zombies)}
		if z.closed[key] {
			row.mark = isClosed
		}
		z.rows = append(z.rows, row)
		if row.mark == isOpen {
			z.rows = append(z.rows, kinds(g, i)...)
		}
	}
	keys := z.list.buffer()
	for i := range z.rows {
		keys = append(keys, z.rows[i].key)
	}
	z.list.sync(keys, height, func(k zombieKey) (zombieKey, bool) { return zombieKey{parent: k.parent}, true })
}

// kinds are the rows under a parent: its zombies by program and end, the most
// frequent first.
func kinds(g *world.Group, at int) []zombieRow {
	var rows []zombieRow
	var args [][]string // what the command lines of a row have in common
	where := map[string]int{}
	for i := range g.Zombies {
		zo := &g.Zombies[i]
		st := ""
		if zo.End.Known() {
			st = world.Status(zo.End)
		}
		what := zo.Comm + "\x00" + st
		j, ok := where[what]
		if !ok {
			j = len(rows)
			where[what] = j
			rows = append(rows, zombieRow{
				key: zombieKey{parent: g.Parent.ID, what: what}, group: at,
				text: "[" + zo.Comm + "]", status: st, id: zo.ID,
			})
			args = append(args, nil)
		}
		switch {
		case len(zo.Cmdline) == 0:
		case args[j] == nil:
			args[j] = zo.Cmdline
		default:
			n := shared(args[j], zo.Cmdline)
			rows[j].mixed = rows[j].mixed || n < len(args[j]) || n < len(zo.Cmdline)
			args[j] = args[j][:max(n, 1)]
		}
		rows[j].count++
		rows[j].oldest = max(rows[j].oldest, zo.Age)
	}
	for j := range rows {
		if args[j] != nil {
			rows[j].text = joinArgs(args[j])
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].count > rows[j].count })
	return rows
}

// shared counts the arguments that two command lines begin with alike.
func shared(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (z *zombies) current() *zombieRow {
	if z.list.sel < 0 || z.list.sel >= len(z.rows) {
		return nil
	}
	return &z.rows[z.list.sel]
}

func (z *zombies) fold() {
	if r := z.current(); r != nil {
		if r.mark == isOpen {
			z.closed[r.key] = true
		} else if r.mark == noFold {
			z.list.choose(zombieKey{parent: r.key.parent})
		}
	}
}

func (z *zombies) unfold() {
	if r := z.current(); r != nil {
		switch r.mark {
		case isClosed:
			z.closed[r.key] = false
		case isOpen:
			z.list.move(1)
		}
	}
}

func (z *zombies) toggle() {
	if r := z.current(); r != nil && r.mark != noFold {
		z.closed[r.key] = r.mark == isOpen
	}
}

// toggleAll folds every parent, or, where one is folded, unfolds all.
func (z *zombies) toggleAll() {
	folded := false
	for i := range z.rows {
		folded = folded || z.rows[i].mark == isClosed
	}
	for i := range z.rows {
		if r := &z.rows[i]; r.mark != noFold {
			z.closed[r.key] = !folded
		}
	}
}

const (
	zParent = iota
	zCount
	zRate
	zOldest
	zNewest
	zSigchld
	zTrend
	zVerdict
)

var zombieColumns = []column{
	zParent:  {name: "PARENT THAT SHOULD WAIT"},
	zCount:   {name: "Z", width: 5, right: true, desc: true, keep: 9},
	zRate:    {name: "+/MIN", width: 5, right: true, desc: true, keep: 5},
	zOldest:  {name: "OLDEST", width: 6, right: true, desc: true, keep: 6},
	zNewest:  {name: "NEWEST", width: 6, right: true, keep: 3},
	zSigchld: {name: "SIGCHLD", width: 8, keep: 2},
	zTrend:   {name: "TREND 10m", width: 10, keep: 1},
	zVerdict: {name: "VERDICT", width: 14, keep: 8},
}

// compareGroups tells how a and b stand in a column.
func compareGroups(col int, a, b *world.Group) int {
	switch col {
	case zParent:
		return cmp.Compare(a.Parent.PID, b.Parent.PID)
	case zCount:
		return cmp.Compare(len(a.Zombies), len(b.Zombies))
	case zRate, zTrend:
		return cmp.Compare(a.RatePerMin, b.RatePerMin)
	case zOldest:
		return cmp.Compare(a.Oldest, b.Oldest)
	case zNewest:
		return cmp.Compare(a.Newest, b.Newest)
	case zSigchld:
		return strings.Compare(a.Evidence.SigChld, b.Evidence.SigChld)
	}
	return strings.Compare(string(a.Verdict), string(b.Verdict))
}
