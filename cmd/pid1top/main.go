// Command pid1top shows what pid1 sees: the processes of a container, what was
// reaped, who holds zombies, and what to do about it. On a terminal it is a full
// screen; its commands print the same as text or JSON.
package main

import "os"

func main() {
	os.Exit(run(os.Args, os.Environ(), stdio{os.Stdin, os.Stdout, os.Stderr}))
}
