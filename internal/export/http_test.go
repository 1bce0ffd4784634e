package export

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// serving serves what x tells until the test ends, and returns the address.
func serving(t testing.TB, x *Exporter) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, Handler(registry(t, x))) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func get(t testing.TB, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	var c http.Client
	defer c.CloseIdleConnections()
	transport := &http.Transport{DisableKeepAlives: true}
	c.Transport = transport
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestWhatIsServed(t *testing.T) {
	p := newPID1(t, folder(t)+"/s/web.sock")
	p.reaps(2)
	p.serve()
	x, reg := run(t, Config{Sockets: []string{p.path}})
	until(t, reg, 2, "pid1_reaps_total", "outcome", "exit_zero")
	base := "http://" + serving(t, x)
	for _, c := range []struct {
		path, accept string
		status       int
		kind, holds  string
	}{
		{"/metrics", "", 200, "text/plain; version=0.0.4", `pid1_reaps_total{feed="web",outcome="exit_zero"} 2`},
		{"/metrics", "application/openmetrics-text; version=1.0.0", 200, "application/openmetrics-text", "# EOF"},
		{"/metrics", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", 200,
			"application/vnd.google.protobuf", "pid1_process_lifetime_seconds"},
		{"/healthz", "", 200, "text/plain", "ok"},
		{"/", "", 200, "text/plain", "/metrics"},
		{"/other", "", 404, "text/plain", "not found"},
	} {
		resp, body := get(t, base+c.path, "Accept", c.accept)
		if resp.StatusCode != c.status || !strings.HasPrefix(resp.Header.Get("Content-Type"), c.kind) || !strings.Contains(body, c.holds) {
			t.Errorf("%s as %q: %d, %s:\n%.2000s", c.path, c.accept, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
}

func TestServeTellsWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Serve(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// A scrape that is under way when the exporter is told to stop is answered.
func TestServeAnswersWhatIsUnderWay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			cancel()
			// From here on nobody is let in any more.
			eventually(t, func() (bool, any) {
				c, err := net.Dial("tcp", l.Addr().String())
				if err == nil {
					_ = c.Close()
				}
				return err != nil, "it still listens"
			})
			_, _ = io.WriteString(w, "done")
		}))
	}()
	if _, body := get(t, "http://"+l.Addr().String()); body != "done" {
		t.Errorf("%q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLint(t *testing.T) {
	p := newPID1(t, folder(t)+"/s/web.sock")
	p.everything()
	p.serve()
	_, reg := run(t, Config{Sockets: []string{p.path}})
	until(t, reg, 1, "pid1_exits_total", "outcome", "exit_zero")
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
