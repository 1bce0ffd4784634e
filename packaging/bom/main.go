// Command bom tells what binaries are made of, by what the linker wrote into them: a
// bill of materials (CycloneDX), and the licences of all of it, which have to come
// with the binaries. It is run where packages are made.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

func main() {
	sbom := flag.String("sbom", "", "write the bill of materials to `FILE`")
	notices := flag.String("notices", "", "write the texts of the licences to `FILE`")
	version := flag.String("version", "", "the `VERSION` of the whole")
	table := flag.Bool("table", false, "print the table of docs/packages.md")
	flag.Parse()
	if err := run(*sbom, *notices, *version, *table, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bom:", err)
		os.Exit(1)
	}
}

func run(sbom, notices, version string, table bool, binaries []string) error {
	parts, err := read(binaries)
	if err != nil {
		return err
	}
	if table {
		fmt.Print(parts.table())
	}
	if notices != "" {
		if err := os.WriteFile(notices, []byte(parts.notices()), 0o644); err != nil {
			return err
		}
	}
	if sbom == "" {
		return nil
	}
	f, err := os.Create(sbom)
	if err != nil {
		return err
	}
	enc := cyclonedx.NewBOMEncoder(f, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := enc.Encode(parts.bom(version)); err != nil {
		return fmt.Errorf("cannot write %s: %w", sbom, err)
	}
	return f.Close()
}

// bom has no serial number, which would have to be another each time.
func (p *parts) bom(version string) *cyclonedx.BOM {
	whole := cyclonedx.Component{BOMRef: "pid1-and-pid1top", Type: cyclonedx.ComponentTypeApplication, Name: "pid1", Version: version, Licenses: licence("MIT")}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &whole}
	if epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		bom.Metadata.Timestamp = time.Unix(epoch, 0).UTC().Format(time.RFC3339)
	}
	var components []cyclonedx.Component
	var programs []string
	dependencies := []cyclonedx.Dependency{{Ref: whole.BOMRef, Dependencies: &programs}}
	for _, b := range p.binaries {
		components = append(components, cyclonedx.Component{
			BOMRef: b.name, Type: cyclonedx.ComponentTypeApplication, Name: b.name, Version: version, Licenses: licence("MIT"),
			Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: b.sha256}},
		})
		programs = append(programs, b.name)
		var refs []string
		for _, m := range p.modules {
			if m.in[b.name] {
				refs = append(refs, m.purl())
			}
		}
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: b.name, Dependencies: &refs})
	}
	for _, m := range p.modules {
		components = append(components, cyclonedx.Component{
			BOMRef: m.purl(), Type: cyclonedx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: m.purl(), Licenses: licence(m.licence),
		})
	}
	bom.Components, bom.Dependencies = &components, &dependencies
	return bom
}

func licence(id string) *cyclonedx.Licenses {
	return &cyclonedx.Licenses{{License: &cyclonedx.License{ID: id}}}
}
