//go:build linux

package siginfo_test

import (
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

func TestName(t *testing.T) {
	for _, test := range []struct {
		sig  syscall.Signal
		want string
	}{
		{unix.SIGTERM, "SIGTERM"},
		{unix.SIGHUP, "SIGHUP"},
		{31, "SIGSYS"},
		{32, "SIG32"},
		{33, "SIG33"},
		{34, "SIGRTMIN"},
		{37, "SIGRTMIN+3"},
		{63, "SIGRTMIN+29"},
		{64, "SIGRTMAX"},
		{65, "SIG65"},
		{0, "SIG0"},
		{-1, "SIG-1"},
	} {
		if got := siginfo.Name(test.sig); got != test.want {
			t.Errorf("Name(%d) = %q, want %q", int(test.sig), got, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		for _, text := range []string{
			siginfo.Name(sig),
			strings.ToLower(siginfo.Name(sig)),
			strings.TrimPrefix(siginfo.Name(sig), "SIG"),
		} {
			if got, err := siginfo.Parse(text); got != sig || err != nil {
				t.Errorf("Parse(%q) = %v, %v, want %v", text, int(got), err, int(sig))
			}
		}
	}
	for _, test := range []struct {
		text string
		want syscall.Signal
	}{
		{"15", unix.SIGTERM},
		{"SIG15", unix.SIGTERM},
		{"Term", unix.SIGTERM},
		{"RTMIN+0", 34},
		{"rtmin+30", 64},
		{"SIGRTMAX-1", 63},
		{"RTMAX-30", 34},
		{"IOT", unix.SIGABRT},
		{"CLD", unix.SIGCHLD},
		{"POLL", unix.SIGIO},
	} {
		if got, err := siginfo.Parse(test.text); got != test.want || err != nil {
			t.Errorf("Parse(%q) = %v, %v, want %v", test.text, int(got), err, int(test.want))
		}
	}
	for _, text := range []string{
		"", "SIG", "FOO", "0", "65", "-1", "+1", "1.5", "SIGSIGTERM", " TERM", "RTMIN+31", "RTMIN-1", "RTMAX+1",
		"RTMAX-31", "RTMIN+", "RTMIN3", "RTMIN+-1", "RTMIN++1", "99999999999999999999", "RTMIN+99999", "１",
	} {
		if got, err := siginfo.Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"TERM", "SIGRTMIN+3", "rtmax-30", "64", "SIG32", "RTMIN+", "-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := siginfo.Parse(text)
		if err != nil {
			if sig != 0 {
				t.Errorf("Parse(%q) = %v with an error", text, sig)
			}
			return
		}
		if sig < 1 || sig > 64 {
			t.Errorf("Parse(%q) = %d", text, int(sig))
		}
		if again, err := siginfo.Parse(siginfo.Name(sig)); again != sig || err != nil {
			t.Errorf("Parse(Name(%d)) = %d, %v", int(sig), int(again), err)
		}
	})
}

func TestInfoString(t *testing.T) {
	for _, test := range []struct {
		info siginfo.Info
		want string
	}{
		{siginfo.Info{Signal: unix.SIGTERM, Code: siginfo.User, PID: 42, UID: 1000}, "SIGTERM from pid 42 (uid 1000)"},
		{siginfo.Info{Signal: 37, Code: siginfo.Queue, PID: 42}, "SIGRTMIN+3 from pid 42 (uid 0)"},
		{siginfo.Info{Signal: unix.SIGTERM, Code: siginfo.User}, "SIGTERM from outside the PID namespace (uid 0)"},
		{siginfo.Info{Signal: unix.SIGINT, Code: siginfo.Kern}, "SIGINT from the kernel"},
		{siginfo.Info{Signal: unix.SIGALRM, Code: siginfo.Timer}, "SIGALRM from the kernel"},
		{siginfo.Info{Signal: unix.SIGINT, Code: siginfo.Unknown, PID: -1, UID: -1}, "SIGINT"},
	} {
		if got := test.info.String(); got != test.want {
			t.Errorf("String() = %q, want %q", got, test.want)
		}
	}
}
