//go:build 386 || arm || mips || mipsle

package inspect

import "golang.org/x/sys/unix"

const sysFstatat = unix.SYS_FSTATAT64
