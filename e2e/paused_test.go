package e2e

import (
	"testing"
	"time"
)

// A container is paused (docker pause) while processes die in it, and goes on: nothing
// was lost, and pid1 does what it did.
func TestPaused(t *testing.T) {
	dir := sharedFolder(t)
	c := Run(t, imageDebian, []string{"--volume=" + dir + ":/run/pid1"}, "pid1", "--",
		"sh", "-c", "while :; do (sh -c 'sleep 0.05; exit 3' &); sleep 0.02; done")
	c.Socket()
	feed := dial(t, dir)
	reaps := func() int { return len(feed.Reaps(t)) }
	eventually(t, "reaps", func() (bool, string) { return reaps() > 10, eventTypes(feed) })
	c.docker("pause", c.Name)
	time.Sleep(2 * time.Second) // this is what "paused" means here
	before := reaps()
	c.docker("unpause", c.Name)
	eventually(t, "reaps afterwards", func() (bool, string) { return reaps() > before+50, eventTypes(feed) })
	if feed.has("source", `"state":"off"`) {
		t.Errorf("a source was switched off:\n%s", eventTypes(feed))
	}
	if r := c.Stop(); r.Status != 143 {
		t.Errorf("stopped with status %d\n%s", r.Status, r.Stderr)
	}
	<-feed.done
	feed.Check(t)
}
