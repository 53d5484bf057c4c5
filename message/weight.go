package message

import "strings"

// MaxWeight is the weight of a preference without a q, in thousandths.
const MaxWeight = 1000

// Weight returns how much the sender wants token by the fields called name, such
// as Accept-Encoding: 1 to 1000, or 0 for not at all (RFC 9110 section 12.4.2).
// "*" speaks for what is not named. listed is false where neither is there. A
// weight that cannot be read counts as 0.
func (h *Header) Weight(name, token string) (weight int, listed bool) {
	general, any := 0, false
	for i := range h.fields {
		if !EqualFold(h.fields[i].Name, name) {
			continue
		}
		for rest := h.fields[i].Value; rest != ""; {
			var element string
			element, rest, _ = strings.Cut(rest, ",")
			value, parameters, _ := strings.Cut(element, ";")
			switch value = TrimBlanks(value); {
			case EqualFold(value, token):
				return weightOf(parameters), true
			case value == "*":
				general, any = weightOf(parameters), true
			}
		}
	}
	return general, any
}

// weightOf reads the q among parameters: 0 to 1 with up to three decimals.
func weightOf(parameters string) int {
	for parameters != "" {
		var parameter string
		parameter, parameters, _ = strings.Cut(parameters, ";")
		name, value, _ := strings.Cut(parameter, "=")
		if EqualFold(TrimBlanks(name), "q") {
			return parseWeight(TrimBlanks(value))
		}
	}
	return MaxWeight
}

func parseWeight(s string) int {
	whole, decimals, dotted := strings.Cut(s, ".")
	if whole != "0" && whole != "1" || len(decimals) > 3 || dotted && len(s) < 2 {
		return 0
	}
	weight := 0
	for i := range 3 {
		weight *= 10
		if i < len(decimals) {
			if decimals[i] < '0' || decimals[i] > '9' {
				return 0
			}
			weight += int(decimals[i] - '0')
		}
	}
	if whole == "1" {
		if weight > 0 {
			return 0
		}
		return MaxWeight
	}
	return weight
}
