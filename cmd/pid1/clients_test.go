package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pid1/client"
	"pid1/event"
	"pid1/internal/replay"
)

// Scenario 36: orphans as fast as they come, recorded, and ten clients, of which two
// take nothing and one takes a byte a second. The others and the record miss
// nothing, pid1 stays small, and the ratio of the times is told.
func TestTenClients(t *testing.T) {
	n := 2000
	if v, err := strconv.Atoi(os.Getenv("PID1_ORPHANS")); err == nil {
		n = v
	}
	alone, _ := pressed(t, n, nil)
	var clients crowd
	with, memory := pressed(t, n, &clients)
	t.Logf("%d orphans: %v without a client, %v with ten: %.2f times; pid1 had %d KiB at most",
		n, alone.Round(time.Millisecond), with.Round(time.Millisecond), float64(with)/float64(alone), memory)
	for i, got := range clients.got {
		if got.err != nil {
			t.Errorf("client %d: %v", i, got.err)
		}
		if got.lost > 0 || got.reaps < n {
			t.Errorf("client %d read %d reaps of %d and lost %d events", i, got.reaps, n, got.lost)
		}
	}
	// 4,096 reaps of history are 4 MiB, ten clients 400 KiB, the program itself 12.
	if memory > 40<<10 {
		t.Errorf("pid1 used %d KiB", memory)
	}
}

// pressed runs COMMAND and returns how long it took, and the most memory pid1 had.
func pressed(t *testing.T, n int, clients *crowd) (took time.Duration, kb int) {
	t.Helper()
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, record, goOn := filepath.Join(dir, "s", "s"), filepath.Join(dir, "r"), filepath.Join(dir, "go")
	// COMMAND begins and ends when the test says so.
	for _, name := range []string{goOn, goOn + "2"} {
		if err := unix.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := pid1(t, asInit, "--socket", socket, "--record", record, "--record-max-size", "1GiB", "sh", "-c",
		`read x <"$0"; i=0; while [ $i -lt `+strconv.Itoa(n)+` ]; do (: &); i=$((i+1)); done; echo made; read x <"$0"2; exit 7`, goOn)
	p.patience = time.Minute + time.Duration(n)*10*time.Millisecond
	p.start()
	for range 2000 {
		if conn, err := net.Dial("unix", socket); err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if clients != nil {
		clients.connect(t, socket)
	}
	begin := time.Now()
	write(t, goOn)
	for !strings.Contains(p.out.String(), "made") && time.Since(begin) < p.patience {
		time.Sleep(time.Millisecond)
	}
	took = time.Since(begin)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
		kb, _ = strconv.Atoi(strings.Fields(rest)[0])
	}
	write(t, goOn+"2")
	p.want(7)
	if clients != nil {
		clients.wait()
	}
	recordedAll(t, record, n)
	return took, kb
}

func write(t *testing.T, fifo string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte("x\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// recordedAll checks that a record holds n orphans and has no hole.
func recordedAll(t *testing.T, path string, n int) {
	t.Helper()
	rec, err := replay.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	reaps, next := 0, uint64(1)
	for i := range rec.Len() {
		ev, err := rec.Event(i)
		if err != nil {
			t.Fatal(err)
		}
		if seq := ev.Header().Seq; seq != 0 {
			if seq != next {
				t.Fatalf("recorded: %d follows %d", seq, next-1)
			}
			next++
		}
		if r, ok := ev.(*event.Reap); ok && !r.Main {
			reaps++
		}
		if g, ok := ev.(*event.Gap); ok {
			t.Errorf("recorded: %+v", g)
		}
	}
	if reaps < n || !rec.Ended() || rec.Damaged() > 0 {
		t.Errorf("%d reaps of %d recorded, ended %v, %d damaged", reaps, n, rec.Ended(), rec.Damaged())
	}
}

// crowd is ten clients.
type crowd struct {
	wg   sync.WaitGroup
	got  [7]taken
	lazy []net.Conn
}

// taken is what a client got.
type taken struct {
	reaps int
	lost  uint64
	err   error
}

func (c *crowd) connect(t *testing.T, socket string) {
	t.Helper()
	for i := range c.got {
		conn, err := client.Dial(context.Background(), socket, event.Request{Op: event.OpSubscribe})
		if err != nil {
			t.Fatal(err)
		}
		c.wg.Go(func() { c.got[i] = takeAll(conn) })
	}
	for i := range 3 {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		c.lazy = append(c.lazy, conn)
		if i < 2 {
			continue // takes nothing
		}
		c.wg.Go(func() {
			one := make([]byte, 1)
			for {
				if _, err := conn.Read(one); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
	}
}

// takeAll reads to the end and holds the numbers against each other.
func takeAll(conn *client.Conn) (got taken) {
	defer conn.Close()
	next := uint64(0)
	for {
		line, err := conn.NextLine()
		if err != nil {
			return got
		}
		// Most of it is not looked at more closely: seven of these run at a time.
		if bytes.HasPrefix(line, []byte(`{"v":1,"type":"reap"`)) && !bytes.Contains(line, []byte(`"main":true`)) {
			got.reaps++
		}
		seq, ok := seqOf(line)
		switch {
		case bytes.HasPrefix(line, []byte(`{"v":1,"type":"gap"`)):
			got.lost++
		case ok && next != 0 && seq != next:
			got.err = fmt.Errorf("%d follows %d", seq, next-1)
			return got
		}
		if ok {
			next = seq + 1
		}
	}
}

// seqOf reads the number near the beginning of a line.
func seqOf(line []byte) (uint64, bool) {
	_, rest, ok := bytes.Cut(line[:min(len(line), 60)], []byte(`"seq":`))
	if !ok {
		return 0, false
	}
	digits, _, _ := bytes.Cut(rest, []byte{','})
	n, err := strconv.ParseUint(string(digits), 10, 64)
	return n, err == nil
}

func (c *crowd) wait() {
	for _, conn := range c.lazy {
		conn.Close()
	}
	c.wg.Wait()
}
