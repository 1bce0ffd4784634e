package main

import (
	"bytes"
	"fmt"
	"testing"

	"pid1/internal/manual"
)

// docs/reference/pid1top.md is made of the commands themselves.
func TestReference(t *testing.T) {
	var page bytes.Buffer
	fmt.Fprint(&page, "# pid1top\n\n")
	if err := manual.Commands(&page, (&app{}).command()); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&page, "\n## Exit status\n\n| status | |\n|---|---|\n| %d | |\n| %d | `--fail-on` matched |\n"+
		"| %d | bad usage, or no terminal to use |\n| %d | no feed to connect to |\n| %d | something else went wrong |\n",
		statusOK, statusFailOn, statusUsage, statusNoFeed, statusFailed)
	if err := manual.Fresh("../../docs/reference/pid1top.md", page.Bytes()); err != nil {
		t.Error(err)
	}
}
