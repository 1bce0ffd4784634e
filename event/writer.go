package event

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// writer appends JSON to a buffer. It allocates nothing beyond the buffer, since
// it works on every reap.
type writer struct{ b []byte }

func (w *writer) key(k string) {
	if last := w.b[len(w.b)-1]; last != '{' && last != '[' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) open(k string)  { w.key(k); w.b = append(w.b, '{') }
func (w *writer) close()         { w.b = append(w.b, '}') }
func (w *writer) array(k string) { w.key(k); w.b = append(w.b, '[') }
func (w *writer) endArray()      { w.b = append(w.b, ']') }

// elem separates the elements of an array.
func (w *writer) elem() {
	if w.b[len(w.b)-1] != '[' {
		w.b = append(w.b, ',')
	}
}

// str writes a string, empty or not; text leaves an empty one out.
func (w *writer) str(k, s string) { w.key(k); w.b = appendString(w.b, s) }

func (w *writer) text(k, s string) {
	if s != "" {
		w.str(k, s)
	}
}

// num writes a number that is always known; int leaves Unknown out.
func (w *writer) num(k string, n int64) { w.key(k); w.b = strconv.AppendInt(w.b, n, 10) }

func (w *writer) int(k string, n int64) {
	if n != Unknown {
		w.num(k, n)
	}
}

func (w *writer) uint(k string, n uint64) { w.key(k); w.b = strconv.AppendUint(w.b, n, 10) }

// float leaves out what JSON has no number for.
func (w *writer) float(k string, f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return
	}
	w.key(k)
	w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
}

// bool writes a flag, set or not; flag leaves a false one out.
func (w *writer) bool(k string, v bool) { w.key(k); w.b = strconv.AppendBool(w.b, v) }

func (w *writer) flag(k string, v bool) {
	if v {
		w.bool(k, true)
	}
}

func (w *writer) time(k string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.key(k)
	w.b = append(w.b, '"')
	w.b = t.UTC().AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

func (w *writer) strs(k string, list []string) {
	if len(list) == 0 {
		return
	}
	w.array(k)
	for _, s := range list {
		w.elem()
		w.b = appendString(w.b, s)
	}
	w.endArray()
}

func (w *writer) ints(k string, list []int) {
	if len(list) == 0 {
		return
	}
	w.array(k)
	for _, n := range list {
		w.elem()
		w.b = strconv.AppendInt(w.b, int64(n), 10)
	}
	w.endArray()
}

// bytes writes a string that came from outside: readable under k and, when it is
// not valid UTF-8, exact under k_b64.
func (w *writer) bytes(k, kb64, s string) {
	if s == "" {
		return
	}
	w.str(k, s)
	if !utf8.ValidString(s) {
		w.key(kb64)
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, []byte(s))
		w.b = append(w.b, '"')
	}
}

// args writes a command line as bytes does a string.
func (w *writer) args(list []string) {
	w.strs("cmdline", list)
	for _, s := range list {
		if utf8.ValidString(s) {
			continue
		}
		var raw []byte
		for _, s := range list {
			raw = append(append(raw, s...), 0)
		}
		w.key("cmdline_b64")
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, raw)
		w.b = append(w.b, '"')
		return
	}
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string. Control characters (C0, DEL, C1) and
// the marks that reorder text are escaped, so that a stream read raw on a
// terminal (nc -U) cannot steer it; invalid UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), "\ufffd"...)
		case unsafeRune(r):
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			i += size
			continue
		}
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// unsafeRune reports runes beyond ASCII that steer a terminal or reorder text.
func unsafeRune(r rune) bool {
	return r >= 0x80 && r <= 0x9f ||
		r == 0x061c || r == 0x200e || r == 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}
