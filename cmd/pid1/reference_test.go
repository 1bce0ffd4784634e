package main

import (
	"bytes"
	"fmt"
	"testing"

	"pid1/internal/manual"
	"pid1/reaper"
)

// docs/reference/pid1.md is made of the table of options.
func TestReference(t *testing.T) {
	var page bytes.Buffer
	fmt.Fprint(&page, "# pid1\n\n    pid1 [OPTIONS] [--] COMMAND [ARG...]\n\n## Options\n\n"+
		"An option wins over its variable in the environment. A variable that stands for a repeatable option holds one value a line.\n"+
		"COMMAND sees none of them but `PID1_SOCKET`, which is then the address in use.\n\n")
	manual.Options(&page, (&options{}).define(), twin)
	fmt.Fprint(&page, "\nBy the name of another init (`--as NAME` as the first argument, or a link of that name):")
	for _, name := range dialectNames() {
		fmt.Fprintf(&page, " `%s`", name)
	}
	fmt.Fprintf(&page, ". See [dialects](../dialects.md).\n\n## Exit status\n\n| status | |\n|---|---|\n"+
		"| COMMAND's own | it ended by itself |\n| 128+n | signal n killed it |\n"+
		"| %d | COMMAND was not found |\n| %d | COMMAND cannot be executed |\n| %d | pid1 itself failed, bad usage included |\n",
		reaper.StatusNotFound, reaper.StatusNotExecutable, reaper.StatusFailure)
	if err := manual.Fresh("../../docs/reference/pid1.md", page.Bytes()); err != nil {
		t.Error(err)
	}
}
