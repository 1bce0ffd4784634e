package nstest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// requireVar lists, separated by commas, what the machine may not lack; "all"
// stands for everything. CI sets it, so that a test cannot go missing there.
const requireVar = "PID1_REQUIRE"

// Lacking ends the test because the machine has no what ("namespaces", "root",
// "docker"); why says how that was found out. The test is skipped, or fails
// when PID1_REQUIRE names what.
func Lacking(t testing.TB, what, why string) {
	t.Helper()
	if Required(what) {
		t.Fatalf("%s required by %s, and lacking: %s", what, requireVar, why)
	}
	t.Skipf("needs %s: %s", what, why)
}

// Required reports whether PID1_REQUIRE names what, or "all".
func Required(what string) bool {
	names := strings.Split(os.Getenv(requireVar), ",")
	return slices.Contains(names, what) || slices.Contains(names, "all")
}

// Root ends the test as lacking unless it runs as root of the machine (or
// container): root inside a user namespace made by [Run] does not count.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Lacking(t, "root", "this is an ordinary user")
	}
	// The initial user namespace, and a container's, maps all ids or a range
	// of them; one made by an unprivileged user maps a single one.
	m, err := os.ReadFile("/proc/self/uid_map")
	if err == nil {
		if f := strings.Fields(string(m)); len(f) == 3 && f[2] == "1" {
			Lacking(t, "root", "this is root of a user namespace only")
		}
	}
}
