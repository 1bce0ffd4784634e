package ui

import (
	"strings"

	"pid1/event"
	"pid1/internal/world"
)

// filter holds the words a line must contain, all of them, in any case.
type filter struct {
	text  string
	words []string
}

func (f *filter) active() bool { return len(f.words) > 0 }

func (f *filter) set(text string) {
	f.text = text
	f.words = strings.Fields(strings.ToLower(text))
}

func (f *filter) match(parts ...string) bool {
	for _, w := range f.words {
		found := false
		for _, p := range parts {
			if found = contains(p, w); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (f *filter) matchProc(p *proc) bool {
	return f.match(itoa(p.id.PID), p.comm, joinArgs(p.args))
}

func (f *filter) matchReap(r *event.Reap) bool {
	origin := ""
	if r.Origin != nil {
		origin = r.Origin.Comm
	}
	return f.match(itoa(r.PID), r.Comm, joinArgs(r.Cmdline), world.Status(r.Ended), origin)
}

func (f *filter) matchGroup(g *world.Group) bool {
	return f.match(itoa(g.Parent.PID), g.Parent.Comm, joinArgs(g.Parent.Cmdline), string(g.Verdict))
}

// contains reports whether s contains the lower-case word, in any case.
func contains(s, word string) bool {
	n := len(word)
	for i := 0; i+n <= len(s); i++ {
		if strings.EqualFold(s[i:i+n], word) {
			return true
		}
	}
	return false
}
