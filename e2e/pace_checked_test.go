//go:build poison || race

package e2e

import "time"

// leastP99 is what any one may take on a machine that has other things to do, by a
// proxy whose checks cost it several times what its work does.
const leastP99 = 20 * time.Millisecond
