package main

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"pid1/internal/safetext"
)

// clean makes text from outside harmless, see safetext.String.
func clean(s string) string { return safetext.String(s, false) }

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
func cells(s string) int { return safetext.Width(s) }

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
