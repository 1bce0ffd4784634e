package ui

import (
	"testing"
	"time"
)

// crowd is a container with 5,000 processes, some of them many siblings of one
// command, and a full ring of reaps.
func crowd(f *feed) {
	f.hello()
	hello := f.out[len(f.out)-1]
	f.healthyRows()
	for i := range 60 {
		f.row(20000+i, 7, 1000, "S", time.Hour, "worker", "worker", itoa(i))
		for j := range 80 {
			comm := "job" + itoa(j%17)
			f.row(30000+i*80+j, 20000+i, 1000, "S", time.Minute, comm, "/usr/local/bin/"+comm, "--id", itoa(j))
		}
	}
	f.rowsEnd(4869)
	for i := range 100 {
		f.start(50000+i, 812, "convert", "convert", itoa(i))
		f.zombie(50000+i, 812, "gunicorn", "convert", "convert", itoa(i))
	}
	f.deaths(4200)
	f.now = f.now.Add(time.Minute)
	f.stats(5000, 20, 100)
	hello.Header().TS = f.now // it is written when somebody connects
}

func benchModel(v view) *model {
	m, f := screen(200, 60, Options{Color: true}, nil)
	f.now = noon
	crowd(f)
	evs := f.take()
	m.receive(batchMsg{Batch{Events: evs, State: Live}, f.now})
	if n := len(m.shown.procs); n < 4900 {
		panic("a crowd of " + itoa(n))
	}
	visit(m, v)
	return m
}

// BenchmarkDraw is a frame whose text is not there yet; BenchmarkViewUnchanged the
// one that View runs for every message.
func BenchmarkDraw(b *testing.B) {
	for v := range views {
		b.Run(viewNames[v], func(b *testing.B) {
			m := benchModel(v)
			b.ReportAllocs()
			for b.Loop() {
				m.stale = true
				_ = m.View()
			}
		})
	}
}

func BenchmarkViewUnchanged(b *testing.B) {
	m := benchModel(treeView)
	b.ReportAllocs()
	for b.Loop() {
		_ = m.View()
	}
}

// BenchmarkLook is what ten times a second costs: a scene and its rows.
func BenchmarkLook(b *testing.B) {
	for v := range views {
		b.Run(viewNames[v], func(b *testing.B) {
			m := benchModel(v)
			b.ReportAllocs()
			for b.Loop() {
				m.look()
			}
		})
	}
}

// BenchmarkFilter is a scene with a filter in force.
func BenchmarkFilter(b *testing.B) {
	m := benchModel(treeView)
	m.filter().set("job3 id")
	m.arrange()
	b.ReportAllocs()
	for b.Loop() {
		m.look()
	}
}

// BenchmarkBusy is a tenth of a second of 1,000 events a second: a batch of 100,
// half of them births and half deaths, and the frame after it. View alone is
// reported too.
func BenchmarkBusy(b *testing.B) {
	for v := range views {
		b.Run(viewNames[v], func(b *testing.B) {
			m := benchModel(v)
			f := newFeed()
			f.now, f.seq = m.now, 1<<20
			var view time.Duration
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				f.now = f.now.Add(100 * time.Millisecond)
				for i := range 50 {
					pid := 100000 + (n*50+i)%100000
					f.start(pid, 7, "sh", "sh", "-c", "true")
					f.reap(pid, 0, "", time.Millisecond, nil, "sh", "sh", "-c", "true")
				}
				m.receive(batchMsg{Batch{Events: f.take(), State: Live}, f.now})
				began := time.Now()
				_ = m.View()
				view += time.Since(began)
			}
			b.ReportMetric(float64(view.Nanoseconds())/float64(b.N), "ns/View")
		})
	}
}
