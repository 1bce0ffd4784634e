package ui

import (
	"testing"
	"time"
)

// crowd is a container with 5,000 processes, some of them many siblings of one
// command, and a full ring of reaps.
func crowd(f *feed) {
	f.healthy()
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
}

func benchModel(v view) *model {
	m, f := screen(200, 60, Options{Color: true}, nil)
	f.now = noon
	crowd(f)
	evs := f.take()
	m.receive(batchMsg{Batch{Events: evs, State: Live}, f.now})
	m.show(v)
	m.arrange()
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
