package doctor

import (
	"path"
	"slices"
	"strings"
)

// Program is advice for what is running, told by its name alone: a guess.
type Program struct {
	Name   string // as the advice calls it
	Tried  string // how the advice was confirmed
	Advice []string

	// parent and child are the names of the parent's program, and of the zombies'; one
	// of them has to match. A name stands for its versions, too (python for
	// python3.11), and a * at its end for whatever follows.
	parent, child []string
	// only limits it to one verdict; empty: all that blame the parent.
	only Verdict
}

// notTried says that advice follows a program's own documentation.
const notTried = "documented, not tried"

// programs are looked through from top to bottom; the first that fits a verdict
// speaks. What says more about the situation stands before what names a language.
var programs = []Program{
	{
		Name: "git", Tried: notTried, child: []string{"git", "git-*"},
		Advice: []string{
			"it leaves its maintenance running in the background: switch that off with `git config --global maintenance.autoDetach false` and `gc.autoDetach false`, or run `git maintenance` at times of your own.",
		},
	},
	{
		Name: "a headless browser", Tried: notTried,
		parent: []string{"chrome", "chromium", "chromium-browser", "headless_shell", "chrome-headless-shell"},
		child:  []string{"chrome", "chromium", "chromium-browser", "headless_shell", "chrome-headless-shell", "chrome_crashpad*"},
		Advice: []string{
			"close every browser in all cases, errors too (browser.close() in a finally): its helpers stay when only the page is closed or the driver is killed.",
		},
	},
	{
		Name: "ssh", Tried: notTried, child: []string{"ssh", "sshd"},
		Advice: []string{
			"a master connection (ControlMaster) goes to the background: give it an end with `ControlPersist 60`, or end it with `ssh -O exit HOST`.",
		},
	},
	{
		Name: "Start script", only: InheritedByExec,
		Tried:  "confirmed with bash 5.2 and dash: a helper started with & before exec became the program's zombie, one started as ( helper & ) did not",
		parent: []string{"*"},
		Advice: []string{
			"write `( helper & )` before `exec`, not `helper &`, and `> >( … )` only as part of the program's own command: pid1 then gets the helper and reaps it.",
		},
	},
	{
		Name: "Python", parent: []string{"python", "pypy", "gunicorn*", "celery*", "uwsgi", "uvicorn", "airflow*"},
		Tried: "confirmed with Python 3.11: kept Popen objects and processes never joined left zombies; wait(), subprocess.run() and active_children() left none",
		Advice: []string{
			"subprocess: call wait() or communicate() on every Popen, or use subprocess.run(), which does; poll() at times is enough for those that run in the background.",
			"multiprocessing: join() every Process; multiprocessing.active_children() joins all that have ended.",
			"os.fork(): os.waitpid(-1, os.WNOHANG) until it returns 0 or raises ChildProcessError.",
		},
	},
	{
		Name: "Node.js", parent: []string{"node", "nodejs", "MainThread", "npm*", "yarn*", "pm2*"},
		Tried: "confirmed with Node.js 20: children of spawn() stayed zombies while the event loop was blocked, and were gone once it ran",
		Advice: []string{
			"it waits for its children from its event loop: find what blocks that (a long synchronous call, Atomics.wait, a busy loop) and give the loop its turn, with await or in a worker.",
		},
	},
	{
		Name: "PHP-FPM", parent: []string{"php-fpm"}, Tried: notTried,
		Advice: []string{
			"close what a request opens: proc_close() for proc_open(), pclose() for popen(); a worker keeps them until it is recycled (pm.max_requests bounds that).",
		},
	},
	{
		Name: "PHP", parent: []string{"php", "php-cgi", "artisan"},
		Tried: "confirmed with PHP 8.2: children of pcntl_fork() stayed zombies until pcntl_waitpid()",
		Advice: []string{
			"pcntl_fork(): call pcntl_waitpid(-1, $status, WNOHANG) until it returns 0 or -1; proc_open(): proc_close() each.",
		},
	},
	{
		Name: "Perl", parent: []string{"perl", "starman*", "spamd*"},
		Tried: "confirmed with Perl 5.36: fork without waitpid left zombies; $SIG{CHLD} = 'IGNORE' left none",
		Advice: []string{
			"fork: call waitpid(-1, WNOHANG) (POSIX \":sys_wait_h\") until it returns 0 or -1, or set $SIG{CHLD} = 'IGNORE' where no exit status is needed (system() then returns -1).",
		},
	},
	{
		Name: "Ruby", parent: []string{"ruby", "puma*", "unicorn*", "sidekiq*", "rake", "rails"},
		Tried: "confirmed with Ruby 3.1: spawn without a wait left zombies; Process.detach left none",
		Advice: []string{
			"spawn and fork: Process.wait(pid), or Process.detach(pid), which waits on a thread of its own.",
		},
	},
	{
		Name: "Java", parent: []string{"java", "jsvc", "jspawnhelper"},
		Tried: "confirmed with OpenJDK 17: children of ProcessBuilder were waited for without waitFor(); helpers of the start script stayed",
		Advice: []string{
			"the JVM waits by itself for what ProcessBuilder and Runtime.exec start: look at native code that forks, and at the start script that execed java over running helpers.",
		},
	},
	{
		Name: "nginx", parent: []string{"nginx", "openresty"}, Tried: notTried,
		Advice: []string{
			"it waits for its workers: others come from a module that starts programs (CGI, Lua's os.execute or io.popen) or from a start script that execed nginx over running helpers.",
		},
	},
	{
		Name: "cron", parent: []string{"cron", "crond", "CRON", "anacron"}, Tried: notTried,
		Advice: []string{
			"it waits for the end of a job's output before it waits for the job: redirect what a job leaves in the background (`>/dev/null 2>&1 </dev/null`).",
		},
	},
	{
		Name: "bash", parent: []string{"bash"},
		Tried: "confirmed with bash 5.2: it waits for its jobs by itself, even while a command runs in the foreground",
		Advice: []string{
			"it waits by itself for what it started, so it does not get to it: look whether it is stopped; let loops that start jobs use `wait -n`, which waits for one of them.",
		},
	},
	{
		Name: "a plain sh", parent: []string{"sh", "dash", "ash", "busybox"},
		Tried: "confirmed with dash 0.5.12: background jobs stayed zombies while it sat in the builtin read, `wait` before it left none",
		Advice: []string{
			"it looks after its background jobs with its next command, not while it sits in a builtin such as `read`: `wait` for them before that.",
		},
	},
	{
		Name: "Apache httpd", parent: []string{"httpd", "apache"}, Tried: notTried,
		Advice: []string{
			"it waits for its workers: others come from CGI programs or piped loggers (CustomLog \"|…\") that leave processes behind.",
		},
	},
}

