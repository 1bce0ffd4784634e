package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pid1/internal/pages"
)

// TestPages does what the documentation says, as its reader would: the commands
// of each page in their order, in a shell, with both binaries in PATH, in a folder
// with nothing in it but the examples; and what comes out is what the page says.
//
// Nothing can be pulled where this runs. A small Debian stands in for
// python:3-slim, and the image pid1 is what the project's Dockerfile ends in (docsEngine).
func TestPages(t *testing.T) {
	e := docsEngine(t)
	all, err := pages.Find("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		blocks, err := pages.Read(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !slices.ContainsFunc(blocks, pages.Block.Runs) {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			readPage(t, e, path, blocks)
		})
	}
}

// readPage follows a page.
func readPage(t *testing.T, e *Engine, path string, blocks []pages.Block) {
	r := &reader{t: t, page: path, state: filepath.Join(t.TempDir(), "state"), dir: t.TempDir()}
	if err := os.CopyFS(filepath.Join(r.dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "examples"+string(filepath.Separator)) {
		r.dir = filepath.Join(r.dir, filepath.Dir(path)) // where its reader is
	}
	r.env = append(os.Environ(), "DOCKER_HOST="+e.host, "DOCKER_BUILDKIT=0", "TZ=UTC", "LC_ALL=C.UTF-8", "TERM=xterm-256color",
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	if slices.ContainsFunc(blocks, func(b pages.Block) bool { return b.Runs() && strings.Contains(b.Text, "podman ") }) {
		r.env = append(r.env, podman(t)...)
	}
	for _, b := range blocks {
		switch b.Use {
		case pages.Saved:
			if err := os.WriteFile(filepath.Join(r.dir, b.Name), []byte(b.Text), 0o755); err != nil {
				t.Fatalf("%s:%d: %v", path, b.Line, err)
			}
		case pages.Part:
			text, err := os.ReadFile(filepath.Join(r.dir, b.Name))
			if err != nil || !strings.Contains(string(text), b.Text) {
				t.Errorf("%s:%d: %s does not contain this (%v)", path, b.Line, b.Name, err)
			}
		case pages.Typed:
			r.typed(b)
		case pages.Again:
			eventually(t, fmt.Sprintf("%s:%d: what the page says", path, b.Line), func() (bool, string) {
				out, _ := r.shell(b)
				return pages.Matches(b.Want, out), out
			})
		case pages.Screen:
			r.screen(b)
		}
	}
}

// reader is somebody who reads a page and types what it says.
type reader struct {
	t         *testing.T
	page, dir string
	state     string // the file that says which directory the shell was in
	env       []string
}

func (r *reader) typed(b pages.Block) {
	r.t.Helper()
	out, err := r.shell(b)
	if err != nil {
		r.t.Fatalf("%s:%d: %v\n%s", r.page, b.Line, err, out)
	}
	if b.HasWant && !pages.Matches(b.Want, out) {
		r.t.Fatalf("%s:%d: the page says\n%s\nand it is\n%s", r.page, b.Line, b.Want, out)
	}
}

// shell runs a block, and returns what came out. The directory is the one where the
// last block ended.
func (r *reader) shell(b pages.Block) (string, error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", "trap 'pwd >"+r.state+"' EXIT\n"+b.Text)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, time.Second
	out, err := cmd.CombinedOutput()
	if dir, err := os.ReadFile(r.state); err == nil {
		r.dir = strings.TrimSpace(string(dir))
	}
	return string(out), err
}

// screen runs a block in a terminal until it has shown what the page shows, and
// leaves it with q.
func (r *reader) screen(b pages.Block) {
	r.t.Helper()
	args := append([]string{"env", "-C", r.dir}, r.env...)
	term := NewTerminal(r.t, 100, 30, append(args, "bash", "-c", b.Text)...)
	eventually(r.t, fmt.Sprintf("%s:%d: the page's screen", r.page, b.Line), func() (bool, string) {
		screen := term.Screen()
		missing := pages.Missing(b.Want, screen)
		return len(missing) == 0, screen + "\nlacks:\n" + strings.Join(missing, "\n")
	})
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		r.t.Errorf("%s:%d: status %d", r.page, b.Line, status)
	}
}
