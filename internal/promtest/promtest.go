// Package promtest runs a real Prometheus in tests.
package promtest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pid1/internal/nstest"
)

// patience is how long a test waits for what should come within seconds.
const patience = 60 * time.Second

// Tool returns where a program of Prometheus is, or ends the test as lacking it.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		nstest.Lacking(t, "prometheus", err.Error())
	}
	return path
}

// Promtool runs promtool in a folder; what it finds wrong is an error of the test.
func Promtool(t testing.TB, dir, stdin string, args ...string) {
	t.Helper()
	cmd := exec.Command(Tool(t, "promtool"), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	// Some problems are only printed.
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "FAILED") {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Server is a Prometheus that runs until its test ends.
type Server struct {
	t   testing.TB
	url string
}

// Start starts a server with the configuration file at path, and waits until it is
// ready.
func Start(t testing.TB, path string, options ...string) *Server {
	t.Helper()
	cmd := exec.Command(Tool(t, "prometheus"), append([]string{
		"--config.file=" + path, "--storage.tsdb.path=" + t.TempDir(), "--web.listen-address=127.0.0.1:0",
	}, options...)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		_ = r.Close()
		t.Fatalf("cannot start Prometheus: %v", err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(ended)
		readLog(r, &log, ready)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		<-ended
		_ = r.Close()
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", log.String())
		}
	})
	select {
	case address := <-ready:
		return &Server{t, "http://" + address}
	case <-ended:
		t.Fatal("Prometheus ended")
	case <-time.After(patience):
		t.Fatal("Prometheus is not ready")
	}
	return nil
}

// readLog keeps what the server says, and tells where it listens once it is ready.
func readLog(r io.Reader, log *strings.Builder, ready chan<- string) {
	listens := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	for s, address := bufio.NewScanner(r), ""; s.Scan(); {
		log.WriteString(s.Text() + "\n")
		if m := listens.FindStringSubmatch(s.Text()); m != nil {
			address = m[1]
		}
		if strings.Contains(s.Text(), "Server is ready") {
			ready <- address
		}
	}
}

// Ask gets a path of the API and decodes its data.
func (s *Server) Ask(path string, query url.Values, data any) {
	s.t.Helper()
	fail := func(err error) {
		s.t.Helper()
		s.t.Fatalf("cannot ask Prometheus %s %s: %v", path, query.Get("query"), err)
	}
	resp, err := http.Get(s.url + path + "?" + query.Encode())
	if err != nil {
		fail(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		fail(err)
	}
	if answer.Status != "success" {
		s.t.Fatalf("%s %s: %s", path, query.Get("query"), answer.Error)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		fail(err)
	}
}

// Sample is a value with its labels.
type Sample struct {
	Metric map[string]string
	Value  [2]any // when, and the number as text; nothing for a native histogram
}

// Float is the value as a number.
func (s Sample) Float() float64 {
	text, _ := s.Value[1].(string)
	f, _ := strconv.ParseFloat(text, 64)
	return f
}

// Query evaluates an expression that results in samples.
func (s *Server) Query(expr string) []Sample {
	s.t.Helper()
	var data struct{ Result []Sample }
	s.Ask("/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result
}

// Until waits for an expression to have a result.
func (s *Server) Until(expr string) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(s.Query(expr)) == 0 {
		select {
		case <-deadline:
			s.t.Fatalf("waited %v for a result of %s", patience, expr)
		case <-tick.C:
		}
	}
}

// Rules returns what is wrong with the rules that are loaded, by their names, and an
// empty text for each that was evaluated without an error.
func (s *Server) Rules() map[string]string {
	s.t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	s.Ask("/api/v1/rules", nil, &data)
	out := map[string]string{}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			out[r.Name] = ""
			if r.Health != "ok" {
				out[r.Name] = r.Health + ": " + r.LastError
			}
		}
	}
	return out
}
