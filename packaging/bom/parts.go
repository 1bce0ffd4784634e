package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// parts is what a few binaries are made of.
type parts struct {
	binaries []binary
	modules  []*module // by path; the standard library, which is "std", is the first
}

type binary struct{ name, sha256 string }

type module struct {
	path, version string
	licence       string // its SPDX identifier
	text          string // of the licence and of what notices go with it
	in            map[string]bool
}

func (m *module) purl() string { return "pkg:golang/" + m.path + "@" + m.version }

// read asks the binaries for their modules, and the modules for their licences.
func read(binaries []string) (*parts, error) {
	p := &parts{}
	byPath := map[string]*module{}
	for _, path := range binaries {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		info, err := buildinfo.Read(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("cannot tell what %s is made of: %w", path, err)
		}
		b := binary{filepath.Base(path), fmt.Sprintf("%x", sha256.Sum256(data))}
		p.binaries = append(p.binaries, b)
		add := func(path, version string) {
			if byPath[path] == nil {
				byPath[path] = &module{path: path, version: version, in: map[string]bool{}}
				p.modules = append(p.modules, byPath[path])
			}
			byPath[path].in[b.name] = true
		}
		add("std", info.GoVersion)
		for _, dep := range info.Deps {
			if dep.Replace != nil {
				return nil, fmt.Errorf("%s is replaced in %s: its licence is to be looked at by hand", dep.Path, path)
			}
			add(dep.Path, dep.Version)
		}
	}
	slices.SortFunc(p.modules, func(a, b *module) int {
		if (a.path == "std") != (b.path == "std") {
			return map[bool]int{true: -1, false: 1}[a.path == "std"]
		}
		return strings.Compare(a.path, b.path)
	})
	for _, m := range p.modules {
		if err := m.look(); err != nil {
			return nil, fmt.Errorf("cannot tell the licence of %s: %w", m.path, err)
		}
	}
	return p, nil
}

// look finds the licence of m in its sources. One that is not known, or a text that
// is a licence in part only, is for a person to judge.
func (m *module) look() error {
	dir, err := m.dir()
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.ToUpper(filepath.Base(file))
		stem := strings.TrimSuffix(strings.TrimSuffix(name, ".MD"), ".TXT")
		if stem != "LICENSE" && stem != "LICENCE" && stem != "COPYING" && stem != "NOTICE" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		m.text += strings.TrimRight(string(text), "\n") + "\n\n"
		if stem == "NOTICE" {
			continue
		}
		cover := licensecheck.Scan(text)
		if cover.Percent < 75 || len(cover.Match) != 1 || m.licence != "" {
			return fmt.Errorf("%s is not one licence: %v", file, cover)
		}
		m.licence = cover.Match[0].ID
	}
	if m.licence == "" {
		return fmt.Errorf("there is none in %s", dir)
	}
	return nil
}

// dir is the folder of m's sources.
func (m *module) dir() (string, error) {
	if m.path == "std" {
		out, err := exec.Command("go", "env", "GOROOT").Output()
		return strings.TrimSpace(string(out)), err
	}
	out, err := exec.Command("go", "mod", "download", "-json", m.path+"@"+m.version).Output()
	if err != nil {
		return "", fmt.Errorf("cannot have its sources: %w: %s", err, out)
	}
	var got struct{ Dir string }
	err = json.Unmarshal(out, &got)
	return got.Dir, err
}

func (p *parts) notices() string {
	var b strings.Builder
	b.WriteString("pid1 and pid1top contain, beside what is under the project's own licence, the following.\n")
	for _, m := range p.modules {
		title := fmt.Sprintf("%s %s (%s)", m.name(), m.version, m.licence)
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n\n%s", strings.Repeat("=", 80), title, strings.Repeat("=", 80), m.text)
	}
	return b.String()
}

func (m *module) name() string {
	if m.path == "std" {
		return "Go's runtime and standard library"
	}
	return m.path
}

// table has no versions: those are in go.mod.
func (p *parts) table() string {
	var b strings.Builder
	b.WriteString("| library | licence | in |\n|---|---|---|\n")
	for _, m := range p.modules {
		var in []string
		for _, program := range p.binaries {
			if m.in[program.name] {
				in = append(in, program.name)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.name(), m.licence, strings.Join(in, ", "))
	}
	return b.String()
}
