package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// beProgram makes the test binary the program itself.
const beProgram = "PID1TOP_TEST_BE_PROGRAM"

func TestMain(m *testing.M) {
	if role := os.Getenv(demoRole); role != "" {
		os.Exit(demoProgram(role, os.Args)) // the demo's parts have other names
	}
	if os.Getenv(beProgram) != "" {
		main()
	}
	testscript.Main(tidy{m}, map[string]func(){
		"pid1top": func() { main() },
	})
}

// tidy takes away what was built for the tests.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	status := m.M.Run()
	_ = os.RemoveAll(built)
	return status
}

// The scripts in testdata are the command lines and what they print. The command
// feed serves one of the scenarios at $PID1_SOCKET.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PID1_SOCKET", env.WorkDir+"/s/pid1.sock")
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// status STATUS ARGS... runs pid1top and compares its exit status.
			"status": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) == 0 {
					ts.Fatalf("usage: status STATUS ARGS...")
				}
				got := "0"
				if err := ts.Exec("pid1top", args[1:]...); err != nil {
					var e *exec.ExitError
					if !errors.As(err, &e) {
						ts.Fatalf("cannot run pid1top: %v", err)
					}
					got = strconv.Itoa(e.ExitCode())
				}
				if got != args[0] {
					ts.Fatalf("pid1top %s: status %s, want %s", strings.Join(args[1:], " "), got, args[0])
				}
			},
			"feed": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 || scenarios[args[0]] == nil {
					ts.Fatalf("usage: feed SCENARIO")
				}
				_, stop, err := newFeed(ts.Getenv("PID1_SOCKET"), scenarios[args[0]])
				ts.Check(err)
				ts.Defer(stop)
			},
		},
	})
}
