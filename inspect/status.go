package inspect

import (
	"bytes"
	"strings"

	"pid1/event"
)

// parseStatus reads /proc/PID/status, proc_pid_status(5). Name in it escapes
// newlines, so that a process cannot forge a line. What is missing, or cannot be
// read, stays as it is.
func parseStatus(text []byte, ev *event.Inspect) {
	const u = event.Unknown
	m := event.Memory{SizeKB: u, RSSKB: u, PeakKB: u, AnonKB: u, FileKB: u, ShmemKB: u, SwapKB: u, DataKB: u, StackKB: u}
	sizes := map[string]*int64{
		"VmSize": &m.SizeKB, "VmRSS": &m.RSSKB, "VmHWM": &m.PeakKB, "RssAnon": &m.AnonKB, "RssFile": &m.FileKB,
		"RssShmem": &m.ShmemKB, "VmSwap": &m.SwapKB, "VmData": &m.DataKB, "VmStk": &m.StackKB,
	}
	numbers := map[string]*int64{"voluntary_ctxt_switches": &ev.VoluntaryCtxt, "nonvoluntary_ctxt_switches": &ev.InvoluntaryCtxt}
	lists := map[string]*[]int{"Uid": &ev.UIDs, "Gid": &ev.GIDs, "Groups": &ev.Groups, "NSpid": &ev.NSPIDs}
	for line := range bytes.Lines(text) {
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		k := string(key)
		switch n, isNumber := parseInt(bytes.TrimSuffix(value, []byte(" kB"))); {
		case sizes[k] != nil && isNumber:
			*sizes[k] = n
			ev.Memory = &m
		case numbers[k] != nil && isNumber:
			*numbers[k] = n
		case lists[k] != nil:
			*lists[k] = parseInts(value, event.MaxInspectList)
		case k == "TracerPid" && isNumber:
			ev.TracerPID = int(n)
		case k == "NoNewPrivs" && isNumber:
			ev.NoNewPrivs = n == 1
		case k == "Seccomp" && isNumber && n >= 0 && n <= 2:
			ev.Seccomp = [...]string{"off", "strict", "filter"}[n]
		case k == "Umask":
			ev.Umask = octal(value)
		case k == "CapEff":
			if _, ok := parseHex(value); ok {
				ev.CapEff = string(value)
			}
		}
	}
	own, _ := statusMask(text, "\nSigPnd:")
	shared, _ := statusMask(text, "\nShdPnd:")
	blocked, _ := statusMask(text, "\nSigBlk:")
	ignored, _ := statusMask(text, "\nSigIgn:")
	caught, _ := statusMask(text, "\nSigCgt:")
	ev.SigPending, ev.SigBlocked = signalNames(own|shared), signalNames(blocked)
	ev.SigIgnored, ev.SigCaught = signalNames(ignored), signalNames(caught)
	if d := parseDisposition(text); d.known {
		ev.SigChld, ev.Blocked = d.String(), d.blocked
	}
}

// signalNames names the signals of a mask, bit n-1 for signal n.
func signalNames(mask uint64) []string {
	var names []string
	for sig := 1; sig <= 64; sig++ {
		if mask&(1<<(sig-1)) != 0 {
			names = append(names, signalName(sig))
		}
	}
	return names
}

func octal(word []byte) string {
	if len(word) == 0 || len(word) > 6 || len(bytes.Trim(word, "01234567")) > 0 {
		return ""
	}
	return string(word)
}

// parseInt reads a decimal number that may be negative.
func parseInt(word []byte) (int64, bool) {
	word = bytes.TrimSpace(word)
	rest, negative := bytes.CutPrefix(word, []byte{'-'})
	n, ok := parseUint(rest)
	if !ok || n > 1<<62 {
		return 0, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// parseInts reads numbers with space between them, most of them at most.
func parseInts(text []byte, most int) []int {
	var list []int
	for word := range bytes.FieldsSeq(text) {
		n, ok := parseInt(word)
		if !ok || len(list) == most {
			break
		}
		list = append(list, int(n))
	}
	return list
}

// parseNice reads field 19 of /proc/PID/stat, proc_pid_stat(5).
func parseNice(line []byte) *int {
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return nil
	}
	f := fields{line[end+1:]}
	f.skip(16)
	n, ok := parseInt(f.next())
	if !ok || n < -20 || n > 19 {
		return nil
	}
	nice := int(n)
	return &nice
}

// parseIO reads /proc/PID/io, proc_pid_io(5).
func parseIO(text []byte) *event.IO {
	if len(text) == 0 {
		return nil
	}
	const u = event.Unknown
	io := event.IO{Rchar: u, Wchar: u, Syscr: u, Syscw: u, ReadBytes: u, WriteBytes: u}
	into := map[string]*int64{
		"rchar": &io.Rchar, "wchar": &io.Wchar, "syscr": &io.Syscr, "syscw": &io.Syscw,
		"read_bytes": &io.ReadBytes, "write_bytes": &io.WriteBytes,
	}
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte{':'})
		if n, ok := parseInt(value); ok && into[string(key)] != nil {
			*into[string(key)] = n
		}
	}
	return &io
}

// parseLimits reads /proc/PID/limits, proc_pid_limits(5): a name of 25 cells, then
// soft, hard and unit.
func parseLimits(text []byte) []event.Limit {
	const nameCells = 25
	var limits []event.Limit
	for line := range bytes.Lines(text) {
		if len(line) <= nameCells {
			continue
		}
		name, isLimit := strings.CutPrefix(strings.TrimSpace(string(line[:nameCells])), "Max ")
		rest := strings.Fields(string(line[nameCells:]))
		if !isLimit || len(rest) < 2 || len(rest) > 3 || len(limits) == event.MaxInspectList {
			continue
		}
		l := event.Limit{Name: name, Soft: rest[0], Hard: rest[1]}
		if len(rest) == 3 {
			l.Unit = rest[2]
		}
		limits = append(limits, l)
	}
	return limits
}

func splitLines(text []byte, most int) []string {
	var lines []string
	for line := range bytes.Lines(text) {
		if len(lines) == most {
			break
		}
		lines = append(lines, string(bytes.TrimSuffix(line, []byte{'\n'})))
	}
	return lines
}
