// Package manual writes the man pages and the shells' completions of both programs
// from the tables their command lines are read with. Only tests and what makes the
// packages use it; neither program contains it.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Folders below the one that is written to, laid out as below /usr/share.
const (
	Man  = "man/man1"
	Bash = "bash-completion/completions"
	Zsh  = "zsh/site-functions"
	Fish = "fish/vendor_completions.d"
)

// Pages writes a page for root and one for each of its commands. They bear the date
// SOURCE_DATE_EPOCH where that is set, so that the same sources make the same pages.
func Pages(dir string, root *cobra.Command, source string) error {
	date := time.Now()
	if epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		date = time.Unix(epoch, 0)
	}
	date = date.UTC()
	dir = filepath.Join(dir, Man)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: source, Manual: "pid1"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("cannot write the man pages of %s: %w", root.Name(), err)
	}
	return nil
}

// Completions writes cobra's own completions of root, which ask the program itself.
func Completions(dir string, root *cobra.Command) error {
	return completions(dir, root.Name(), map[string]func(path string) error{
		Bash: func(path string) error { return root.GenBashCompletionFileV2(path, true) },
		Zsh:  root.GenZshCompletionFile,
		Fish: func(path string) error { return root.GenFishCompletionFile(path, true) },
	})
}

func completions(dir, name string, write map[string]func(path string) error) error {
	for folder, file := range map[string]string{Bash: name, Zsh: "_" + name, Fish: name + ".fish"} {
		path := filepath.Join(dir, folder, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := write[folder](path); err != nil {
			return fmt.Errorf("cannot write the completion %s: %w", path, err)
		}
	}
	return nil
}
