// Command pid1 runs a command as the init of a container: it passes signals on,
// reaps zombies and orphans, exits with the command's status, and tells on a unix
// socket what died.
package main

import "os"

func main() {
	os.Exit(run(os.Args, os.Environ(), os.Stdout, os.Stderr))
}
