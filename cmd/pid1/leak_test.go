package main

import (
	"os/exec"
	"strings"
	"testing"

	"pid1/event"
	"pid1/internal/nstest"
)

// pid1 itself tells of a leak, once, and again when it is over: in the stream and
// on stderr, in the same words. Of a parent that waits it says nothing.
func TestLeakIsWarnedOf(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes a quarter of a minute; not with -short")
	}
	if _, err := exec.LookPath("perl"); err != nil {
		nstest.Lacking(t, "perl", err.Error())
	}
	w := follow(t, asInit, "perl", "-e", `
		for (1..40) { system "true"; }
		if (!fork) {
			for (1..42) { fork or exit; select undef, undef, undef, 0.3 }
			1 while wait != -1;
			sleep 1000;
		}
		for (1..700) { my $p = fork; $p or exit; select undef, undef, undef, 0.005; waitpid $p, 0; select undef, undef, undef, 0.02 }`)
	w.want(0)
	leaks := only[*event.Leak](w.all(), nil)
	if len(leaks) != 2 {
		t.Fatalf("%d leak events, want two: %s", len(leaks), w.err.String())
	}
	began, ended := leaks[0], leaks[1]
	if began.State != "began" || began.Verdict != "leaking" || began.Parent.Comm != "perl" || began.Count < 10 || began.OldestMS < 10_000 {
		t.Errorf("it began with %s", event.Append(nil, began))
	}
	if ended.State != "ended" || ended.Parent.ID != began.Parent.ID {
		t.Errorf("it ended with %s", event.Append(nil, ended))
	}
	want := "pid1: warn: " + began.Summary + "\npid1: warn: " + ended.Summary + "\n"
	if got := w.err.String(); got != want || !strings.Contains(got, "no longer leaks") {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}
