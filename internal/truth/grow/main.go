// Command grow makes trees of processes that are known in every detail, and writes
// down the truth about them.
package main

import (
	"fmt"
	"os"

	"pid1/internal/truth"
)

func main() {
	if err := truth.Grow(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "grow:", err)
		os.Exit(1)
	}
}
