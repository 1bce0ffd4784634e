package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pid1/internal/nstest"
	"pid1/internal/pages"
)

// The packages, installed and used as docs/packages.md says.

// dist is a folder with what "make dist" makes: that which PID1_DIST names, where
// they were made already.
var dist = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("PID1_DIST"); dir != "" {
		return dir, nil
	}
	_, err := command("make", "-C", "..", "dist")
	return filepath.Join("..", "dist"), err
})

// packed is the one file of dist that matches.
func packed(t *testing.T, pattern string) string {
	t.Helper()
	dir, err := dist()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s/%s matches %q, not one file", dir, pattern, found)
	}
	return found[0]
}

// told is the block of docs/packages.md that contains word.
func told(t *testing.T, word string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/packages.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := pages.Read(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if strings.Contains(b.Text, word) {
			return b.Text
		}
	}
	t.Fatalf("docs/packages.md has no block with %s", word)
	return ""
}

// works looks at what was installed below prefix in the container, where pid1 is
// PID 1 already.
func works(t *testing.T, c *Container, prefix string) {
	t.Helper()
	if got := c.MustExec("pid1top", "tree"); !strings.Contains(got, "sleep 1000") {
		t.Errorf("the tree:\n%s", got)
	}
	for _, page := range []string{"pid1", "pid1top", "pid1top-reaps"} {
		if got := c.MustExec("sh", "-c", "zcat "+prefix+"/share/man/man1/"+page+".1.gz"); !strings.Contains(got, ".SH SYNOPSIS") {
			t.Errorf("the page of %s:\n%s", page, got)
		}
	}
	const complete = `source ` + "$0" + `/share/bash-completion/completions/pid1; COMP_WORDS=(pid1 --trace ex); COMP_CWORD=2; _pid1; echo "${COMPREPLY[*]}"`
	if got := c.MustExec("bash", "-c", complete, prefix); got != "exact\n" {
		t.Errorf("the completion offers %q", got)
	}
	c.MustExec("sh", "-c", "test -s "+prefix+"/share/zsh/*/_pid1top && test -s "+prefix+"/share/fish/vendor_completions.d/pid1top.fish")
	if r := c.Stop(); r.Status != 143 || r.Stderr != "" {
		t.Errorf("stopped with status %d\n%s", r.Status, r.Stderr)
	}
}

func TestDeb(t *testing.T) {
	const image = "pid1-e2e:deb"
	deb := packed(t, "pid1_*_"+runtime.GOARCH+".deb")
	dockerfile := "FROM " + imageBase + "\n" + strings.ReplaceAll(told(t, "dpkg -i"), "pid1_VERSION_amd64.deb", filepath.Base(deb))
	if err := buildImage(image, dockerfile, []string{deb}); err != nil {
		t.Fatal(err)
	}
	c := Run(t, image, nil, "sleep", "1000")
	if got := c.MustExec("dpkg", "--status", "pid1"); strings.Contains(got, "Depends") {
		t.Errorf("it depends on something:\n%s", got)
	}
	c.MustExec("test", "-s", "/usr/share/doc/pid1/copyright", "-a", "-s", "/usr/share/doc/pid1/THIRD_PARTY_LICENSES")
	works(t, c, "/usr")
}

