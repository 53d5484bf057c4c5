package message

import (
	"iter"
	"strings"
)

// MaxWeight is the weight of a preference without a q, in thousandths.
const MaxWeight = 1000

// Weight returns how much the sender wants token by the fields called name, such
// as Accept-Encoding: 1 to 1000, or 0 for not at all (RFC 9110 section 12.4.2).
// "*" speaks for what is not named. listed is false where neither is there. A
// weight that cannot be read counts as 0.
func (h *Header) Weight(name, token string) (weight int, listed bool) {
	general, any := 0, false
	for value, parameters := range h.preferences(name) {
		switch {
		case EqualFold(value, token):
			return weightOf(parameters), true
		case value == "*":
			general, any = weightOf(parameters), true
		}
	}
	return general, any
}

// MediaWeight returns how much the sender wants content of a type, such as
// image/webp, by the fields called name, as Weight does: the most precise range
// counts that the type is in (RFC 9110 section 12.5.1). named is set where that is
// the type itself.
func (h *Header) MediaWeight(name, media string) (weight int, named bool) {
	group := media[:strings.IndexByte(media, '/')+1]
	precision := 0
	for value, parameters := range h.preferences(name) {
		switch {
		case EqualFold(value, media):
			return weightOf(parameters), true
		case len(value) == len(group)+1 && EqualFold(value[:len(group)], group) && value[len(group)] == '*':
			weight, precision = weightOf(parameters), 2
		case value == "*/*" && precision < 2:
			weight, precision = weightOf(parameters), 1
		}
	}
	return weight, false
}

// preferences are the elements of the fields called name, each with what follows
// its first semicolon.
func (h *Header) preferences(name string) iter.Seq2[string, string] {
	return func(yield func(value, parameters string) bool) {
		for i := range h.fields {
			if !EqualFold(h.fields[i].Name, name) {
				continue
			}
			for rest := h.fields[i].Value; rest != ""; {
				var element string
				element, rest, _ = strings.Cut(rest, ",")
				value, parameters, _ := strings.Cut(element, ";")
				if !yield(TrimBlanks(value), parameters) {
					return
				}
			}
		}
	}
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
