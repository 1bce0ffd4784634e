package export

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"pid1/doctor"
	"pid1/event"
	"pid1/internal/siginfo"
	"pid1/internal/world"
)

// The labels. feed is on everything.
const (
	labelFeed    = "feed"
	labelOutcome = "outcome"
	labelReaper  = "reaper"
	labelVerdict = "verdict"
	labelParent  = "parent"
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{labelFeed}, labels...), nil)
}

// What is told as it is at the moment of the scrape.
var (
	descUp = gauge("pid1_feed_up",
		"Whether the feed is connected, its history was read, and something came from it within the last 30 seconds.")
	descInfo = gauge("pid1_info",
		"Who serves the feed, always 1: pid1's version, its container's host name, its role (init, subreaper, local) and trace mode.",
		"version", "host", "role", "trace")
	descStart = gauge("pid1_start_time_seconds",
		"When pid1 started, in seconds since the Unix epoch by pid1's clock.")
	descProcesses = gauge("pid1_processes",
		"Processes in the PID namespace, zombies included.")
	descZombies = gauge("pid1_zombies",
		"Zombies that were dead for 2 seconds or more and are not waited for, by the name of the parent that should wait; "+
			"other sums the parents that are not named.", labelParent)
	descOldest = gauge("pid1_zombies_oldest_seconds",
		"For how long the oldest of the zombies has been dead, as far as it was seen; absent where there is none.")
	descFindings = gauge("pid1_findings",
		"What pid1top doctor finds wrong now, by verdict.", labelVerdict)
	descPIDs = gauge("pid1_pids_used",
		"PIDs in use by the control group, threads included (pids.current); absent where it cannot be read.")
	descLimit = gauge("pid1_pids_limit",
		"PIDs the control group may use (pids.max); absent where there is no limit or it cannot be read.")

	gauges = []*prometheus.Desc{
		descUp, descInfo, descStart, descProcesses, descZombies, descOldest, descFindings, descPIDs, descLimit,
	}
)

// life are the counters of one pid1's life.
type life struct {
	since time.Time // when they were 0

	reaps, exits *prometheus.CounterVec // by outcome
	lifetimes    *prometheus.HistogramVec
	orphans      *prometheus.CounterVec
	leaks        *prometheus.CounterVec
	oomKills     *prometheus.CounterVec
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{labelFeed}, labels...))
}

func newLife() *life {
	var bounds []float64
	for _, b := range world.LifetimeBounds {
		bounds = append(bounds, b.Seconds())
	}
	return &life{
		reaps: counter("pid1_reaps_total",
			"Processes pid1 reaped, by how they ended: exit_zero, exit_nonzero, the name of the signal, or unknown.", labelOutcome),
		exits: counter("pid1_exits_total",
			"Processes seen to end that others than pid1 reaped, by how they ended, as far as the trace mode can know.", labelOutcome),
		lifetimes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pid1_process_lifetime_seconds",
			Help: "For how long processes lived, by who reaped them (pid1, other); of those whose start is known.",
			// For servers that know no native histograms.
			Buckets:                         bounds,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{labelFeed, labelReaper}),
		orphans: counter("pid1_orphans_reaped_total",
			"Of the processes pid1 reaped, those that it had not started itself: their parents died before them."),
		leaks: counter("pid1_leaks_total",
			"How often a parent began to leak zombies, by verdict.", labelVerdict),
		oomKills: counter("pid1_oom_kills_total",
			"Processes of the control group that the kernel killed for want of memory."),
	}
}

func (l *life) all() []prometheus.Collector {
	return []prometheus.Collector{l.reaps, l.exits, l.lifetimes, l.orphans, l.leaks, l.oomKills}
}

// begin makes the series there are in every life, so that their first increase is one.
func (l *life) begin(feed string) {
	for _, o := range []string{outcomeZero, outcomeNonzero} {
		l.reaps.WithLabelValues(feed, o)
	}
	l.orphans.WithLabelValues(feed)
	l.oomKills.WithLabelValues(feed)
	l.leaks.WithLabelValues(feed, string(doctor.Leaking))
	l.lifetimes.WithLabelValues(feed, reaperPID1)
}

