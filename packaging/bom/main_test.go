package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
)

// What docs/packages.md says of licences is what the binaries are made of.
func TestLicences(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+"/", "pid1/cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	sbom, notices := filepath.Join(dir, "sbom.json"), filepath.Join(dir, "notices")
	binaries := []string{filepath.Join(dir, "pid1"), filepath.Join(dir, "pid1top")}
	if err := run(sbom, notices, "1.2.3", false, binaries); err != nil {
		t.Fatal(err)
	}
	parts, err := read(binaries)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/packages.md")
	if err != nil {
		t.Fatal(err)
	}
	if table := parts.table(); !strings.Contains(string(page), "\n\n"+table) {
		t.Errorf("docs/packages.md lacks this table:\n%s", table)
	}

	text, err := os.ReadFile(notices)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Copyright 2009 The Go Authors", "Charmbracelet, Inc", "Apache License"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the notices lack %q", want)
		}
	}

	f, err := os.Open(sbom)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(f, cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if got, want := len(*bom.Components), len(parts.modules)+2; got != want {
		t.Errorf("the bill of materials has %d components, not %d", got, want)
	}
	for _, d := range *bom.Dependencies {
		// The core has few: the standard library, system calls, flags, packing.
		if d.Ref == "pid1" && len(*d.Dependencies) > 4 {
			t.Errorf("pid1 is made of %v", *d.Dependencies)
		}
	}
}

func TestNotMadeByGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := run("", "", "", false, []string{path}); err == nil || !strings.HasPrefix(err.Error(), "cannot tell what "+path+" is made of: ") {
		t.Errorf("got %v", err)
	}
}
