// Package vigil watches over a container from inside pid1: it tells when a parent
// begins to leak zombies and when that is over, and when the PIDs run out.
//
// It judges as every viewer does, by a [world.World] made from the table's rows, so
// that a warning and the doctor use the same words. It looks when it is poked, a
// second apart at least, and by itself only while there are zombies that somebody
// else holds: where nothing leaks it sleeps. It works in a goroutine of its own;
// whoever pokes it waits for nothing.
package vigil

import (
	"context"
	"fmt"
	"math"
	"time"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/faultpoint"
	"pid1/internal/world"
)

// Config is what a Vigil looks at, and whom it tells. All of it must be set.
type Config struct {
	Hello event.Hello // who pid1 is
	// Unwaited yields the dead that others hold, and their parents; Processes yields
	// all. A row is valid during the call only. Unwaited yields the oldest Most of the
	// dead.
	Unwaited, Processes func(yield func(*event.Process) bool)
	Most                int
	// Alive reports whether the process still lives.
	Alive func(event.ID) bool
	// PIDs returns how many tasks the control group has and may have, limit 0 or less
	// where there is none.
	PIDs func() (used, limit int64, err error)
	// Tell takes a leak or pressure event. Warn takes a sentence for people; it is
	// called rarely, however many leaks there are.
	Tell func(event.Event)
	Warn func(string)
}

const (
	// rest is the least time between two looks.
	rest = time.Second
	// ripening is when to look again at zombies that are new, patience when at those
	// that have been there, with nothing changing, at most.
	ripening = 2500 * time.Millisecond
	patience = 30 * time.Second
	// costly is how much longer not to look at the zombies for each of them: a few
	// thousandths of a processor at most.
	costly = 5 * time.Millisecond
)

// Vigil is the watch. Make it with New, and let Run run.
type Vigil struct {
	cfg  Config
	poke chan struct{}

	// What follows belongs to Run.
	world   *world.World // nil: no zombies for a while
	empty   time.Time    // since when there are none
	due     time.Time    // they are not looked at before
	pause   time.Duration
	zombies int
	leaks   leaks
	use     use
}

// New returns a Vigil that has not looked yet.
func New(cfg Config) *Vigil {
	v := &Vigil{cfg: cfg, poke: make(chan struct{}, 1)}
	v.leaks.init()
	return v
}

// Poke tells that something happened: a process was started, or is a zombie, or
// one is gone. It never waits.
func (v *Vigil) Poke() {
	select {
	case v.poke <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends. It returns an error when it cannot go on.
func (v *Vigil) Run(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot go on: %v", p)
		}
	}()
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-v.poke:
		case <-again.C:
		}
		next := v.look(time.Now())
		again.Reset(rest)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		if next == 0 {
			again.Stop()
			continue
		}
		again.Reset(max(0, next-rest))
	}
}

// look looks once and returns when to do so again without being poked; 0: never.
func (v *Vigil) look(now time.Time) time.Duration {
	faultpoint.Here("vigil")
	v.pressure(now)
	return v.zombiesNow(now)
}

// zombiesNow brings the world up to date and judges it.
func (v *Vigil) zombiesNow(now time.Time) time.Duration {
	if wait := v.due.Sub(now); wait > 0 {
		return wait
	}
	var rows []*event.Process
	dead := 0
	for row := range v.cfg.Unwaited {
		r := *row
		if row.Origin != nil {
			o := *row.Origin // used again for the next row
			r.Origin = &o
		}
		if r.State == "Z" {
			dead++
		}
		rows = append(rows, &r)
	}
	v.due = now.Add(min(patience, time.Duration(dead)*costly))
	switch {
	case dead > 0:
		v.empty = time.Time{}
	case v.world == nil:
		return 0
	case v.empty.IsZero():
		v.empty = now
	case now.Sub(v.empty) > world.Window && len(v.leaks.open) == 0:
		// What parents did before does not count any more.
		v.world = nil
		return 0
	}
	if v.world == nil {
		v.world = world.New()
		h := v.cfg.Hello
		h.Type, h.FirstSeq, h.LastSeq = event.TypeHello, 1, 0 // the table knows from the beginning on
		v.world.Apply(&h, now)
	}
	for _, r := range rows {
		v.world.Apply(r, now)
	}
	end := event.New(event.TypeProcessesEnd).(*event.ProcessesEnd)
	end.Count = len(rows)
	v.world.Apply(end, now)
	v.judge(now, dead >= v.cfg.Most)

	if dead != v.zombies {
		v.zombies, v.pause = dead, ripening
	} else {
		v.pause = min(2*v.pause, patience)
	}
	if dead == 0 && len(v.leaks.open) == 0 {
		return 0
	}
	return v.pause
}

// judge tells of leaks that began and that are over. Where there are more zombies
// than are looked at, nobody can tell that it is over.
func (v *Vigil) judge(now time.Time, more bool) {
	here := map[event.ID]bool{}
	groups := v.world.Zombies(now)
	for i := range groups {
		g := &groups[i]
		here[g.Parent.ID] = true
		if more && v.leaks.open[g.Parent.ID] != nil {
			continue
		}
		began, over := v.leaks.see(g, now)
		switch {
		case began:
			v.tellLeak(g, "began", g.Finding.Summary)
		case over != "":
			v.tellLeak(g, "ended", over)
		}
	}
	for id, l := range v.leaks.open {
		if here[id] || more && v.cfg.Alive(id) {
			continue
		}
		e := doctor.Evidence{Parent: l.parent, Role: v.cfg.Hello.Role}
		words := doctor.Over(&e, l.peak, v.cfg.Alive(id))
		v.leaks.close(id, now)
		v.tellLeak(&world.Group{Parent: l.parent, Verdict: l.verdict}, "ended", words)
	}
	v.leaks.prune(now, v.cfg.Alive)
}

func (v *Vigil) tellLeak(g *world.Group, state, words string) {
	ev := event.New(event.TypeLeak).(*event.Leak)
	ev.State, ev.Verdict, ev.Parent, ev.Count = state, string(g.Verdict), g.Parent, len(g.Zombies)
	ev.RatePerMin, ev.Summary = math.Round(g.RatePerMin*100)/100, words
	if len(g.Zombies) > 0 {
		ev.OldestMS = g.Oldest.Milliseconds()
	}
	if c := g.Evidence.Cadence; c.Each > 0 {
		ev.Each, ev.EachMS = c.Each, c.Every.Milliseconds()
	}
	v.cfg.Tell(ev)
	if words = v.leaks.quota.pass(words, state == "began", g.Parent.ID); words != "" {
		v.cfg.Warn(words)
	}
}
