package main

import (
	"errors"
	"regexp"
	"strings"
)

// redacted stands for what was there.
const redacted = "***"

// patterns say what must not be told of command lines.
type patterns []*regexp.Regexp

func (p *patterns) Type() string   { return "REGEX" }
func (p *patterns) String() string { return "" }

func (p *patterns) Set(v string) error {
	re, err := regexp.Compile(v)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	*p = append(*p, re)
	return nil
}

// redact replaces what matches in args, which it changes: within each argument,
// and then in the line they make with a space between them, since a password is
// often an argument of its own. Of the line it replaces in every argument the part
// that belongs to the match.
func (p patterns) redact(args []string) []string {
	for _, re := range p {
		for i, arg := range args {
			args[i] = re.ReplaceAllStringFunc(arg, func(match string) string {
				if match == "" {
					return ""
				}
				return redacted
			})
		}
		matches := re.FindAllStringIndex(strings.Join(args, " "), -1)
		// From the last to the first, so that the places of those before stay.
		for i := len(matches) - 1; i >= 0; i-- {
			replaceAcross(args, matches[i][0], matches[i][1])
		}
	}
	return args
}

// replaceAcross replaces what lies from one place to another in the line that args
// make.
func replaceAcross(args []string, from, to int) {
	at := 0
	for i, arg := range args {
		begin, end := max(from-at, 0), min(to-at, len(arg))
		if begin < end {
			args[i] = arg[:begin] + redacted + arg[end:]
		}
		at += len(arg) + 1
	}
}

// of returns a copy of args without what matches; args itself when there is
// nothing to hide.
func (p patterns) of(args []string) []string {
	if len(p) == 0 {
		return args
	}
	return p.redact(append([]string(nil), args...))
}

// hook is for inspect.Config: nil when there is nothing to hide.
func (p patterns) hook() func([]string) []string {
	if len(p) == 0 {
		return nil
	}
	return p.redact
}
