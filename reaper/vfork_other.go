//go:build !amd64 && !arm64

package reaper

import "golang.org/x/sys/unix"

const canVfork = false

func rawVfork(uintptr) (pid, errno uintptr) { return ^uintptr(0), uintptr(unix.ENOSYS) }
