package pruning

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// wholeCase is a random network with random importance, and a budget.
func wholeCase(t *testing.T, rng *rand.Rand, dims []int, shape packing.Shape, budget string, encrypted bool, density float64) (whole, *packing.Layout, [][]float64) {
	t.Helper()
	p := newPartition(network.FullyConnected(dims...), shape)
	layout, err := packing.TilesOf(shape).Layout(network.FullyConnected(dims...))
	if err != nil {
		t.Fatal(err)
	}
	layout.SetDelayed(true)
	w, err := newWhole(p, density, pricesOf(layout, budget, encrypted))
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		if unreachable.Least <= density {
			t.Errorf("%v %s %s: %g refused, but %g can be reached", dims, shape, budget, density, unreachable.Least)
		}
		return w, layout, nil
	}
	var sums [][]float64
	for _, n := range p.tiles() {
		s := make([]float64, n)
		for i := range s {
			s[i] = math.Exp(2 * rng.NormFloat64())
		}
		sums = append(sums, s)
	}
	return w, layout, sums
}

// nested gives kept tiles by layer, row and term.
func nested(p *partition, kept [][]bool) (out [][][]bool) {
	for l, k := range kept {
		var rows [][]bool
		for r := range p.groups[l+1] {
			rows = append(rows, k[r*p.groups[l]:(r+1)*p.groups[l]])
		}
		out = append(out, rows)
	}
	return out
}

// What is kept never takes more than the share of what the unpruned network takes, each layer keeps a tile, every kept tile lies
// between groups that are given and read, and hidden layers keep enough neurons.
func TestWholeBudgetsHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 250 {
		dims := []int{1 + rng.IntN(200)}
		for range 1 + rng.IntN(3) {
			dims = append(dims, 1+rng.IntN(80))
		}
		in, out := 1<<rng.IntN(5), 1<<rng.IntN(5)
		shape := packing.Shape{In: in, Out: out, Batch: packing.MinSlots / in / out}
		budget := wholeBudgets[rng.IntN(len(wholeBudgets))]
		density := 0.05 + 0.95*rng.Float64()
		encrypted := rng.IntN(2) == 0
		w, layout, sums := wholeCase(t, rng, dims, shape, budget, encrypted, density)
		if sums == nil { // then the least that can be met
			density = (w.smallest() + w.prices.fixed) / (w.all() + w.prices.fixed) * (1 + 0.05*rng.Float64())
			if w, layout, sums = wholeCase(t, rng, dims, shape, budget, encrypted, density); sums == nil {
				t.Fatalf("%v %s %s: %g refused, but is the least", dims, shape, budget, density)
			}
		}
		a := layout.Typical()
		costs := layout.Costs(a.Nominal(), a, encrypted)
		cost := func(kept [][][]bool) float64 {
			c := costs.Of(kept)
			unread := 0.0 // inputs that nothing reads are not sent
			for term := range kept[0][0] {
				if !slices.ContainsFunc(kept[0], func(row []bool) bool { return row[term] }) {
					unread++
				}
			}
			c.Upload -= costs.Layers[0].Input.Upload * unread
			c.Memory -= costs.Layers[0].Input.Memory * unread
			return map[string]float64{"evaluation": c.Seconds, "memory": c.Memory, "upload": c.Upload}[budget]
		}
		kept, _, _ := w.settle(sums)
		if got, most := cost(nested(w.p, kept)), density*cost(layout.Dense()); got > most*(1+1e-6) {
			t.Errorf("%v %s %s %g encrypted=%t: %g, want at most %g", dims, shape, budget, density, encrypted, got, most)
		}
		for l := range kept {
			if count(kept[l], true) == 0 {
				t.Errorf("%v %s %s %g: layer %d keeps nothing", dims, shape, budget, density, l)
			}
			for i, k := range kept[l] {
				if cols := w.p.groups[l]; k && (!w.p.read(l, i/cols, kept) || !w.p.given(l, i%cols, kept)) {
					t.Errorf("%v %s %s %g: layer %d keeps a dead tile", dims, shape, budget, density, l)
				}
			}
		}
		for axis := 1; axis < len(dims)-1; axis++ {
			live := 0
			for g := range w.p.groups[axis] {
				if w.p.given(axis, g, kept) {
					live++
				}
			}
			if live < w.least[axis] {
				t.Errorf("%v %s %s %g: axis %d keeps %d groups, want %d", dims, shape, budget, density, axis, live, w.least[axis])
			}
		}
	}
}

// On small networks the choice is close to the best of all.
func TestWholeBudgetAgainstAllChoices(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	shape := packing.Shape{In: 32, Out: 32, Batch: packing.MinSlots / 1024}
	ratio, rounds := 0.0, 0
	for range 40 {
		w, _, sums := wholeCase(t, rng, []int{64, 64, 96, 32}, shape, "evaluation", rng.IntN(2) == 0, 0.3+0.5*rng.Float64())
		if sums == nil {
			continue
		}
		_, _, got := w.settle(sums)
		best := bestWhole(w, sums)
		if got > best*(1+1e-9) {
			t.Fatalf("worth %g, but the best of all choices is %g", got, best)
		}
		ratio += got / best
		rounds++
		if got < 0.85*best {
			t.Errorf("worth %g of %g", got, best)
		}
	}
	if rounds < 20 || ratio/float64(rounds) < 0.97 {
		t.Errorf("%.3f of the best on average, over %d networks", ratio/float64(rounds), rounds)
	}
}

// bestWhole tries all sets of tiles that suit the groups that they touch.
func bestWhole(w whole, sums [][]float64) float64 {
	type tile struct{ l, i int }
	var all []tile
	for l, s := range sums {
		for i := range s {
			all = append(all, tile{l, i})
		}
	}
	best := 0.0
	for set := range 1 << len(all) {
		worth, price := 0.0, 0.0
		kept := make([][]bool, len(sums))
		for l := range sums {
			kept[l] = make([]bool, len(sums[l]))
		}
		for k, t := range all {
			if set>>k&1 == 1 {
				kept[t.l][t.i] = true
				worth += math.Pow(sums[t.l][t.i], worthPower)
				price += w.prices.tile[t.l][0]
			}
		}
		if worth <= best || price > w.limit {
			continue
		}
		ok := true
		for l := range kept {
			for i, k := range kept[l] {
				if cols := w.p.groups[l]; k && (!w.p.read(l, i/cols, kept) || !w.p.given(l, i%cols, kept)) {
					ok = false
				}
			}
		}
		for axis, groups := range w.p.groups {
			live := 0
			for g := range groups {
				is := axis == 0 && w.p.read(-1, g, kept) || axis > 0 && w.p.given(axis, g, kept)
				if is {
					live++
					price += w.prices.group[axis]
				}
			}
			ok = ok && live >= w.least[axis]
		}
		if ok && price <= w.limit {
			best = worth
		}
	}
	return best
}
