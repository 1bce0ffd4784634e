package version

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		given, module, revision, modified, want string
	}{
		{"", "", "", "", "devel"},
		{"", "(devel)", "", "", "devel"},
		{"", "(devel)", revision, "false", "devel (0123456789ab)"},
		{"", "(devel)", revision, "true", "devel (0123456789ab, modified)"},
		{"", "v1.2.0", revision, "false", "v1.2.0 (0123456789ab)"},
		{"", "v0.0.0-20261122181920-0123456789ab+dirty", revision, "true", "v0.0.0-20261122181920-0123456789ab+dirty"},
		{"v1.2.3", "(devel)", "", "", "v1.2.3"},
		{"v1.2.3", "(devel)", revision, "false", "v1.2.3 (0123456789ab)"},
	} {
		info := &debug.BuildInfo{}
		info.Main.Version = c.module
		if c.revision != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: c.revision}, {Key: "vcs.modified", Value: c.modified}}
		}
		if got := of(c.given, info); got != c.want {
			t.Errorf("of %+v it says %q", c, got)
		}
	}
}
