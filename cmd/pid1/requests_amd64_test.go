package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whatever a client asks, pid1 makes no system call for it that changes anything: the
// operations there are, and words that are none.
func TestRequestsChangeNothing(t *testing.T) {
	source, err := os.ReadFile("../../event/request.go")
	if err != nil {
		t.Fatal(err)
	}
	ops := []string{"signal", "kill", "exec", "reap", "shutdown", "exit", "write", "set", ""}
	for _, m := range regexp.MustCompile(`\tOp\w+ += "(\w+)"`).FindAllSubmatch(source, -1) {
		ops = append(ops, string(m[1]))
	}
	if len(ops) < 9+4 {
		t.Fatalf("the operations were not found: %q", ops)
	}
	dir, err := os.MkdirTemp("", "f")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "d", "s")
	p, calls, in := leashed(t, asSubreaper, "--socket", socket, "--trace", "off", "sh", "-c", "echo ready; read go; exit 3")
	fmt.Fprintln(in, "go")
	p.await("ready\n")
	ask := func(line string) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "%s\n{\"op\":\"inspect\",\"pid\":99999999,\"id\":\"last\"}\n", line)
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if strings.Contains(lines.Text(), `"re":"last"`) {
				return
			}
		}
		t.Errorf("no answer to what follows %s", line)
	}
	before := calls.seen()
	for !slices.Contains(before, "waitid") || !slices.Contains(before, "clone") { // it serves, and makes its threads
		time.Sleep(5 * time.Millisecond)
		before = calls.seen()
	}
	for _, op := range ops {
		ask(fmt.Sprintf(`{"op":%q,"pid":1,"signal":9,"path":"/tmp/x","types":["reap"],"since":0}`, op))
	}
	after := calls.seen()
	fmt.Fprintln(in, "go")
	p.want(3)
	// The rest either only reads, or writes to the client, or is the Go runtime's own.
	changes := regexp.MustCompile(`^(openat\(write\)|write\((file|proc|cgroup|pipe|stderr)\)|kill|wait.*|unlink.*|mkdir.*|rename.*|f?chmod.*|f?chown.*|ftruncate|flock|bind|listen|chdir|dup3|clone3?|prctl|syscall_.*|ioctl\(SECC.*)$`)
	for _, call := range after {
		if changes.MatchString(call) && !slices.Contains(before, call) {
			t.Errorf("for a client pid1 called %s", call)
		}
	}
	if !slices.Contains(after, "sendmsg") || slices.Contains(before, "sendmsg") {
		t.Errorf("before %q, after %q: this shows nothing", before, after)
	}
}
