package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Engine is a Docker Engine of a test's own. In it, containers may have the names
// and images that the documentation gives them, whatever else there is on this
// machine, and docker run --init starts the pid1 under test. No container has a
// network.
type Engine struct {
	t    *testing.T
	host string // for DOCKER_HOST
}

// docsEngine starts an engine with the images that the documentation speaks of.
func docsEngine(t *testing.T) *Engine {
	t.Helper()
	e := startEngine(t)
	tree, err := debianTree(release+" "+packages, bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	binaries := filepath.Join(t.TempDir(), "pid1.tar")
	if _, err := command("tar", "-C", bin, "-cf", binaries, "pid1", "pid1top"); err != nil {
		t.Fatal(err)
	}
	for image, file := range map[string]string{imagePython: tree, "pid1": binaries} {
		if _, err := e.docker("import", file, image); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// startEngine starts an engine that is gone, with all that is in it, when the test
// is over.
func startEngine(t *testing.T) *Engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "pid1-engine-")
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{t, "unix://" + dir + "/s.sock"}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("dockerd", "--host", e.host, "--pidfile", dir+"/pid", "--exec-root", dir+"/exec", "--data-root", dir+"/data",
		"--bridge=none", "--iptables=false", "--ip-forward=false", "--init-path", filepath.Join(bin, "pid1"))
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatalf("cannot start a Docker Engine: %v", err)
	}
	t.Cleanup(func() {
		if ids, err := e.docker("ps", "--all", "--quiet"); err == nil && ids != "" {
			_, _ = e.docker(append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...)
		}
		_, _ = e.docker("network", "prune", "--force")
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
		log.Close()
		// The engine leaves that mounted for containers with --network host.
		_ = unix.Unmount(dir+"/exec/netns/default", unix.MNT_DETACH)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("cannot clean up after the Docker Engine: %v", err)
		}
	})
	eventually(t, "the Docker Engine to answer", func() (bool, string) {
		_, err := e.docker("version", "--format={{.Server.Version}}")
		text, _ := os.ReadFile(log.Name())
		return err == nil, fmt.Sprintf("%v\n%s", err, tail(string(text), 10))
	})
	return e
}

// docker runs a command of the Docker client on this engine.
func (e *Engine) docker(args ...string) (string, error) {
	return command("docker", append([]string{"--host", e.host}, args...)...)
}
