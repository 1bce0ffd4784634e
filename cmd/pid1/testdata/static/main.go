// The program static says which architecture it was built for.
package main

import (
	"fmt"
	"runtime"
)

func main() { fmt.Println("built for", runtime.GOARCH) }
