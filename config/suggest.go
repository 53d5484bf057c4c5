package config

import (
	"fmt"
	"strings"
)

// Suggest names the word that was probably meant, as a question, or returns ""
// when none of known is near.
func Suggest(word string, known []string) string { return SuggestAs("", word, known) }

// SuggestAs is Suggest for words that are written behind a sign.
func SuggestAs(sign, word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", sign+best)
	}
	return ""
}

// nearest returns the known word that is near, or "".
func nearest(word string, known []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if max(len(word)-len(k), len(k)-len(word)) >= least {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
		if least <= 1 {
			break // as near as can be
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour to make b of a (optimal string alignment). Words beyond a sensible
// length are never near.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	// What both begin and end with does not count.
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	before, last, row := new([longest + 1]int), new([longest + 1]int), new([longest + 1]int)
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
