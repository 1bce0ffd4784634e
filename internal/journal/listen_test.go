package journal

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pid1/event"
)

const soon = 5 * time.Millisecond

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode()
}

func TestOnlyWeMayOpenTheSocket(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{})
	if m := mode(t, s.Path()); m != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v", m)
	}
	if m := mode(t, filepath.Dir(s.Path())); m != os.ModeDir|0o700 {
		t.Errorf("the folder is %v", m)
	}
}

// Scenario 39: others in the container prepare the place.
func TestPlacesThatAreRefused(t *testing.T) {
	write := func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mkdir := func(t *testing.T, path string, m os.FileMode) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string)
		path    string
		want    string
	}{
		{"link as folder", func(t *testing.T, dir string) {
			mkdir(t, dir+"/real", 0o700)
			if err := os.Symlink(dir+"/real", dir+"/f"); err != nil {
				t.Fatal(err)
			}
		}, "/f/s", "/f is a symbolic link"},
		{"dangling link as folder", func(t *testing.T, dir string) {
			if err := os.Symlink(dir+"/none", dir+"/f"); err != nil {
				t.Fatal(err)
			}
		}, "/f/s", "/f is a symbolic link"},
		{"open to others", func(t *testing.T, dir string) { mkdir(t, dir+"/f", 0o777) }, "/f/s", "others may write"},
		{"open to the group", func(t *testing.T, dir string) { mkdir(t, dir+"/f", 0o770) }, "/f/s", "others may write"},
		{"somebody else's", func(t *testing.T, dir string) {
			mkdir(t, dir+"/f", 0o700)
			if err := os.Chown(dir+"/f", 65534, 65534); err != nil {
				t.Skipf("needs to be root to give a folder away: %v", err)
			}
		}, "/f/s", "belongs to uid 65534"},
		{"file as folder", func(t *testing.T, dir string) { write(t, dir+"/f") }, "/f/s", "not a directory"},
		{"file as socket", func(t *testing.T, dir string) { mkdir(t, dir+"/f", 0o700); write(t, dir+"/f/s") }, "/f/s", "not a socket"},
		{"link as socket", func(t *testing.T, dir string) {
			mkdir(t, dir+"/f", 0o700)
			write(t, dir+"/victim")
			if err := os.Symlink(dir+"/victim", dir+"/f/s"); err != nil {
				t.Fatal(err)
			}
		}, "/f/s", "not a socket"},
		{"somebody else's socket", func(t *testing.T, dir string) {
			mkdir(t, dir+"/f", os.ModeSticky|0o777)
			stale(t, dir+"/f/s")
			if err := os.Lchown(dir+"/f/s", 65534, 65534); err != nil {
				t.Skipf("needs to be root to give a socket away: %v", err)
			}
		}, "/f/s", "the socket there belongs to uid 65534"},
		{"no parent", func(*testing.T, string) {}, "/none/f/s", "cannot make the folder"},
		{"too long", func(*testing.T, string) {}, "/f/" + strings.Repeat("x", 100), "a socket's may have 107"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			c.prepare(t, dir)
			before := tree(t, dir)
			s, err := Listen(newTest(t, Config{}, slabSize), ServerConfig{Paths: []string{dir + c.path}})
			if err == nil {
				s.Close()
				t.Fatal("listens")
			}
			if got := err.Error(); !strings.HasPrefix(got, "cannot listen on "+dir+c.path+": ") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.name == "too long" || c.name == "no parent" {
				return
			}
			if after := tree(t, dir); after != before {
				t.Errorf("before:\n%safter:\n%s", before, after)
			}
		})
	}
}

// tree lists what is in dir.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(path + " " + st.Mode().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// stale leaves a socket that nobody listens on.
func stale(t *testing.T, path string) {
	t.Helper()
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ln.Close()
}

func TestRelativePathIsRefused(t *testing.T) {
	for _, path := range []string{"s", "@s", ""} {
		if s, err := Listen(newTest(t, Config{}, slabSize), ServerConfig{Paths: []string{path}}); err == nil {
			s.Close()
			t.Errorf("listens on %q", path)
		}
	}
	if s, err := Listen(newTest(t, Config{}, slabSize), ServerConfig{}); err == nil {
		s.Close()
		t.Error("listens nowhere")
	}
}

func TestAStaleSocketIsReplacedALiveOneIsNot(t *testing.T) {
	path := folder(t) + "/s"
	stale(t, path)
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{Paths: []string{path}})
	hello(t, path)

	second, err := Listen(j, ServerConfig{Paths: []string{path}})
	if err == nil {
		second.Close()
		t.Fatal("two listen on one socket")
	}
	if want := "cannot listen on " + path + ": process "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%q, want %q…", err, want)
	}
	elsewhere := serve(t, j, ServerConfig{Paths: []string{path, path + "2"}})
	if elsewhere.Path() != path+"2" {
		t.Errorf("the second listens on %s", elsewhere.Path())
	}
	hello(t, s.Path())
	hello(t, elsewhere.Path())
}

