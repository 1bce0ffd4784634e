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
