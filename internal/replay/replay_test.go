package replay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pid1/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// written is a line of event n, written n seconds past noon.
func written(n int) string {
	ev := event.New(event.TypeReap).(*event.Reap)
	ev.Seq, ev.TS, ev.PID, ev.Comm = uint64(n), noon.Add(time.Duration(n)*time.Second), n, "x\xff\n"
	return string(event.Append(nil, ev))
}

func hello() string {
	ev := event.New(event.TypeHello).(*event.Hello)
	ev.TS, ev.PID, ev.Role = noon, 1, "init"
	return string(event.Append(nil, ev))
}

func ends() string {
	ev := event.New(event.TypeEnd)
	ev.Header().TS = noon.Add(time.Hour)
	return string(event.Append(nil, ev))
}

func save(t *testing.T, path string, text ...string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(text, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *Recording {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// told lists what is in r, an event by its number, the others by their type.
func told(t *testing.T, r *Recording) string {
	t.Helper()
	var all []string
	for i := range r.Len() {
		ev, err := r.Event(i)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case ev == nil:
			all = append(all, "?")
		case ev.Header().Seq > 0:
			if e, ok := ev.(*event.Reap); ok && e.Comm != "x\xff\n" {
				t.Errorf("a name came back as %q", e.Comm)
			}
			all = append(all, fmt.Sprint(ev.Header().Seq))
		default:
			all = append(all, string(ev.Header().Type))
		}
	}
	return strings.Join(all, " ")
}

func TestOpen(t *testing.T) {
	later := strings.Replace(written(9), `"ts":"2026`, `"ts":"2025`, 1)
	for _, c := range []struct {
		name    string
		file    string
		want    string
		damaged int
		ended   bool
	}{
		{"whole", hello() + written(1) + written(2) + ends(), "hello 1 2 end", 0, true},
		{"killed", hello() + written(1), "hello 1", 0, false},
		{"cut", hello() + written(1) + written(2)[:40], "hello 1", 1, false},
		{"cut before its newline", hello() + strings.TrimSuffix(written(1), "\n"), "hello 1", 0, false},
		{"cut and gone on with", hello() + written(1)[:60] + "\n" + hello() + written(1), "hello hello 1", 1, false},
		{"of tomorrow", hello() + `{"v":1,"type":"new","seq":1,"ts":"2026-03-01T12:00:01Z"}` + "\n" + written(2), "hello ? 2", 0, false},
		{"another version", hello() + `{"v":2,"type":"reap","seq":1,"ts":"2026-03-01T12:00:01Z"}` + "\n", "hello", 1, false},
		{"empty lines", "\n" + hello() + "\n \n" + written(1) + "\n", "hello 1", 0, false},
		{"binary", hello() + "\x00\xff\xfe" + "\n" + written(1), "hello 1", 1, false},
		{"through jq", hello() + `{"type":"gap","ts":"2026-03-01T12:00:01Z","to_seq":3,"v":1,"lost":3,"from_seq":1}` + "\n" + written(4), "hello gap 4", 0, false},
		{"endless line", hello() + strings.Repeat("x", 3*maxLine) + "\n" + written(1), "hello 1", 1, false},
		{"endless end", hello() + written(1) + strings.Repeat("x", 3*maxLine), "hello 1", 1, false},
		{"clock set back", hello() + written(1) + later + written(2), "hello 1 9 2", 0, false},
		{"year 9999", hello() + strings.Replace(written(1), "2026", "9999", 1) + written(2), "hello 2", 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(r *Recording, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				if got := told(t, r); got != c.want || r.Damaged() != c.damaged || r.Ended() != c.ended {
					t.Errorf("got %q, %d damaged, ended %v; want %q, %d, %v", got, r.Damaged(), r.Ended(), c.want, c.damaged, c.ended)
				}
			}
			r := open(t, save(t, filepath.Join(t.TempDir(), "r"), c.file))
			check(r, nil)
			for i := 1; i < r.Len(); i++ {
				if r.Time(i).Before(r.Time(i - 1)) {
					t.Errorf("line %d is before the one before it", i)
				}
			}
			check(Read(strings.NewReader(c.file)))
		})
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):           "no such file",
		dir:                                  "it is not a file",
		save(t, filepath.Join(dir, "empty")): "no event in it",
		save(t, filepath.Join(dir, "text"), "root:x:0:0\nx\n"): "no event in it",
		save(t, filepath.Join(dir, "cut"), hello()[:30]):       "no event in it",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestRotatedFilesComeInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	for i := range 12 { // .11 is the oldest
		name := path
		if i > 0 {
			name = fmt.Sprint(path, ".", i)
		}
		save(t, name, hello(), written(24-2*i), written(25-2*i))
	}
	save(t, path+".13", hello()) // of another time: .12 is missing
	save(t, path+".old", hello())
	r := open(t, path)
	var want []string
	for i := range 24 {
		if i%2 == 0 {
			want = append(want, "hello")
		}
		want = append(want, fmt.Sprint(i+2))
	}
	if d := cmp.Diff(strings.Join(want, " "), told(t, r)); d != "" {
		t.Error(d)
	}
	// A file in the middle, named by itself.
	if got := told(t, open(t, path+".10")); got != "hello 4 5" {
		t.Errorf("of .10: %s", got)
	}
}

func TestAt(t *testing.T) {
	r := open(t, save(t, filepath.Join(t.TempDir(), "r"), hello(), written(1), written(1), written(5)))
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{-time.Second, 0}, {0, 1}, {999 * time.Millisecond, 1}, {time.Second, 3}, {4 * time.Second, 3}, {5 * time.Second, 4}, {time.Hour, 4}} {
		if got := r.At(noon.Add(c.at)); got != c.want {
			t.Errorf("%d lines up to %v, want %d", got, c.at, c.want)
		}
	}
	if first, last := r.Span(); !first.Equal(noon) || !last.Equal(noon.Add(5*time.Second)) {
		t.Errorf("from %v to %v", first, last)
	}
}

func TestGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	more := func(text string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	more(hello() + written(1)[:50])
	r := open(t, path)
	grows := func(want int, all string) {
		t.Helper()
		n, err := r.Grow()
		if err != nil || n != want || told(t, r) != all {
			t.Fatalf("%d lines more, %v: %s; want %d: %s", n, err, told(t, r), want, all)
		}
	}
	grows(0, "hello")
	more(written(1)[50:])
	grows(1, "hello 1")
	grows(0, "hello 1")
	more(written(2))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	grows(1, "hello 1 2") // there is no new file yet
	more(hello() + written(3))
	grows(2, "hello 1 2 hello 3")
	more(ends())
	grows(1, "hello 1 2 hello 3 end")
	if r.Damaged() != 0 || !r.Ended() {
		t.Errorf("%d damaged, ended %v", r.Damaged(), r.Ended())
	}
}

// Whatever a file holds, it is read to its end, and what is read is in it.
func FuzzRead(f *testing.F) {
	f.Add([]byte(hello() + written(1) + ends()))
	f.Add([]byte(hello() + written(1)[:40]))
	f.Add([]byte("\n\n{}\n[]\n" + written(1)))
	f.Add([]byte(strings.Replace(written(1), `"2026`, `"9999`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		for i := range r.Len() {
			line, err := r.Line(i)
			if err != nil || !bytes.Contains(text, line) {
				t.Fatalf("line %d is %q, %v", i, line, err)
			}
			_, _ = r.Event(i)
			if i > 0 && r.Time(i).Before(r.Time(i-1)) {
				t.Fatalf("line %d goes back in time", i)
			}
			if n := r.At(r.Time(i)); n <= i {
				t.Fatalf("line %d is not among the %d up to its time", i, n)
			}
		}
		if n, err := r.Grow(); n != 0 || err != nil {
			t.Fatalf("it grew by %d, %v", n, err)
		}
	})
}
