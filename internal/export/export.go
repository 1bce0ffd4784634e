// Package export makes Prometheus metrics of feeds: one exporter follows one pid1, or
// all of a machine.
//
// Everything is a fold over what package client reads: an event goes into the feed's
// [world.World] and into the counters of that pid1's life. A scrape reads what is in
// memory and waits for no feed; each is followed by a goroutine of its own.
//
// Counters are those of pid1's life. Where the feed's history reaches back to its
// beginning they count from there, whenever the exporter came; where it does not,
// they count from when the exporter came. Either way nothing is counted twice for
// Prometheus, to whom a counter that is less than before was set back to nothing: a
// feed shows no counter until its whole history is in, and another pid1 begins anew.
package export

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pid1/client"
)

const (
	// lookEvery is how often folders are looked through for sockets.
	lookEvery = 2 * time.Second

	// linger is for how long a feed whose socket is gone is still told of, so that
	// the last that was counted is scraped.
	linger = 5 * time.Minute

	// maxFeeds bounds the feeds followed at a time.
	maxFeeds = 1024
)

// Config says which feeds to follow.
type Config struct {
	// Sockets are followed for as long as the exporter runs, whether somebody listens
	// there or not. One that is a folder, or ends in a slash, is looked through again
	// and again for sockets: NAME.sock in it, and pid1.sock in the folders in it.
	Sockets []string
	// Dial is how to reach the one feed where there are no Sockets; nil: as
	// client.Find finds it.
	Dial func(context.Context) (*client.Conn, error)
	// Name is what that feed is called; empty: pid1.
	Name string
	// Log takes what happened to a feed, in words that may come from outside. It is
	// called from several goroutines. May be nil.
	Log func(feed, what string)
}

// Exporter follows feeds. It is a prometheus.Collector.
type Exporter struct {
	cfg Config
	own *own

	mu    sync.Mutex // guards feeds
	feeds map[string]*feed
}

var _ prometheus.Collector = (*Exporter)(nil)

// New returns an Exporter that follows nothing before Run.
func New(cfg Config) *Exporter {
	if cfg.Log == nil {
		cfg.Log = func(string, string) {}
	}
	return &Exporter{cfg: cfg, own: newOwn(), feeds: map[string]*feed{}}
}

// Describe implements prometheus.Collector.
func (x *Exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range gauges {
		ch <- d
	}
	for _, c := range newLife().all() {
		c.Describe(ch)
	}
	for _, c := range x.own.all() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (x *Exporter) Collect(ch chan<- prometheus.Metric) {
	x.mu.Lock()
	feeds := make([]*feed, 0, len(x.feeds))
	for _, f := range x.feeds {
		feeds = append(feeds, f)
	}
	x.mu.Unlock()
	now := time.Now()
	for _, f := range feeds {
		f.collect(ch, now)
	}
	for _, c := range x.own.all() {
		c.Collect(ch)
	}
}

// Run follows the feeds until ctx ends, and returns when all is over.
func (x *Exporter) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	follow := func(key, name string, dial func(context.Context) (*client.Conn, error)) {
		x.follow(ctx, &wg, key, name, dial)
	}
	var folders []string
	for _, path := range x.cfg.Sockets {
		if st, err := os.Stat(path); err == nil && st.IsDir() || strings.HasSuffix(path, "/") {
			folders = append(folders, path)
			continue
		}
		follow(path, nameOf(path), func(ctx context.Context) (*client.Conn, error) { return client.Find(ctx, path) })
	}
	if len(x.cfg.Sockets) == 0 {
		dial := x.cfg.Dial
		if dial == nil {
			dial = func(ctx context.Context) (*client.Conn, error) { return client.Find(ctx, "") }
		}
		follow("", cmp.Or(x.cfg.Name, defaultName), dial)
	}
	if len(folders) == 0 {
		<-ctx.Done()
		return
	}
	w := watch{folders: folders, log: x.cfg.Log}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		here := w.look()
		for _, path := range here {
			follow(path, nameOf(path), func(ctx context.Context) (*client.Conn, error) { return dialFound(ctx, path) })
		}
		x.forget(w.gone(here, time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// follow begins to follow a feed that is not followed yet. key tells feeds apart.
func (x *Exporter) follow(ctx context.Context, wg *sync.WaitGroup, key, name string, dial func(context.Context) (*client.Conn, error)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.feeds[key] != nil || len(x.feeds) >= maxFeeds {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	f := newFeed(x.unused(name, key), x.own, x.cfg.Log)
	f.follow = &client.Follower{Dial: dial, Wait: true}
	f.stop = cancel
	x.feeds[key] = f
	wg.Go(func() {
		defer cancel()
		// Nothing but the end of ctx ends it.
		_ = f.follow.Run(ctx, func(u client.Update) error {
			f.take(u, time.Now())
			return nil
		})
	})
}

// unused is name, or where another feed has it something like path. The caller
// holds mu.
func (x *Exporter) unused(name, path string) string {
	taken := func(name string) bool {
		for _, f := range x.feeds {
			if f.name == name {
				return true
			}
		}
		return false
	}
	if !taken(name) {
		return name
	}
	name = harmless(path, 2*labelMax)
	for once, n := name, 2; taken(name); n++ {
		name = fmt.Sprintf("%s~%d", once, n)
	}
	return name
}

// forget ends feeds whose sockets are gone for good.
func (x *Exporter) forget(keys []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		if f := x.feeds[k]; f != nil {
			f.stop()
			delete(x.feeds, k)
			x.own.forget(f.name)
		}
	}
}
