package inspect

import (
	"encoding/binary"
	"time"
)

// The process connector's messages: struct nlmsghdr, struct cn_msg
// (include/uapi/linux/connector.h) and struct proc_event
// (include/uapi/linux/cn_proc.h), in the byte order of the machine.
const (
	nlHeader = 16
	cnHeader = 20
	cnProc   = 1 // CN_IDX_PROC and CN_VAL_PROC

	procListen = 1 // PROC_CN_MCAST_LISTEN
	procIgnore = 2 // PROC_CN_MCAST_IGNORE

	procNone = 0 // the answer to a request
	procFork = 0x1
	procExec = 0x2
	procExit = 0x80000000
)

// procEvent is what the kernel tells of one thread.
type procEvent struct {
	what   uint32
	at     time.Duration // CLOCK_MONOTONIC
	pid    int           // the thread
	tgid   int           // its process
	parent int           // procFork: the process that forked
	code   int           // procExit: wait status; procNone: errno
}

// parseProcEvents calls take for every event in a datagram. What is none is skipped.
func parseProcEvents(b []byte, take func(procEvent)) {
	for len(b) >= nlHeader {
		size := int(binary.NativeEndian.Uint32(b))
		if size < nlHeader || size > len(b) {
			return
		}
		if ev, ok := parseProcEvent(b[nlHeader:size]); ok {
			take(ev)
		}
		// Messages begin at multiples of four bytes.
		b = b[min(len(b), (size+3)&^3):]
	}
}

// parseProcEvent reads a struct cn_msg.
func parseProcEvent(b []byte) (ev procEvent, ok bool) {
	if len(b) < cnHeader || u32(b, 0) != cnProc || u32(b, 4) != cnProc {
		return ev, false
	}
	size := int(binary.NativeEndian.Uint16(b[16:]))
	if b = b[cnHeader:]; size > len(b) || size < 20 {
		return ev, false
	}
	b = b[:size]
	ev.what = u32(b, 0)
	ev.at = time.Duration(binary.NativeEndian.Uint64(b[8:]))
	data := b[16:]
	words := map[uint32]int{procNone: 1, procFork: 4, procExec: 2, procExit: 3}[ev.what]
	if words == 0 || len(data) < 4*words {
		return ev, false
	}
	switch ev.what {
	case procNone:
		ev.code = int(u32(data, 0))
		return ev, true
	case procFork:
		ev.parent, ev.pid, ev.tgid = pidOf(data, 4), pidOf(data, 8), pidOf(data, 12)
	default:
		ev.pid, ev.tgid = pidOf(data, 0), pidOf(data, 4)
	}
	if ev.what == procExit {
		ev.code = int(u32(data, 8) & 0xffff)
	}
	return ev, ev.pid > 0 && ev.tgid > 0 && ev.pid <= maxPID && ev.tgid <= maxPID
}

func u32(b []byte, at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }

func pidOf(b []byte, at int) int { return int(int32(u32(b, at))) }

// procRequest makes the message that begins or ends the telling.
func procRequest(op uint32) []byte {
	b := make([]byte, nlHeader+cnHeader+4)
	order := binary.NativeEndian
	order.PutUint32(b, uint32(len(b)))
	order.PutUint16(b[4:], 3) // NLMSG_DONE
	order.PutUint32(b[nlHeader:], cnProc)
	order.PutUint32(b[nlHeader+4:], cnProc)
	order.PutUint16(b[nlHeader+16:], 4)
	order.PutUint32(b[nlHeader+cnHeader:], op)
	return b
}
