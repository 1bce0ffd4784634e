package doctor

// A rule judges by one look at the evidence.
type rule struct {
	verdict Verdict
	holds   func(*Evidence) bool
	// why tells, after "812 gunicorn ", what the parent is or does.
	why func(*Evidence) string
	// advice lists what to do, best first.
	advice func(*Evidence) []string
}

// rules are tried from top to bottom. What explains the zombies by somebody or
// something other than a careless parent stands before what accuses it.
var rules = []rule{
	{
		verdict: Outside,
		holds:   func(e *Evidence) bool { return e.Outside },
		why:     func(*Evidence) string { return "is outside this container's PID namespace" },
		advice:  adviseOutside,
	},
	{
		verdict: ThreadsAlive,
		holds:   func(e *Evidence) bool { return e.ThreadsAlive == e.Count },
		why:     func(*Evidence) string { return "cannot wait for them yet: their other threads still run" },
		advice: func(*Evidence) []string {
			return []string{"Nothing to do: each becomes reapable when its last thread ends. It is not a leak."}
		},
	},
	{
		verdict: Transient,
		holds:   func(e *Evidence) bool { return e.Oldest < TransientAge },
		why:     func(*Evidence) string { return "has children that died this moment" },
		advice: func(*Evidence) []string {
			return []string{"Nothing to do: every child is a zombie between its death and its parent's wait."}
		},
	},
	{
		verdict: ParentStopped,
		holds:   func(e *Evidence) bool { return e.State == "T" || e.State == "t" },
		why:     whyStopped,
		advice:  adviseStopped,
	},
	{
		verdict: ParentBlocked,
		holds:   func(e *Evidence) bool { return e.stuck() || e.Blocked },
		why:     whyBlocked,
		advice:  adviseBlocked,
	},
	{
		verdict: InheritedByExec,
		holds:   func(e *Evidence) bool { return e.Inherited == e.Count },
		why:     whyInherited,
		advice:  adviseInherited,
	},
	{
		verdict: OtherReaper,
		holds:   func(e *Evidence) bool { return e.Adopted == e.Count },
		why:     func(*Evidence) string { return "adopted them as a subreaper and does not wait for them" },
		advice:  adviseOtherReaper,
	},
	{
		verdict: Leaking,
		holds:   (*Evidence).Growing,
		why:     whyLeaking,
		advice:  adviseCareless,
	},
	{
		verdict: Held,
		holds:   func(*Evidence) bool { return true },
		why:     whyHeld,
		advice:  adviseCareless,
	},
}

// Judge says what the matter is with a parent and its zombies. With none, it is
// Healthy.
func Judge(e Evidence) Finding {
	if e.Count == 0 {
		return Finding{Verdict: Healthy, Summary: "No zombies: every parent waits for its children."}
	}
	r := &rules[len(rules)-1] // holds always
	for i := range rules {
		if rules[i].holds(&e) {
			r = &rules[i]
			break
		}
	}
	return Finding{
		Verdict:  r.verdict,
		Subject:  e.Parent,
		Since:    e.Oldest,
		Summary:  summary(&e, r),
		Evidence: lines(&e),
		Advice:   r.advice(&e),
	}
}
