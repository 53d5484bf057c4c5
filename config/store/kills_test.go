//go:build !race

package store

// kills is how many saves are interrupted, in all layouts together.
const kills = 500
