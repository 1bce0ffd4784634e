package inspect

import "bytes"

// sigchld is SIGCHLD's bit in the masks of /proc/PID/status, on every architecture
// Go runs on but MIPS.
const sigchld = 1 << (17 - 1)

// allSignals are those from 1 to 31 that can be blocked: without SIGKILL and SIGSTOP.
const allSignals = 1<<31 - 1 - 1<<(9-1) - 1<<(19-1)

// disposition is what a process does about SIGCHLD.
type disposition struct {
	known                     bool
	ignored, handled, blocked bool
}

func (d disposition) String() string {
	switch {
	case !d.known:
		return ""
	case d.ignored:
		return "ignored"
	case d.handled:
		return "handled"
	}
	return "default"
}

// parseDisposition reads SigBlk, SigIgn and SigCgt of /proc/PID/status,
// proc_pid_status(5). SigBlk is the main thread's. One that has everything blocked is
// in the middle of a fork: the C library, Perl and Go do that for as long as it takes,
// which is long on a busy machine. It is not what the program does about SIGCHLD.
func parseDisposition(status []byte) disposition {
	ignored, a := statusMask(status, "\nSigIgn:")
	handled, b := statusMask(status, "\nSigCgt:")
	blocked, c := statusMask(status, "\nSigBlk:")
	if !a || !b || !c {
		return disposition{}
	}
	return disposition{
		known:   true,
		ignored: ignored&sigchld != 0,
		handled: handled&sigchld != 0,
		blocked: blocked&sigchld != 0 && blocked&allSignals != allSignals,
	}
}

// statusMask reads a hexadecimal mask. Name in status escapes newlines, so that a
// process cannot forge a line.
func statusMask(status []byte, key string) (uint64, bool) {
	i := bytes.Index(status, []byte(key))
	if i < 0 {
		return 0, false
	}
	return parseHex((&fields{bytes.TrimLeft(status[i+len(key):], "\t ")}).next())
}

// parseHex reads a hexadecimal number of at most 64 bits.
func parseHex(word []byte) (uint64, bool) {
	if len(word) == 0 || len(word) > 16 {
		return 0, false
	}
	var n uint64
	for _, c := range word {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, true
}

// parseCursor reads the last field of /proc/loadavg, proc_loadavg(5): the newest
// PID of the reader's PID namespace. The file can come back short; the newline at
// its end says that it did not.
func parseCursor(line []byte) (int, bool) {
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return 0, false
	}
	f := fields{line}
	f.skip(4) // three loads, running/total
	n, ok := parseUint(f.next())
	if !ok || n > 1<<22 || len(f.next()) != 0 {
		return 0, false
	}
	return int(n), true
}

// parsePID reads the name of a folder of /proc.
func parsePID(name []byte) (int, bool) {
	if len(name) > 7 {
		return 0, false
	}
	n, ok := parseUint(name)
	return int(n), ok && n > 0
}

// hidesPIDs reports whether the proc mounted at root hides other users' processes.
// mounts is /proc/self/mounts; of several mounts at root the last one shows.
func hidesPIDs(mounts []byte, root string) bool {
	hides := false
	for line := range bytes.Lines(mounts) {
		f := fields{line}
		f.skip(1)
		if string(f.next()) != root || string(f.next()) != "proc" {
			continue
		}
		options := f.next()
		hides = bytes.Contains(options, []byte("hidepid=")) && !bytes.Contains(options, []byte("hidepid=0")) &&
			!bytes.Contains(options, []byte("hidepid=off"))
	}
	return hides
}
