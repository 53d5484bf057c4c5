package upstream

// maxCycle bounds the length of a cycle, beyond which weights are taken less
// exactly: 4096 turns tell weights apart to a fortieth of a percent.
const maxCycle = 4096

// smoothCycle returns the order in which peers of these weights (at least 1)
// take turns, as indexes: each as often as its weight says, and spread as
// evenly as nginx spreads them (5, 1, 1 gives a a b a c a a). It is worked out
// once, so that picking a peer is a step forward in it.
func smoothCycle(weights []int) []int32 {
	weights = reduced(weights)
	total := 0
	for _, w := range weights {
		total += w
	}
	cycle := make([]int32, total)
	if total == len(weights) {
		for i := range cycle {
			cycle[i] = int32(i)
		}
		return cycle
	}
	// At each turn everyone gains its weight, and the richest pays the
	// total for being picked.
	credit := make([]int, len(weights))
	for turn := range cycle {
		best := 0
		for i, w := range weights {
			credit[i] += w
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		cycle[turn] = int32(best)
	}
	return cycle
}

// reduced returns the smallest weights of the same proportions, or of nearly
// the same where the exact ones would make the cycle too long.
func reduced(weights []int) []int {
	divisor, total := 0, 0.0
	for _, w := range weights {
		divisor = gcd(divisor, w)
		total += float64(w)
	}
	out := make([]int, len(weights))
	scale := 1.0
	if exact := total / float64(divisor); exact > maxCycle {
		scale = maxCycle / exact
	}
	for i, w := range weights {
		out[i] = max(int(float64(w/divisor)*scale), 1)
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// rotation is a loop's place in an upstream's cycle.
type rotation struct {
	cycle []int32
	at    int
}

// newRotation gives each loop another place to begin, so that they do not all
// send their first exchanges to the same peer.
func newRotation(cycle []int32, loopID int) rotation {
	// Steps of the golden ratio stay far from each other, however many.
	const golden = 0x9E3779B9
	offset := uint64(uint32(loopID)*golden) * uint64(len(cycle)) >> 32
	return rotation{cycle: cycle, at: int(offset)}
}

// next returns the index of the peer whose turn it is.
func (r *rotation) next() int32 {
	i := r.cycle[r.at]
	if r.at++; r.at == len(r.cycle) {
		r.at = 0
	}
	return i
}
