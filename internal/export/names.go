package export

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pid1/doctor"
	"pid1/internal/safetext"
	"pid1/internal/world"
)

const (
	// labelMax is how long a label's value may be that comes from outside, in bytes.
	labelMax = 64

	// namedMax is how many parents of a feed are named at a time.
	namedMax = 20

	// namedFor is for how long a name keeps its place after its parents held no zombie
	// any more. It bounds how many names there are over time: who changes its name in
	// every moment makes twenty an hour.
	namedFor = time.Hour

	// nameOther sums the parents that are not named, and stands for every verdict that
	// is not known here.
	nameOther = "other"

	nameOutside = "(outside)" // a parent outside the PID namespace
	nameUnknown = "(unknown)" // a parent without a name

	// defaultName is the feed that nobody named a socket of.
	defaultName = "pid1"
)

// harmless makes a short printable ASCII text of bytes from outside.
func harmless(s string, most int) string {
	out, _, _ := safetext.Append(nil, s, most, true)
	return string(out)
}

// nameOf makes a feed's name of where its socket is: NAME/pid1.sock, NAME.sock.
func nameOf(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".sock")
	if dir := filepath.Base(filepath.Dir(path)); name == "pid1" && dir != "." && dir != "/" {
		name = dir
	}
	return harmless(name, labelMax)
}

// names are the parents that are told of by name.
type names map[string]time.Time // since when it holds none: the last time it held one

// share counts the zombies of groups that are old enough to speak of, by the name of
// the parent, and returns for how long the oldest has been dead.
func (n names) share(groups []world.Group, now time.Time) (held map[string]int, oldest time.Duration) {
	all := map[string]int{}
	for i := range groups {
		g := &groups[i]
		for _, z := range g.Zombies {
			if z.Age >= doctor.TransientAge {
				all[parentName(g)]++
				oldest = max(oldest, z.Age)
			}
		}
	}
	for name, last := range n {
		if now.Sub(last) > namedFor {
			delete(n, name)
		}
	}
	held = map[string]int{nameOther: 0}
	most := func(a, b string) int { return cmp.Or(cmp.Compare(all[b], all[a]), strings.Compare(a, b)) }
	for _, name := range slices.SortedFunc(maps.Keys(all), most) {
		count := all[name]
		if _, named := n[name]; !named && len(n) >= namedMax {
			name = nameOther
		}
		if name != nameOther {
			n[name] = now
		}
		held[name] += count
	}
	for name := range n {
		held[name] += 0 // gone, but not forgotten: it fell to 0
	}
	return held, oldest
}

func parentName(g *world.Group) string {
	switch {
	case g.Parent.PID == 0:
		return nameOutside
	case g.Parent.Comm == "":
		return nameUnknown
	}
	return harmless(g.Parent.Comm, labelMax)
}

// troubles are the verdicts that are findings.
var troubles = slices.DeleteFunc(doctor.Verdicts(), func(v doctor.Verdict) bool { return !v.Trouble() })

// verdict is a verdict as a label: one of those there are.
func verdict(v doctor.Verdict) string {
	if slices.Contains(troubles, v) {
		return string(v)
	}
	return nameOther
}
