package route

import "strings"

// Parts of a computed weight.
const (
	exactWeight  = 1024
	prefixWeight = 512
	regexpWeight = 256
	hostWeight   = 128

	// maxLengthWeight is how much the length of a path adds at most.
	maxLengthWeight = 64
)

// weight is the weight that is given, or else the sum of two parts. A path
// adds by its kind, and its length with the sign; "/" and no path add nothing.
// Hosts add a fixed part, or when an expression is among them their length,
// joined by commas.
// So a longer path beats a given host, and a beginning beats an expression.
func weight[T any](spec *Spec[T]) int {
	if spec.HasWeight {
		return spec.Weight
	}
	return pathWeight(spec.Path) + hostsWeight(spec.Hosts)
}

func pathWeight(path string) int {
	if len(path) <= 1 {
		return 0
	}
	length := min(len(path), maxLengthWeight)
	switch path[0] {
	case '=':
		return exactWeight + length
	case '~':
		return regexpWeight + length
	}
	return prefixWeight + length
}

func hostsWeight(hosts []string) int {
	if len(hosts) == 0 {
		return 0
	}
	for _, h := range hosts {
		if strings.HasPrefix(h, "~") {
			return len(strings.Join(hosts, ","))
		}
	}
	return hostWeight
}
