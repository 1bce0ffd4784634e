package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// clean makes text from outside harmless: control bytes, invalid UTF-8 and
// characters without a picture of their own (those that reorder text among them)
// become visible escapes, like \n, \e, \xff or \u202e.
func clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == 0x1b:
			b.WriteString(`\e`)
		case unicode.Is(unicode.M, r) && b.Len() > 0:
			// A few marks are writing, a hundred are a wall of ink.
			if marks++; marks <= 2 {
				b.WriteRune(r)
			}
			i += n
			continue
		case harmless(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%06x`, r)
		}
		marks = 0
		i += n
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// harmless reports whether r has a picture of its own.
func harmless(r rune) bool {
	return r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) && !unicode.Is(unicode.M, r)
}

// ascii leaves nothing but ASCII: everything else becomes a question mark.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 0x7e {
			return '?'
		}
		return r
	}, s)
}

// cells is the width of clean text on a terminal.
func cells(s string) int {
	if plain(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// cut shortens clean text to at most width cells; mark then ends it.
func cut(s string, width int, mark string) string {
	if cells(s) <= width {
		return s
	}
	return ansi.Truncate(s, max(width, cells(mark)), mark)
}

// commandLine is a command as one line of clean text: its arguments, or its name
// in brackets where they are unknown.
func commandLine(comm string, args []string) string {
	const enough = 4096 // a command line may have 128 KiB
	if len(args) == 0 {
		if comm == "" {
			return "?"
		}
		return "[" + clean(comm) + "]"
	}
	var b strings.Builder
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		if arg == "" {
			arg = "''"
		}
		b.WriteString(clean(arg[:min(len(arg), enough)]))
		if b.Len() >= enough {
			break
		}
	}
	return b.String()
}

// shortCommandLine is commandLine without the folder of the program.
func shortCommandLine(comm string, args []string) string {
	if len(args) > 0 && strings.HasPrefix(args[0], "/") {
		program := args[0][strings.LastIndexByte(args[0], '/')+1:]
		args = append([]string{program}, args[1:]...)
	}
	return commandLine(comm, args)
}
