package main

import (
	"fmt"
	"slices"
	"strings"
)

// sample is what one measurement of one proxy has found: either the costs of a
// load, or a gauge's figure.
type sample struct {
	Rate   float64 `json:"requests_per_second,omitempty"`
	P50    float64 `json:"p50_ms,omitempty"`
	P99    float64 `json:"p99_ms,omitempty"`
	User   float64 `json:"user_us_per_request,omitempty"`
	System float64 `json:"system_us_per_request,omitempty"`
	Busy   float64 `json:"core_busy,omitempty"`      // share of its core that it used
	Others float64 `json:"core_disturbed,omitempty"` // share of its core that other programs used
	Memory float64 `json:"memory_bytes,omitempty"`
	Figure float64 `json:"figure,omitempty"`
	Errors string  `json:"errors,omitempty"`
}

// cost is what is compared: CPU time for a request, or the figure.
func (s sample) cost() float64 { return s.User + s.System + s.Figure }

// result is what a scenario has found.
type result struct {
	Name    string              `json:"name"`
	About   string              `json:"about"`
	Unit    string              `json:"unit"` // of costs
	Samples map[string][]sample `json:"samples"`
	Ratios  map[string]spread   `json:"ratios"` // of our cost to each peer's
	peers   []string            // in the order of the reports
	budgets []budget
}

func newResult(s scenario, peers []peer) *result {
	r := &result{Name: s.name, About: s.about, Unit: "µs", peers: names(peers), budgets: s.budgets, Samples: make(map[string][]sample), Ratios: make(map[string]spread)}
	if s.gauge != nil {
		r.Unit = s.gauge.unit
	}
	return r
}

func (r *result) add(name string, s sample) { r.Samples[name] = append(r.Samples[name], s) }

// compare fills in the ratios when all samples have been added.
func (r *result) compare() {
	mine := r.Samples[ours]
	if mine == nil {
		return
	}
	for name, theirs := range r.Samples {
		if name != ours {
			r.Ratios[name] = spreadOf(ratios(mine, theirs))
		}
	}
}

// ratios divides our cost by a peer's within each round, in which both met the
// same machine.
func ratios(mine, theirs []sample) []float64 {
	var all []float64
	for round := range min(len(mine), len(theirs)) {
		all = append(all, mine[round].cost()/theirs[round].cost())
	}
	return all
}

// spread is a median and the quartiles around it, between which the middle half
// of the values lies.
type spread struct {
	Median float64 `json:"median"`
	Lower  float64 `json:"lower_quartile"`
	Upper  float64 `json:"upper_quartile"`
}

// spreadOf describes at least one value.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	half := (len(sorted) + 1) / 2
	return spread{median(sorted), median(sorted[:half]), median(sorted[len(sorted)-half:])}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// typical returns a peer's sample made of the median of each value.
func (r *result) typical(name string) sample {
	samples := r.Samples[name]
	of := func(value func(sample) float64) float64 {
		var all []float64
		for _, s := range samples {
			all = append(all, value(s))
		}
		return median(all)
	}
	return sample{
		Rate:   of(func(s sample) float64 { return s.Rate }),
		P50:    of(func(s sample) float64 { return s.P50 }),
		P99:    of(func(s sample) float64 { return s.P99 }),
		User:   of(func(s sample) float64 { return s.User }),
		System: of(func(s sample) float64 { return s.System }),
		Busy:   of(func(s sample) float64 { return s.Busy }),
		Others: of(func(s sample) float64 { return s.Others }),
		Memory: of(func(s sample) float64 { return s.Memory }),
		Figure: of(func(s sample) float64 { return s.Figure }),
	}
}

// tolerated is the share of the core that other programs may use before a
// measurement counts as disturbed.
const tolerated = 0.03

// notes say what is wrong with the measurements of a peer.
func (r *result) notes(name string) []string {
	var all []string
	for round, s := range r.Samples[name] {
		if s.Errors != "" {
			all = append(all, fmt.Sprintf("round %d of %s: %s", round+1, name, s.Errors))
		}
		if s.Others > tolerated {
			all = append(all, fmt.Sprintf("round %d of %s: other programs used %.0f %% of its core", round+1, name, 100*s.Others))
		}
	}
	return all
}

// failed reports whether requests failed at any of these peers.
func (r *result) failed(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(r.Samples[name], func(s sample) bool { return s.Errors != "" })
	})
}

// verdict says what was wanted against a peer, or in itself when the name is
// ours, and whether it was reached. It is empty where nothing is wanted.
func (r *result) verdict(name string) string {
	for _, b := range r.budgets {
		switch {
		case b.against != name && (b.against != "" || name != ours):
		case r.Samples[ours] == nil || r.Samples[name] == nil:
		case r.failed(ours, name):
			return "void: requests failed"
		case b.against == "":
			return wanted(fmt.Sprintf("%.0f %s", b.most, r.Unit), r.typical(ours).cost() <= b.most)
		default:
			return wanted(fmt.Sprintf("%.2f", b.most), r.Ratios[name].Median <= b.most)
		}
	}
	return ""
}

func wanted(most string, reached bool) string {
	return strings.Join([]string{"≤ " + most + ":", map[bool]string{true: "pass", false: "miss"}[reached]}, " ")
}
