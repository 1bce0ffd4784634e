package export

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pid1/event"
)

func TestAFolderOfSockets(t *testing.T) {
	dir := folder(t)
	_, reg := run(t, Config{Sockets: []string{dir}})
	web, db := newPID1(t, dir+"/web/pid1.sock"), newPID1(t, dir+"/db.sock")
	web.reaps(3)
	web.serve()
	until(t, reg, 3, "pid1_reaps_total", "feed", "web", "outcome", "exit_zero")
	db.serve()
	until(t, reg, 1, "pid1_feed_up", "feed", "db")
	web.stop()
	until(t, reg, 0, "pid1_feed_up", "feed", "web")
	// The last that was counted can still be scraped.
	until(t, reg, 3, "pid1_reaps_total", "feed", "web", "outcome", "exit_zero")
	until(t, reg, 1, "pid1_feed_up", "feed", "db")
}

func TestSocketsThatAreGoneAreForgotten(t *testing.T) {
	x := New(Config{})
	ended := false
	f := newFeed("web", x.own, nil)
	f.stop = func() { ended = true }
	x.feeds["/f/web.sock"] = f
	reg, w, now := registry(t, x), watch{}, time.Now()
	for _, step := range []struct {
		after time.Duration
		here  bool
		want  float64
	}{
		{0, true, 1},
		{0, false, 1},
		{linger - 1, false, 1},
		{0, true, 1},
		{time.Hour, false, 1},
		{linger - 1, false, 1},
		{1, false, 0},
	} {
		now = now.Add(step.after)
		var here []string
		if step.here {
			here = []string{"/f/web.sock"}
		}
		x.forget(w.gone(here, now))
		_, told := value(t, reg, "pid1_feed_up", "feed", "web")
		if told != (step.want == 1) || ended == told {
			t.Errorf("%+v: told of: %v, ended: %v", step, told, ended)
		}
		if _, told := value(t, reg, "pid1_feed_connects_total", "feed", "web"); told != (step.want == 1) {
			t.Errorf("%+v: the counters of the feed are told of: %v", step, told)
		}
	}
}

