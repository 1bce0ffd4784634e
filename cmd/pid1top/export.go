package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"pid1/client"
	"pid1/event"
	"pid1/internal/export"
	"pid1/internal/version"
)

// listenDefault is where metrics are served: to this machine alone.
const listenDefault = "localhost:9517"

func (a *app) exportCommand() *cobra.Command {
	var (
		listen  string
		sockets []string
	)
	c := &cobra.Command{
		Use:   "export",
		Short: "Serve Prometheus metrics of a feed, or of many, at /metrics",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.local && len(sockets) > 0 {
				return localAndSocket(sockets[0])
			}
			return a.export(cmd.Context(), listen, sockets)
		},
	}
	c.Flags().StringVar(&listen, "listen", listenDefault, "`ADDR` to serve at, host:port; who reaches it reads all, so take care with others than this machine")
	c.Flags().StringArrayVar(&sockets, "socket", nil,
		"the feed's socket, or a folder with sockets that come and go, `PATH`; repeatable; default: $PID1_SOCKET, else the usual places")
	return c
}

// export serves metrics until it is told to stop, which is a good end.
func (a *app) export(ctx context.Context, addr string, sockets []string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return usage("cannot use --listen %s: it must be host:port", addr)
	}
	cfg := export.Config{Sockets: sockets, Log: a.exportLog()}
	if a.local {
		l, err := a.here()
		if err != nil {
			return err
		}
		cfg.Name = "local"
		cfg.Dial = func(ctx context.Context) (*client.Conn, error) { return l.dial(ctx) }
	} else if path := a.env[event.SocketEnv]; path != "" && len(sockets) == 0 {
		cfg.Sockets = []string{path}
	}
	x := export.New(cfg)
	reg := prometheus.NewRegistry()
	reg.MustRegister(x, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "pid1top_build_info", Help: "What the exporter was built from, always 1.",
			ConstLabels: prometheus.Labels{"version": version.String(), "goversion": runtime.Version()},
		}, func() float64 { return 1 }))

	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot serve metrics: %w", err)
	}
	fmt.Fprintf(a.err, "pid1top: metrics at http://%s/metrics\n", l.Addr())

	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { x.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	return export.Serve(ctx, l, export.Handler(reg))
}

// exportLog prints what happens to feeds, a line each.
func (a *app) exportLog() func(feed, what string) {
	var mu sync.Mutex // guards standard error
	return func(feed, what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(a.err, "pid1top: feed %s: %s\n", feed, clean(what))
	}
}
