//go:build linux && !cgo

package early

// tls is the thread-local storage of the first thread on amd64, see hook_amd64.s.
// The runtime keeps the thread's g in it. The garbage collector need not see it
// here: the runtime's own m.tls is made of integers too.
var tls [8]uint64

var _ = tls // only the assembly uses it
