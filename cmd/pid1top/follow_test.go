package main

import (
	"bufio"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"pid1/event"
)

// reaps --follow prints what is reaped as it is reaped, and says when the feed
// ends.
func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s", "pid1.sock")
	f, stop, err := newFeed(path, scenarios["leak"])
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	var errs bytes.Buffer
	status := make(chan int)
	go func() {
		s := run([]string{"pid1top", "--socket", path, "reaps", "--follow", "--failed"}, nil, stdio{nil, in, &errs})
		_ = in.Close()
		status <- s
	}()
	lines := bufio.NewScanner(out)
	want := func(words string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), words) {
			t.Fatalf("line %q, want one with %q", lines.Text(), words)
		}
	}
	want("ORIGIN")
	want("SIGKILL   ffmpeg")
	want("exit 127")
	f.j.Append(f.reap(400, 0, event.Ended{Code: 0}, "fine", "fine"))
	f.j.Append(f.reap(401, 0, event.Ended{Code: 9}, "late", "late"))
	want("exit 9    late")
	stop()
	if lines.Scan() {
		t.Errorf("line %q after the end", lines.Text())
	}
	if s := <-status; s != statusNoFeed || errs.String() != "pid1top: the feed ended: pid1 closed the connection\n" {
		t.Errorf("status %d, %q", s, errs.String())
	}
}
