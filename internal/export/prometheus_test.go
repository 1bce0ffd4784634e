package export

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pid1/internal/promtest"
)

// packaged is what is shipped for servers.
const packaged = "../../packaging/prometheus"

func TestPromtool(t *testing.T) {
	promtest.Promtool(t, packaged, "", "check", "rules", "rules.yml")
	promtest.Promtool(t, packaged, "", "test", "rules", "rules_test.yml")
	p := newPID1(t, folder(t)+"/s/web.sock")
	p.everything()
	p.serve()
	x, reg := run(t, Config{Sockets: []string{p.path}})
	until(t, reg, 1, "pid1_exits_total", "outcome", "exit_zero")
	_, body := get(t, "http://"+serving(t, x)+"/metrics")
	promtest.Promtool(t, "", body, "check", "metrics")
}

// Of every alert it is shown when it fires and when it does not.
func TestEveryAlertIsTested(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(packaged, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	tests := read("rules_test.yml")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(read("rules.yml"), -1)
	if len(alerts) < 10 {
		t.Errorf("only %d alerts", len(alerts))
	}
	for _, m := range alerts {
		for what, end := range map[string]string{"fires": `\n`, "does not fire": ` \[\]\n`} {
			if !regexp.MustCompile(`alertname: ` + m[1] + `\n +eval_time: \w+\n +exp_alerts:` + end).MatchString(tests) {
				t.Errorf("no test in which %s %s", m[1], what)
			}
		}
	}
}

// startServer lets a Prometheus scrape the exporter at address four times a second.
func startServer(t *testing.T, address string, options ...string) *promtest.Server {
	t.Helper()
	path := t.TempDir() + "/prometheus.yml"
	rules, err := filepath.Abs(packaged + "/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: [%q]
scrape_configs:
  - job_name: pid1
    static_configs: [{targets: [%q]}]
`, rules, address)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s := promtest.Start(t, path, options...)
	s.Until(`sum_over_time(up[1m]) >= 4`)
	return s
}

// A server of today and one that knows no native histograms get all that the
// dashboard shows and the alerts ask for.
func TestPrometheus(t *testing.T) {
	p := newPID1(t, folder(t)+"/s/web.sock")
	p.everything()
	p.serve()
	x, reg := run(t, Config{Sockets: []string{p.path}})
	until(t, reg, 1, "pid1_zombies", "feed", "web", "parent", "gunicorn")
	address := serving(t, x)
	for name, options := range map[string][]string{"native": {"--enable-feature=native-histograms"}, "classic": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, address, options...)
			p.reaps(100)
			s.Until(`increase(pid1_reaps_total{outcome="exit_zero"}[1m]) > 0`)
			lived := "pid1_process_lifetime_seconds_count"
			low, high := 0.1, 1.0
			if name == "native" {
				lived = "histogram_count(pid1_process_lifetime_seconds)"
				low, high = 0.14/1.1, 0.14*1.1 // 140 ms, and the factor from bucket to bucket
			}
			s.Until(lived + ` > 100`)
			for _, expr := range dashboard(t) {
				if len(s.Query(expr.text)) == 0 && !slices.Contains(quiet, expr.title) {
					t.Errorf("%s: no result of %s", expr.title, expr.text)
				}
				if expr.title == "Lifetimes" {
					got := s.Query(expr.text)
					if len(got) != 1 || !(got[0].Float() >= low && got[0].Float() <= high) {
						t.Errorf("%s is %v, want %v to %v", expr.text, got, low, high)
					}
				}
			}
			eventually(t, func() (bool, any) {
				rules := s.Rules()
				for _, wrong := range rules {
					if wrong != "" {
						return false, rules
					}
				}
				return len(rules) >= 10, rules
			})
		})
	}
}

// quiet is what the dashboard shows nothing of when all is well.
var quiet = []string{"Another pid1"}

// expression is a query of the dashboard.
type expression struct{ title, text string }

// dashboard returns all its queries, of all feeds.
func dashboard(t *testing.T) []expression {
	t.Helper()
	text, err := os.ReadFile(packaged + "/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct {
			List []struct{ Name, Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	var all []expression
	for _, p := range d.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, q := range p.Targets {
			all = append(all, expression{p.Title, q.Expr})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, expression{a.Name, a.Expr})
	}
	for _, v := range d.Templating.List {
		if m := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(v.Definition); m != nil {
			all = append(all, expression{v.Name, fmt.Sprintf("count by (%s) (%s)", m[2], m[1])})
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d queries", len(all))
	}
	for i := range all {
		all[i].text = strings.NewReplacer("$feed", ".*", "$__rate_interval", "1m", "$__range", "1m").Replace(all[i].text)
	}
	return all
}

// The dashboard and the alerts speak of metrics there are, and of all of them.
func TestDashboardAndAlertsKnowTheMetrics(t *testing.T) {
	rules, err := os.ReadFile(packaged + "/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(rules)
	for _, e := range dashboard(t) {
		text += e.text + "\n"
	}
	known := map[string]bool{}
	for _, f := range exposed(t) {
		name := f.GetName()
		known[name] = true
		if !regexp.MustCompile(`\b` + name + `(_bucket)?\b`).MatchString(text) {
			t.Errorf("nothing shows %s", name)
		}
	}
	for _, name := range regexp.MustCompile(`\bpid1_\w+`).FindAllString(text, -1) {
		if !known[strings.TrimSuffix(name, "_bucket")] {
			t.Errorf("there is no %s", name)
		}
	}
}
