// Package debsource gets the upstream source of Debian packages, for tests and
// benchmarks that want a real program to build.
package debsource

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Get returns the path of the upstream source of a Debian package, a .tar.gz. It is
// fetched by apt-get, and kept in the user's cache.
func Get(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot keep the source of %s: %w", name, err)
	}
	dir := filepath.Join(cache, "pid1-e2e", "source")
	if err := os.MkdirAll(filepath.Join(dir, "lists", "partial"), 0o755); err != nil {
		return "", fmt.Errorf("cannot keep the source of %s: %w", name, err)
	}
	if path := find(dir, name); path != "" {
		return path, nil
	}
	out, err := exec.Command("sh", "-c", fetch, dir, name).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot get the source of %s: %w\n%s", name, err, out)
	}
	if path := find(dir, name); path != "" {
		return path, nil
	}
	return "", errors.New("apt-get source left no source of " + name)
}

func find(dir, name string) string {
	found, err := filepath.Glob(filepath.Join(dir, name+"_*.orig.tar.gz"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[0]
}

// fetch uses lists of its own: those of sources are not among the lists a machine
// usually has.
const fetch = `set -e
cd "$0"
mkdir -p parts
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >"parts/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"parts/$(basename "$list")"
done
apt="apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$0/parts -o Dir::State::lists=$0/lists"
$apt update
$apt source --download-only "$1"
`
