package e2e

import (
	"strings"
	"testing"
)

// What cannot work is said in a clear line, and ends with the status that says
// the same.
func TestBadInput(t *testing.T) {
	tests := []struct {
		name    string
		options []string
		cmd     []string
		status  int
		stdout  string
		names   string // what the line on stderr has to name
		lines   int    // how many there may be: a hint beside the one that names it
	}{
		{"no command", nil, []string{"pid1"}, 125, "", "command", 2},
		{"no command after options", nil, []string{"pid1", "-v", "--"}, 125, "", "command", 2},
		{"unknown flag", nil, []string{"pid1", "--bogus", "true"}, 125, "", "--bogus", 2},
		{"bad value", nil, []string{"pid1", "--timeout=soon", "true"}, 125, "", "soon", 2},
		{"bad variable", []string{"--env=PID1_HISTORY=lots"}, []string{"pid1", "true"}, 125, "", "PID1_HISTORY", 2},
		{"not found", nil, []string{"pid1", "--", "no-such-program"}, 127, "", "no-such-program", 1},
		{"path not found", nil, []string{"pid1", "--", "/no/such/program"}, 127, "", "/no/such/program", 1},
		{"not executable", nil, []string{"pid1", "--", "/etc/passwd"}, 126, "", "/etc/passwd", 1},
		{"a folder", nil, []string{"pid1", "--", "/etc"}, 126, "", "/etc", 1},
		{"nowhere to listen", nil, []string{"pid1", "--socket=/proc/none/pid1.sock", "--", "sh", "-c", "echo ran; exit 5"}, 5, "ran\n", "/proc/none/pid1.sock", 1},
		{"nowhere to listen by default", []string{"--read-only", "--user=1000", "--ipc=none"}, []string{"pid1", "--", "sh", "-c", "echo ran; exit 5"}, 5, "ran\n", "pid1.sock", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Run(t, imageDebian, tt.options, tt.cmd...).Wait()
			if r.Status != tt.status || r.Stdout != tt.stdout {
				t.Errorf("status %d, stdout %q; want %d, %q", r.Status, r.Stdout, tt.status, tt.stdout)
			}
			if !strings.Contains(r.Stderr, tt.names) {
				t.Errorf("stderr does not name %s", tt.names)
			}
			if n := strings.Count(r.Stderr, "\n"); n < 1 || n > tt.lines || !strings.HasSuffix(r.Stderr, "\n") {
				t.Errorf("%d lines on stderr, want at most %d", n, tt.lines)
			}
			t.Logf("stderr:\n%s", r.Stderr)
		})
	}
}
