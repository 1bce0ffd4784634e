package doctor

import "fmt"

// Over says why a leak is over: what is left of peak zombies, and whether the
// parent lives.
func Over(e *Evidence, peak int, alive bool) string {
	s := Name(e.Parent) + " no longer leaks: "
	if e.Parent.PID == 0 {
		s, alive = "The parent outside the container no longer leaks: ", true
	}
	switch {
	case !alive && e.Role == "local":
		return s + "it is gone, and left its zombies to PID 1."
	case !alive:
		return s + "it is gone, and pid1 reaps what it left."
	case e.Count == 0:
		return s + "it waited for its zombies."
	case 2*e.Count <= peak:
		return fmt.Sprintf("%sit waited for %d of its %s.", s, peak-e.Count, zombies(peak))
	}
	return fmt.Sprintf("%sno more were added for %s; it still holds %s.", s, Age(e.Newest), zombies(e.Count))
}