// Programs lists what there is special advice for.
func Programs() []Program { return slices.Clone(programs) }

// guess finds the special advice for a parent and its zombies; nil for none.
func guess(v Verdict, e *Evidence) *Program {
	for i := range programs {
		p := &programs[i]
		switch {
		case p.only != "" && p.only != v:
		case matches(p.parent, e.Parent.Comm, e.Parent.Cmdline):
			return p
		case len(e.Kinds) > 0 && matches(p.child, e.Kinds[0].Comm, e.Kinds[0].Cmdline):
			return p
		}
	}
	return nil
}

// matches compares the names a process may be known by: the kernel's, that of its
// program, and that of the script its interpreter runs.
func matches(names []string, comm string, cmdline []string) bool {
	if fits(names, comm) {
		return true
	}
	for i, arg := range cmdline[:min(2, len(cmdline))] {
		if i > 0 && strings.HasPrefix(arg, "-") {
			continue
		}
		// A title such as "gunicorn: master [app]" names the program first.
		arg, _, _ = strings.Cut(arg, ":")
		if fits(names, strings.TrimPrefix(path.Base(arg), "-")) {
			return true
		}
	}
	return false
}

func fits(names []string, name string) bool {
	plain := strings.TrimRight(name, "0123456789.")
	for _, n := range names {
		if start, any := strings.CutSuffix(n, "*"); any && strings.HasPrefix(name, start) || n == plain && plain != "" {
			return true
		}
	}
	return false
}

// special is the advice for the program, marked as the guess it is.
func special(v Verdict, e *Evidence) []string {
	p := guess(v, e)
	if p == nil {
		return nil
	}
	how := "by its name"
	if !matches(p.parent, e.Parent.Comm, e.Parent.Cmdline) {
		how = "by its zombies' names"
	}
	if p.only != "" {
		how = "by its exec"
	}
	out := make([]string, len(p.Advice))
	for i, a := range p.Advice {
		out[i] = p.Name + ": " + a
		if i == 0 {
			out[i] = p.Name + " (a guess " + how + "): " + a
		}
	}
	return out
}
