package client

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pid1/event"
	"pid1/internal/journal"
)

func TestFindTakesTheFirstThatAnswers(t *testing.T) {
	s := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{})
	dir := folder(t)
	c, err := find(within(t), []string{dir + "/none", s.Path(), dir + "/never"}, trusted, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Path() != s.Path() {
		t.Error(c.Path())
	}
}

func TestFindGoesWhereItIsTold(t *testing.T) {
	j := newJournal(t, journal.Config{}, 0)
	flag, env := serve(t, j, journal.ServerConfig{}), serve(t, j, journal.ServerConfig{})
	t.Setenv(event.SocketEnv, env.Path())
	for path, want := range map[string]string{flag.Path(): flag.Path(), "": env.Path()} {
		c, err := Find(within(t), path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Path() != want {
			t.Errorf("%q leads to %s, want %s", path, c.Path(), want)
		}
		_ = c.Close()
	}
}

func TestNoFeedListsWhatWasTried(t *testing.T) {
	dir := folder(t)
	full := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{MaxClients: 1})
	dial(t, full.Path())
	_, err := find(within(t), []string{dir + "/a", full.Path(), dir + "/b"}, trusted, nil)
	if !errors.Is(err, ErrNoFeed) {
		t.Fatalf("%v", err)
	}
	want := "cannot find a feed to read: " + full.Path() + ": refused: there are 1 clients already; nothing at " + dir + "/a, " + dir + "/b"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	t.Setenv(event.SocketEnv, dir+"/c")
	if _, err := Find(within(t), ""); !errors.Is(err, ErrNoFeed) || !strings.Contains(err.Error(), dir+"/c") {
		t.Error(err)
	}
}

func TestFindEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, folder(t)+"/s"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoFeed) {
		t.Error(err)
	}
}

func TestTheUsualPlacesBeginWithOurOwn(t *testing.T) {
	got, own := usual(), event.Places(os.Geteuid())
	if len(got) < 3 || !slices.Equal(got[:3], own) {
		t.Errorf("%q, want %q first", got, own)
	}
	for i, p := range got {
		if slices.Contains(got[:i], p) {
			t.Errorf("%s is there twice", p)
		}
	}
}

func TestAFeedInAnothersPlaceIsNotTrusted(t *testing.T) {
	for _, c := range []struct {
		path string
		uid  int
		want bool
	}{
		{"/tmp/pid1-1000/pid1.sock", 1000, true},
		{"/tmp/pid1-1000/pid1.sock", 2000, false},
		{"/tmp/pid1-1000/pid1.sock", 0, true},
		{"/tmp/pid1-0/pid1.sock", 2000, false},
		{"/run/pid1/pid1.sock", 1000, true},
		{"/tmp/pid1-1000/pid1.sock", os.Geteuid(), true},
		{"/tmp/pid1-1000/pid1.sock", event.Unknown, true},
	} {
		if got := trusted(&Conn{path: c.path, uid: c.uid}); got != c.want {
			t.Errorf("%s by uid %d: %v", c.path, c.uid, got)
		}
	}
	s := serve(t, newJournal(t, journal.Config{}, 0), journal.ServerConfig{})
	nobody := func(*Conn) bool { return false }
	if _, err := find(within(t), []string{s.Path()}, nobody, nil); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Error(err)
	}
}
