package inspect

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// helpers are what the test binary does when it runs as somebody else.
var helpers = map[string]func(args []string){}

const helperEnv = "INSPECT_TEST_HELPER"

func TestMain(m *testing.M) {
	if name := os.Getenv(helperEnv); name != "" {
		helper := helpers[name]
		if helper == nil {
			fmt.Fprintf(os.Stderr, "no helper %q\n", name)
			os.Exit(2)
		}
		helper(os.Args[1:])
		os.Exit(0)
	}
	// The runtime opens its poller with the first pipe and keeps it.
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	before := openFiles()
	code := m.Run()
	if code == 0 {
		if after := openFiles(); after > before {
			fmt.Fprintf(os.Stderr, "%d files were open before the tests, %d after\n", before, after)
			code = 1
		}
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	return len(list)
}
