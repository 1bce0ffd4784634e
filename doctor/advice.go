package doctor

import (
	"fmt"
	"strconv"
)

func whyLeaking(e *Evidence) string {
	if e.waits() {
		return "is alive and waits for fewer children than die"
	}
	return "is alive and does not wait for its children"
}

func whyHeld(e *Evidence) string {
	if e.Gone > 0 {
		return "is alive and waits for its children late"
	}
	return "is alive and has not waited for its dead children"
}

// adviseCareless is for a parent that could wait and does not.
func adviseCareless(e *Evidence) []string {
	var out []string
	switch e.SigChld {
	case "handled":
		if !e.waits() {
			out = append(out, fmt.Sprintf("Fix %d: it has a handler for SIGCHLD, as every program of some languages has, yet nothing in it waits for these children (waitpid(2); in Go, Wait on every exec.Cmd that was started).", e.Parent.PID))
			break
		}
		out = append(out, fmt.Sprintf("Look at how %d handles SIGCHLD: one signal can stand for many deaths, so the handler must call waitpid(-1, …, WNOHANG) until it finds nothing.", e.Parent.PID))
	case "ignored":
		out = append(out, fmt.Sprintf("%d ignores SIGCHLD now, so further deaths leave no zombies; these are from before and stay until it waits or exits.", e.Parent.PID))
	default:
		if e.Parent.PID == 1 {
			out = append(out, waitAsInit)
		} else {
			out = append(out, fmt.Sprintf("Fix %d: "+waitFor, e.Parent.PID))
		}
		if s := special(Leaking, e); len(s) > 0 {
			return append(append(out, s...), relief(e))
		}
		return append(out,
			"If it does not care how its children end, it can ignore SIGCHLD (SIG_IGN or SA_NOCLDWAIT): the kernel then keeps no zombies.",
			relief(e),
		)
	}
	return append(append(out, special(Leaking, e)...), relief(e))
}

const (
	waitFor    = "wait for every child it starts (waitpid(2))."
	waitAsInit = "1 is PID 1: it has to wait for every child, the orphans that it inherits included (waitpid(2)). Few programs do; start it under an init that does, such as pid1."
)

// relief is what can be done without changing the program.
func relief(e *Evidence) string {
	switch {
	case e.Parent.PID == 1 && e.Role == "init":
		return "Until then: restart the container. 1 is pid1 itself, which reaps all that dies unless it is stopped: if it is not, please report this as a fault of pid1."
	case e.Parent.PID == 1:
		return "Until then: restart the container (on a host, the machine). 1 is its PID 1, and all ends with it."
	case e.Main:
		return fmt.Sprintf("Until then: restart the container. %d is its main process; start it below a parent that waits, if it cannot be changed.", e.Parent.PID)
	case e.Role == "local":
		return fmt.Sprintf("Until then: restart %d; its zombies go to PID 1 of this namespace.", e.Parent.PID)
	}
	return fmt.Sprintf("Until then: restart %d (kill -TERM %d ends it); pid1 reaps what it leaves behind.", e.Parent.PID, e.Parent.PID)
}

func whyStopped(e *Evidence) string {
	if e.State == "t" {
		return "is being traced and held, and cannot wait"
	}
	return "is stopped and cannot wait"
}

func adviseStopped(e *Evidence) []string {
	if e.State == "t" {
		return []string{fmt.Sprintf("A debugger holds %d (TracerPid in /proc/%d/status): let it go on, or detach.", e.Parent.PID, e.Parent.PID)}
	}
	return []string{
		fmt.Sprintf("Let it go on: kill -CONT %d. It reaps then, if it is a parent that waits.", e.Parent.PID),
		"Find out who stopped it: a job-control shell, a freezer, a debugger.",
	}
}

func whyBlocked(e *Evidence) string {
	if e.stuck() {
		if e.Wchan != "" && e.Wchan != "0" {
			return "is in uninterruptible sleep in " + e.Wchan + " and cannot wait"
		}
		return "is in uninterruptible sleep and cannot wait"
	}
	return "has SIGCHLD blocked and does not wait"
}

func adviseBlocked(e *Evidence) []string {
	if e.stuck() {
		return []string{
			fmt.Sprintf("Find what %d waits for: a disk, a network file system, a driver (/proc/%d/stack as root, the kernel log).", e.Parent.PID, e.Parent.PID),
			"Signals may not reach it before that ends; its zombies stay until then.",
		}
	}
	return []string{
		fmt.Sprintf("%d never gets SIGCHLD while it blocks it: it has to unblock it, read it from a signalfd, or wait without it.", e.Parent.PID),
		"A blocked signal is inherited through fork and exec: look at what started it, too.",
		"If it does not wait by other means, either: " + waitFor,
		relief(e),
	}
}

func whyInherited(e *Evidence) string {
	if e.Was != "" {
		return "was " + strconv.Quote(e.Was) + " when it started them, and the program it execed does not know them"
	}
	return "execed another program after it started them, and that program does not know them"
}

func adviseInherited(e *Evidence) []string {
	out := []string{"Start the helpers from something that stays and waits, or detach them twice (fork, fork, exit of the first), so that pid1 gets them."}
	return append(append(out, special(InheritedByExec, e)...), relief(e))
}

func adviseOtherReaper(e *Evidence) []string {
	return []string{
		fmt.Sprintf("%d made itself a subreaper (PR_SET_CHILD_SUBREAPER): whoever does that has to wait for every orphan it gets.", e.Parent.PID),
		"Switch that off if it is not meant: the orphans come to pid1 then.",
		relief(e),
	}
}

func adviseOutside(e *Evidence) []string {
	var out []string
	if e.Cadence.Each > 0 {
		out = append(out, "By its rhythm this is a health check or an exec probe: see that its command ends within its timeout and leaves nothing running (no & at its end, `exec` for the last command, a timeout of its own).")
	}
	return append(out,
		"Whoever started them from outside has to wait: the container runtime (docker exec, a health check) or a debugger.",
		"Look at the runtime on the host; nothing inside the container can reap them.",
	)
}
