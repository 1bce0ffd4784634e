package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// getopt reads a command line as getopt_long(3) of the GNU C library does, which
// the programs of the dialects are made with.
type getopt struct {
	name   string       // argv[0], for messages
	short  string       // option letters, a colon after those with a value
	long   []longOption // none: "--word" is a cluster of letters, as for getopt(3)
	mixed  bool         // options may follow operands
	stderr io.Writer
}

type longOption struct {
	name  string
	value bool
	short byte // what it stands for
}

// parse calls each for every option, until one returns false, and returns the
// operands. ok is false when each ended it or an option is unknown, which was
// said on stderr by then.
func (g *getopt) parse(args []string, each func(opt byte, value string) bool) (operands []string, ok bool) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(operands, args...), true
		case len(arg) < 2 || arg[0] != '-':
			operands = append(operands, arg)
			if !g.mixed {
				return append(operands, args...), true
			}
		case arg[1] == '-' && g.long != nil:
			opt, value, rest, err := g.longArg(arg[2:], args)
			if err != nil {
				fmt.Fprintf(g.stderr, "%s: %s\n", g.name, harmless(err.Error()))
				return nil, false
			}
			if args = rest; !each(opt, value) {
				return nil, false
			}
		default:
			if args, ok = g.cluster(arg[1:], args, each); !ok {
				return nil, false
			}
		}
	}
	return operands, true
}

// cluster reads letters after one dash; the last may take the next argument.
func (g *getopt) cluster(letters string, args []string, each func(byte, string) bool) (rest []string, ok bool) {
	for letters != "" {
		opt := letters[0]
		letters = letters[1:]
		i := strings.IndexByte(g.short, opt)
		if i < 0 || opt == ':' {
			fmt.Fprintf(g.stderr, "%s: invalid option -- '%s'\n", g.name, harmless(string(rune(opt))))
			return nil, false
		}
		value := ""
		if strings.HasPrefix(g.short[i+1:], ":") {
			value, letters = letters, ""
			if value == "" {
				if len(args) == 0 {
					fmt.Fprintf(g.stderr, "%s: option requires an argument -- '%c'\n", g.name, opt)
					return nil, false
				}
				value, args = args[0], args[1:]
			}
		}
		if !each(opt, value) {
			return nil, false
		}
	}
	return args, true
}

// longArg reads what follows two dashes: a name, which may be cut short where no
// other begins so, and a value after "=" or in the next argument.
func (g *getopt) longArg(arg string, args []string) (opt byte, value string, rest []string, err error) {
	name, value, attached := strings.Cut(arg, "=")
	var found []longOption
	for _, o := range g.long {
		if o.name == name {
			found = []longOption{o}
			break
		}
		if strings.HasPrefix(o.name, name) {
			found = append(found, o)
		}
	}
	switch {
	case len(found) == 0:
		return 0, "", nil, fmt.Errorf("unrecognized option '--%s'", arg)
	case len(found) > 1:
		list := ""
		for _, o := range found {
			list += " '--" + o.name + "'"
		}
		return 0, "", nil, fmt.Errorf("option '--%s' is ambiguous; possibilities:%s", arg, list)
	case attached && !found[0].value:
		return 0, "", nil, fmt.Errorf("option '--%s' doesn't allow an argument", found[0].name)
	case found[0].value && !attached:
		if len(args) == 0 {
			return 0, "", nil, fmt.Errorf("option '--%s' requires an argument", found[0].name)
		}
		value, args = args[0], args[1:]
	}
	return found[0].short, value, args, nil
}

// mixesOptions reports whether the C library of the program that is stood in for
// takes options after operands. The GNU library does, unless POSIXLY_CORRECT is
// set; musl, which Alpine's packages are made with, does not. An image's own
// shell shows which of them it is made of.
func mixesOptions(c *call) bool {
	if _, posix := c.lookup("POSIXLY_CORRECT"); posix {
		return false
	}
	return !usesMusl("/bin/sh")
}

// usesMusl reports whether the program's loader, whose name is in the first
// bytes of its file (PT_INTERP in elf(5)), is musl's.
func usesMusl(program string) bool {
	f, err := os.Open(program)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, _ := io.ReadFull(f, head)
	return bytes.Contains(head[:n], []byte("/ld-musl-"))
}

// scanInt reads a decimal number as scanf(3) and strtol(3) do: after white space,
// with a sign or without. It returns what follows it; ok is false where there is
// no number, or one too large to mean anything.
func scanInt(s string) (n int, rest string, ok bool) {
	rest = strings.TrimLeft(s, " \t\n\v\f\r")
	sign := 1
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			sign = -1
		}
		rest = rest[1:]
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits == 0 {
		return 0, s, false
	}
	for _, d := range rest[:digits] {
		if n = n*10 + int(d-'0'); n > 1<<31 {
			return 0, s, false
		}
	}
	return sign * n, rest[digits:], true
}
