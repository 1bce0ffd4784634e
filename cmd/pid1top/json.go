package main

import (
	"bytes"
	"encoding/json"
	"math"
	"time"
	"unicode/utf8"

	"pid1/doctor"
	"pid1/event"
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
	if e.Blocked {
		out.SigChld, out.Disposition = "blocked", e.SigChld
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
// \u escapes. They stand in strings only.
func escape(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r == '\n' || r >= 0x20 && r < 0x7f || r >= 0x80 && (harmless(r) || r == utf8.RuneError):
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
