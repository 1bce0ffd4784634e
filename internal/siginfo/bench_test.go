//go:build linux

package siginfo_test

import (
	"io"
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"
	"pid1/internal/siginfo"
)

// BenchmarkLatency measures the time from asking another process for a signal
// until it is received here. "pipe" is the same without one: what the asking and
// the scheduling alone take.
func BenchmarkLatency(b *testing.B) {
	b.Run("pipe", func(b *testing.B) {
		ask := startKiller(b, 0)
		for b.Loop() {
			ask()
		}
	})
	b.Run("siginfo", func(b *testing.B) {
		r := open(b, siginfo.Options{})
		ask := startKiller(b, unix.SIGUSR1)
		for b.Loop() {
			ask()
			<-r.Signals()
		}
	})
	b.Run("os-signal", func(b *testing.B) {
		c := make(chan os.Signal, 1)
		signal.Notify(c, unix.SIGUSR1)
		defer signal.Stop(c)
		ask := startKiller(b, unix.SIGUSR1)
		for b.Loop() {
			ask()
			<-c
		}
	})
}

// startKiller starts a process that sends a signal for every byte, or for 0
// answers with a byte, and returns a function that asks it to.
func startKiller(b *testing.B, sig unix.Signal) func() {
	b.Helper()
	cmd := command(b, "kill")
	cmd.Env = append(cmd.Env, "PID1_SIGINFO_SIGNAL="+siginfo.Name(sig))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	buf := make([]byte, 1)
	return func() {
		if _, err := in.Write(buf); err != nil {
			b.Fatal(err)
		}
		if sig == 0 {
			io.ReadFull(out, buf)
		}
	}
}

// killer is the process of startKiller. It uses no goroutine to wait in.
func killer() {
	sig, _ := siginfo.Parse(os.Getenv("PID1_SIGINFO_SIGNAL"))
	parent := os.Getppid()
	buf := make([]byte, 1)
	for {
		if n, err := unix.Read(0, buf); n != 1 || err != nil {
			return
		}
		if sig == 0 {
			unix.Write(1, buf)
		} else {
			unix.Kill(parent, sig)
		}
	}
}
