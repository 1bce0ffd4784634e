package inspect

import (
	"bytes"
	"unicode/utf8"
)

// What is kept of a command line. The rest is cut, and event.Command says so.
const (
	MaxCmdline = 4096 // bytes, the NULs between the arguments included
	MaxArgs    = 64
)

// maxPadding is how many empty arguments in a row may end a command line. Programs
// that write a title over their arguments fill what is left with more NULs.
const maxPadding = 2

// boundCmdline returns what is kept of a /proc/PID/cmdline, without the NUL that
// ends it, and whether something was cut. raw holds what was read of it, at most
// MaxCmdline+1 bytes: one more than is kept tells that there is more.
func boundCmdline(raw []byte) (kept []byte, cut bool) {
	if len(raw) > MaxCmdline {
		raw, cut = trimRune(raw[:MaxCmdline]), true
	}
	if text := bytes.TrimRight(raw, "\x00"); len(raw)-len(text) > maxPadding+1 {
		raw = text
	} else if !cut && len(text) < len(raw) {
		raw = raw[:len(raw)-1]
	}
	n := 0
	for i, c := range raw {
		if c == 0 {
			if n++; n == MaxArgs {
				return raw[:i], true
			}
		}
	}
	return raw, cut
}

// trimRune drops the first bytes of a character whose rest was cut off.
func trimRune(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		tail := b[len(b)-i:]
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// splitArgs cuts a kept command line into its arguments. They share one copy of it.
func splitArgs(kept []byte) []string {
	if len(kept) == 0 {
		return nil
	}
	s := string(kept)
	args := make([]string, 0, bytes.Count(kept, []byte{0})+1)
	start := 0
	for i := range len(s) {
		if s[i] == 0 {
			args = append(args, s[start:i])
			start = i + 1
		}
	}
	return append(args, s[start:])
}
