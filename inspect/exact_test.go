package inspect

import "testing"

func TestTwoNumbers(t *testing.T) {
	for release, want := range map[string]struct {
		major, minor int
		ok           bool
	}{
		"6.12.3-cloud-amd64": {6, 12, true}, "5.10": {5, 10, true}, "6.12-rc1": {6, 12, true},
		"": {}, "6": {}, "six.one": {}, "6.x": {},
	} {
		major, minor, ok := twoNumbers(release)
		if ok != want.ok || ok && (major != want.major || minor != want.minor) {
			t.Errorf("%q is read as %d, %d, %v", release, major, minor, ok)
		}
	}
}
