package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// demoRole names, in the environment, the part of the demo that a process of it
// plays. All of them are this program under another name.
const demoRole = "PID1TOP_DEMO_ROLE"

// actors are the parts, by the names they run under.
//
//	shop          COMMAND: starts the three below and waits for them
//	├─ thumbd     starts a convert every now and then and never waits: it leaks
//	├─ mailer     starts a dispatch, which starts a sendmail and leaves it behind
//	└─ crond      starts a logrotate every second and waits for it: healthy
//
// Now and then mailer's dispatch leaves an ffmpeg behind that is killed.
var actors = map[string]func(args []string) int{
	"shop": shop, "thumbd": thumbd, "mailer": mailer, "crond": crond,
	"dispatch": dispatch, "convert": shortLived, "sendmail": shortLived, "logrotate": shortLived, "ffmpeg": killed,
}

// linkActors gives this program the actors' names in dir: the kernel takes a
// process's name from the file it runs.
func linkActors(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	for name := range actors {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("cannot make the demo's programs: %w", err)
		}
	}
	return nil
}

// demoProgram plays one part; it returns the exit status.
func demoProgram(role string, args []string) int {
	if role == "init" {
		fmt.Fprintln(os.Stderr, "demo:", demoInit(args))
		return 125
	}
	act := actors[role]
	if act == nil {
		fmt.Fprintf(os.Stderr, "demo: there is no part %q\n", role)
		return 125
	}
	return act(args)
}

// play starts another part. Its folder is that of COMMAND, which has it in its
// arguments; the others have it in the environment.
func play(args ...string) (*os.Process, error) {
	dir := os.Getenv(demoFolder)
	return os.StartProcess(filepath.Join(dir, args[0]), args, &os.ProcAttr{
		Env:   append(demoEnv(args[0]), demoFolder+"="+dir),
		Files: []*os.File{nil, os.Stdout, os.Stderr},
	})
}

// demoFolder names, in the environment, where the actors are.
const demoFolder = "PID1TOP_DEMO_FOLDER"

// playOut plays a part and waits for its end.
func playOut(args ...string) {
	if p, err := play(args...); err == nil {
		_, _ = p.Wait()
	}
}

func shop(args []string) int {
	_ = os.Setenv(demoFolder, filepath.Dir(args[0]))
	var parts []*os.Process
	for _, part := range [][]string{{"thumbd", "--watch", "/srv/uploads"}, {"mailer", "--queue", "/var/spool/mail"}, {"crond", "-f"}} {
		p, err := play(part...)
		if err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			return 1
		}
		parts = append(parts, p)
	}
	for _, p := range parts {
		_, _ = p.Wait()
	}
	return 0
}

// thumbd never waits for a child: ten zombies in the first three seconds,
// then twenty a minute.
func thumbd([]string) int {
	for n := 1; ; n++ {
		if p, err := play("convert", "-resize", "200x200", fmt.Sprintf("IMG_%04d.jpg", n)); err == nil {
			_ = p.Release() // and no Wait: this is the leak
		}
		if n < 10 {
			time.Sleep(330 * time.Millisecond)
		} else {
			time.Sleep(3 * time.Second)
		}
	}
}

// mailer waits for what it starts itself; what that leaves behind is pid1's.
func mailer([]string) int {
	statuses := []int{0, 0, 75, 0, 1}
	for n := 0; ; n++ {
		playOut("dispatch", "sendmail", "-t", "--status", strconv.Itoa(statuses[n%len(statuses)]))
		if n%10 == 1 {
			playOut("dispatch", "ffmpeg", "-i", "greeting.mp4")
		}
		time.Sleep(600 * time.Millisecond)
	}
}

// dispatch leaves an orphan behind: it starts its arguments and exits before they
// end.
func dispatch(args []string) int {
	if _, err := play(args[1:]...); err != nil {
		return 1
	}
	time.Sleep(50 * time.Millisecond)
	return 0
}

func crond([]string) int {
	for {
		playOut("logrotate", "/etc/logrotate.conf")
		time.Sleep(time.Second)
	}
}

// shortLived lives for a moment and exits with the status its last argument names.
func shortLived(args []string) int {
	time.Sleep(150 * time.Millisecond)
	status, _ := strconv.Atoi(args[len(args)-1]) // anything else stands for 0
	return status
}

// killed dies like a victim of the OOM killer.
func killed([]string) int {
	time.Sleep(300 * time.Millisecond)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
