//go:build linux && !amd64 && !arm64

package siginfo

func openExact(*Receiver) (backend, error) { return nil, errUnsupported }
