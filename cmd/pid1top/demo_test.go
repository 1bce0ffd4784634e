package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stage gives the demo a folder for temporary files of its own, and a pid1 made for
// it in PATH.
func stage(t *testing.T) (tmp string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes some seconds; not with -short")
	}
	bin, tmp := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "pid1"), "pid1/cmd/pid1")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build pid1: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin)
	t.Setenv("TMPDIR", tmp)
	return tmp
}

// left fails the test for everything of the demo that is still there: files, and
// processes, which all have the folder in their environment.
func left(t *testing.T, tmp string) {
	t.Helper()
	files, err := os.ReadDir(tmp)
	if err != nil || len(files) > 0 {
		t.Errorf("left behind: %v %v", files, err)
	}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		if env, err := os.ReadFile(name); err == nil && bytes.Contains(env, []byte("TMPDIR="+tmp)) {
			t.Errorf("%s is left behind", filepath.Dir(name))
		}
	}
}

func TestDemo(t *testing.T) {
	tmp := stage(t)
	var out, errs bytes.Buffer
	if status := run([]string{"pid1top", "demo"}, os.Environ(), stdio{nil, &out, &errs}); status != statusOK {
		t.Fatalf("status %d, %s", status, errs.String())
	}
	left(t, tmp)
	text := out.String()
	for _, want := range []string{
		`(?m)^A leaking demo program ran under pid1 for \d+s, in `,
		`(?m)^leaking: \d+ thumbd --watch /srv/uploads$`,
		`\d+ thumbd is alive and [a-z\s]+:\s+\d+\s+zombies,\s+oldest\s+\d+s`,
		`(?m)^  What to do$`,
		`\d+x sendmail, [1-9]\d* failed`,
		`1x ffmpeg, 1 failed`,
		`sendmail -t --status 75`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("the report does not match %q", want)
		}
	}
	if strings.Contains(text, "crond is alive") {
		t.Error("the report accuses crond, which waits for its children")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// ^C in the middle leaves nothing behind either.
func TestDemoInterrupted(t *testing.T) {
	tmp := stage(t)
	var errs bytes.Buffer
	cmd := exec.Command("/proc/self/exe", "demo")
	cmd.Env = append(os.Environ(), beProgram+"=1")
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForSocket(t, tmp)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || errs.String() != "pid1top: interrupted\n" {
		t.Errorf("%v, %q", err, errs.String())
	}
	left(t, tmp)
}

// waitForSocket waits until the demo's pid1 has its socket below tmp.
func waitForSocket(t *testing.T, tmp string) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for t.Context().Err() == nil {
		<-again.C
		if found, _ := filepath.Glob(filepath.Join(tmp, "*", "pid1.sock")); len(found) > 0 {
			return
		}
	}
	t.Fatal("the demo did not start")
}
