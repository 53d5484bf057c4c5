package upstream

import (
	"math/rand/v2"
	"testing"
)

// naive is smooth weighted round robin as nginx describes it, with the weights
// as they are.
func naive(weights []int, turns int) []int {
	credit := make([]int, len(weights))
	var picked []int
	for range turns {
		total, best := 0, 0
		for i, w := range weights {
			total += w
			credit[i] += w
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= total
		picked = append(picked, best)
	}
	return picked
}

func names(cycle []int32) string {
	var s []byte
	for _, i := range cycle {
		s = append(s, byte('a'+i))
	}
	return string(s)
}

func TestCycleSpreadsTurnsByWeight(t *testing.T) {
	for _, c := range []struct {
		weights []int
		want    string
	}{
		{[]int{1}, "a"},
		{[]int{7}, "a"},
		{[]int{1, 1, 1}, "abc"},
		{[]int{9, 9}, "ab"},
		{[]int{5, 1, 1}, "aabacaa"},
		{[]int{50, 10, 10}, "aabacaa"},
		{[]int{3, 1}, "aaba"},
		{[]int{1, 3}, "babb"},
	} {
		if got := names(smoothCycle(c.weights)); got != c.want {
			t.Errorf("weights %v give %s, want %s", c.weights, got, c.want)
		}
	}
}

func TestCycleIsThatOfTheNaiveTwin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		weights := make([]int, 1+random.IntN(12))
		for i := range weights {
			weights[i] = 1 + random.IntN(30)
		}
		cycle := smoothCycle(weights)
		for i, want := range naive(weights, 3*len(cycle)) {
			if got := int(cycle[i%len(cycle)]); got != want {
				t.Fatalf("weights %v: turn %d is that of peer %d, want %d", weights, i, got, want)
			}
		}
	}
}

func TestCycleOfLargeWeightsIsBoundedAndFair(t *testing.T) {
	weights := []int{1_000_003, 500_009, 7, 250_007}
	cycle := smoothCycle(weights)
	if len(cycle) > maxCycle {
		t.Fatalf("the cycle has %d turns", len(cycle))
	}
	turns := make([]int, len(weights))
	for _, i := range cycle {
		turns[i]++
	}
	if turns[2] != 1 {
		t.Errorf("the smallest peer has %d turns, want 1", turns[2])
	}
	for i, w := range weights {
		want := float64(w) / 1_750_026 * float64(len(cycle))
		if got := float64(turns[i]); i != 2 && (got < want-2 || got > want+2) {
			t.Errorf("peer %d has %v turns, want about %v", i, got, want)
		}
	}
}

func TestRotationsOfLoopsBeginApart(t *testing.T) {
	cycle := smoothCycle([]int{1, 1, 1, 1, 1, 1, 1, 1})
	seen := map[int32]bool{}
	for loop := range 8 {
		r := newRotation(cycle, loop)
		seen[r.next()] = true
	}
	if len(seen) < 6 {
		t.Errorf("8 loops begin at only %d of 8 peers", len(seen))
	}
}

func TestRotationGoesRound(t *testing.T) {
	r := newRotation(smoothCycle([]int{2, 1}), 0)
	var got []int32
	for range 7 {
		got = append(got, r.next())
	}
	if names(got) != "abaabaa" {
		t.Errorf("turns are %s", names(got))
	}
}

func BenchmarkRotation(b *testing.B) {
	r := newRotation(smoothCycle([]int{5, 1, 1}), 0)
	for b.Loop() {
		r.next()
	}
}

func BenchmarkCycleOfThousandPeers(b *testing.B) {
	weights := make([]int, 1000)
	for i := range weights {
		weights[i] = 1 + i%10
	}
	for b.Loop() {
		smoothCycle(weights)
	}
}
