package soak

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const text = `# Hours of everything at once

Written by ` + "`make soak SOAK=%s`" + `: pid1 as PID 1 of a namespace, once in each trace mode, both at the same time,
for %s under bursts of orphans, spawn loops, daemons, orphans of orphans, processes that kill themselves, programs
that become others, threads that exec, a parent that leaks zombies and is replaced, shells from outside that
leave a process behind (` + "`nsenter`" + `), signals, real-time ones among them, and clients that vanish, stall, read a
few bytes a second, send garbage, send a megabyte without a newline, or ask. Every event goes into a record that is rotated.

Each process of the load writes down who it is and how it will end, before it ends. In the end the record is
compared with that: every one that was pid1's to reap was reaped once, with that status, and no seq is missing.
Descriptors, threads and goroutines are counted from outside when all is quiet: after a first minute of load, so that
what pid1 makes once and keeps is there, and in the end; goroutines by reading pid1's memory, as a debugger does. Memory is judged by a straight line through the
measurements of the last half: it is flat when it grows along the line by no more than twice the standard
deviation from it. An orphan that died before its parent did is seen dead from then on, and waits for the machine
as all others do: this one may have had other work.

`

// WritePage writes the page about soaks, with the figures.
func WritePage(w io.Writer, all []*Summary) error {
	var b strings.Builder
	length := all[0].For.String() // "2h0m0s"
	length = strings.Replace(strings.Replace(length, "m0s", "m", 1), "h0m", "h", 1)
	fmt.Fprintf(&b, text, length, words(all[0].For))
	if all[0].For < judged {
		fmt.Fprintf(&b, "A run of less than %s is too short for that: memory only has to stay below %d MiB.\n\n", words(judged), mostRSS>>10)
	}
	WriteTable(&b, all)
	_, err := io.WriteString(w, b.String())
	return err
}

func words(d time.Duration) string {
	if d >= 2*time.Hour {
		return fmt.Sprintf("%g hours", d.Hours())
	}
	return fmt.Sprintf("%g minutes", d.Minutes())
}

// WriteTable writes the figures.
func WriteTable(b *strings.Builder, all []*Summary) {
	row := func(name string, value func(s *Summary) string) {
		b.WriteString("| " + name + " |")
		for _, s := range all {
			b.WriteString(" " + value(s) + " |")
		}
		b.WriteString("\n")
	}
	row("", func(s *Summary) string { return "`" + s.Trace + "`" })
	b.WriteString("|---|" + strings.Repeat("--:|", len(all)) + "\n")
	row("events in the record", func(s *Summary) string { return fmt.Sprint(s.Tally.Events) })
	row("lost to a reader who keeps up", func(s *Summary) string { return fmt.Sprint(s.Told.lost) })
	row("reaped by pid1", func(s *Summary) string { return fmt.Sprint(s.Tally.Reaps) })
	row("deaths that were foretold, pid1's to reap", func(s *Summary) string { return fmt.Sprint(s.Tally.Deaths) })
	row("of these not recorded, or wrongly", func(s *Summary) string { return fmt.Sprint(len(s.Tally.Faults) + s.Tally.More) })
	row("longest that an orphan was seen dead", func(s *Summary) string { return fmt.Sprintf("%d ms", s.Zombie) })
	row("clients, shells from outside, signals", func(s *Summary) string { return fmt.Sprintf("%d, %d, %d", s.Clients, s.Execs, s.Signals) })
	of := func(pick func(s Sample) int) func(s *Summary) string {
		return func(s *Summary) string { return fmt.Sprintf("%d, %d", pick(s.Start), pick(s.End)) }
	}
	row("descriptors before, after", of(func(s Sample) int { return s.FDs }))
	row("threads before, after", of(func(s Sample) int { return s.Threads }))
	row("goroutines before, after", of(func(s Sample) int { return s.Goroutines }))
	row("most during the load of descriptors, threads, goroutines", func(s *Summary) string {
		return fmt.Sprintf("%d, %d, %d", s.MaxFDs, s.MaxThreads, s.MaxGo)
	})
	row("memory (VmRSS) before, at the end of the load", func(s *Summary) string { return fmt.Sprintf("%d, %d KiB", s.Start.RSS, s.Busy.RSS) })
	row("growth of VmRSS in the last half, noise", func(s *Summary) string { return fmt.Sprintf("%+.0f, %.0f KiB", s.RSS.Growth, s.RSS.Noise) })
	row("growth of RssAnon in the last half, noise", func(s *Summary) string { return fmt.Sprintf("%+.0f, %.0f KiB", s.Anon.Growth, s.Anon.Noise) })
	row("time on a core", func(s *Summary) string {
		return fmt.Sprintf("%.1f %%", 100*(s.Busy.CPU-s.Start.CPU).Seconds()/(s.Busy.At-s.Start.At).Seconds())
	})
	row("verdict", func(s *Summary) string {
		if len(s.Faults) > 0 {
			return "FAILED"
		}
		return "good"
	})
}