func TestArchive(t *testing.T) {
	const image = "pid1-e2e:archive"
	archive := packed(t, "pid1-*-linux-"+runtime.GOARCH+".tar.gz")
	text := strings.ReplaceAll(told(t, "tar -xzf"), "pid1-VERSION-linux-amd64.tar.gz", filepath.Base(archive))
	script := filepath.Join(t.TempDir(), "install.sh")
	if err := os.WriteFile(script, []byte("set -e\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	dockerfile := "FROM " + imageBase + "\nCOPY * /tmp/\nRUN cd /tmp && sh install.sh\nENTRYPOINT [\"pid1\", \"--\"]\n"
	if err := buildImage(image, dockerfile, []string{archive, script}); err != nil {
		t.Fatal(err)
	}
	works(t, Run(t, image, nil, "sleep", "1000"), "/usr/local")
}

// The .rpm is looked at: there is no system here to install it on.
func TestRPM(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		nstest.Lacking(t, "rpm", err.Error())
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}
	for _, arch := range machine {
		list, err := command("rpm", "-qlp", packed(t, "pid1-*."+arch+".rpm"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"/usr/bin/pid1", "/usr/bin/pid1top", "/usr/share/man/man1/pid1.1.gz", "/usr/share/doc/pid1/copyright"} {
			if !strings.Contains("\n"+list, "\n"+want+"\n") {
				t.Errorf("the rpm for %s lacks %s:\n%s", arch, want, list)
			}
		}
		if strings.Contains("\n"+list, "\n/usr/bin\n") {
			t.Errorf("the rpm for %s owns /usr/bin, as the package filesystem does", arch)
		}
	}
}

// pid1top install as an initContainer does it, as any user, from an image with
// nothing else in it.
func TestInstall(t *testing.T) {
	shared := t.TempDir()
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	options := []string{"--user=1234:1234", "--read-only", "--volume=" + shared + ":/shared"}
	r := Run(t, imageScratch, options, "/pid1top", "install", "/shared/bin").Wait()
	if r.Status != 0 || r.Stderr != "" || !strings.HasSuffix(r.Stdout, " are in /shared/bin\n") {
		t.Fatalf("%+v", r)
	}
	c := Run(t, imageBase, append(options, "--entrypoint=/shared/bin/pid1"), "--", "sleep", "1000")
	if got := c.MustExec("/shared/bin/pid1top", "tree"); !strings.Contains(got, "sleep 1000") {
		t.Errorf("the tree:\n%s", got)
	}

	for _, c := range []struct{ dir, option, want string }{
		{"/shared", "--volume=" + shared + ":/shared:ro", "pid1top: cannot install into /shared: cannot write there: read-only file system\n"},
		{"/shared", "--tmpfs=/shared:mode=0755", "pid1top: cannot install into /shared: cannot write there: permission denied\n"},
		{"/new", "--read-only", "pid1top: cannot install into /new: mkdir /new: read-only file system\n"},
		{"/shared", "--tmpfs=/shared:mode=0777,size=6m", "pid1top: cannot install into /shared: cannot write /shared/pid1top: no space left on device\n"},
	} {
		r := Run(t, imageScratch, []string{"--user=1234:1234", "--read-only", c.option}, "/pid1top", "install", c.dir).Wait()
		if r.Status != 4 || r.Stdout != "" || r.Stderr != c.want {
			t.Errorf("%s: %+v", c.option, r)
		}
	}
}

// The binaries for arm64, run by an emulator: what of them is in assembler, and the
// numbers and structures of the kernel's interface.
func TestArm64(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		nstest.Lacking(t, "qemu", err.Error())
	}
	const image = "pid1-e2e:arm64"
	dir := t.TempDir()
	if _, err := command("env", "CGO_ENABLED=0", "GOARCH=arm64", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir+"/", "pid1/cmd/..."); err != nil {
		t.Fatal(err)
	}
	dockerfile := "FROM " + imageBase + "\nCOPY * /arm64/\nENTRYPOINT [\"/arm64/qemu-aarch64-static\", \"/arm64/pid1\"]\n"
	if err := buildImage(image, dockerfile, []string{qemu, filepath.Join(dir, "pid1"), filepath.Join(dir, "pid1top")}); err != nil {
		t.Fatal(err)
	}
	for want, cmd := range map[int][]string{0: {"--", "true"}, 7: {"sh", "-c", "exit 7"}, 137: {"sh", "-c", "kill -9 $$"}, 127: {"nothing-of-this-name"}} {
		if r := Run(t, image, nil, cmd...).Wait(); r.Status != want {
			t.Errorf("pid1 %q: %+v", cmd, r)
		}
	}
	c := Run(t, image, nil, "--", "sh", "-c", `trap "echo got it; exit 9" TERM; sh -c "sh -c \"exit 5\" & exec true"; echo ready; while :; do sleep 0.1; done`)
	eventually(t, "ready", func() (bool, string) { out, errs := c.Logs(); return out == "ready\n", out + errs })
	eventually(t, "an orphan's death, told by pid1 for arm64 to pid1top for arm64", func() (bool, string) {
		r := c.Exec("/arm64/qemu-aarch64-static", "/arm64/pid1top", "reaps", "--json")
		adopted := false
		for _, line := range strings.Split(r.Stdout, "\n") {
			adopted = adopted || strings.Contains(line, `"adopted":true`) && strings.Contains(line, `"code":5`)
		}
		return adopted, r.Stdout + r.Stderr
	})
	if r := c.Stop(); r.Status != 9 || !strings.Contains(r.Stdout, "got it") {
		t.Errorf("stopped: %+v", r)
	}
}

// The Dockerfile, on a stand-in for the image it starts from: a Debian with this
// machine's Go in it. There is no network in it, so the libraries come along. What it
// makes has the bytes that the same commands make here. Both are made of what is
// committed.
func TestDockerfile(t *testing.T) {
	const base, image = "golang:pid1-e2e", "pid1-e2e:dockerfile"
	goroot := strings.TrimSpace(must(t, "go", "env", "GOROOT"))
	toolchain := filepath.Join(t.TempDir(), "go.tar")
	must(t, "tar", "-C", goroot, "--transform=s,^,usr/local/go/,", "--exclude=*_test.go", "--exclude=testdata", "-cf", toolchain, "bin", "src", "pkg", "lib", "VERSION", "go.env")
	dockerfile := "FROM " + imageBase + "\nADD go.tar /\nENV PATH=/usr/local/go/bin:/usr/bin:/bin GOTOOLCHAIN=local\n"
	if err := buildImage(base, dockerfile, []string{toolchain}); err != nil {
		t.Fatal(err)
	}

	src := filepath.Join(t.TempDir(), "src")
	must(t, "git", "clone", "--quiet", "..", src)
	must(t, "go", "-C", src, "mod", "vendor")
	build := exec.Command("docker", "build", "--quiet", "--network=none", "--label", label, "--tag", image, "--build-arg=GO_VERSION=pid1-e2e", "--build-arg=VERSION=v1.2.3", src)
	build.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	c := Run(t, image, nil, "pid1", "--", "pid1top", "reaps", "--follow")
	for _, name := range []string{"pid1", "pid1top"} {
		if got := c.MustExec(name, "--version"); got != name+" version v1.2.3\n" {
			t.Errorf("%s --version: %s", name, got)
		}
	}
	here := t.TempDir()
	must(t, "env", "CGO_ENABLED=0", "go", "-C", src, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X pid1/internal/version.given=v1.2.3", "-o", here+"/", "./cmd/...")
	for _, name := range []string{"pid1", "pid1top"} {
		there := filepath.Join(t.TempDir(), name)
		must(t, "docker", "cp", c.Name+":/"+name, there)
		a, err1 := os.ReadFile(there)
		b, err2 := os.ReadFile(filepath.Join(here, name))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s has other bytes than the one that is built here (%v, %v)", name, err1, err2)
		}
	}
}

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
