// Package pid1 holds no code: its tests are about all packages together.
package pid1

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is who may know whom within this module; a package that is missing
// here has no place yet. What a package's tests import is not looked at.
var mayImport = map[string][]string{
	"event":               {},
	"event/schema":        {},
	"doctor":              {"event"},
	"client":              {"event"},
	"inspect":             {"event", "internal/faultpoint"},
	"reaper":              {"internal/siginfo"},
	"ui":                  {"event", "doctor", "internal/safetext", "internal/world"},
	"internal/bench":      {"event", "client", "inspect", "internal/debsource", "internal/journal"},
	"internal/cgroup":     {},
	"internal/debsource":  {},
	"internal/early":      {},
	"internal/export":     {"event", "client", "doctor", "internal/safetext", "internal/siginfo", "internal/world"},
	"internal/flagwords":  {},
	"internal/journal":    {"event", "internal/faultpoint"},
	"internal/manual":     {},
	"internal/nstest":     {},
	"internal/pages":      {},
	"internal/faultpoint": {},
	"internal/promtest":   {"internal/nstest"},
	"internal/record":     {"event", "internal/journal", "internal/faultpoint"},
	"internal/replay":     {"event"},
	"internal/safetext":   {},
	"internal/schematest": {"event/schema"},
	"internal/siginfo":    {},
	"internal/soak":       {"client", "event", "internal/replay"},
	"internal/truth":      {"client", "event"},
	"internal/truth/grow": {"internal/truth"},
	"internal/version":    {},
	"internal/vigil":      {"event", "doctor", "internal/faultpoint", "internal/world"},
	"internal/world":      {"event", "doctor"},
	"cmd/pid1":            {"event", "reaper", "inspect", "internal/cgroup", "internal/early", "internal/flagwords", "internal/journal", "internal/faultpoint", "internal/record", "internal/siginfo", "internal/version", "internal/vigil"},
	"packaging/bom":       {},
	"cmd/pid1top":         {"event", "client", "doctor", "inspect", "ui", "internal/export", "internal/flagwords", "internal/journal", "internal/replay", "internal/safetext", "internal/version", "internal/world"},
}

// mayNotLink is what a package or program must not contain, however it comes in.
var mayNotLink = map[string][]string{
	"event":    {"golang.org/x", "net"},
	"cmd/pid1": {"net/http", "crypto/tls", "charm.land", "github.com/charmbracelet", "github.com/spf13/cobra", "testing"},
}

// mayNotName is what a package must not import itself: the screen reads neither
// sockets nor /proc, whatever the terminal library contains.
var mayNotName = map[string][]string{
	"ui":             {"net", "os/exec", "path/filepath", "golang.org/x/sys"},
	"internal/vigil": {"net", "os", "golang.org/x/sys"},
	"internal/world": {"net", "os", "golang.org/x/sys"},
	"doctor":         {"net", "os", "golang.org/x/sys"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatalf("cannot list the packages: %v", err)
	}
	packages := map[string]listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(p.ImportPath, "pid1/"); ok {
			packages[name] = p
		}
	}
}

func TestDependenciesPointDownwards(t *testing.T) {
	for name, p := range list(t) {
		allowed, known := mayImport[name]
		var own []string
		for _, path := range p.Imports {
			if rest, ok := strings.CutPrefix(path, "pid1/"); ok {
				own = append(own, rest)
			}
		}
		if !known && (len(own) > 0 || len(p.Imports) > 0) {
			t.Errorf("%s is not in the table of who may import whom", name)
		}
		for _, path := range own {
			if known && !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s, and may not", name, path)
			}
		}
	}
}

func TestWhatIsNotLinked(t *testing.T) {
	packages := list(t)
	for name, unwanted := range mayNotLink {
		for _, path := range among(packages[name].Deps, unwanted) {
			t.Errorf("%s contains %s", name, path)
		}
	}
	for name, unwanted := range mayNotName {
		for _, path := range among(packages[name].Imports, unwanted) {
			t.Errorf("%s imports %s", name, path)
		}
	}
}

// among returns the paths that are one of roots, or below one.
func among(paths, roots []string) []string {
	var found []string
	for _, path := range paths {
		for _, root := range roots {
			if path == root || strings.HasPrefix(path, root+"/") {
				found = append(found, path)
			}
		}
	}
	return found
}
