package event

import "strconv"

// Append appends ev as one line, newline included, and returns the longer
// buffer. The line carries the type, seq and ts of ev's head.
func Append(dst []byte, ev Event) []byte {
	h := ev.Header()
	w := writer{append(dst, `{"v":`...)}
	w.b = strconv.AppendInt(w.b, Version, 10)
	w.str("type", string(h.Type))
	if h.Seq != 0 {
		w.uint("seq", h.Seq)
	}
	w.time("ts", h.TS)
	ev.appendBody(&w)
	return append(w.b, '}', '\n')
}

func (id ID) append(w *writer) {
	w.num("pid", int64(id.PID))
	if id.Start != 0 {
		w.uint("start_ticks", id.Start)
	}
}

func (c *Command) append(w *writer) {
	w.bytes("comm", "comm_b64", c.Comm)
	w.args(c.Cmdline)
	w.text("cmdline_how", string(c.CmdlineHow))
	w.flag("cmdline_cut", c.CmdlineCut)
	w.bytes("exe", "exe_b64", c.Exe)
}

func (o Owner) append(w *writer) {
	w.int("uid", int64(o.UID))
	w.int("gid", int64(o.GID))
}

func (g Group) append(w *writer) {
	w.int("pgid", int64(g.PGID))
	w.int("sid", int64(g.SID))
}

func (e Ended) append(w *writer) {
	if e.Signal != "" {
		w.str("signal", e.Signal)
		w.flag("core", e.Core)
		return
	}
	w.int("code", int64(e.Code))
}

func (p *Proc) append(w *writer, k string) {
	if p == nil {
		return
	}
	w.open(k)
	p.ID.append(w)
	w.bytes("comm", "comm_b64", p.Comm)
	w.args(p.Cmdline)
	w.text("how", string(p.How))
	w.close()
}

func (r *Rusage) append(w *writer) {
	if r == nil {
		return
	}
	w.open("rusage")
	w.float("utime_ms", r.UtimeMS)
	w.float("stime_ms", r.StimeMS)
	w.int("maxrss_kb", r.MaxRSSKB)
	w.num("minflt", r.Minflt)
	w.num("majflt", r.Majflt)
	w.int("nvcsw", r.Nvcsw)
	w.int("nivcsw", r.Nivcsw)
	w.close()
}

func (w *writer) lineage(list []Ancestor) {
	if len(list) == 0 {
		return
	}
	w.array("lineage")
	for i := range list {
		w.elem()
		w.b = append(w.b, '{')
		w.num("pid", int64(list[i].PID))
		w.bytes("comm", "comm_b64", list[i].Comm)
		w.close()
	}
	w.endArray()
}

func (e *Hello) appendBody(w *writer) {
	w.str("version", e.Program)
	w.num("pid", int64(e.PID))
	w.str("role", e.Role)
	w.strs("command", e.Command)
	w.text("trace", e.Trace)
	w.time("started", e.Started)
	w.text("host", e.Host)
	if e.PIDNS != 0 {
		w.uint("pid_ns", e.PIDNS)
	}
	w.uint("first_seq", e.FirstSeq)
	w.uint("last_seq", e.LastSeq)
	if len(e.Features) > 0 {
		w.open("features")
		for _, k := range sortedKeys(e.Features) {
			w.str(k, e.Features[k])
		}
		w.close()
	}
}

func (e *Start) appendBody(w *writer) {
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Group.append(w)
	e.Owner.append(w)
	e.Command.append(w)
	e.Origin.append(w, "origin")
	w.time("started", e.Started)
	w.flag("exec_session", e.ExecSession)
}

func (e *Exec) appendBody(w *writer) {
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Command.append(w)
	w.bytes("was", "was_b64", e.Was)
}

func (e *Orphan) appendBody(w *writer) {
	e.ID.append(w)
	e.Command.append(w)
	e.Origin.append(w, "origin")
}

func (e *Zombie) appendBody(w *writer) {
	e.ID.append(w)
	e.Command.append(w)
	e.Owner.append(w)
	e.Ended.append(w)
	e.Parent.append(w, "parent")
	w.time("started", e.Started)
	if e.Threads > 0 {
		w.num("threads", int64(e.Threads))
	}
	w.flag("seen_before", e.SeenBefore)
}

func (e *ZombieGone) appendBody(w *writer) {
	e.ID.append(w)
	e.Command.append(w)
	e.Parent.append(w, "parent")
	w.int("zombie_ms", e.ZombieMS)
}

func (e *Exit) appendBody(w *writer) {
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Group.append(w)
	e.Owner.append(w)
	e.Command.append(w)
	e.Ended.append(w)
	e.Origin.append(w, "origin")
	w.time("started", e.Started)
	w.int("lifetime_ms", e.LifetimeMS)
	e.Rusage.append(w)
	w.text("oom", e.OOM)
}

func (e *Reap) appendBody(w *writer) {
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Group.append(w)
	e.Owner.append(w)
	e.Command.append(w)
	e.Ended.append(w)
	e.Origin.append(w, "origin")
	w.lineage(e.Lineage)
	w.time("started", e.Started)
	w.int("lifetime_ms", e.LifetimeMS)
	w.int("zombie_ms", e.ZombieMS)
	w.bool("main", e.Main)
	w.bool("adopted", e.Adopted)
	w.bool("exec_session", e.ExecSession)
	e.Rusage.append(w)
	w.text("oom", e.OOM)
}

