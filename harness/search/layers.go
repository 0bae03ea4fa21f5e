package search

import (
	"slices"

	"hepex/harness/config"
	"hepex/network"
)

// Layers are the hidden layers of a network. They become smaller in filters or neurons, layer by layer, by halving, and in the lines at the edges
// that the first convolution looks at.
type Layers []config.Layer

// What a layer keeps at least, and what is cropped.
const (
	leastNeurons = 8
	leastFilters = 2
	lines        = 2 // at each edge, with each step
	mostCrops    = 4
)

// LayersOf are the hidden layers that a config gives.
func LayersOf(n config.Network) Layers {
	if len(n.Layers) > 0 {
		return n.Layers
	}
	return dense(n.Hidden...)
}

// dense are fully connected layers.
func dense(neurons ...int) (ls Layers) {
	for _, n := range neurons {
		ls = append(ls, config.Layer{Neurons: n})
	}
	return ls
}

// Keys that layers are given by in configs: as neurons, or as a text for each.
const keyNeurons, keyLayers = "prune.hidden", "prune.layers"

// value is what a key has.
func (ls Layers) value(key string) any {
	var neurons []int
	var texts []string
	for _, l := range ls {
		neurons, texts = append(neurons, l.Neurons), append(texts, l.String())
	}
	if key == keyNeurons {
		return neurons
	}
	return texts
}

// halvings is how often each layer can be halved, by its number; layers without filters or neurons cannot.
func (ls Layers) halvings() []int {
	times := make([]int, len(ls))
	for i, l := range ls {
		for l.Filters>>(times[i]+1) >= leastFilters || l.Neurons>>(times[i]+1) >= leastNeurons {
			times[i]++
		}
	}
	return times
}

// halved is what is left after so many halvings of each layer.
func (ls Layers) halved(times []int) Layers {
	out := slices.Clone(ls)
	for i, n := range times {
		out[i].Filters >>= n
		out[i].Neurons >>= n
	}
	return out
}

// crops are the layers with more and more lines cropped, the uncropped first.
func (ls Layers) crops(sensible func(Layers) bool) []Layers {
	all := []Layers{ls}
	for len(all) <= mostCrops && ls[0].Filters > 0 {
		next := all[len(all)-1].cropped(sensible)
		if next == nil {
			break
		}
		all = append(all, next)
	}
	return all
}

// cropped are the layers with some lines less in both axes, or in the one that has any to spare; nil if neither has.
func (ls Layers) cropped(sensible func(Layers) bool) Layers {
	for _, less := range []network.Size{{H: lines, W: lines}, {W: lines}, {H: lines}} {
		next := slices.Clone(ls)
		p := &next[0].Padding
		p.H, p.W = p.H-less.H, p.W-less.W
		if sensible(next) {
			return next
		}
	}
	return nil
}

// within tells whether a is larger than b in nothing.
func within(a, b Layers) bool {
	if p, q := a[0].Padding, b[0].Padding; p.H > q.H || p.W > q.W {
		return false
	}
	for i := range a {
		if a[i].Filters > b[i].Filters || a[i].Neurons > b[i].Neurons {
			return false
		}
	}
	return true
}

// mostRungs is how many small networks there are to choose from, leastCrops how many crops, none among them, there must be room for.
const mostRungs, leastCrops = 128, 3

// smaller are the networks that come from halving layers, down to a few neurons, and from cropping, the smallest last: all combinations or, if these
// are too many, those whose layers were halved about as often, with some of the crops.
func (ls Layers) smaller(sensible func(Layers) bool) []Layers {
	crops := ls.crops(sensible)
	halvings := ls.halvings()
	most := mostRungs / min(len(crops), leastCrops)
	ways := alike(halvings, 0, most)
	for apart := 1; apart <= slices.Max(halvings); apart++ {
		more := alike(halvings, apart, most)
		if len(more) > most {
			break
		}
		ways = more
	}
	var all []Layers
	for _, crop := range spread(crops, mostRungs/len(ways)) {
		for _, times := range ways {
			all = append(all, crop.halved(times))
		}
	}
	return all[1:] // the first is the network itself
}

// alike are the ways to halve layers that are at most so many halvings apart; a layer that is as small as it gets counts as alike to
// all. If there are more than most, the list is cut short, but longer than most.
func alike(halvings []int, apart, most int) (ways [][]int) {
	for n := range slices.Max(halvings) + 1 {
		from, to := make([]int, len(halvings)), make([]int, len(halvings))
		for i, h := range halvings {
			from[i], to[i] = min(n, h), min(n+apart, h)
		}
		ways = append(ways, between(from, to, most)...)
	}
	slices.SortFunc(ways, func(a, b []int) int { // the last layer decides first
		for i := len(a) - 1; i >= 0; i-- {
			if a[i] != b[i] {
				return a[i] - b[i]
			}
		}
		return 0
	})
	return slices.CompactFunc(ways, slices.Equal)
}

// between are all lists of numbers from those of one to those of another list, but not many more than most.
func between(from, to []int, most int) [][]int {
	all := [][]int{nil}
	for i := range from {
		var next [][]int
		for _, front := range all {
			for n := from[i]; n <= to[i] && len(next) <= most; n++ {
				next = append(next, append(slices.Clone(front), n))
			}
		}
		all = next
	}
	return all
}

// spread are so many of a list, 2 or more, evenly, with its ends.
func spread(all []Layers, n int) []Layers {
	if n >= len(all) {
		return all
	}
	some := make([]Layers, n)
	for i := range some {
		some[i] = all[i*(len(all)-1)/(n-1)]
	}
	return some
}

// startsAround are the networks to prune: the unpruned one (nil), the best if it is a small one, and one twice as large.
func startsAround(best *Tried, unpruned Layers) []Layers {
	starts := []Layers{nil}
	if best == nil || best.Layers == nil {
		return starts
	}
	larger := slices.Clone(best.Layers)
	for i, l := range unpruned {
		larger[i].Filters, larger[i].Neurons = min(2*larger[i].Filters, l.Filters), min(2*larger[i].Neurons, l.Neurons)
	}
	if p, most := &larger[0].Padding, unpruned[0].Padding; unpruned[0].Filters > 0 {
		p.H, p.W = min(p.H+lines, most.H), min(p.W+lines, most.W)
	}
	if !slices.Equal(larger, unpruned) {
		starts = append(starts, larger)
	}
	return append(starts, best.Layers)
}
