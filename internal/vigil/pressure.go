package vigil

import (
	"time"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/world"
)

// easing is below how many percent the second warning is forgotten, so that a use
// that swings around it is told once.
const easing = 90

// again is for how long people are not told once more of the same pressure.
const again = 10 * time.Minute

// use is how the PIDs in use went.
type use struct {
	gauge  world.Gauge
	level  int // PressureLow or PressureHigh once told; 0: all is well
	warned map[int]time.Time
}

// pressure looks at the PIDs in use.
func (v *Vigil) pressure(now time.Time) {
	p := doctor.PIDs{Role: v.cfg.Hello.Role}
	var err error
	if p.Used, p.Limit, err = v.cfg.PIDs(); err != nil || p.Limit <= 0 {
		return
	}
	u := &v.use
	u.gauge.Add(now, p.Used)
	switch percent := p.Percent(); {
	case percent >= doctor.PressureHigh && u.level < doctor.PressureHigh:
		low := u.level < doctor.PressureLow
		v.foresee(&p)
		if low {
			v.tell(&p, doctor.PressureLow)
		}
		v.tell(&p, doctor.PressureHigh)
		v.warn(&p, doctor.PressureHigh, now)
	case percent >= doctor.PressureLow && u.level < doctor.PressureLow:
		v.foresee(&p)
		v.tell(&p, doctor.PressureLow)
		v.warn(&p, doctor.PressureLow, now)
	case percent < doctor.PressureOver && u.level > 0:
		v.tell(&p, 0)
		v.warn(&p, 0, now)
	case percent < easing && u.level == doctor.PressureHigh:
		u.level = doctor.PressureLow
	}
}

// foresee fills in when the limit is reached, and through whom.
func (v *Vigil) foresee(p *doctor.PIDs) {
	p.FullIn, p.Filling = v.use.gauge.Full(p.Limit)
	var rows []*event.Process
	for row := range v.cfg.Processes {
		r := *row
		if row.Origin != nil {
			o := *row.Origin
			r.Origin = &o
		}
		rows = append(rows, &r)
	}
	self := v.cfg.Hello.PID
	p.Holder, p.Held, p.Zombies = world.Holder(rows, self)
	for _, r := range rows {
		if r.ID == p.Holder.ID {
			p.Main = r.PPID == self && r.Origin != nil && r.Origin.PID == self
		}
	}
}

// tell tells that the use is at another level now.
func (v *Vigil) tell(p *doctor.PIDs, level int) {
	v.use.level = level
	ev := event.New(event.TypePressure).(*event.Pressure)
	ev.Percent, ev.Current, ev.Limit, ev.Summary = level, p.Used, p.Limit, pressureWords(p, level)
	if p.Filling {
		ev.FullInMS = p.FullIn.Milliseconds()
	}
	if p.Holder.PID > 0 {
		holder := p.Holder
		ev.Holder, ev.Held, ev.Zombies = &holder, p.Held, p.Zombies
	}
	v.cfg.Tell(ev)
}

// warn tells people, unless they were told of this level a while ago.
func (v *Vigil) warn(p *doctor.PIDs, level int, now time.Time) {
	u := &v.use
	if at, ok := u.warned[level]; ok && now.Sub(at) < again {
		return
	}
	if u.warned == nil {
		u.warned = map[int]time.Time{}
	}
	u.warned[level] = now
	v.cfg.Warn(pressureWords(p, level))
}

func pressureWords(p *doctor.PIDs, level int) string {
	if level == 0 {
		return p.Relieved()
	}
	return doctor.JudgePIDs(p).Summary
}
