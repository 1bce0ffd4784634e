package ui

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const answer = "\x1b[?62;22c"

// probing lets a terminal live for a while: answers tells what it says when it is
// asked for the n-th time.
func probing(t *testing.T, lives time.Duration, answers func(n int) string, keys time.Duration) (asked int, ended bool) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var v vitals
		var times atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			v.watch(ctx, DefaultProbe, func() {
				if s := answers(int(times.Add(1))); s != "" {
					v.touch([]byte(s))
				}
			}, func() { ended = true })
		}()
		if keys > 0 {
			for range int(lives / keys) {
				time.Sleep(keys)
				v.touch([]byte("j"))
			}
		} else {
			time.Sleep(lives)
		}
		synctest.Wait()
		cancel()
		<-done
		asked = int(times.Load())
	})
	return asked, ended
}

func TestAGoneTerminalIsNoticed(t *testing.T) {
	always := func(int) string { return answer }
	first := func(n int) string {
		if n > 1 {
			return ""
		}
		return answer
	}
	for _, c := range []struct {
		name    string
		lives   time.Duration
		answers func(int) string
		keys    time.Duration
		ended   bool
		atMost  int
	}{
		{"one that answers lives on", 5 * time.Hour, always, 0, false, 101},
		{"one that stops answering is gone", 10 * time.Minute, first, 0, true, 4},
		{"not before it was asked three times", DefaultProbe + 2*DefaultProbe/probeShare, first, 0, false, 4},
		{"one that never answered is left alone", 5 * time.Hour, func(int) string { return "" }, 0, false, 1},
		{"a key is no answer", 5 * time.Hour, func(int) string { return "j" }, 0, false, 1},
		{"keys are a sign of life", 5 * time.Hour, first, time.Minute, false, 1},
		{"one that misses two and answers lives on", time.Hour, func(n int) string {
			if n%3 == 1 {
				return answer
			}
			return ""
		}, 0, false, 60},
	} {
		asked, ended := probing(t, c.lives, c.answers, c.keys)
		if ended != c.ended || asked > c.atMost {
			t.Errorf("%s: asked %d times, ended: %t", c.name, asked, ended)
		}
	}
}

func TestIsAnswer(t *testing.T) {
	for s, want := range map[string]bool{
		answer: true, "\x1b[?c": false, "\x1b[?1;2c": true, "jj\x1b[?6c": true, "\x1b[?1049h": false,
		"\x1b[?1049h\x1b[?6c": true, "\x1b[?": false, "\x1b[A": false, "": false, "\x1b[?12": false,
	} {
		if got := isAnswer([]byte(s)); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}
