package inspect

import "os"

var pageKB = int64(os.Getpagesize() / 1024)

// ticksMS turns clock ticks into milliseconds.
func ticksMS(n uint64) float64 { return float64(n) * float64(tick.Milliseconds()) }

// stateName returns the letter of a state without making a string of it each time.
func stateName(c byte) string {
	const letters = "RSDZTtXxKWPI"
	for i := range len(letters) {
		if letters[i] == c {
			return letters[i : i+1]
		}
	}
	return ""
}
