package export

import (
	"fmt"
	"os"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// The table of docs/export.md is what is exposed. UPDATE_DOCS=1 writes it.
func TestEveryMetricIsDocumented(t *testing.T) {
	const page, title = "../../docs/export.md", "| metric | type | labels | tells |\n|---|---|---|---|\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, f := range exposed(t) {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		kind := strings.ToLower(f.GetType().String())
		if f.GetType() == dto.MetricType_HISTOGRAM {
			kind = "histogram, native and classic"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.GetName(), kind, strings.Join(labels, " "), f.GetHelp())
	}
	before, rest, found := strings.Cut(string(text), title)
	old, after, ended := strings.Cut(rest, "\n\n")
	switch {
	case !found || !ended:
		t.Fatalf("%s has no table that begins %q", page, title)
	case os.Getenv("UPDATE_DOCS") != "":
		if err := os.WriteFile(page, []byte(before+title+table.String()+"\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old+"\n" != table.String():
		t.Errorf("the table of %s has to be (UPDATE_DOCS=1 writes it):\n%s", page, table.String())
	}
}
