package inference

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
)

// Every part of every stage is done once, after what it waits for, whatever limbs parts are of.
func TestCrew(t *testing.T) {
	for round := range 200 {
		rng := rand.New(rand.NewPCG(4, uint64(round)))
		c := newCrew(make([]*lane, 1+rng.IntN(4)))
		for range 3 {
			stages := make([]*stage, 1+rng.IntN(5))
			counts := make([][]atomic.Int64, len(stages))
			for k := range stages {
				st := &stage{n: rng.IntN(12)}
				counts[k] = make([]atomic.Int64, st.n)
				for _, before := range stages[:k] {
					if rng.IntN(2) == 0 {
						st.after = append(st.after, before)
					}
				}
				if turned := rng.IntN(5); turned > 0 {
					st.limb = func(i int) int { return turned * i }
				}
				if k > 0 && st.n <= stages[k-1].n && rng.IntN(2) == 0 {
					st.ready = func(i int) bool { return counts[k-1][i].Load() > 0 }
				}
				st.do = func(i int, _ *lane) {
					if counts[k][i].Add(1); !st.open() || st.ready != nil && !st.ready(i) {
						t.Errorf("round %d: part %d of stage %d came too early", round, i, k)
					}
				}
				stages[k] = st
			}
			check(t, c.do(stages, nil))
			for k := range counts {
				for i := range counts[k] {
					if n := counts[k][i].Load(); n != 1 {
						t.Errorf("round %d: part %d of stage %d was done %d times", round, i, k, n)
					}
				}
			}
		}
		c.dismiss()
	}
}

// A panic in a part is an error, also where others wait for what it would have done, and the crew goes on.
func TestCrewSurvivesPanic(t *testing.T) {
	c := newCrew(make([]*lane, 2))
	defer c.dismiss()
	for round := range 20 {
		bad := &stage{n: 4, do: func(i int, _ *lane) {
			if i == round%4 {
				panic(fmt.Sprint("part ", i))
			}
		}}
		never := &stage{n: 4, after: []*stage{bad}, do: func(int, *lane) { t.Error("done although an earlier stage failed") }}
		if err := c.do([]*stage{bad, never}, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprint("part ", round%4)) {
			t.Errorf("round %d: %v", round, err)
		}
		var n atomic.Int64
		check(t, c.do([]*stage{{n: 5, do: func(int, *lane) { n.Add(1) }}}, nil))
		if n.Load() != 5 {
			t.Errorf("round %d: %d parts of 5 after a panic", round, n.Load())
		}
	}
}
