package journal

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"pid1/event"
)

// Whatever comes, reading it ends, takes no more than its share, and a line that
// is right stays right.
func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"op":"subscribe","since":120,"types":["reap"],"id":"x"}` + "\n"))
	f.Add([]byte("{\"op\":\"stats\"}\r\n\n  \n{\"op\":\"processes\"}"))
	f.Add([]byte("[[[[\n\x00\xff"))
	f.Add(bytes.Repeat([]byte("x"), event.MaxRequest+1))
	f.Add(append(bytes.Repeat([]byte("x"), 3*event.MaxRequest), '\n'))
	f.Add(bytes.Repeat([]byte("x"), maxSkip+event.MaxRequest))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newRequests(iotest.OneByteReader(bytes.NewReader(in)))
		lines := bytes.Count(in, []byte{'\n'}) + 1
		for n := 0; ; n++ {
			a, err := r.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				return
			}
			if n == lines {
				t.Fatalf("more requests than lines")
			}
			if a.leave {
				return
			}
			if a.err == nil {
				if err := check(&a.Request); err != nil {
					t.Fatal(err)
				}
			}
			if len(a.ID) > maxID {
				t.Fatalf("an id of %d bytes goes back", len(a.ID))
			}
		}
	})
}

func TestRequestLinesOfEveryLength(t *testing.T) {
	const stats = `{"op":"stats"}`
	pad := func(n int) []byte {
		line := append(bytes.Repeat([]byte(" "), n-len(stats)-1), stats...)
		return append(line, '\n')
	}
	for _, c := range []struct {
		name string
		in   []byte
		want []error // of each request in turn
	}{
		{"two", []byte(stats + "\n" + stats + "\n"), []error{nil, nil}},
		{"no newline at the end", []byte(stats + "\r\n" + stats), []error{nil, nil}},
		{"longest", append(pad(event.MaxRequest), pad(50)...), []error{nil, nil}},
		{"one longer", append(pad(event.MaxRequest+1), pad(50)...), []error{errTooLong, nil}},
		{"much longer", append(pad(10*event.MaxRequest), pad(50)...), []error{errTooLong, nil}},
		{"endless", append(pad(20*event.MaxRequest), pad(50)...), []error{errEndless}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequests(bytes.NewReader(c.in))
			for i, want := range c.want {
				a, err := r.next()
				if err != nil || a.err != want || a.leave != (want == errEndless) {
					t.Errorf("request %d: %v, %v, leave %v; want %v", i, err, a.err, a.leave, want)
				}
			}
			if c.want[len(c.want)-1] == errEndless {
				return
			}
			if a, err := r.next(); err != io.EOF {
				t.Errorf("and then %+v, %v", a, err)
			}
		})
	}
}

func TestRequestsAreDueAHundredASecond(t *testing.T) {
	r, now := newRequests(nil), time.Unix(1000, 0)
	for i := range maxRate {
		if wait := r.early(now); wait != 0 {
			t.Fatalf("request %d waits %v", i, wait)
		}
	}
	now = now.Add(300 * time.Millisecond)
	if wait := r.early(now); wait != 700*time.Millisecond {
		t.Errorf("one more waits %v", wait)
	}
	if wait := r.early(now.Add(700 * time.Millisecond)); wait != 0 {
		t.Errorf("in the next second it waits %v", wait)
	}
}
