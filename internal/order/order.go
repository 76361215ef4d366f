// Package order sorts lists that are short or seldom sorted, by code that all of them share: slices.SortFunc is compiled
// anew for every type of element, 20 KB of the binary each. What is sorted often or is long uses that.
package order

import "sort"

// Sort sorts a list.
func Sort[E any](list []E, compare func(a, b E) int) {
	sort.Slice(list, func(i, j int) bool { return compare(list[i], list[j]) < 0 })
}

// Stable sorts a list; what compares as equal stays in its order.
func Stable[E any](list []E, compare func(a, b E) int) {
	sort.SliceStable(list, func(i, j int) bool { return compare(list[i], list[j]) < 0 })
}
