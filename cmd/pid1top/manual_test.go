package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pid1/internal/manual"
	"pid1/internal/nstest"
	"pid1/internal/version"
)

var manualDir = flag.String("manual", "", "write the man pages and the completions below this `folder`")

// The man pages and the completions come from the commands themselves; what makes the
// packages has them written by this test.
func TestManual(t *testing.T) {
	dir := *manualDir
	if dir == "" {
		dir = t.TempDir()
	}
	root := (&app{}).command()
	if err := manual.Pages(dir, root, "pid1top "+version.String()); err != nil {
		t.Fatal(err)
	}
	if err := manual.Completions(dir, root); err != nil {
		t.Fatal(err)
	}
	var look func(*cobra.Command)
	look = func(c *cobra.Command) {
		if !c.IsAvailableCommand() {
			return
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
		text, err := os.ReadFile(filepath.Join(dir, manual.Man, name))
		if err != nil {
			t.Error(err)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(strings.ReplaceAll(string(text), `\-`, "-"), "--"+f.Name) {
				t.Errorf("%s lacks --%s", name, f.Name)
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(root)
}

// A shell asks the program what could come next.
func TestCompletions(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		nstest.Lacking(t, "bash", err.Error())
	}
	dir := t.TempDir()
	if err := manual.Completions(dir, (&app{}).command()); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "pid1top")); err != nil {
		t.Fatal(err)
	}
	const ask = `source "$1"; shift; COMP_WORDS=(pid1top "$@"); COMP_CWORD=$#; COMP_LINE="pid1top $*"; COMP_POINT=${#COMP_LINE}
		_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
		__start_pid1top; echo "${COMPREPLY[*]}"`
	for typed, want := range map[string]string{
		"zom":            "zombies",
		"doctor --fail-": "--fail-on",
		"reaps --foll":   "--follow",
	} {
		args := append([]string{"-c", ask, "bash", filepath.Join(dir, manual.Bash, "pid1top")}, strings.Split(typed, " ")...)
		cmd := exec.Command("bash", args...)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), beProgram+"=1")
		out, err := cmd.Output() // bash complains that nobody pressed a key
		if err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("pid1top %s: %v, %q", typed, err, out)
		}
	}
}
