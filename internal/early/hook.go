//go:build linux && (amd64 || arm64) && !cgo

package early

import _ "unsafe" // for go:linkname

// hookEntry is the address of the assembly routine hook, without Go's wrapper
// around it. It is written as data in assembly: a Go function value would be a
// pointer to a pointer.
//
//go:linkname hookEntry pid1_early_hook
var hookEntry byte

// _cgo_init is the runtime's variable of that name: rt0_go calls what it points
// to before anything else.
//
//go:linkname _cgo_init _cgo_init
var _cgo_init = &hookEntry
