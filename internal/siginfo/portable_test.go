//go:build linux

package siginfo_test

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

func TestPortable(t *testing.T) {
	const later = unix.SIGUSR1
	r := open(t, siginfo.Options{Portable: true, Leave: 1<<(later-1) | 1<<(unix.SIGURG-1)})
	if r.Exact() {
		t.Error("Exact() = true")
	}
	s := startSender(t)
	check := func(sig unix.Signal) {
		t.Helper()
		s.do("kill %d 1", sig)
		want := siginfo.Info{Signal: sig, Code: siginfo.Unknown, PID: siginfo.UnknownID, UID: siginfo.UnknownID}
		if got := <-r.Signals(); got != want {
			t.Errorf("received %+v, want %+v", got, want)
		}
	}
	for _, sig := range []unix.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP, unix.SIGCONT, unix.SIGUSR2, unix.SIGWINCH, 35, 40, 62} {
		check(sig)
	}
	if err := r.Install(1 << (later - 1)); err != nil {
		t.Fatal(err)
	}
	check(later)
	if err := exec.Command("true").Run(); err != nil {
		t.Fatal(err)
	}
	<-r.Children()
	r.Close()
	if _, open := <-r.Signals(); open {
		t.Error("Signals is open after Close")
	}
}