func (e *Signal) appendBody(w *writer) {
	w.str("signal", e.Signal)
	w.open("from")
	w.int("pid", int64(e.From.PID))
	w.int("uid", int64(e.From.UID))
	w.bytes("comm", "comm_b64", e.From.Comm)
	w.args(e.From.Cmdline)
	w.flag("outside", e.From.Outside)
	w.flag("kernel", e.From.Kernel)
	w.close()
	w.text("became", e.Became)
	w.text("target", e.Target)
	w.ints("reached", e.Reached)
	w.text("error", e.Error)
}

func (e *Leak) appendBody(w *writer) {
	w.str("state", e.State)
	w.str("verdict", e.Verdict)
	e.Parent.append(w, "parent")
	w.num("count", int64(e.Count))
	w.int("oldest_ms", e.OldestMS)
	w.float("rate_per_min", e.RatePerMin)
	w.int("each", int64(e.Each))
	w.int("each_ms", e.EachMS)
	w.text("summary", e.Summary)
}

func (e *Pressure) appendBody(w *writer) {
	w.num("percent", int64(e.Percent))
	w.num("current", e.Current)
	w.num("limit", e.Limit)
	w.int("full_in_ms", e.FullInMS)
	e.Holder.append(w, "holder")
	w.int("held", int64(e.Held))
	w.int("zombies", int64(e.Zombies))
	w.text("summary", e.Summary)
}

func (e *OOM) appendBody(w *writer) {
	w.num("kills", e.Kills)
	w.num("total", e.Total)
}

func (e *MainExit) appendBody(w *writer) {
	e.ID.append(w)
	e.Ended.append(w)
	w.int("lifetime_ms", e.LifetimeMS)
	w.num("status", int64(e.Status))
	w.text("oom", e.OOM)
}

func (e *Shutdown) appendBody(w *writer) {
	w.str("reason", e.Reason)
	if len(e.Survivors) > 0 {
		w.array("survivors")
		for i := range e.Survivors {
			w.elem()
			e.Survivors[i].append(w)
		}
		w.endArray()
	}
	w.flag("survivors_cut", e.SurvivorsCut)
	w.num("status", int64(e.Status))
	w.num("took_ms", e.TookMS)
}

func (s *Survivor) append(w *writer) {
	w.b = append(w.b, '{')
	s.ID.append(w)
	w.bytes("comm", "comm_b64", s.Comm)
	w.args(s.Cmdline)
	if len(s.Signals) > 0 {
		w.array("signals")
		for _, sent := range s.Signals {
			w.elem()
			w.b = append(w.b, '{')
			w.str("signal", sent.Signal)
			w.time("ts", sent.TS)
			w.close()
		}
		w.endArray()
	}
	w.str("outcome", s.Outcome)
	w.close()
}

func (e *Stats) appendBody(w *writer) {
	w.num("uptime_ms", e.UptimeMS)
	w.uint("reaps", e.Reaps)
	w.uint("failed", e.Failed)
	w.uint("adopted", e.Adopted)
	w.num("processes", int64(e.Processes))
	w.num("zombies", int64(e.Zombies))
	w.uint("last_seq", e.LastSeq)
	w.int("pids_used", e.PIDsUsed)
	w.int("pids_limit", e.PIDsLimit)
	w.int("pid_max", e.PIDMax)
	w.int("threads_max", e.ThreadsMax)
	w.num("clients", int64(e.Clients))
	w.uint("lost", e.Lost)
}

func (e *Gap) appendBody(w *writer) {
	w.uint("lost", e.Lost)
	w.uint("from_seq", e.FromSeq)
	w.uint("to_seq", e.ToSeq)
}

func (e *Source) appendBody(w *writer) {
	w.str("name", e.Name)
	w.str("state", e.State)
	w.text("reason", e.Reason)
}

func (e *End) appendBody(w *writer) { w.str("reason", e.Reason) }

func (e *Subscribed) appendBody(w *writer) {
	w.text("re", e.Re)
	w.uint("next_seq", e.NextSeq)
}

func (e *Process) appendBody(w *writer) {
	w.text("re", e.Re)
	e.ID.append(w)
	w.int("ppid", int64(e.PPID))
	e.Group.append(w)
	e.Owner.append(w)
	e.Command.append(w)
	w.str("state", e.State)
	w.int("state_ms", e.StateMS)
	w.time("started", e.Started)
	w.int("age_ms", e.AgeMS)
	w.int("threads", int64(e.Threads))
	w.float("utime_ms", e.UtimeMS)
	w.float("stime_ms", e.StimeMS)
	w.int("rss_kb", e.RSSKB)
	e.Origin.append(w, "origin")
	w.int("zombie_ms", e.ZombieMS)
	w.bytes("was", "was_b64", e.Was)
	w.flag("before_exec", e.BeforeExec)
	w.int("waited", e.Waited)
	w.flag("exec_session", e.ExecSession)
	w.flag("seen_before", e.SeenBefore)
	w.text("sigchld", e.SigChld)
	w.flag("sigchld_blocked", e.Blocked)
	w.text("wchan", e.Wchan)
}

func (e *ProcessesEnd) appendBody(w *writer) {
	w.text("re", e.Re)
	w.num("count", int64(e.Count))
	w.uint("as_of_seq", e.AsOfSeq)
}

func (e *Error) appendBody(w *writer) {
	w.text("re", e.Re)
	w.str("message", e.Message)
}
