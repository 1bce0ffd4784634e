package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"pid1/inspect"
	"pid1/internal/cgroup"
)

// features prints what this kernel and container let pid1 see: what was tried, what
// came of it, what it is for or what is lost.
func features(out io.Writer) {
	list := append([]inspect.Feature{initFeature()}, inspect.Features("/proc", os.Getenv("PATH"))...)
	group := cgroup.Open("/proc")
	defer group.Close()
	_, limit, pidsErr := group.PIDs()
	pids := inspect.Feature{
		Name: "pids", Missing: pidsErr,
		Gives:   "PIDs in use and their limit, a warning before they run out",
		Without: "no forecast of when the container is full",
	}
	switch {
	case pidsErr != nil:
	case limit == cgroup.Unlimited:
		pids.Note = "no limit"
	default:
		pids.Note = fmt.Sprintf("limit %d", limit)
	}
	_, oomErr := group.OOMKills()
	list = append(list, pids, inspect.Feature{
		Name: "oom", Missing: oomErr,
		Gives:   "deaths for want of memory are marked",
		Without: "they look like any SIGKILL",
	})
	for _, f := range list {
		here, what := "yes", f.Gives
		if f.Note != "" {
			what += " (" + f.Note + ")"
		}
		if f.Missing != nil {
			here, what = "no", fmt.Sprintf("%s; without it: %s", f.Missing, f.Without)
		}
		fmt.Fprintf(out, "%-12s %-4s %s\n", f.Name, here, harmless(strings.ReplaceAll(what, "\n", " ")))
	}
}

// initFeature is whether orphans come here.
func initFeature() inspect.Feature {
	f := inspect.Feature{
		Name:    "orphans",
		Gives:   "all orphans come to pid1",
		Without: "orphans go to another process, and pid1 sees them leave",
	}
	if os.Getpid() == 1 {
		f.Note = "PID 1"
		return f
	}
	f.Note = "as a subreaper: those of COMMAND's descendants"
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		f.Missing = errors.Join(errors.New("not PID 1, and cannot become a subreaper"), err)
	}
	return f
}
