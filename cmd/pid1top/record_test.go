package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
	"pid1/internal/replay"
)

// recordUntil records a feed of 300 processes and as many reaps, and ends by stop.
func recordUntil(t *testing.T, end func(f *feed, stop, interrupt func())) (path string, err error) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s", "pid1.sock")
	f, stop, err := newFeed(socket, scenarios["long"])
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	path = filepath.Join(t.TempDir(), "r.jsonl")
	a := &app{stdio: stdio{nil, io.Discard, io.Discard}, socket: socket}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	done := make(chan error)
	go func() { done <- a.record(ctx, path) }()
	for !strings.Contains(content(path), `"type":"processes_end"`) {
		select {
		case err := <-done:
			t.Fatalf("it ended: %v\n%s", err, content(path))
		default:
		}
	}
	end(f, stop, interrupt)
	return path, <-done
}

func content(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// types counts what is in a recording, which has nothing damaged in it.
func types(t *testing.T, path string) map[event.Type]int {
	t.Helper()
	rec, err := replay.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	n := map[event.Type]int{}
	for i := range rec.Len() {
		ev, err := rec.Event(i)
		if err != nil {
			t.Fatal(err)
		}
		n[ev.Header().Type]++
	}
	delete(n, event.TypeStats) // as often as they come
	if rec.Damaged() != 0 || !rec.Ended() {
		t.Errorf("%d lines damaged, ended %v", rec.Damaged(), rec.Ended())
	}
	return n
}

func TestRecord(t *testing.T) {
	path, err := recordUntil(t, func(_ *feed, _, interrupt func()) { interrupt() })
	if err != nil {
		t.Fatal(err)
	}
	want := map[event.Type]int{"hello": 1, "reap": 300, "process": 301, "processes_end": 1, "end": 1}
	if d := cmp.Diff(want, types(t, path)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if text := content(path); !strings.HasSuffix(text, `"reason":"stopped"}`+"\n") {
		t.Errorf("it ends with %s", text[len(text)-100:])
	}
	// It is not written over.
	a := &app{socket: "/none"}
	if _, _, err := a.createRecording(path); err == nil || !strings.Contains(err.Error(), "file exists") {
		t.Errorf("a second recording: %v", err)
	}
}

func TestRecordToTheEnd(t *testing.T) {
	path, err := recordUntil(t, func(f *feed, stop, _ func()) {
		end := event.New(event.TypeEnd).(*event.End)
		end.Reason = event.EndExit
		f.j.Append(end)
		stop()
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := types(t, path)["end"]; n != 1 {
		t.Errorf("%d ends", n)
	}

	// A pid1 that was killed says no end, and neither does the recording.
	path, err = recordUntil(t, func(_ *feed, stop, _ func()) { stop() })
	if err == nil || !strings.Contains(err.Error(), "pid1 closed the connection") {
		t.Errorf("the feed broke off and the error is %v", err)
	}
	if strings.Contains(content(path), `"type":"end"`) {
		t.Error("the recording of a feed that broke off has an end")
	}
}

// The recorded lines come out as they went in.
func TestRecordedLinesAreTheStream(t *testing.T) {
	path, err := recordUntil(t, func(_ *feed, _, interrupt func()) { interrupt() })
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if s := run([]string{"pid1top", "replay", "--json", path}, nil, stdio{nil, &out, &errs}); s != 0 {
		t.Fatalf("status %d: %s", s, errs.String())
	}
	if out.String() != content(path) {
		t.Error("replay --json printed something else than what the file holds")
	}
}

// reaps --follow goes on with what is written to a file.
func TestFollowAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	write := func(pid int) {
		ev := event.New(event.TypeReap).(*event.Reap)
		ev.Seq, ev.TS, ev.PID, ev.Code = uint64(pid), noon, pid, 1
		if _, err := file.Write(event.Append(nil, ev)); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	out, in := io.Pipe()
	a := &app{stdio: stdio{nil, in, io.Discard}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		err := a.recordedReaps(ctx, path, &reapsOptions{json: true, follow: true})
		_ = in.Close()
		done <- err
	}()
	read := make([]byte, 1000)
	for pid := 1; pid < 4; pid++ {
		n, err := out.Read(read)
		if ev, derr := event.Decode(read[:n]); err != nil || derr != nil || ev.Header().Seq != uint64(pid) {
			t.Errorf("%v %v: %s", err, derr, read[:n])
		}
		write(pid + 1)
	}
	go io.Copy(io.Discard, out)
	cancel()
	if err := <-done; err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
