package inspect

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Feature is something a kernel and a container may have, found out by trying.
type Feature struct {
	Name string
	// Missing is why it is not to be had; nil: it is here.
	Missing error
	Note    string // what there is to know where it is here
	Gives   string // what it is for
	Without string // what is lost where it is missing
}

// Features tries what the sources need. It starts no process; what it changes, a
// thread that ends with it takes along. root is where /proc is mounted, path where
// programs are.
func Features(root, path string) []Feature {
	fs, procErr := OpenFS(root)
	if procErr == nil && !fs.own {
		procErr = fmt.Errorf("%s is no /proc", root)
	}
	var list []Feature
	add := func(f Feature) { list = append(list, f) }
	add(Feature{
		Name: "proc", Missing: procErr,
		Gives:   "names, command lines, creators, memory of processes",
		Without: "only PIDs, exit statuses and resource use of what pid1 reaps",
	})
	if procErr != nil {
		return append(list, exactFeature())
	}
	defer fs.Close()
	var hidden error
	if fs.hides {
		hidden = errors.New("mounted with hidepid")
	}
	add(Feature{
		Name: "other users", Missing: hidden,
		Gives:   "processes of other users",
		Without: "they are known by wait(2) alone",
	})
	_, cursorOK := (&reader{fs: fs}).cursor()
	add(Feature{
		Name: "cursor", Missing: unless(cursorOK, "/proc/loadavg does not tell the newest PID"),
		Gives:   "new processes at the cost of the new ones alone",
		Without: "they are found by the sweep over all, every second or two",
	})
	b, bellErr := newBell(bellPlaces(path, "/"))
	if bellErr == nil {
		b.close()
	}
	add(Feature{
		Name: "doorbell", Missing: bellErr,
		Gives:   "a look at a new process within a millisecond, nothing to do when idle",
		Without: fmt.Sprintf("a look every %v", pollEvery),
	})
	n, endsErr := newEnds()
	n.close()
	add(Feature{
		Name: "ends", Missing: endsErr, Note: "with exit status from Linux 6.15",
		Gives:   "the moment any process ends, and how, whoever reaps it",
		Without: "of what others reap, status and lifetime only where a look found it dead",
	})
	_, childrenErr := os.Stat(root + "/self/task/" + strconv.Itoa(os.Getpid()) + "/children")
	add(Feature{
		Name: "children", Missing: childrenErr,
		Gives:   "exact tracing names who created an orphan whose creator never execed",
		Without: "there it is as sampled",
	})
	return append(list, exactFeature())
}

func unless(ok bool, why string) error {
	if ok {
		return nil
	}
	return errors.New(why)
}

// exactFeature tries to install the filter of [Exact] in a thread that ends.
func exactFeature() Feature {
	f := Feature{
		Name:    "exact",
		Gives:   "every process, however short: command line, creator, exit status (--trace exact, as PID 1)",
		Without: "what lives for less than a few milliseconds can stay unknown",
	}
	x, err := NewExact(nil, "")
	if err != nil {
		f.Missing = err
		return f
	}
	tried := make(chan error)
	free := true
	go func() {
		// Never unlocked: the thread goes with the goroutine, and the filter with it.
		runtime.LockOSThread()
		err := tryListener(x.Program())
		if errors.Is(err, unix.EACCES) {
			free = false
			if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err == nil {
				err = tryListener(x.Program())
			}
		}
		tried <- err
	}()
	if err := <-tried; err != nil {
		f.Missing = fmt.Errorf("cannot install a seccomp filter with a listener: %w", err)
	} else if free {
		f.Note = "without side effect, so that auto chooses it as PID 1"
	} else {
		f.Note = "asked for, it sets no_new_privs: sudo and setuid programs stop working"
	}
	return f
}

func tryListener(program []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	closeFD(int(fd))
	return nil
}
