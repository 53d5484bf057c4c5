package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// costs are samples of these costs, half user and half system time.
func costs(each ...float64) []sample {
	var all []sample
	for _, c := range each {
		all = append(all, sample{Rate: 1000, User: c / 2, System: c / 2})
	}
	return all
}

// resultOf is a result of us and nginx.
func resultOf(mine, nginx []sample, budgets ...budget) *result {
	s := scenario{name: "small", about: "a small response", load: &load{}, budgets: budgets}
	r := newResult(s, peers[:2])
	r.Samples = map[string][]sample{ours: mine, "nginx": nginx}
	r.compare()
	return r
}

func TestRatiosAreTakenWithinRounds(t *testing.T) {
	r := resultOf(costs(2, 8, 6), costs(4, 8, 4))
	if got, want := r.Ratios["nginx"], (spread{1, 0.75, 1.25}); got != want {
		t.Errorf("ratio to nginx %+v, want %+v", got, want)
	}
	if _, ok := r.Ratios[ours]; ok {
		t.Error("we are compared with ourselves")
	}
}

func TestWithoutUsThereIsNothingToCompare(t *testing.T) {
	r := newResult(scenario{load: &load{}, budgets: []budget{{"nginx", 1}}}, peers[1:])
	r.Samples = map[string][]sample{"nginx": costs(1), "haproxy": costs(1)}
	r.compare()
	if len(r.Ratios) > 0 || r.verdict("nginx") != "" {
		t.Errorf("ratios %v, verdict %q", r.Ratios, r.verdict("nginx"))
	}
}

func TestMedianIsTheMiddleOrTheMeanOfTwo(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{[]float64{7}, 7}, {[]float64{4, 1, 2}, 2}, {[]float64{8, 2, 4, 1}, 3}} {
		before := slices.Clone(test.values)
		if got := median(test.values); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
		if !slices.Equal(test.values, before) {
			t.Errorf("the order of %v was changed to %v", before, test.values)
		}
	}
}

func TestVerdictComparesTheMedianRatioWithTheBudget(t *testing.T) {
	for most, want := range map[float64]string{1.0: "≤ 1.00: pass", 0.9: "≤ 0.90: miss"} {
		r := resultOf(costs(2, 9, 4), costs(2, 6, 8), budget{"nginx", most})
		if got := r.verdict("nginx"); got != want {
			t.Errorf("verdict %q, want %q", got, want)
		}
		if r.verdict(ours) != "" {
			t.Error("there is a verdict where nothing is wanted")
		}
	}
}

func TestVerdictOnAFigureIsOurs(t *testing.T) {
	gauges := func(figure float64) []sample { return []sample{{Figure: figure}} }
	for most, want := range map[float64]string{50: "≤ 50 ms: pass", 30: "≤ 30 ms: miss"} {
		s := scenario{gauge: &gauge{unit: "ms"}, budgets: []budget{{most: most}}}
		r := newResult(s, peers[:2])
		r.Samples = map[string][]sample{ours: gauges(40), "nginx": gauges(10)}
		r.compare()
		if got := r.verdict(ours); got != want {
			t.Errorf("verdict %q, want %q", got, want)
		}
		if r.verdict("nginx") != "" {
			t.Error("our budget is asked of nginx")
		}
	}
}

func TestFailedRequestsMakeAVerdictVoid(t *testing.T) {
	failing := costs(1, 1)
	failing[1].Errors = "Non-2xx or 3xx responses: 7"
	for name, r := range map[string]*result{
		"ours":   resultOf(failing, costs(2, 2), budget{"nginx", 1}),
		"theirs": resultOf(costs(2, 2), failing, budget{"nginx", 1}),
	} {
		if got := r.verdict("nginx"); got != "void: requests failed" {
			t.Errorf("%s failed: verdict %q", name, got)
		}
	}
}

func TestNotesNameFailuresAndDisturbedRounds(t *testing.T) {
	samples := costs(1, 1, 1)
	samples[0].Others = 0.01
	samples[1].Others = 0.25
	samples[2].Errors = "Socket errors: connect 0, read 9, write 0, timeout 0"
	r := resultOf(samples, costs(1, 1, 1))
	want := []string{"round 2 of pingap: other programs used 25 % of its core", "round 3 of pingap: Socket errors: connect 0, read 9, write 0, timeout 0"}
	if got := r.notes(ours); !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

func TestHalfOfTheValuesLieBetweenTheQuartiles(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{3, 1}, spread{2, 1, 3}},
		{[]float64{5, 1, 4, 2, 3}, spread{3, 2, 4}},
		{[]float64{8, 1, 7, 2, 6, 3, 5, 4}, spread{4.5, 2.5, 6.5}},
	} {
		if got := spreadOf(test.values); got != test.want {
			t.Errorf("the spread of %v is %+v, want %+v", test.values, got, test.want)
		}
	}
}

func TestEachRoundBeginsWithAnotherPeer(t *testing.T) {
	var orders []string
	for round := range 4 {
		orders = append(orders, strings.Join(names(inTurn(peers[:3], round)), " "))
	}
	want := []string{"pingap nginx haproxy", "nginx haproxy pingap", "haproxy pingap nginx", "pingap nginx haproxy"}
	if !slices.Equal(orders, want) {
		t.Errorf("rounds are in the orders %q, want %q", orders, want)
	}
}
