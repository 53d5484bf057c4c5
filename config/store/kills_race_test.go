//go:build race

package store

// kills is fewer under the race detector, which makes each of the processes slow
// to start, and sees nothing between two of them.
const kills = 100
