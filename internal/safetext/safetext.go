// Package safetext makes text from outside harmless for a terminal and measures it.
package safetext

import (
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxMarks is how many combining marks may follow one character.
const maxMarks = 2

// Plain reports whether s is printable ASCII alone: harmless, and as many cells
// wide as it has bytes. Nearly everything is, so this is the path that must be fast.
func Plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// Append appends s to dst so that no terminal can be moved by it, at most
// limit cells of it, and returns the cells used. Control bytes, invalid UTF-8,
// format characters (bidirectional overrides, zero-width joiners) and whatever
// else has no fixed picture become visible escapes, like \n, \e or \u202e; marks
// are bounded. With ascii, characters beyond ASCII become a question mark.
// rest reports whether something did not fit.
func Append(dst []byte, s string, limit int, ascii bool) (out []byte, cells int, rest bool) {
	if Plain(s) {
		if len(s) > limit {
			return append(dst, s[:max(limit, 0)]...), max(limit, 0), true
		}
		return append(dst, s...), len(s), false
	}
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		var esc [12]byte
		var piece []byte
		w := 0
		switch {
		case r == utf8.RuneError && n == 1:
			piece = appendHex(append(esc[:0], '\\', 'x'), uint64(s[i]), 2)
			w = len(piece)
		case r >= 0x20 && r < 0x7f:
			piece, w, marks = append(esc[:0], byte(r)), 1, 0
		case unicode.Is(unicode.M, r) && cells > 0 && !ascii:
			if marks++; marks > maxMarks || isSelector(r) {
				i += n
				continue
			}
			piece, w = utf8.AppendRune(esc[:0], r), runeCells(r)
		case !Drawable(r):
			piece = appendEscape(esc[:0], r)
			w, marks = len(piece), 0
		case ascii:
			piece, w, marks = append(esc[:0], '?'), 1, 0
		default:
			piece, marks = utf8.AppendRune(esc[:0], r), 0
			w = runeCells(r)
		}
		if cells+w > limit {
			return dst, cells, true
		}
		dst = append(dst, piece...)
		cells += w
		i += n
	}
	return dst, cells, false
}

// String is Append for a whole string.
func String(s string, ascii bool) string {
	if Plain(s) {
		return s
	}
	b, _, _ := Append(nil, s, 1<<20, ascii)
	return string(b)
}

// Drawable reports whether r has a picture of its own with a width terminals
// agree on.
func Drawable(r rune) bool {
	switch {
	case r == utf8.RuneError:
		return true
	case r >= 0x1f1e6 && r <= 0x1f1ff: // regional indicators pair up on some terminals only
		return false
	case r >= 0x1f3fb && r <= 0x1f3ff: // skin tones melt into their neighbour
		return false
	case r >= 0x1160 && r <= 0x11ff: // Hangul parts that join
		return false
	case unicode.Is(unicode.M, r): // a mark with nothing to stand on
		return false
	}
	return unicode.IsGraphic(r) && !(unicode.Is(unicode.Zs, r) && r != ' ')
}

// isSelector reports whether r only chooses how its neighbour looks.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r == 0x20e3
}

func runeCells(r rune) int {
	var b [utf8.UTFMax]byte
	return max(ansi.StringWidthWc(string(utf8.AppendRune(b[:0], r))), 0)
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case 0x1b:
		return append(dst, '\\', 'e')
	}
	switch {
	case r < 0x100:
		return appendHex(append(dst, '\\', 'x'), uint64(r), 2)
	case r < 0x10000:
		return appendHex(append(dst, '\\', 'u'), uint64(r), 4)
	}
	return appendHex(append(dst, '\\', 'U'), uint64(r), 6)
}

func appendHex(dst []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hex[v>>(4*i)&15])
	}
	return dst
}

// Width is the width in cells of text the program made itself or has cleaned.
func Width(s string) int {
	if Plain(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		if r < 0x7f {
			n++
		} else {
			n += runeCells(r)
		}
	}
	return n
}
