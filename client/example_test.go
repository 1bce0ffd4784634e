package client_test

import (
	"context"
	"fmt"
	"os"

	"pid1/client"
	"pid1/event"
	"pid1/internal/journal"
)

// feed stands in for a running pid1 that has reaped one process.
func feed() (path string, stop func()) {
	dir, err := os.MkdirTemp("/tmp", "ex")
	if err != nil {
		panic(err)
	}
	j := journal.New(journal.Config{})
	s, err := journal.Listen(j, journal.ServerConfig{
		Paths: []string{dir + "/pid1.sock"},
		Hello: func() *event.Hello {
			h := event.New(event.TypeHello).(*event.Hello)
			h.PID, h.Role, h.Program = 1, "init", "1.0"
			return h
		},
	})
	if err != nil {
		panic(err)
	}
	r := event.New(event.TypeReap).(*event.Reap)
	r.PID, r.Comm, r.Signal = 42, "worker", "SIGKILL"
	j.Append(r)
	return s.Path(), func() {
		s.Close()
		j.Close()
		_ = os.RemoveAll(dir)
	}
}

// Reads the history of one connection. In a container the path is left empty, and
// Find finds it.
func ExampleFind() {
	path, stop := feed()
	defer stop()

	c, err := client.Find(context.Background(), path, event.Request{Op: event.OpSubscribe})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Printf("pid1 %s is %s\n", c.Hello().Program, c.Hello().Role)
	for {
		ev, err := c.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		if r, ok := ev.(*event.Reap); ok {
			fmt.Printf("%d %s: %s\n", r.PID, r.Comm, r.Signal)
			return
		}
	}
	// Output:
	// pid1 1.0 is init
	// 42 worker: SIGKILL
}

// Stays with a feed across restarts of the connection, until it has seen enough.
func ExampleFollower() {
	path, stop := feed()
	defer stop()

	ctx, enough := context.WithCancel(context.Background())
	defer enough()
	f := &client.Follower{Path: path, Types: []event.Type{event.TypeReap}}
	err := f.Run(ctx, func(u client.Update) error {
		switch ev := u.Event.(type) {
		case nil:
			fmt.Println(u.State)
		case *event.Gap:
			fmt.Println(ev.Lost, "events lost")
		case *event.Reap:
			fmt.Println(ev.Comm, ev.Signal)
			enough()
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// connecting
	// live
	// worker SIGKILL
	// context canceled
}
