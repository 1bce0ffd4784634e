package ui

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// scrubber is the Source where it can be moved in time, else nil.
func (m *model) scrubber() Scrubber {
	s, _ := m.source.(Scrubber)
	return s
}

// leap is how far { and } go.
const leap = 10 * time.Second

// fastest is the most that time is hurried.
const fastest = 64

// scrub carries out what moves a recording, and reports whether a is such.
func (m *model) scrub(a action) bool {
	s := m.scrubber()
	if s == nil {
		return false
	}
	at := s.Position()
	switch a {
	case actPlay:
		s.Play(!at.Playing, 0)
	case actFaster:
		s.Play(true, min(at.Speed*2, fastest))
	case actSlower:
		s.Play(true, max(at.Speed/2, 1.0/8))
	case actStep:
		s.Step(1)
	case actStepBack:
		s.Step(-1)
	case actLeap:
		s.Seek(at.At.Add(leap))
	case actLeapBack:
		s.Seek(at.At.Add(-leap))
	default:
		return false
	}
	return true
}

// seek goes to the time that was typed.
func (m *model) seek(text string) {
	s := m.scrubber()
	if s == nil {
		return
	}
	first, last := s.Span()
	t, err := parseMoment(text, s.Position().At, first, m.theme.zone)
	if err != nil {
		m.say(warn, err.Error())
		return
	}
	if t.Before(first) || t.After(last) {
		m.say(faint, "the recording is from "+m.theme.clock(first, false)+" to "+m.theme.clock(last, false))
	}
	s.Seek(t)
}

// parseMoment reads a time of day, 15:04 or 15:04:05, on the day the recording
// began or, where that is before it, the next; a time with its date (RFC 3339); or
// a step from now, -5m or +30s.
func parseMoment(text string, now, first time.Time, zone *time.Location) (time.Time, error) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		d, err := parseSpan(rest)
		return now.Add(-d), err
	}
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		d, err := parseSpan(rest)
		return now.Add(d), err
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		f := first.In(zone)
		on := time.Date(f.Year(), f.Month(), f.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
		if on.Before(f.Truncate(time.Minute)) {
			on = on.AddDate(0, 0, 1)
		}
		return on, nil
	}
	return time.Time{}, errors.New("a time is 15:04, 15:04:05, -5m, +30s or 2006-01-02T15:04:05Z")
}

// scrubberEnds are where the bar of the scrubber begins and ends.
func (m *model) scrubberEnds() (from, to int) {
	return 10, max(m.width-42, 20)
}

// drawScrubber draws where in the recording the screen is.
func (m *model) drawScrubber(c *canvas) {
	s := m.scrubber()
	if !m.frame.scrubber || s == nil || !c.row(false) {
		return
	}
	first, last := s.Span()
	at := m.position
	from, to := m.scrubberEnds()
	c.put(faint, " "+m.theme.clock(first, false))
	c.to(from)
	n, here := to-from, 0
	if span := last.Sub(first); span > 0 {
		here = int(float64(at.At.Sub(first)) / float64(span) * float64(n-1))
	}
	here = min(max(here, 0), n-1)
	c.put(accent, strings.Repeat(c.t.past, here))
	c.put(strong, c.t.bullet)
	c.put(faint, strings.Repeat(c.t.future, n-1-here))
	c.put(faint, " "+m.theme.clock(last, false))
	c.put(plain, "  event "+itoa(at.Index)+" of "+itoa(at.Total))
	c.end(plain)
}

// clickScrubber goes to the time under a click.
func (m *model) clickScrubber(x int) {
	s := m.scrubber()
	from, to := m.scrubberEnds()
	if s == nil || x < from || x >= to {
		return
	}
	first, last := s.Span()
	share := float64(x-from) / float64(max(to-from-1, 1))
	s.Seek(first.Add(time.Duration(share * float64(last.Sub(first)))))
}

// replayState is what the status line says of a recording.
func replayState(p *Position) string {
	if !p.Playing {
		return "REPLAY"
	}
	return "REPLAY x" + strconv.FormatFloat(p.Speed, 'g', 3, 64)
}
