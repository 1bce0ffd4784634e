package world

import "sort"

// order sorts structs where they lie. For each type it is given, slices.SortFunc
// is compiled anew: with what belongs to it that is 30 kB in pid1 each time.
func order[T any](list []T, compare func(a, b *T) int) {
	sort.Slice(list, func(i, j int) bool { return compare(&list[i], &list[j]) < 0 })
}
