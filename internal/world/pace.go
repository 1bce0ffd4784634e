package world

import (
	"math"
	"slices"
	"time"
)

// moment is births that came together, within momentTime of the first, and how
// many zombies disappeared from then to the next moment.
type moment struct {
	at         time.Duration // of the first birth
	born, gone int
}

// How the pace is measured.
const (
	momentTime  = time.Second
	momentsKept = 64
	// A pace is told from paceBirths births on, at paceMoments moments or more, that
	// are not all of paceSpan: less is an accident, or a burst.
	paceBirths  = 3
	paceMoments = 2
	paceSpan    = 10 * time.Second
	// change is the logarithm of how much likelier two paces have to be than one to
	// say that the pace changed.
	change = 4
	// lull is how many moments should have come since the last one, at the pace told:
	// by chance a pause of three times the mean is one of twenty.
	lull = 3
)

// pace is the newest moments of a ledger, oldest first.
type pace struct{ list []moment }

// birth takes note of a birth. They need not come in order.
func (p *pace) birth(t time.Duration) {
	i := len(p.list)
	for i > 0 && p.list[i-1].at > t {
		i--
	}
	if i > 0 && t-p.list[i-1].at < momentTime {
		p.list[i-1].born++
		return
	}
	if i == 0 && len(p.list) == momentsKept {
		return // too long ago
	}
	p.list = slices.Insert(p.list, i, moment{at: t, born: 1})
	if len(p.list) > momentsKept {
		p.list = slices.Delete(p.list, 0, 1)
	}
}

func (p *pace) death(t time.Duration) {
	for i := len(p.list) - 1; i >= 0; i-- {
		if p.list[i].at <= t {
			p.list[i].gone++
			return
		}
	}
}

// perMin is the net growth per minute at the pace of the present, from start on; 0
// where it is not known yet. The births of the first moment are not counted: they
// took none of the time.
func (p *pace) perMin(start, now time.Duration) float64 {
	list := p.list
	for len(list) > 0 && list[0].at < start {
		list = list[1:]
	}
	for {
		from := changed(list)
		if from == 0 {
			break
		}
		list = list[from:]
	}
	if !enough(list) {
		return 0
	}
	n := len(list) - 1
	span := list[n].at - list[0].at
	born, gone := count(list)
	perMin := float64(born-gone) / span.Minutes()
	// What is late is not coming, or more slowly.
	if due := lull * span / time.Duration(n); now-list[n].at > due {
		perMin *= due.Seconds() / (now - list[n].at).Seconds()
	}
	return perMin
}

func enough(list []moment) bool {
	if len(list) <= paceMoments {
		return false
	}
	born, _ := count(list)
	return born >= paceBirths && list[len(list)-1].at-list[0].at >= paceSpan
}

// count is what came after the first moment, and what went since.
func count(list []moment) (born, gone int) {
	for i, m := range list {
		if i > 0 {
			born += m.born
		}
		gone += m.gone
	}
	return born, gone
}

// changed is the moment at which the pace changed, clearly; 0: it did not. It is
// the place where births at one pace before and at another after are likeliest, if
// they are much likelier than births at one pace throughout.
func changed(list []moment) (at int) {
	if len(list) < 3 {
		return 0
	}
	all, _ := count(list)
	last := len(list) - 1
	least := likely(all, list[last].at-list[0].at)
	best, before := 0.0, 0
	for i := 1; i < last; i++ {
		before += list[i].born
		more := likely(before, list[i].at-list[0].at) + likely(all-before, list[last].at-list[i].at) - least
		if more > best {
			best, at = more, i
		}
	}
	if best < change*spread(list[1:]) {
		return 0
	}
	return at
}

// likely is the logarithm of how likely births at a steady pace are at best.
func likely(born int, span time.Duration) float64 {
	n := float64(born)
	return n * math.Log(n/span.Seconds())
}

// spread is how much more the births of the moments differ than by chance, 1 at
// least: where they come in batches of all sizes, sizes say little.
func spread(list []moment) float64 {
	var sum, squares float64
	for _, m := range list {
		sum += float64(m.born)
		squares += float64(m.born) * float64(m.born)
	}
	n := float64(len(list))
	mean := sum / n
	return max(1, (squares/n-mean*mean)/mean)
}
