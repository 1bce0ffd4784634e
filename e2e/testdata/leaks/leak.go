// Starts a converter for every picture and never calls Wait.
//
// With "fixed" it does, as the doctor advises.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

func convert(n int, fixed bool) error {
	cmd := exec.Command("sh", "-c", "exit 0", fmt.Sprintf("picture-%d.png", n))
	if err := cmd.Start(); err != nil {
		return err
	}
	if fixed {
		go cmd.Wait()
	}
	return nil
}

func main() {
	fixed := slices.Contains(os.Args, "fixed")
	for n := 0; ; n++ {
		if err := convert(n, fixed); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		time.Sleep(250 * time.Millisecond)
		if n == 20 {
			fmt.Println("settled")
		}
	}
}
