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

var manualDir = flag.String("manual", "", "write the man page and the completions below this `folder`")

// The man page and the completions come from the table of options; what makes the
// packages has them written by this test.
func TestManual(t *testing.T) {
	dir := *manualDir
	if dir == "" {
		dir = t.TempDir()
	}
	flags := (&options{}).define()
	// The dialects are chosen before the table is asked.
	flags.String("as", "", "take the options and variables of `"+strings.Join(dialectNames(), "|")+"`; must come first")
	intro, _, _ := strings.Cut(help(), (&options{}).define().FlagUsagesWrapped(100))
	_, intro, _ = strings.Cut(intro, "\n\n")
	page := &cobra.Command{
		Use:   "pid1 [OPTIONS] [--] COMMAND [ARG...]",
		Short: "An init for containers that remembers what died",
		Long: strings.TrimSpace(intro) + "\n\nExit status: COMMAND's own; 128+n when signal n killed it; 127 when it was not found,\n" +
			"126 when it cannot be executed, 125 when pid1 itself failed, bad usage included.\n\n" +
			"See also: pid1top(1).",
		DisableFlagsInUseLine: true,
		Run:                   func(*cobra.Command, []string) {},
	}
	page.Flags().SortFlags = false
	page.Flags().AddFlagSet(flags)
	if err := manual.Pages(dir, page, "pid1 "+version.String()); err != nil {
		t.Fatal(err)
	}
	if err := manual.WrapperCompletions(dir, "pid1", flags); err != nil {
		t.Fatal(err)
	}

	files := map[string]string{}
	for _, name := range []string{manual.Man + "/pid1.1", manual.Bash + "/pid1", manual.Zsh + "/_pid1", manual.Fish + "/pid1.fish"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = strings.ReplaceAll(string(text), `\-`, "-")
	}
	flags.VisitAll(func(f *pflag.Flag) {
		for name, text := range files {
			typed := "--" + f.Name
			if strings.HasSuffix(name, ".fish") {
				typed = "-l " + f.Name + " "
			}
			if strings.Contains(text, typed) == f.Hidden && !strings.HasPrefix(f.Name, "user-") && !strings.HasPrefix(f.Name, "group-") {
				t.Errorf("%s: has %s: %v", name, typed, !f.Hidden)
			}
		}
	})
}

// What a shell offers for what was typed, asked of the shells themselves.
func TestCompletions(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		nstest.Lacking(t, "bash", err.Error())
	}
	dir := t.TempDir()
	if err := manual.WrapperCompletions(dir, "pid1", (&options{}).define()); err != nil {
		t.Fatal(err)
	}
	ask := func(t *testing.T, shell, script string, typed ...string) string {
		t.Helper()
		cmd := exec.Command(shell, append([]string{"-c", script, shell}, typed...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", shell, err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	const words = `source "$1"; shift; COMP_WORDS=(pid1 "$@"); COMP_CWORD=$#; _pid1; echo "${COMPREPLY[*]}"`
	for _, c := range []struct {
		typed string
		want  string // begins so
	}{
		{"--tra", "--trace"},
		{"--trace ", "auto sample exact off"},
		{"--trace = e", "exact"},
		{"--trace exact --signal-target g", "group"},
		{"-w /us", "/usr"},
		{"--grace 5 --log-l", "--log-level"},
		{"env_nothing_of_this_name", ""},
		{"-- mkfif", "mkfifo"},
		{"--trace exact mkfif", "mkfifo"},
		{"--grace = 5 mkfif", "mkfifo"},
		{"mkfifo --tra", ""},
	} {
		typed := strings.Split(c.typed, " ")
		got := ask(t, "bash", words, append([]string{filepath.Join(dir, manual.Bash, "pid1")}, typed...)...)
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("bash: pid1 %s: %q", c.typed, got)
		}
	}
	t.Run("zsh", func(t *testing.T) {
		if _, err := exec.LookPath("zsh"); err != nil {
			nstest.Lacking(t, "zsh", err.Error())
		}
		ask(t, "zsh", `zsh -n "$1"; fpath=("${1:h}" $fpath); autoload -Uz compinit; compinit -u -D; [[ $_comps[pid1] == _pid1 ]]`, filepath.Join(dir, manual.Zsh, "_pid1"))
	})
	t.Run("fish", func(t *testing.T) {
		if _, err := exec.LookPath("fish"); err != nil {
			nstest.Lacking(t, "fish", err.Error())
		}
		for typed, want := range map[string]string{
			"--tra": "--trace", "--trace ": "auto exact off sample", "--trace exact --signal-target g": "group", "mkfif": "mkfifo",
			"--grace 5 mkfif": "mkfifo", "mkfifo --tra": "",
		} {
			script := `source $argv[2]; complete -C "pid1 $argv[3]" | string replace -r '\t.*' ''; true`
			got := ask(t, "fish", script, filepath.Join(dir, manual.Fish, "pid1.fish"), typed)
			if got != want {
				t.Errorf("fish: pid1 %s: %q", typed, got)
			}
		}
	})
}
