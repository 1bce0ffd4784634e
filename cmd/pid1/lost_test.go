package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pid1/event"
)

// The tests of this file take from pid1 what it had when it started.

// /proc is unmounted under a pid1 that runs: what outlives COMMAND cannot be listed
// and has its grace all the same, and every reap is told.
func TestProcIsUnmounted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "flushed")
	w := follow(t, asInit, "--grace", "20s", "sh", "-c",
		`sh -c 'trap "sleep 0.3; echo done >$0; exit" TERM; echo ready; exec >&-; while :; do sleep 0.01; done' `+file+` &
		while ! [ -e /proc/$! ]; do :; done; sleep 0.3; umount -l /proc; mount -t tmpfs none /proc; (sh -c 'exit 4' &); sleep 0.3; exit 3`)
	w.want(3)
	if _, err := os.Stat(file); err != nil {
		t.Errorf("what outlived COMMAND was not given the time to flush: %s", w.err.String())
	}
	events := w.all()
	if n := len(only(events, func(r *event.Reap) bool { return r.Adopted && r.Code == 4 })); n != 1 {
		t.Errorf("%d reaps of an orphan without /proc, want 1", n)
	}
}

// Another /proc is mounted over the one pid1 looks at, that of another namespace: it
// goes on with its own.
func TestProcIsMountedOver(t *testing.T) {
	w := follow(t, asInit, "sh", "-c", `mount -t tmpfs none /proc; (sh -c 'exit 4' &); sleep 0.3; umount /proc; exit 3`)
	w.want(3)
	reaps := only(w.all(), func(r *event.Reap) bool { return r.Adopted && r.Code == 4 })
	if len(reaps) != 1 || reaps[0].Comm != "sh" {
		t.Errorf("of an orphan is told %v: %s", reaps, strings.TrimSpace(w.err.String()))
	}
}
