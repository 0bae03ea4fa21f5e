package pruning

import (
	"slices"
	"testing"

	"hepex/network"
	"hepex/packing"
)

// The fewest tiles of each layer, worked by hand: a fifth of its share, all of a small layer, and one for each group of outputs, each
// where the budget affords it.
func TestFloors(t *testing.T) {
	shape := packing.Shape{In: 16, Out: 16, Batch: 1}
	mlp, autoencoder := []int{784, 128, 128, 10}, []int{784, 64, 784} // 49·8, 8·8, 8·1 and 49·4, 4·49 tiles
	for _, c := range []struct {
		name    string
		dims    []int
		density float64
		want    []int
	}{
		{"a small last layer stays whole", mlp, 0.1, []int{7, 1, 8}},             // of 46 tiles: 0.2·0.1·392, 0.2·0.1·64, 8 of 464 are less than 5 %
		{"unless it were most of the budget", mlp, 0.03, []int{2, 1, 1}},         // of 14 tiles
		{"a fifth of what an equal share gives", mlp, 0.5, []int{39, 6, 8}},      // of 232 tiles
		{"every group of outputs has a tile", autoencoder, 0.8, []int{31, 49}},   // 49 groups are at most a fifth of 314 tiles
		{"unless these were too many", autoencoder, 0.5, []int{19, 19}},          // 49 of 196 tiles are more
		{"more floors than tiles", []int{784, 784, 16}, 0.0004, []int{1, 1}},     // of 1 tile: one each
		{"one tile of each layer at least", []int{64, 64, 64}, 0.1, []int{1, 1}}, // of 3 tiles
	} {
		b := newBudget(newPartition(network.FullyConnected(c.dims...), shape), c.density, nil)
		if got := b.floors(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v at density %g: floors %v, want %v", c.name, c.dims, c.density, got, c.want)
		}
	}
}

// Layers of no importance keep their floors, and where every group of outputs is to have a tile, groups of none keep theirs.
func TestUnimportantLayersKeepTheirFloors(t *testing.T) {
	shape := packing.Shape{In: 16, Out: 16, Batch: 1}
	weak, strong := 1e-6, 1.0
	for _, c := range []struct {
		dims    []int
		density float64
		worth   []float64 // of each tile, by layer
		want    []int
	}{
		{[]int{784, 128, 128, 10}, 0.1, []float64{strong, weak, weak}, []int{37, 1, 8}},
		{[]int{784, 128, 128, 10}, 0.5, []float64{weak, strong, weak}, []int{160, 64, 8}},
		{[]int{784, 64, 784}, 0.8, []float64{strong, weak}, []int{196, 118}},
	} {
		p := newPartition(network.FullyConnected(c.dims...), shape)
		sums := make([][]float64, len(c.worth))
		for l, n := range p.tiles() {
			sums[l] = slices.Repeat([]float64{c.worth[l]}, n)
		}
		last := len(sums) - 1
		sums[last][0] = 2 * strong // the first group of outputs is worth more than all others
		kept, _ := newBudget(p, c.density, nil).choose(sums)
		for l, k := range kept {
			if got := count(k, true); got != c.want[l] {
				t.Errorf("%v at density %g: layer %d keeps %d tiles, want %d", c.dims, c.density, l+1, got, c.want[l])
			}
		}
	}
	p := newPartition(network.FullyConnected(784, 64, 784), shape)
	sums := [][]float64{slices.Repeat([]float64{strong}, 196), slices.Repeat([]float64{weak}, 196)}
	for i := range 160 { // of the last layer, the first 40 groups of 4 tiles each
		sums[1][i] = strong
	}
	kept, _ := newBudget(p, 0.8, nil).choose(sums)
	for group := range 49 {
		if !slices.Contains(kept[1][4*group:4*group+4], true) {
			t.Errorf("group %d of the outputs lost all tiles", group)
		}
	}
}