func TestWhatIsTakenForASocket(t *testing.T) {
	dir := folder(t)
	for _, path := range []string{"/a.sock", "/b/pid1.sock", "/b/other.sock", "/c", "/d/e/pid1.sock"} {
		listen(t, dir+path)
	}
	for link, target := range map[string]string{"/l.sock": "a.sock", "/m": "b", "/n/pid1.sock": "../a.sock"} {
		_ = os.MkdirAll(filepath.Dir(dir+link), 0o700)
		if err := os.Symlink(target, dir+link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/o.sock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := within(dir)
	if want := []string{dir + "/a.sock", dir + "/b/pid1.sock"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if _, err := within(dir + "/none"); err == nil || !strings.Contains(err.Error(), "cannot look for sockets") {
		t.Error(err)
	}
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	_ = os.MkdirAll(filepath.Dir(path), 0o700)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// Whoever may write where a socket is cannot make an exporter of more rights connect
// to another one.
func TestLinksInPlaceOfSocketsAreNotFollowed(t *testing.T) {
	dir := folder(t)
	p := newPID1(t, dir+"/real/pid1.sock")
	p.serve()
	c, err := dialFound(t.Context(), dir+"/real/pid1.sock")
	if err != nil {
		t.Fatal(err)
	}
	if c.Hello().Host != "web-7f9c" || c.Path() != dir+"/real/pid1.sock" {
		t.Errorf("%+v at %s", c.Hello(), c.Path())
	}
	_ = c.Close()
	_ = os.Mkdir(dir+"/fake", 0o700)
	_ = os.Symlink("../real/pid1.sock", dir+"/fake/pid1.sock")
	_ = os.Symlink("real", dir+"/linked")
	_ = os.Mkdir(dir+"/file", 0o700)
	_ = os.WriteFile(dir+"/file/pid1.sock", nil, 0o600)
	for _, name := range []string{"fake", "linked", "file", "none"} {
		c, err := dialFound(t.Context(), dir+"/"+name+"/pid1.sock")
		if err == nil {
			_ = c.Close()
			t.Errorf("%s was connected to", name)
		}
	}
}

func TestFeedsHaveNamesOfTheirOwn(t *testing.T) {
	for path, want := range map[string]string{
		"/run/pid1/pid1.sock": "pid1", "/feeds/web/pid1.sock": "web", "/feeds/db.sock": "db", "pid1.sock": "pid1",
		"/feeds/a\nb.sock": `a\nb`, "/feeds/" + strings.Repeat("x", 100) + ".sock": strings.Repeat("x", labelMax), "/pid1.sock": "pid1",
	} {
		if got := nameOf(path); got != want {
			t.Errorf("%q is called %q, want %q", path, got, want)
		}
	}
	x := New(Config{})
	for _, want := range []string{"web", "/b/web.sock", "/b/web.sock~2"} {
		got := x.unused("web", "/b/web.sock")
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
		x.feeds[got] = &feed{name: got}
	}
}

// The real thing: a pid1 that goes and comes back, and another in its place.
func TestReconnecting(t *testing.T) {
	path := folder(t) + "/s/web.sock"
	p := newPID1(t, path)
	p.reaps(2)
	p.row(20, 1, "S", "gunicorn")
	p.row(21, 20, "Z", "sh")
	_, reg := run(t, Config{Sockets: []string{path}})
	until(t, reg, 0, "pid1_feed_up", "feed", "web")
	p.serve()
	until(t, reg, 2, "pid1_reaps_total", "outcome", "exit_zero")
	until(t, reg, 1, "pid1_zombies", "feed", "web", "parent", "gunicorn")
	until(t, reg, 40, "pid1_pids_used", "feed", "web")
	p.stop()
	until(t, reg, 0, "pid1_feed_up", "feed", "web")
	p.reaps(3)
	p.serve()
	until(t, reg, 5, "pid1_reaps_total", "outcome", "exit_zero")
	p.stop()
	until(t, reg, 0, "pid1_feed_up", "feed", "web")
	p.reaps(20_000)
	p.j.Append(reap(event.Ended{Code: 1}))
	p.serve()
	until(t, reg, 1, "pid1_reaps_total", "outcome", "exit_nonzero")
	counted, _ := value(t, reg, "pid1_reaps_total", "outcome", "exit_zero")
	lost, _ := value(t, reg, "pid1_feed_events_lost_total")
	// Stats are among what was lost, too: a few.
	if lost == 0 || counted+lost < 20_005 || counted+lost > 20_020 {
		t.Errorf("%v counted and %v lost, of 20,005 and some stats", counted, lost)
	}
	p.stop()
	other := newPID1(t, path)
	other.reaps(1)
	other.serve()
	until(t, reg, 1, "pid1_feed_restarts_total")
	until(t, reg, 1, "pid1_reaps_total", "outcome", "exit_zero")
}

// One feed that accepts and says nothing, and one that stops in the middle of a line,
// keep nobody from the others.
func TestASickFeedDelaysNoOther(t *testing.T) {
	dir := folder(t)
	for name, says := range map[string]string{"dumb": "", "half": `{"v":1,"type":"hel`, "noise": "\x00\xff\n\n{}\n[]\n"} {
		l := listen(t, dir+"/"+name+".sock")
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(says))
				t.Cleanup(func() { _ = c.Close() })
			}
		}()
	}
	p := newPID1(t, dir+"/web/pid1.sock")
	p.j.Append(reap(event.Ended{Code: 0}))
	p.serve()
	_, reg := run(t, Config{Sockets: []string{dir + "/"}})
	until(t, reg, 1, "pid1_reaps_total", "feed", "web", "outcome", "exit_zero")
	for _, name := range []string{"dumb", "half", "noise"} {
		until(t, reg, 0, "pid1_feed_up", "feed", name)
	}
}
