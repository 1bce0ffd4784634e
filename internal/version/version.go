// Package version says which build of the project this is.
package version

import (
	"runtime/debug"
	"strings"
)

// given is set by the linker where the sources are built without their version
// control: -X pid1/internal/version.given=v1.2.3
var given string

// String is the module's version, "devel" where the build does not know it, and
// the revision unless the version ends with it: "v1.2.0 (0123456789ab)".
func String() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return of(given, info)
}

func of(given string, info *debug.BuildInfo) string {
	version, revision, modified := info.Main.Version, "", false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	if given != "" {
		version = given
	}
	if revision == "" || strings.Contains(version, revision) {
		return version
	}
	if modified {
		revision += ", modified"
	}
	return version + " (" + revision + ")"
}
