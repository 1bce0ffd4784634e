package e2e

import (
	"net"
	"path/filepath"
	"testing"
)

// A program uses up all PIDs with zombies. The Go runtime ends a program that
// cannot make a thread; pid1 has to live on, reap, and answer.
func TestNoPIDsLeft(t *testing.T) {
	// In a folder shared with the outside: nothing more can be started inside.
	dir := sharedFolder(t)
	c := Run(t, imageDebian, []string{"--pids-limit=30", "--volume=" + dir + ":/run/pid1"}, "pid1", "--", "python3", "/app/hoard.py")
	c.waitKind("full")
	if zombies := c.ofKind("full")[0].Zombies; zombies == 0 {
		t.Fatal("no zombie was made: the limit holds nothing but pid1")
	}

	before := dial(t, dir)
	orphan := c.ofKind("orphan")[0]
	c.Kill("USR1")
	c.waitKind("again") // the orphan was reaped, or there would be no room
	after := dial(t, dir)
	for name, feed := range map[string]*Feed{"connected before": before, "connected after": after} {
		eventually(t, "the orphan's reap, "+name, func() (bool, string) {
			r, ok := feed.Reaps(t)[orphan.PID]
			if ok && r.Ended() != ended(orphan.Code, orphan.Signal) {
				t.Fatalf("the orphan's end is %s, want %s", r.Ended(), ended(orphan.Code, orphan.Signal))
			}
			return ok, eventTypes(feed)
		})
	}
	if r := c.Stop(); r.Status != 143 {
		t.Errorf("stopped with status %d, want 143\n%s", r.Status, r.Stderr)
	}
	<-before.done
	before.Check(t)
}

// dial connects to the feed in dir, from outside the container.
func dial(t *testing.T, dir string) *Feed {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, "pid1.sock"))
	if err != nil {
		t.Fatalf("cannot connect: %v", err)
	}
	feed := collect(conn)
	t.Cleanup(func() {
		conn.Close()
		<-feed.done
	})
	eventually(t, "hello", func() (bool, string) { return len(feed.Events()) > 0, "silence" })
	return feed
}

func eventTypes(f *Feed) string {
	var all []byte
	for _, e := range f.Events() {
		all = append(all, e.Raw...)
	}
	return tail(string(all), 40)
}
