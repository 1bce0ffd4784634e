package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Engine is a Docker Engine of the tests' own. In it, containers may have the names
// and images that the documentation gives them, whatever else there is on this
// machine, and docker run --init starts the pid1 under test. No container has a
// network.
type Engine struct {
	host string       // for DOCKER_HOST
	stop func() error // leaves nothing of it
}

// docs is the engine with the images that the documentation speaks of, which the
// tests share: making it takes seconds.
var docs struct {
	once   sync.Once
	engine *Engine // nil: it did not start
	ready  bool
}

// docsEngine returns that engine. What the test runs in it is gone when the test is over.
func docsEngine(t *testing.T) *Engine {
	t.Helper()
	docs.once.Do(func() { makeDocsEngine(t) })
	if !docs.ready {
		t.Fatal("there is no Docker Engine: the first test that needed it says why")
	}
	t.Cleanup(docs.engine.clear)
	return docs.engine
}

// stopDocsEngine is for the end of all tests.
func stopDocsEngine() error {
	if docs.engine == nil {
		return nil
	}
	return docs.engine.stop()
}

func makeDocsEngine(t *testing.T) {
	t.Helper()
	docs.engine = startEngine(t)
	tree, err := debianTree(release+" "+packages, bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	binaries := filepath.Join(t.TempDir(), "pid1.tar")
	if _, err := command("tar", "-C", bin, "-cf", binaries, "pid1", "pid1top"); err != nil {
		t.Fatal(err)
	}
	for image, file := range map[string]string{imagePython: tree, "pid1": binaries} {
		if _, err := docs.engine.docker("import", file, image); err != nil {
			t.Fatal(err)
		}
	}
	docs.ready = true
}

// startEngine starts an engine.
func startEngine(t *testing.T) *Engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "pid1-engine-")
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{host: "unix://" + dir + "/s.sock"}
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
	e.stop = func() error {
		e.clear()
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
		log.Close()
		// The engine leaves that mounted for containers with --network host.
		_ = unix.Unmount(dir+"/exec/netns/default", unix.MNT_DETACH)
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("cannot clean up after the Docker Engine: %w", err)
		}
		return nil
	}
	eventually(t, "the Docker Engine to answer", func() (bool, string) {
		_, err := e.docker("version", "--format={{.Server.Version}}")
		text, _ := os.ReadFile(log.Name())
		return err == nil, fmt.Sprintf("%v\n%s", err, tail(string(text), 10))
	})
	return e
}

// clear removes all containers.
func (e *Engine) clear() {
	if ids, err := e.docker("ps", "--all", "--quiet"); err == nil && ids != "" {
		_, _ = e.docker(append([]string{"rm", "--force", "--volumes"}, strings.Fields(ids)...)...)
	}
	_, _ = e.docker("network", "prune", "--force")
}

// docker runs a command of the Docker client on this engine.
func (e *Engine) docker(args ...string) (string, error) {
	return command("docker", append([]string{"--host", e.host}, args...)...)
}
