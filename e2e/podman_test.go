package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// podman returns the environment that gives podman a store of the test's own, with
// the images of [Engine] in it. No container has a network; and none has limits
// beyond this machine's, which a test may not raise.
func podman(t *testing.T) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pid1-podman-")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := []string{
		"CONTAINERS_STORAGE_CONF=" + write("storage.conf", fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = %q\nrunroot = %q\n", dir+"/graph", dir+"/run")),
		"CONTAINERS_CONF=" + write("containers.conf", `[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
`),
	}
	run := func(args ...string) error {
		cmd := exec.Command("podman", args...)
		cmd.Env = append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot run podman %q: %w\n%s", args, err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		if err := run("rm", "--all", "--force", "--time=0"); err != nil {
			t.Error(err)
		}
		// podman keeps it mounted on itself.
		_ = unix.Unmount(dir+"/graph/overlay", unix.MNT_DETACH)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("cannot clean up after podman: %v", err)
		}
	})
	tree, err := debianTree(release+" "+packages, bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	if err := run("import", "--quiet", tree, imagePython); err != nil {
		t.Fatal(err)
	}
	return env
}
