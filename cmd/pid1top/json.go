package main

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
	"unicode/utf8"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/safetext"
)

// procJSON is how the answers name a process.
type procJSON struct {
	PID     int      `json:"pid"`
	Comm    string   `json:"comm"`
	Cmdline []string `json:"cmdline"`
}

func procOf(p event.Proc) procJSON {
	return procJSON{p.PID, p.Comm, list(p.Cmdline)}
}

// list is never null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// seconds are rounded to milliseconds.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}

func hundredths(f float64) float64 { return math.Round(f*100) / 100 }

// evidenceJSON is what a verdict rests on. What is not known is left out.
type evidenceJSON struct {
	State        string  `json:"state,omitempty"`
	Wchan        string  `json:"wchan,omitempty"`
	SigChld      string  `json:"sigchld,omitempty"` // default, ignored, handled or blocked
	Disposition  string  `json:"sigchld_disposition,omitempty"`
	Was          string  `json:"was,omitempty"`
	Count        int     `json:"count"`
	ThreadsAlive int     `json:"threads_alive,omitempty"`
	Inherited    int     `json:"inherited,omitempty"`
	Adopted      int     `json:"adopted,omitempty"`
	SeenBefore   int     `json:"seen_before,omitempty"`
	OldestS      float64 `json:"oldest_s"`
	NewestS      float64 `json:"newest_s"`
	ObservedS    float64 `json:"observed_s"`
	WindowS      float64 `json:"window_s"`
	Before       int     `json:"before"`
	Died         int     `json:"died"`
	Gone         int     `json:"gone"`
	RatePerMin   float64 `json:"rate_per_min"`

	Waited  *int64       `json:"waited,omitempty"` // children it was seen to wait for
	Cadence *cadenceJSON `json:"cadence,omitempty"`
	Kinds   []kindJSON   `json:"kinds,omitempty"` // the zombies by what they ran
}

// cadenceJSON is a rhythm: so many, every so often.
type cadenceJSON struct {
	Each   int     `json:"each"`
	EveryS float64 `json:"every_s"`
}

func cadenceOf(c doctor.Cadence) *cadenceJSON {
	if c.Each == 0 {
		return nil
	}
	return &cadenceJSON{c.Each, seconds(c.Every)}
}

type kindJSON struct {
	Comm    string       `json:"comm"`
	Cmdline []string     `json:"cmdline"`
	Count   int          `json:"count"`
	Cadence *cadenceJSON `json:"cadence,omitempty"`
}

func kindOf(k *doctor.Kind) kindJSON {
	return kindJSON{k.Comm, list(k.Cmdline), k.Count, cadenceOf(k.Cadence)}
}

func evidenceOf(e *doctor.Evidence) evidenceJSON {
	out := evidenceJSON{
		State: e.State, Wchan: e.Wchan, SigChld: e.SigChld, Was: e.Was,
		Count: e.Count, ThreadsAlive: e.ThreadsAlive, Inherited: e.Inherited,
		Adopted: e.Adopted, SeenBefore: e.SeenBefore,
		OldestS: seconds(e.Oldest), NewestS: seconds(e.Newest),
		ObservedS: seconds(e.Observed), WindowS: seconds(e.Window),
		Before: e.Before, Died: e.Born, Gone: e.Gone, RatePerMin: hundredths(e.RatePerMin),
	}
	out.Waited, out.Cadence = known(e.Waited), cadenceOf(e.Cadence)
	for i := range e.Kinds {
		out.Kinds = append(out.Kinds, kindOf(&e.Kinds[i]))
	}
	if e.Blocked {
		out.SigChld, out.Disposition = "blocked", e.SigChld
	}
	return out
}

// leftJSON is what a finding on processes left behind rests on.
type leftJSON struct {
	kindJSON
	Session bool    `json:"exec_session,omitempty"`
	PIDs    []int   `json:"pids"`
	Moments int     `json:"moments"` // at which they began
	OldestS float64 `json:"oldest_s"`
	NewestS float64 `json:"newest_s"`
	RSSKB   *int64  `json:"rss_kb,omitempty"` // of all of them
	Origins int     `json:"origins"`          // how many started them
}

func leftOf(l *doctor.Left) leftJSON {
	return leftJSON{
		kindJSON: kindOf(&l.Kind), Session: l.Session, PIDs: l.PIDs, Moments: l.Moments,
		OldestS: seconds(l.Oldest), NewestS: seconds(l.Newest), RSSKB: known(l.RSSKB), Origins: l.Origins,
	}
}

// pidsJSON is what a finding on PIDs running out rests on.
type pidsJSON struct {
	Used    int64    `json:"used"`
	Limit   int64    `json:"limit"`
	Percent int      `json:"percent"`
	FullInS *float64 `json:"full_in_s,omitempty"`
	Held    *int     `json:"held,omitempty"` // by the subject, its threads and children
	Zombies *int     `json:"zombies,omitempty"`
}

func pidsOf(p *doctor.PIDs) pidsJSON {
	out := pidsJSON{Used: p.Used, Limit: p.Limit, Percent: p.Percent(), Held: known(p.Held), Zombies: known(p.Zombies)}
	if p.Filling {
		out.FullInS = new(seconds(p.FullIn))
	}
	return out
}

// memoriesJSON is what a finding on kills for want of memory rests on.
type memoriesJSON struct {
	Kills    int64        `json:"kills"`
	Probable []killedJSON `json:"probable"` // who it was, newest first
}

type killedJSON struct {
	procJSON
	AgoS     float64 `json:"ago_s"`
	MaxRSSKB *int64  `json:"maxrss_kb,omitempty"`
	Main     bool    `json:"main,omitempty"`
}

func memoriesOf(m *doctor.Memories) memoriesJSON {
	out := memoriesJSON{Kills: m.Kills, Probable: []killedJSON{}}
	for i := range m.Killed {
		k := &m.Killed[i]
		out.Probable = append(out.Probable, killedJSON{procOf(k.Proc), seconds(k.Ago), known(k.MaxRSSKB), k.Main})
	}
	return out
}

// json writes v as one line. Whatever could steer a terminal is escaped.
func (p *page) json(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	p.Write(escape(b.Bytes()))
	return nil
}

const hex = "0123456789abcdef"

// escape writes the characters of a JSON text that have no picture of their own as
// \u escapes. They stand in strings only, but for those that are space anywhere. A line
// that pid1 wrote is left as it is; one from elsewhere can hold anything.
func escape(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			out = appendUnit(out, utf8.RuneError)
		case r < 0x20 && r != '\n':
			out = append(out, ' ')
		case r == '\n' || r >= 0x20 && r < 0x7f || r >= 0x80 && safetext.Drawable(r):
			out = append(out, line[i:i+n]...)
		case r < 0x10000:
			out = appendUnit(out, uint16(r))
		default:
			r -= 0x10000
			out = appendUnit(out, uint16(0xd800+r>>10))
			out = appendUnit(out, uint16(0xdc00+r&0x3ff))
		}
		i += n
	}
	return out
}

func appendUnit(b []byte, u uint16) []byte {
	return append(b, '\\', 'u', hex[u>>12], hex[u>>8&15], hex[u>>4&15], hex[u&15])
}
