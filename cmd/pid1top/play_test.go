package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pid1/event"
	"pid1/internal/replay"
	"pid1/ui"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// saved is a recording of n reaps, one a second, after a hello.
func saved(t *testing.T, n int) *replay.Recording {
	t.Helper()
	h := event.New(event.TypeHello).(*event.Hello)
	h.TS, h.PID, h.Role = noon, 1, "init"
	text := event.Append(nil, h)
	for i := 1; i <= n; i++ {
		ev := event.New(event.TypeReap)
		ev.Header().Seq, ev.Header().TS = uint64(i), noon.Add(time.Duration(i)*time.Second)
		text = event.Append(text, ev)
	}
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	rec, err := replay.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rec.Close() })
	return rec
}

func TestPlayer(t *testing.T) {
	rec := saved(t, 2000)
	synctest.Test(t, func(t *testing.T) {
		p := newPlayer(rec)
		var seen int // events since the last reset
		var pos ui.Position
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = p.Run(ctx, func(b ui.Batch) {
				if b.Reset {
					seen = 0
				}
				seen += len(b.Events)
				pos = *b.Position
			})
		}()
		// at says where it should stand once everything asked for is done.
		at := func(what string, index int, after time.Duration, playing bool) {
			t.Helper()
			synctest.Wait()
			want := ui.Position{At: noon.Add(after), Index: index, Total: 2001, Playing: playing, Speed: pos.Speed}
			if pos != want || seen != index {
				t.Errorf("%s: at %+v with %d events, want %+v", what, pos, seen, want)
			}
			if got := p.Position(); got != want {
				t.Errorf("%s: says %+v, want %+v", what, got, want)
			}
		}
		at("at first", 2001, 2000*time.Second, false)
		p.Step(1)
		at("a step beyond", 2001, 2000*time.Second, false)
		p.Step(-1)
		at("a step back", 2000, 1999*time.Second, false)
		p.Seek(noon.Add(10500 * time.Millisecond))
		at("between two", 11, 10500*time.Millisecond, false)
		p.Step(1)
		at("a step on", 12, 11*time.Second, false)
		p.Seek(noon.Add(-time.Hour))
		at("before all", 1, 0, false)
		p.Step(-5)
		at("before the first", 1, 0, false)
		p.Seek(noon.Add(time.Hour))
		at("after all", 2001, 2000*time.Second, false)

		p.Play(true, 0)
		at("from the end on", 1, 0, true)
		time.Sleep(10 * time.Second)
		at("ten seconds later", 11, 10*time.Second, true)
		p.Play(true, 4)
		time.Sleep(10 * time.Second)
		at("four times as fast", 51, 50*time.Second, true)
		p.Seek(noon.Add(100 * time.Second))
		at("elsewhere, playing on", 101, 100*time.Second, true)
		p.Play(false, 0)
		time.Sleep(time.Minute)
		at("standing still", 101, 100*time.Second, false)
		p.Play(true, 0)
		time.Sleep(time.Hour)
		at("at the end", 2001, 2000*time.Second, false)
		if pos.Speed != 4 {
			t.Errorf("the speed became %v", pos.Speed)
		}
		cancel()
		<-done
	})
}

// A wish is heard on a long way.
func TestPlayerTurnsRound(t *testing.T) {
	p := newPlayer(saved(t, 20*batchEvents))
	ctx, cancel := context.WithCancel(t.Context())
	batches, seen := 0, 0
	err := p.Run(ctx, func(b ui.Batch) {
		if batches++; batches == 2 {
			p.Seek(noon.Add(3 * time.Second))
		}
		if b.Reset {
			seen = 0
		}
		if seen += len(b.Events); b.Position.Index == 4 && seen == 4 {
			cancel()
		}
		if batches > 3 {
			t.Error(fmt.Sprint(batches, " batches and not there yet"))
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
