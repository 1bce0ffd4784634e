package journal

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"pid1/event"
)

// typical is a reap as most are: everything known, a short command line.
func typical() *event.Reap {
	r := reap(4242)
	r.Start, r.PPID, r.PGID, r.SID, r.UID, r.GID = 123456, 1, 4200, 4200, 1000, 1000
	r.CmdlineHow, r.Exe = event.HowSeen, "/usr/bin/sleep"
	r.Origin = &event.Proc{ID: event.ID{PID: 4200, Start: 123400}, Comm: "worker", Cmdline: []string{"/app/worker", "--queue", "mail"}, How: event.HowSeen}
	r.Lineage = []event.Ancestor{{PID: 4200, Comm: "worker"}, {PID: 7, Comm: "supervisor"}, {PID: 1, Comm: "pid1"}}
	r.Started, r.LifetimeMS, r.ZombieMS, r.Adopted = time.Unix(1767323045, 120000000), 120, 2, true
	r.Rusage = &event.Rusage{UtimeMS: 1.254, StimeMS: 0.8, MaxRSSKB: 1844, Minflt: 96, Nvcsw: 2, Nivcsw: 1}
	return r
}

// BenchmarkAppend is what an event costs the reaper.
func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			j := New(Config{})
			defer j.Close()
			s := serve(b, j, ServerConfig{})
			for range clients {
				drain(b, s.Path())
			}
			eventually(b, "all are there", func() bool { return s.Clients() == clients })
			ev := typical()
			for range 20_000 { // the ring is full from here on
				ev.Seq, ev.TS = 0, time.Time{}
				j.Append(ev)
			}
			longest := time.Duration(0)
			last := time.Now()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				ev.Seq, ev.TS = 0, time.Time{}
				j.Append(ev)
				now := time.Now()
				longest = max(longest, now.Sub(last))
				last = now
			}
			b.ReportMetric(float64(longest.Microseconds()), "max-µs")
			b.ReportMetric(float64(len(event.Append(nil, ev))), "B/line")
		})
	}
}

// drain reads as fast as it can.
func drain(b *testing.B, path string) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte("{\"op\":\"subscribe\"}\n")); err != nil {
		b.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{conn}) }()
}

// BenchmarkLatency is how long after Append begins a client has the line, with
// quiet between the events, and in a stream of them.
func BenchmarkLatency(b *testing.B) {
	for _, c := range []struct {
		name  string
		pause time.Duration
	}{{"quiet", 8 * time.Millisecond}, {"1000 a second", time.Millisecond}} {
		b.Run(c.name, func(b *testing.B) {
			j := New(Config{})
			defer j.Close()
			s := serve(b, j, ServerConfig{})
			conn, err := net.Dial("unix", s.Path())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(`{"op":"subscribe","types":["reap"]}` + "\n")); err != nil {
				b.Fatal(err)
			}
			in := bufio.NewReader(conn)
			for range 2 { // hello, subscribed
				if _, err := in.ReadSlice('\n'); err != nil {
					b.Fatal(err)
				}
			}
			appended := make(chan time.Time, 100_000)
			var took []time.Duration
			go func() {
				ev := typical()
				for range b.N {
					time.Sleep(c.pause)
					ev.Seq, ev.TS = 0, time.Time{}
					appended <- time.Now()
					j.Append(ev)
				}
			}()
			for range b.N {
				line, err := in.ReadSlice('\n')
				if err != nil || !bytes.Contains(line, []byte("worker")) {
					b.Fatal(err)
				}
				took = append(took, time.Since(<-appended))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMemory is what the history and ten clients take (scenario 35).
func BenchmarkMemory(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse+m.StackInuse) / (1 << 20)
	}
	for b.Loop() {
		before := heap()
		j := New(Config{})
		s := serve(b, j, ServerConfig{})
		for range 10_000 {
			j.Append(typical())
		}
		full := heap()
		for range 10 {
			drain(b, s.Path())
		}
		eventually(b, "all are there", func() bool { return s.Clients() == 10 })
		b.ReportMetric(full-before, "MiB-history")
		b.ReportMetric(heap()-full, "MiB-10-clients")
		n := j.Counts()
		b.ReportMetric(float64(n.Last-n.First+1), "reaps-kept")
		s.Close()
		j.Close()
	}
}
