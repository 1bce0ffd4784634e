package inspect

import "bytes"

// Flags of a task, field 9 of proc_pid_stat(5), from include/linux/sched.h.
const (
	flagForkNoExec = 0x00000040 // it has not called execve since its fork
	flagKThread    = 0x00200000 // it is a kernel thread
)

// maxComm bounds a name in bytes. A process has at most 15; a kernel worker shows
// up to 63.
const maxComm = 63

// Stat is one line of /proc/PID/stat, proc_pid_stat(5). Numbers a kernel leaves
// out are 0, Exit excepted.
type Stat struct {
	PID     int
	Comm    []byte // any bytes; valid until the buffer it was parsed from changes
	State   byte   // R S D Z T t X I
	PPID    int    // 0: the parent is outside the PID namespace
	PGID    int
	SID     int
	TTY     int    // device number of the controlling terminal
	Flags   uint64 // PF_* of include/linux/sched.h
	Utime   uint64 // clock ticks, 1/100 s
	Stime   uint64 // clock ticks, 1/100 s
	Threads int    // the dead leader of living threads counts too
	Start   uint64 // clock ticks since boot, 1/100 s
	RSS     int64  // pages
	// Stack is the address the stack starts at, chosen anew by every execve and
	// kept by fork: it tells one image of a program from another. 0 for the dead
	// and where the kernel does not let us look.
	Stack uint64
	// Exit is the wait status of a zombie. -1 where the line has none; 0 also where
	// the kernel does not let us look.
	Exit int
	// ExitSignal is the signal its end sends to the parent; -1 for a thread other
	// than the first of a process.
	ExitSignal int
	Minflt     int64 // minor faults, without the children's
	Majflt     int64 // major faults, likewise
}

// Dead reports whether the process has ended: a zombie, or on its way out.
func (s *Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

// NoExec reports whether the process still runs the image it was forked with.
func (s *Stat) NoExec() bool { return s.Flags&flagForkNoExec != 0 }

// parseStat reads a line of /proc/PID/stat into s and reports whether it is one.
// The name stands in parentheses unescaped and may itself hold parentheses, spaces
// and newlines, so the fields begin after the last closing one.
func parseStat(line []byte, s *Stat) bool {
	open := bytes.IndexByte(line, '(')
	end := bytes.LastIndexByte(line, ')')
	if open < 1 || end < open || end-open-1 > maxComm {
		return false
	}
	pid, ok := parseUint(bytes.TrimSpace(line[:open]))
	if !ok {
		return false
	}
	f := fields{line[end+1:]}
	state := f.next()
	if len(state) != 1 {
		return false
	}
	*s = Stat{PID: int(pid), Comm: line[open+1 : end], State: state[0]}
	s.PPID = int(f.int())
	s.PGID = int(f.int())
	s.SID = int(f.int())
	s.TTY = int(f.int())
	f.skip(1) // tpgid
	s.Flags = uint64(f.int())
	s.Minflt = f.int()
	f.skip(1) // cminflt
	s.Majflt = f.int()
	f.skip(1) // cmajflt
	s.Utime = uint64(f.int())
	s.Stime = uint64(f.int())
	f.skip(4) // cutime cstime priority nice
	s.Threads = int(f.int())
	f.skip(1) // itrealvalue
	start := f.next()
	if s.Start, ok = parseUint(start); !ok {
		return false
	}
	f.skip(1) // vsize
	s.RSS = f.int()
	f.skip(3) // rsslim startcode endcode
	s.Stack, _ = parseUint(f.next())
	f.skip(9) // kstkesp … cnswap
	s.ExitSignal = int(f.int())
	f.skip(13) // processor … env_end
	s.Exit = -1
	if exit, ok := parseUint(f.next()); ok {
		s.Exit = int(exit)
	}
	return true
}

// fields walks the words of a line.
type fields struct{ rest []byte }

func (f *fields) next() []byte {
	i := 0
	for i < len(f.rest) && (f.rest[i] == ' ' || f.rest[i] == '\n') {
		i++
	}
	j := i
	for j < len(f.rest) && f.rest[j] != ' ' && f.rest[j] != '\n' {
		j++
	}
	word := f.rest[i:j]
	f.rest = f.rest[j:]
	return word
}

func (f *fields) skip(n int) {
	for range n {
		f.next()
	}
}

// int reads a number with or without a sign; what is none counts as 0.
func (f *fields) int() int64 {
	word := f.next()
	if len(word) > 0 && word[0] == '-' {
		n, _ := parseUint(word[1:])
		return -int64(n)
	}
	n, _ := parseUint(word)
	return int64(n)
}

// parseUint reads a decimal number that fills all of word.
func parseUint(word []byte) (uint64, bool) {
	if len(word) == 0 || len(word) > 20 {
		return 0, false
	}
	var n uint64
	for _, c := range word {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
