package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pid1/internal/pages"
	"pid1/internal/promtest"
)

// A real Prometheus, with the configuration that the documentation gives, scrapes an
// exporter that follows the containers of a machine: one that leaks, one that is well,
// and one that is started again.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	exporter := exec.Command(filepath.Join(bin, "pid1top"), "export", "--socket", dir)
	var said strings.Builder
	exporter.Stderr = &said
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exporter.Process.Signal(syscall.SIGTERM)
		if err := exporter.Wait(); err != nil {
			t.Errorf("the exporter: %v", err)
		}
		if t.Failed() {
			t.Logf("the exporter says:\n%s", said.String())
		}
	})
	start := func(name string, cmd ...string) *Container {
		return Run(t, imageDebian, []string{"--pids-limit=200", "--volume=" + dir + "/" + name + ":/run/pid1"}, append([]string{"pid1", "--"}, cmd...)...)
	}
	start("leaks", "python3", "-c", "import subprocess, time\nkids = []\nwhile len(kids) < 150: kids += [subprocess.Popen('true')]; time.sleep(0.5)")
	start("well", "sh", "-c", "while :; do (sleep 0.1; exit 3) & sleep 0.5; wait; done")
	again := start("again", "sh", "-c", "(sleep 0.2 & ); sleep 1000")

	s := promtest.Start(t, documented(t))
	for _, expr := range []string{
		`count(pid1_feed_up == 1) == 3`,
		`pid1_findings{feed="leaks",verdict="leaking"} == 1`,
		`pid1_zombies{feed="leaks",parent="python3"} > 3`,
		`pid1_pids_limit{feed="leaks"} == 200`,
		`pid1_pids_used{feed="leaks"} > 3`,
		`pid1_findings{feed="well",verdict="leaking"} == 0`,
		`sum(pid1_zombies{feed="well"}) == 0`,
		// How they end is not always seen.
		`sum(increase(pid1_exits_total{feed="well"}[1m])) > 0`,
		`pid1_reaps_total{feed="again",outcome="exit_zero"} == 1`,
		`pid1_orphans_reaped_total{feed="again"} == 1`,
		`pid1_process_lifetime_seconds_bucket{feed="again",reaper="pid1",le=~"1|1.0"} == 1`,
		fmt.Sprintf(`pid1_info{feed="again",host=%q,role="init"}`, again.Name),
	} {
		s.Until(expr)
	}
	again.docker("restart", "--time=5", again.Name)
	for _, expr := range []string{
		`pid1_feed_restarts_total{feed="again"} == 1 and pid1_feed_up == 1`,
		`changes(pid1_start_time_seconds{feed="again"}[1m]) == 1`,
		`pid1_feed_events_lost_total{feed="again"} == 0`,
		// The same as before, of another life.
		`pid1_orphans_reaped_total{feed="again"} == 1`,
	} {
		s.Until(expr)
	}
}

// documented is the configuration from the documentation, which scrapes every second
// here.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := pages.Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if b.Use == pages.Saved && b.Name == "prometheus.yml" {
			path := filepath.Join(t.TempDir(), b.Name)
			config := strings.Replace(b.Text, "scrape_interval: 15s", "scrape_interval: 1s", 1)
			if config == b.Text {
				t.Fatal("the page's configuration scrapes at another interval")
			}
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Fatal("the page has no prometheus.yml")
	return ""
}
