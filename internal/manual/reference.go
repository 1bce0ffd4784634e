package manual

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// updateVar makes [Fresh] write.
const updateVar = "UPDATE_REFERENCE"

// Commands writes Markdown for root and each of its commands.
func Commands(w io.Writer, root *cobra.Command) error {
	root.DisableAutoGenTag = true
	link := func(file string) string {
		return "#" + strings.ReplaceAll(strings.TrimSuffix(file, ".md"), "_", "-")
	}
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c != root && !c.IsAvailableCommand() {
			continue
		}
		if err := doc.GenMarkdownCustom(c, w, link); err != nil {
			return fmt.Errorf("cannot write about %s: %w", c.CommandPath(), err)
		}
	}
	return nil
}

// Options writes a Markdown table of options; twin says which variable in the
// environment stands for one.
func Options(w io.Writer, flags *pflag.FlagSet, twin func(*pflag.Flag) string) {
	fmt.Fprint(w, "| option | environment | default | |\n|---|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		arg, text := pflag.UnquoteUsage(f)
		option := "--" + f.Name
		if f.Shorthand != "" {
			option = "-" + f.Shorthand + ", " + option
		}
		if f.NoOptDefVal == "" {
			option += " " + arg
		}
		initial := f.DefValue
		if initial == "false" || initial == "[]" {
			initial = ""
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", code(option), code(twin(f)), code(initial), strings.ReplaceAll(text, "|", `\|`))
	})
}

// code is text in a cell of a table.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// Fresh reports whether a page made of the code is what the file holds; with
// UPDATE_REFERENCE set it writes the file.
func Fresh(path string, page []byte) error {
	if os.Getenv(updateVar) != "" {
		return os.WriteFile(path, page, 0o644)
	}
	have, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(have, page) {
		err = fmt.Errorf("%s is not what the code says: write it anew with %s=1", path, updateVar)
	}
	return err
}
