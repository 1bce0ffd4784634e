package ui

import (
	"strconv"

	"pid1/internal/safetext"
)

// isPlain, appendClean, clean and cellWidth are those of safetext.
func isPlain(s string) bool { return safetext.Plain(s) }

func appendClean(dst []byte, s string, limit int, ascii bool) (out []byte, cells int, rest bool) {
	return safetext.Append(dst, s, limit, ascii)
}

func clean(s string, ascii bool) string { return safetext.String(s, ascii) }

func cellWidth(s string) int { return safetext.Width(s) }

// joinArgs makes one line of a command's arguments, bounded: a command line of
// 128 KiB is not worth more than the widest screen. An empty argument shows as ”.
func joinArgs(args []string) string {
	const enough = 2048
	switch len(args) {
	case 0:
		return ""
	case 1:
		return bound(args[0], enough)
	}
	b := make([]byte, 0, 128)
	for i, a := range args {
		if i > 0 {
			b = append(b, ' ')
		}
		if a == "" {
			a = "''"
		}
		b = append(b, bound(a, enough)...)
		if len(b) >= enough {
			break
		}
	}
	return string(b)
}

func bound(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// itoa is strconv.Itoa for the counts of this package.
func itoa[T ~int | ~int64 | ~uint64](n T) string { return strconv.FormatInt(int64(n), 10) }
