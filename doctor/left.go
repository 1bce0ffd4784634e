package doctor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pid1/event"
)

// Left is processes that run one program and outlived who started them: orphans
// that live on. One of them is a daemon; more and more of them are a leak, too.
type Left struct {
	Kind
	// Origin is who started the newest of them; the zero Proc where nobody saw.
	// Origins counts how many did.
	Origin  event.Proc
	Origins int
	// Session is set when they were started from outside the container (docker exec,
	// a health check, a probe).
	Session bool
	PIDs    []int         // the oldest first, LeftMax at most
	Oldest  time.Duration // since the oldest began
	Newest  time.Duration
	Moments int   // different moments at which they began
	RSSKB   int64 // resident memory of all of them; event.Unknown allowed
}

// LeftMax bounds Left.PIDs.
const LeftMax = 16

// What it takes to call processes left behind a leak.
const (
	minMoments  = 3
	minLeftOver = 30 * time.Second // from the first to the last
	leftRecent  = 10 * time.Minute // since the last, unless their rhythm is slower
)

// Piling reports whether more and more are left behind: the same again and again,
// and not long ago.
func (l *Left) Piling() bool {
	return l.Moments >= minMoments && l.Oldest-l.Newest >= minLeftOver &&
		l.Newest <= max(leftRecent, time.Duration(staleBeats*float64(l.Cadence.Every)))
}

// JudgeLeft says what is wrong with processes left behind; Healthy when nothing
// is.
func JudgeLeft(l *Left) Finding {
	if !l.Piling() {
		return Finding{Verdict: Healthy, Since: l.Oldest, Summary: leftSummary(l)}
	}
	return Finding{
		Verdict: Orphans, Subject: l.Origin, Since: l.Oldest,
		Summary: leftSummary(l), Evidence: leftEvidence(l), Advice: leftAdvice(l),
	}
}

func leftSummary(l *Left) string {
	var b strings.Builder
	switch {
	case l.Session && l.Cadence.Each > 0:
		b.WriteString("A health check or an exec probe from outside")
	case l.Session:
		b.WriteString("Sessions from outside (docker exec)")
	case l.Origins > 1 && l.Origin.Comm != "":
		fmt.Fprintf(&b, "%d processes called %s", l.Origins, l.Origin.Comm)
	case l.Origin.PID > 0:
		b.WriteString(Name(l.Origin))
	default:
		b.WriteString("Somebody nobody saw")
	}
	fmt.Fprintf(&b, " left %s running as %s, since %s", l.name(), processes(l.Count), Age(l.Oldest))
	if l.Cadence.Each > 0 {
		b.WriteString(", " + l.Cadence.String())
	}
	if l.RSSKB > 0 {
		b.WriteString("; they hold " + Memory(l.RSSKB))
	}
	return b.String() + "."
}

func leftEvidence(l *Left) []string {
	list := make([]string, len(l.PIDs))
	for i, pid := range l.PIDs {
		list[i] = strconv.Itoa(pid)
	}
	dots := ""
	if l.Count > len(l.PIDs) {
		dots = ", …"
	}
	out := []string{
		fmt.Sprintf("they live on as %s%s; the oldest for %s, the newest for %s", strings.Join(list, ", "), dots, Age(l.Oldest), Age(l.Newest)),
		fmt.Sprintf("begun at %d different moments", l.Moments),
	}
	if l.Session {
		out = append(out, "they belong to sessions that were started from outside the PID namespace")
	} else if l.Origin.PID > 0 {
		out = append(out, fmt.Sprintf("the newest was started by %s, which is gone or did not keep it", Name(l.Origin)))
	}
	return out
}

func leftAdvice(l *Left) []string {
	var out []string
	switch {
	case l.Session && l.Cadence.Each > 0:
		out = append(out,
			"See that the command of the health check or probe ends within its timeout and leaves nothing running: no & at its end, `exec` for the last command, a timeout of its own (`timeout 5 …`). A runtime may give up on a probe and leave its processes.")
	case l.Session:
		out = append(out, "Look at what runs docker exec: what it starts in the background goes on after the session has ended.")
	default:
		out = append(out, "Whoever starts them has to end them as well, or wait for their end: nohup, setsid, disown and & let them go on when the starter is gone.")
	}
	for i := range programs {
		if p := &programs[i]; p.child != nil && matches(p.child, l.Comm, l.Cmdline) {
			for _, a := range p.Advice {
				out = append(out, p.Name+" (a guess by the processes' name): "+a)
			}
			break
		}
	}
	return append(out, fmt.Sprintf("Until then: end those that are not needed (kill -TERM %s ends the oldest); pid1 reaps them.", strconv.Itoa(first(l.PIDs))))
}

func first(pids []int) int {
	if len(pids) == 0 {
		return 0
	}
	return pids[0]
}

// name is what processes of a Kind are called.
func (k *Kind) name() string {
	if len(k.Cmdline) == 0 {
		if k.Comm == "" {
			return "?"
		}
		return "[" + k.Comm + "]"
	}
	const enough = 60
	s := strings.Join(k.Cmdline, " ")
	if r := []rune(s); len(r) > enough {
		s = string(r[:enough-1]) + "…"
	}
	if k.Varied {
		return k.Comm + ", such as <" + s + ">"
	}
	return "<" + s + ">"
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return strconv.Itoa(n) + " processes"
}

// Memory writes kilobytes as people do: 312 KB, 48 MB, 1.5 GB.
func Memory(kb int64) string {
	switch {
	case kb < 0:
		return "?"
	case kb < 1<<10:
		return fmt.Sprintf("%d KB", kb)
	case kb < 1<<20:
		return fmt.Sprintf("%d MB", kb>>10)
	}
	return fmt.Sprintf("%.1f GB", float64(kb)/(1<<20))
}
