package world

import (
	"testing"
	"time"

	"pid1/event"
)

func TestJoinLate(t *testing.T) {
	w := New()
	now := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	w.Apply(&event.Hello{Head: event.Head{Type: event.TypeHello, TS: now}, PID: 1, Role: "init", FirstSeq: 1}, now)
	if !w.NeedRows() {
		t.Error("NeedRows() = false after hello")
	}
}
