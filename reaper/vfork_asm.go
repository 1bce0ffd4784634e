//go:build amd64 || arm64

package reaper

const canVfork = true

// rawVfork is clone(2) with flags that hold CLONE_VM and CLONE_VFORK: the caller
// sleeps until the child has executed a program or ended. It is to be called where it
// is declared, so that nothing lies between the caller's frame and its own.
//
//go:noescape
func rawVfork(flags uintptr) (pid, errno uintptr)
