package e2e

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var screensPage = flag.String("screens", "", "write what TestScreens sees to `FILE`")

// picture is a screen worth looking at: what leads to it, and what has to be on it.
type picture struct {
	title, text string
	keys        []string
	wants       []string
	w, h        int // 0: as before
}

var pictures = []picture{
	{
		title: "Tree", text: "What runs, what is dead and not waited for (`Z`), and for three seconds what is gone (`X`); many of one parent make a line, which opens. The verdict above says who leaks, since when, how fast, and what to do.",
		keys: []string{"2"}, wants: []string{"[2 Tree]", "LEAK", "thumbd", "more zombies", "Fix "},
	},
	{
		title: "Overview", text: "The same in figures, and what becomes of it if nothing is done.",
		keys: []string{"1"}, wants: []string{"[1 Overview]", "Last failure", "Last orphan", "How they ended", "sendmail"},
	},
	{
		title: "Zombies", text: "By the parent that should wait: the evidence, and what to do.",
		keys: []string{"3"}, wants: []string{"[3 Zombies", "thumbd", "convert", "leaking", "SIGCHLD"},
	},
	{
		title: "Reaps", text: "Every death pid1 saw to, the newest at the bottom.",
		keys: []string{"4"}, wants: []string{"[4 Reaps]", "ORIGIN", "dispatch", "SIGKILL", "exit 75", "newest"},
	},
	{
		title: "Failures", text: "`!` leaves the failed ones; `/` would narrow it further: `sig:KILL`, `exit!=0 life<1s`, `/re/`.",
		keys: []string{"!"}, wants: []string{"failures only", "SIGKILL"},
	},
	{
		title: "Detail", text: "Everything about one process, living or dead (`Enter`).",
		keys: []string{"!", "3", "g", "Enter"}, wants: []string{"Detail of", "Command", "leaking", "Below", "State"},
	},
	{
		title: "Filter and sorting", text: "Ancestors of what matches stay, dimmed. Typed: `/mailer | state:Z`, and `>` to sort.",
		keys:  []string{"2", "/", "-l mailer | state:Z", "Enter", ">", ">", ">", ">", ">"},
		wants: []string{"filter mailer | state:Z", "sort Z▼", "mailer", "thumbd"},
	},
	{
		title: "Columns", text: "`s` chooses what to sort by and what is shown.",
		keys: []string{"/", "C-u", "Enter", "<", "<", "<", "<", "<", "s"}, wants: []string{"Sort Tree by", "> [x] start", "[x] REAPED"},
	},
	{
		title: "Help", text: "`?` names every key of the view, and says what its words mean.",
		keys: []string{"q", "?"}, wants: []string{"everything about one process", "this help"},
	},
	{
		title: "Words", text: "The end of it (`G`).",
		keys: []string{"G"}, wants: []string{"Words", "REAPED", "children it did wait for"},
	},
	{
		title: "60x15", text: "A small terminal: the verdict joins the first line, and the columns that matter least go first.",
		keys: []string{"q"}, wants: []string{"LEAK", "thumbd"}, w: 60, h: 15,
	},
	{
		title: "40x8", text: "A very small one.",
		keys: []string{"3"}, wants: []string{"LEAK", "thumbd"}, w: 40, h: 8,
	},
}

// TestScreens looks at the demo as a user does. With -screens it writes what it sees
// to a file.
func TestScreens(t *testing.T) {
	var page strings.Builder
	page.WriteString("# The screens\n\nAs they were on `pid1top demo`; `make screens` makes them anew. Colours are left out.\n")
	// The demo's own PID namespace takes a capability that containers do not have.
	term := NewTerminal(t, 100, 30, "docker", "run", "--rm", "-it", "--label", owner, "--network=none",
		"--hostname=web", "--pids-limit=500", "--cap-add=SYS_ADMIN", "--entrypoint=pid1top", imageDebian, "demo")
	term.WaitFor("[2 Tree]", "LEAK", "more zombies", "/min") // when there is enough to tell the rate
	for _, p := range pictures {
		if p.w > 0 {
			term.Resize(p.w, p.h)
		}
		for _, k := range p.keys {
			if text, literal := strings.CutPrefix(k, "-l "); literal {
				term.Send("-l", text)
			} else {
				term.Send(k)
			}
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n```\n%s```\n", p.title, p.text, tidy(term.WaitFor(p.wants...)))
	}
	term.Send("q")
	if status := term.WaitExit(); status != 0 {
		t.Errorf("pid1top demo ended with status %d", status)
	}
	if *screensPage != "" && !t.Failed() {
		if err := os.WriteFile(*screensPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tidy drops the blanks at the ends of lines.
func tidy(screen string) string {
	var out strings.Builder
	for line := range strings.Lines(screen) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}
