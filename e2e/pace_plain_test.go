//go:build !poison && !race

package e2e

import "time"

// leastP99 is what any one may take on a machine that has other things to do.
const leastP99 = 5 * time.Millisecond
