package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"pid1/internal/version"
)

func (a *app) installCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install DIR",
		Short: "Copy pid1 and pid1top into DIR, for an initContainer",
		Long: "Copies pid1 and pid1top into DIR, which is made unless it is there. What has these\n" +
			"names in DIR is replaced at once: who starts it meanwhile gets the old or the new one.\n" +
			"pid1 is taken from beside pid1top, else from PATH.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("install needs one DIR to copy into")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.install(args[0]) },
	}
}

// install copies both before it puts either in place, so that a full disk leaves DIR
// with what it had.
func (a *app) install(dir string) (err error) {
	fail := func(err error) error { return fmt.Errorf("cannot install into %s: %w", dir, err) }
	pid1, beside := findBeside()
	if pid1 == "" {
		return fail(fmt.Errorf("pid1 is neither in %s nor in PATH", beside))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fail(err)
	}
	var made []string // named as they will be, with more behind
	defer func() {
		for _, path := range made {
			_ = os.Remove(path)
		}
	}()
	names := []string{"pid1", "pid1top"}
	for i, from := range []string{pid1, "/proc/self/exe"} {
		path, err := copyBeside(from, filepath.Join(dir, names[i]))
		if err != nil {
			return fail(err)
		}
		made = append(made, path)
	}
	for i, path := range made {
		to := filepath.Join(dir, names[i])
		if err := os.Rename(path, to); err != nil {
			return fail(fmt.Errorf("cannot replace %s: %w", to, cause(err)))
		}
	}
	_, err = fmt.Fprintf(a.out, "pid1 and pid1top %s are in %s\n", clean(version.String()), clean(dir))
	return err
}

// copyBeside copies a program to a new file beside to, which can then be renamed.
func copyBeside(from, to string) (path string, err error) {
	src, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer func() { _ = src.Close() }()
	dst, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".")
	if err != nil {
		return "", fmt.Errorf("cannot write there: %w", cause(err))
	}
	defer func() {
		if err = errors.Join(err, dst.Close()); err != nil {
			_ = os.Remove(dst.Name())
			err = fmt.Errorf("cannot write %s: %w", to, cause(err))
		}
	}()
	if _, err := io.Copy(dst, src); err != nil {
		return "", err
	}
	// Whatever the umask is.
	return dst.Name(), dst.Chmod(0o755)
}

// cause leaves out the name of a file that only exists for a moment.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// findBeside finds pid1 beside this program, else in PATH; path is "" where neither
// has it, and beside is where was looked first.
func findBeside() (path, beside string) {
	beside = "this program's folder"
	if self, err := os.Executable(); err == nil {
		beside = filepath.Dir(self)
		if path, err := exec.LookPath(filepath.Join(beside, "pid1")); err == nil {
			return path, beside
		}
	}
	path, err := exec.LookPath("pid1")
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		path = ""
	}
	return path, beside
}