// count takes an event into the counters.
func (l *life) count(feed string, ev event.Event) {
	switch e := ev.(type) {
	case *event.Reap:
		l.reaps.WithLabelValues(feed, outcome(e.Ended)).Inc()
		if e.Adopted {
			l.orphans.WithLabelValues(feed).Inc()
		}
		l.lived(feed, reaperPID1, e.LifetimeMS)
	case *event.Exit:
		l.exits.WithLabelValues(feed, outcome(e.Ended)).Inc()
		l.lived(feed, reaperOther, e.LifetimeMS)
	case *event.Leak:
		if e.State == "began" {
			l.leaks.WithLabelValues(feed, verdict(doctor.Verdict(e.Verdict))).Inc()
		}
	case *event.OOM:
		if e.Kills > 0 {
			l.oomKills.WithLabelValues(feed).Add(float64(e.Kills))
		}
	}
}

func (l *life) lived(feed, reaper string, ms int64) {
	if ms >= 0 {
		l.lifetimes.WithLabelValues(feed, reaper).Observe(float64(ms) / 1000)
	}
}

// collect hands out the counters as having begun when they did.
func (l *life) collect(ch chan<- prometheus.Metric) {
	inner := make(chan prometheus.Metric)
	go func() {
		defer close(inner)
		for _, c := range l.all() {
			c.Collect(inner)
		}
	}()
	for m := range inner {
		ch <- begun{m, l.since}
	}
}

// begun is a counter or histogram whose creation time is another than that of the
// object that counts: what came in as history was counted before that was made.
type begun struct {
	prometheus.Metric
	at time.Time
}

// Write implements prometheus.Metric.
func (b begun) Write(out *dto.Metric) error {
	if err := b.Metric.Write(out); err != nil {
		return err
	}
	at := timestamppb.New(b.at)
	if out.Counter != nil {
		out.Counter.CreatedTimestamp = at
	}
	if out.Histogram != nil {
		out.Histogram.CreatedTimestamp = at
	}
	return nil
}

// own are the exporter's counters of what happened to feeds.
type own struct {
	connects, restarts, lost *prometheus.CounterVec
}

func newOwn() *own {
	return &own{
		connects: counter("pid1_feed_connects_total",
			"How often the exporter connected to the feed."),
		restarts: counter("pid1_feed_restarts_total",
			"How often another pid1 than before was found at the feed; the counters of its life began anew."),
		lost: counter("pid1_feed_events_lost_total",
			"Events that the exporter was too slow for or came back too late for. What they told is missing in the counters."),
	}
}

func (o *own) all() []prometheus.Collector {
	return []prometheus.Collector{o.connects, o.restarts, o.lost}
}

func (o *own) begin(feed string) {
	for _, c := range []*prometheus.CounterVec{o.connects, o.restarts, o.lost} {
		c.WithLabelValues(feed)
	}
}

func (o *own) forget(feed string) {
	for _, c := range []*prometheus.CounterVec{o.connects, o.restarts, o.lost} {
		c.DeleteLabelValues(feed)
	}
}

// Values of the labels outcome and reaper.
const (
	outcomeZero    = "exit_zero"
	outcomeNonzero = "exit_nonzero"
	outcomeUnknown = "unknown"

	reaperPID1  = "pid1"
	reaperOther = "other"
)

// outcome names how a process ended: one of three words, or one of 64 signals.
func outcome(e event.Ended) string {
	if sig, err := siginfo.Parse(e.Signal); err == nil {
		return siginfo.Name(sig)
	}
	switch {
	case e.Signal != "" || e.Code < 0:
		return outcomeUnknown
	case e.Code == 0:
		return outcomeZero
	}
	return outcomeNonzero
}
