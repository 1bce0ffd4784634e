package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The images. Nothing can be pulled where these tests have to run, so each is
// made from what is there.
const (
	// imageBase is a small Debian, with the programs the tests use.
	imageBase = "pid1-e2e:base"
	// imageDebian is imageBase with both binaries in PATH and testdata in /app.
	imageDebian = "pid1-e2e:debian"
	// imageRuntimes is imageBase with the languages' runtimes, both binaries, and
	// testdata/leaks in /app. It is made when a test asks for it.
	imageRuntimes = "pid1-e2e:runtimes"
	// imageScratch holds the binaries in / and nothing else.
	imageScratch = "pid1-e2e:scratch"
	// imagePython is what the documentation's examples are made of. A small Debian
	// stands in for it, in engines of a test's own.
	imagePython = "python:3-slim"
)

const (
	release  = "bookworm"
	packages = "python3,netcat-openbsd,jq,procps"
	// runtimes are installed into a tree that has packages.
	runtimes = "nodejs,ruby,php-cli,default-jdk-headless"
)

// recipeLabel marks imageBase with what it was made from.
const recipeLabel = "pid1-e2e-recipe"

func makeImages() error {
	if err := makeBase(); err != nil {
		return err
	}
	binaries := []string{filepath.Join(bin, "pid1"), filepath.Join(bin, "pid1top")}
	testdata, err := filepath.Glob("testdata/*.py")
	if err != nil {
		return err
	}
	dockerfile := "FROM " + imageBase + "\nCOPY pid1 pid1top /usr/local/bin/\nCOPY *.py /app/\n"
	if err := buildImage(imageDebian, dockerfile, append(binaries, testdata...)); err != nil {
		return err
	}
	return buildImage(imageScratch, "FROM scratch\nCOPY pid1 pid1top /\n", binaries)
}

// makeBase makes imageBase, unless an earlier run did.
func makeBase() error { return importTree(imageBase, release+" "+packages, bootstrap) }

// makeRuntimes makes imageRuntimes of what is in testdata/leaks, and of programs that
// were built for it.
func makeRuntimes(programs ...string) error {
	const base = imageRuntimes + "-base"
	err := importTree(base, release+" "+packages+" "+runtimes, func(tree string) error {
		if err := bootstrap(tree); err != nil {
			return err
		}
		// Java wants a /proc to be installed.
		args := append([]string{"--pid", "--fork", "--mount", "--mount-proc=" + tree + "/proc", "chroot", tree, "apt-get", "install",
			"--quiet", "--yes", "--no-install-recommends"}, strings.Split(runtimes, ",")...)
		_, err := command("unshare", args...)
		return err
	})
	if err != nil {
		return err
	}
	files, err := filepath.Glob("testdata/leaks/*")
	if err != nil {
		return err
	}
	dockerfile := "FROM " + base + "\nCOPY pid1 pid1top /usr/local/bin/\nCOPY leak* Leak* *.sh *.bash /app/\n"
	files = append(files, filepath.Join(bin, "pid1"), filepath.Join(bin, "pid1top"))
	return buildImage(imageRuntimes, dockerfile, append(files, programs...))
}

// importTree makes an image of a Debian tree, unless an earlier run did.
func importTree(image, recipe string, fill func(tree string) error) error {
	have, err := command("docker", "image", "inspect", "--format", `{{index .Config.Labels "`+recipeLabel+`"}}`, image)
	if err == nil && strings.TrimSpace(have) == recipe {
		return nil
	}
	tree, err := debianTree(recipe, fill)
	if err != nil {
		return err
	}
	_, err = command("docker", "import", "--change", fmt.Sprintf("LABEL %s=%q", recipeLabel, recipe), tree, image)
	return err
}

// bootstrap makes a small Debian in tree.
func bootstrap(tree string) error {
	_, err := command("debootstrap", "--variant=minbase", "--include="+packages, release, tree)
	return err
}

// debianTree returns the path of a tar file with a small Debian, which is kept
// in the user's cache since making it takes most of a minute.
func debianTree(recipe string, fill func(tree string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot keep a Debian tree: %w", err)
	}
	dir := filepath.Join(cache, "pid1-e2e")
	sum := sha256.Sum256([]byte(recipe))
	path := filepath.Join(dir, fmt.Sprintf("debian-%x.tar", sum[:6]))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tree, err := os.MkdirTemp("", "pid1-e2e-debian-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tree)
	fmt.Println("making a Debian tree for the containers, once")
	if err := fill(tree); err != nil {
		return "", err
	}
	// Written aside and renamed: a tree cut short must not be taken for one.
	if _, err := command("tar", "-C", tree, "--exclude=./var/cache/apt/archives/*.deb", "-cf", path+".new", "."); err != nil {
		return "", err
	}
	return path, os.Rename(path+".new", path)
}

// buildImage builds the image tag from a Dockerfile and the given files.
func buildImage(tag, dockerfile string, files []string) error {
	var context bytes.Buffer
	w := tar.NewWriter(&context)
	add := func(name string, mode int64, data []byte) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	}
	if err := add("Dockerfile", 0o644, []byte(dockerfile)); err != nil {
		return err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := add(filepath.Base(file), 0o755, data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	cmd := exec.Command("docker", "build", "--quiet", "--network=none", "--label", label, "--tag", tag, "-")
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	cmd.Stdin = &context
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the image %s: %w\n%s", tag, err, out)
	}
	return nil
}
