package reaper_test

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	"pid1/reaper"
)

// A program that may be a container's entrypoint becomes its own init.
func ExampleInit() {
	reaper.Init() // first of all; in a container, what follows runs in a child

	fmt.Println("hello")
	// Output: hello
}

// A program that wants its orphans reaped without giving up os/exec.
func ExampleBeside() {
	// In a real program, main is on the main thread when an init function of the
	// package has called runtime.LockOSThread.
	program := func() {
		if err := exec.Command("sh", "-c", "exit 0").Run(); err != nil {
			log.Fatal(err)
		}
	}
	err := reaper.Beside(program, func(d reaper.Death) {
		log.Printf("an orphan, %d, ended with status %d", d.PID, d.Status())
	})
	if err != nil {
		program() // without a reaper
	}
}

// Running a command as an init does, from a Go program of one's own.
func ExampleRun() {
	status, err := reaper.Run(reaper.Config{
		Command: []string{"sh", "-c", "echo from COMMAND; exit 3"},
		Env:     os.Environ(),
		Grace:   2 * time.Second,
	})
	fmt.Println(status, err)
}