// A folder like /tmp will do: nobody removes there what is ours.
func TestStickyFolder(t *testing.T) {
	dir := folder(t)
	if err := os.Chmod(dir, os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{Paths: []string{dir + "/s"}})
	if m := mode(t, s.Path()); m != os.ModeSocket|0o600 {
		t.Errorf("the socket is %v", m)
	}
}

func TestAllPlacesAreNamed(t *testing.T) {
	dir := folder(t)
	_, err := Listen(newTest(t, Config{}, slabSize), ServerConfig{Paths: []string{dir + "/a/b/s", dir + "/c/d/s"}})
	if err == nil || !strings.Contains(err.Error(), dir+"/a/b/s: ") || !strings.Contains(err.Error(), dir+"/c/d/s: ") {
		t.Error(err)
	}
}

func TestAnotherUserIsTurnedAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to try as another user")
	}
	dir := folder(t)
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{Paths: []string{dir + "/f/s"}})
	// Undo what the modes would do already.
	for path, m := range map[string]os.FileMode{dir: 0o755, dir + "/f": 0o755, dir + "/f/s": 0o666} {
		if err := os.Chmod(path, m); err != nil {
			t.Fatal(err)
		}
	}
	got := decode(t, []byte(connectAs(t, 65534, s.Path())))
	if e, ok := got[0].(*event.Error); !ok || len(got) != 1 || e.Message != "uid 65534 may not read this feed, only uid 0 and uid 0" {
		t.Errorf("%+v", got[0])
	}
	if s.Clients() != 0 {
		t.Error("it is counted as a client")
	}
}

// Scenario 37: the socket's folder is deleted.
func TestADeletedSocketIsMadeAnew(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove func(s *Server) error
	}{
		{"socket", func(s *Server) error { return os.Remove(s.Path()) }},
		{"folder", func(s *Server) error { return os.RemoveAll(filepath.Dir(s.Path())) }},
		{"replaced", func(s *Server) error {
			err := os.Remove(s.Path())
			stale(t, s.Path())
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := newTest(t, Config{}, slabSize)
			s := serve(t, j, ServerConfig{lookAfter: soon})
			stays := hello(t, s.Path(), `{"op":"subscribe"}`)
			_ = stays.next()
			before := openFiles(t)
			if err := c.remove(s); err != nil {
				t.Fatal(err)
			}
			ev, ok := stays.live().(*event.Source)
			if !ok || ev.Name != "socket" || ev.State != "on" {
				t.Errorf("%+v", ev)
			}
			if got := openFiles(t); got != before {
				t.Errorf("%d descriptors, before %d", got, before)
			}
			newcomer := hello(t, s.Path(), `{"op":"subscribe","now":true}`)
			_ = newcomer.next()
			j.Append(reap(1))
			for _, p := range []*peer{stays, newcomer} {
				if h := p.live().Header(); h.Type != event.TypeReap {
					t.Errorf("%+v", h)
				}
			}
			s.Close()
			if _, err := os.Lstat(s.Path()); err == nil {
				t.Error("Close leaves the new socket")
			}
		})
	}
}

func TestAPlaceThatCannotBeHadIsToldOnceAndTriedAgain(t *testing.T) {
	w := newWarnings()
	j := newTest(t, Config{}, slabSize)
	s := serve(t, j, ServerConfig{lookAfter: time.Hour, Warn: w.warn})
	stays := hello(t, s.Path(), `{"op":"subscribe"}`)
	_ = stays.next()
	dir := filepath.Dir(s.Path())
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", dir); err != nil {
		t.Fatal(err)
	}
	k := keeper{s: s, wait: time.Second}
	for range 10 {
		k.look()
	}
	if got := w.all(); strings.Count(got, "symbolic link") != 1 || k.wait != maxRetry {
		t.Errorf("wait %v, told %q", k.wait, got)
	}
	if off := stays.live().(*event.Source); off.State != "off" || !strings.Contains(off.Reason, "symbolic link") {
		t.Errorf("%+v", off)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	k.look()
	k.look()
	if on := stays.live().(*event.Source); on.State != "on" || on.Seq != 2 || k.wait != time.Hour {
		t.Errorf("wait %v, %+v", k.wait, on)
	}
	hello(t, s.Path())
	if got := j.Counts().Last; got != 2 {
		t.Errorf("%d events", got)
	}
}

func TestCloseLeavesAnothersSocket(t *testing.T) {
	s := serve(t, newTest(t, Config{}, slabSize), ServerConfig{})
	if err := os.Remove(s.Path()); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	s.Close()
	if _, err := os.Lstat(s.Path()); err != nil {
		t.Errorf("the other's socket: %v", err)
	}
}
