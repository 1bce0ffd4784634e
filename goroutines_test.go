package pid1

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// panicsEndNothing is every place in what pid1 links that starts a goroutine, and why a
// panic there is not pid1's end. Those that say "recovers" are made to panic by
// TestPanics in cmd/pid1; the others read nothing from outside.
var panicsEndNothing = map[string][]string{
	"cmd/pid1 newLineWriter":        {"recovers: no more is logged"},
	"cmd/pid1 start":                {"recovers: vigil is off", "recovers: the source is off"},
	"cmd/pid1 prewarm":              {"makes threads", "does nothing, on one"},
	"inspect start":                 {"recovers: that command line is not known"},
	"inspect Listen":                {"recovers: it answers without looking"},
	"inspect watchOver":             {"answers without looking"},
	"inspect exactFeature":          {"asks the kernel for --features"},
	"inspect run":                   {"writes to an eventfd"},
	"inspect Run":                   {"sets a deadline; pid1 does not use this source"},
	"internal/journal newJournal":   {"recovers: tries on"},
	"internal/journal start":        {"recovers: that client is let go", "recovers: that client is let go"},
	"internal/journal loop":         {"recovers: nobody new can connect, or the socket is not looked after"},
	"internal/journal Close":        {"waits, at the end"},
	"internal/journal sendTable":    {"unlocks and forgets a table"},
	"internal/record Start":         {"recovers: nothing more is recorded"},
	"internal/siginfo openExact":    {"unblocks signals", "reads the queue the handler writes", "reads a number"},
	"internal/siginfo openPortable": {"hands on what os/signal has", "hands on what os/signal has"},
	"reaper Beside":                 {"the caller's own; pid1 does not use it"},
}

// A goroutine that panics ends the program: each is known here.
func TestEveryGoroutineIsContained(t *testing.T) {
	found := map[string]int{}
	for _, dir := range linked(t, "./cmd/pid1") {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
					if n := starts(fn.Body); n > 0 {
						found[dir+" "+fn.Name.Name] += n
					}
				}
			}
		}
	}
	for place, n := range found {
		if n != len(panicsEndNothing[place]) {
			t.Errorf("%s starts %d goroutines; it is known of %d that a panic there does not end pid1", place, n, len(panicsEndNothing[place]))
		}
	}
	for place := range panicsEndNothing {
		if found[place] == 0 {
			t.Errorf("%s starts no goroutine any more", place)
		}
	}
}

// starts counts what starts a goroutine in a body: go, WaitGroup.Go, AfterFunc.
func starts(body ast.Node) (n int) {
	ast.Inspect(body, func(node ast.Node) bool {
		switch x := node.(type) {
		case *ast.GoStmt:
			n++
		case *ast.CallExpr:
			if sel, ok := x.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Go", "AfterFunc"}, sel.Sel.Name) {
				n++
			}
		}
		return true
	})
	return n
}

// linked returns the folders of this module's packages that the program is made of.
func linked(t *testing.T, program string) (dirs []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return dirs
		} else if err != nil {
			t.Fatal(err)
		}
		if dir, ok := strings.CutPrefix(p.ImportPath, "pid1/"); ok {
			dirs = append(dirs, dir)
		}
	}
}
