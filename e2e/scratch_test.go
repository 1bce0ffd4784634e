package e2e

import (
	"debug/elf"
	"path/filepath"
	"strings"
	"testing"
)

// An image with nothing but the two binaries is enough.
func TestFromScratch(t *testing.T) {
	c := Run(t, imageScratch, nil, "/pid1", "--", "/pid1top", "tree", "--json")
	r := c.Wait()
	if r.Status != 0 || r.Stderr != "" {
		t.Fatalf("status %d\n%s", r.Status, r.Stderr)
	}
	type process struct {
		PID  int    `json:"pid"`
		PPID int    `json:"ppid"`
		Comm string `json:"comm"`
	}
	var init, self bool
	for _, p := range parseLines[process](t, r.Stdout) {
		init = init || p.PID == 1 && p.Comm == "pid1"
		self = self || p.PPID == 1 && p.Comm == "pid1top"
	}
	if !init || !self {
		t.Errorf("tree lacks pid1 or pid1top itself:\n%s", r.Stdout)
	}
}

// The screen too needs no terminfo, no locale and no shell.
func TestScreenFromScratch(t *testing.T) {
	c := Run(t, imageScratch, nil, "/pid1", "--", "/pid1top", "reaps", "--follow")
	term := NewTerminal(t, 100, 30, "docker", "exec", "-it", c.Name, "/pid1top")
	term.Send("2")
	term.WaitFor("[2 Tree]", "pid1top reaps --follow")
	term.Resize(60, 15)
	term.WaitFor("pid1top reaps")
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top ended with status %d", status)
	}
}

// Both run where there is no dynamic loader.
func TestStatic(t *testing.T) {
	for _, name := range []string{"pid1", "pid1top"} {
		f, err := elf.Open(filepath.Join(bin, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is linked dynamically: it has a %v", name, p.Type)
			}
		}
		if libs, err := f.ImportedLibraries(); err == nil && len(libs) > 0 {
			t.Errorf("%s needs %s", name, strings.Join(libs, ", "))
		}
	}
}
