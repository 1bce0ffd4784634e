package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// "docker exec -t" gives a terminal of size 0x0, and its real size a moment
// later. What was drawn by a guess must leave no traces in the real screen.
func TestSizeComesLate(t *testing.T) {
	c := Run(t, imageDebian, nil, "pid1", "--", "python3", "/app/app.py")
	c.waitKind("done")
	const width, height = 100, 30
	size := fmt.Sprintf("%d %d", height, width)
	term := NewTerminal(t, width, height, "docker", "exec", "-it", c.Name, "sh", "-c",
		`tty >/tmp/tty; until [ "$(stty size)" = "`+size+`" ]; do sleep 0.05; done; stty rows 0 cols 0; exec pid1top`)
	term.Send("2")
	term.WaitFor("[2 Tree]", "app.py", "12 zombies")
	c.MustExec("sh", "-c", fmt.Sprintf(`stty rows %d cols %d <"$(cat /tmp/tty)"`, height, width))
	term.Send("3")
	var lines []string
	eventually(t, "a whole screen: chrome at the top, keys in the last line", func() (bool, string) {
		screen := term.Screen()
		lines = strings.Split(screen, "\n")
		return strings.HasPrefix(lines[0], " pid1top ") && strings.Contains(screen, "[3 Zombies(12)]") &&
			strings.Contains(lines[height-1], "q quit"), screen
	})
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top ended with status %d", status)
	}
}

// A window that is closed over "docker exec -it" ends the docker client; the
// program in the container is told nothing. It must find out and go.
func TestClosedWindowLeavesNothingRunning(t *testing.T) {
	c := Run(t, imageDebian, nil, "pid1", "--", "python3", "/app/app.py")
	c.waitKind("done")
	running := func() string {
		return strings.TrimSpace(c.MustExec("sh", "-c", `for p in /proc/[0-9]*; do read -r n <$p/comm && [ "$n" = pid1top ] && echo ${p#/proc/}; done; true`))
	}
	term := NewTerminal(t, 100, 30, "docker", "exec", "-it", c.Name, "pid1top", "--probe", "3s")
	term.WaitFor("12 zombies")
	if running() == "" {
		t.Fatal("pid1top does not run")
	}
	// It stays as long as the window does, keys or not.
	began := c.MustExec("cat", "/proc/uptime")
	eventually(t, "eight seconds in the container", func() (bool, string) {
		var from, now float64
		up := c.MustExec("cat", "/proc/uptime")
		_, _ = fmt.Sscan(began, &from)
		_, _ = fmt.Sscan(up, &now)
		return now-from > 8, up
	})
	if running() == "" {
		t.Fatal("pid1top ended though its window is open")
	}
	term.Close()
	eventually(t, "pid1top's end after its window's", func() (bool, string) {
		left := running()
		return left == "", "still there: " + left
	})
}

// A signal is sent from the screen to one process, after it was asked for twice.
func TestSignalFromTheScreen(t *testing.T) {
	c := Run(t, imageDebian, nil, "pid1", "--", "sh", "-c", "sleep 4711 & wait $!; sleep 4712")
	term := NewTerminal(t, 100, 30, "docker", "exec", "-it", c.Name, "pid1top")
	term.WaitFor("─ sleep 4711") // it has execed
	term.Send("/")
	term.Send("-l", "4711")
	term.Send("Enter")
	term.Send("n")
	term.Send("n")
	term.Send("K")
	term.WaitFor("Signal to", "sleep 4711", "> SIGTERM")
	term.Send("Enter")
	term.WaitFor("Send SIGTERM to", "sleep 4711?")
	term.Send("y")
	term.WaitFor("SIGTERM was sent to")
	term.Send("Escape")
	term.WaitFor("sleep 4712")
	term.Send("4")
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top ended with status %d", status)
	}
}
