//go:build linux

package siginfo

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The real-time signals as C programs know them: glibc keeps 32 and 33 for
// itself (signal(7)).
const (
	RTMin = syscall.Signal(34)
	RTMax = syscall.Signal(64)
)

// aliases are names beside those that unix.SignalName knows.
var aliases = map[string]syscall.Signal{
	"IOT":  unix.SIGIOT,
	"CLD":  unix.SIGCHLD,
	"POLL": unix.SIGPOLL,
}

// Name returns the name of a signal: "SIGTERM", "SIGRTMIN+3" (RTMIN is 34, as in
// glibc), "SIGRTMAX"; and "SIG32" for a number without a name. Parse understands
// all of them, for numbers 1 … 64.
func Name(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	switch {
	case sig == RTMin:
		return "SIGRTMIN"
	case sig == RTMax:
		return "SIGRTMAX"
	case sig > RTMin && sig < RTMax:
		return fmt.Sprintf("SIGRTMIN+%d", sig-RTMin)
	}
	return fmt.Sprintf("SIG%d", int(sig))
}

// Parse returns the signal with the given name or number, 1 … 64. "SIG" in front
// may be missing, and case does not matter: "TERM", "sigterm", "15", "RTMIN+3",
// "SIGRTMAX-1".
func Parse(text string) (syscall.Signal, error) {
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	if sig, ok := aliases[name]; ok {
		return sig, nil
	}
	first, last, offset := syscall.Signal(1), RTMax, name
	base := syscall.Signal(0)
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok && (rest == "" || rest[0] == '+') {
		first, base, offset = RTMin, RTMin, rest
	} else if rest, ok := strings.CutPrefix(name, "RTMAX"); ok && (rest == "" || rest[0] == '-') {
		first, base, offset = RTMin, RTMax, rest
	}
	if n, ok := number(offset, base != 0); ok && base+n >= first && base+n <= last {
		return base + n, nil
	}
	return 0, fmt.Errorf("no signal %q: want a name such as TERM or RTMIN+3, or a number from 1 to 64", text)
}

// number reads digits, with a sign before them if signed, where nothing is 0.
func number(text string, signed bool) (syscall.Signal, bool) {
	if signed && text == "" {
		return 0, true
	}
	digits := text
	if signed {
		digits = text[1:]
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 16)
	return syscall.Signal(n), err == nil
}
