//go:build linux && (amd64 || arm64) && !cgo

package early

const hooked = true
