package packing

import (
	"fmt"
	"slices"

	"hepex/network"
)

// A one-image layout spends one sample's slots on the sums: few ciphertexts, few rotations, no masks. Outer and
// inner layers take turns, as in tile layouts.
//
// An outer layer reads neuron n in the slots pitch·n + [0, window), and sums over all n at once: output q ends in
// every slot s with s mod pitch = q. Outputs beyond the window come from inputs rotated to the right by multiples
// of the window. The client repeats the network's inputs over whole pitches.
//
// An inner layer reads inputs that repeat with a period. Output g takes the slots pitch·g + [0, fold): there, input
// rotations by multiples of fold cover every input once, and a sum of fold slots ends the product. To leave the output
// in a whole window of slots, the next window−1 slots carry the inputs that the sum loses at its left end.
// What else the slots hold meets zero weights in the next layer.
type oneImage struct {
	layers    []arrangement
	*prepared // in the place of the first layers; nil: an outer layer comes first
}

// arrangement is how one layer uses the slots. Outer layers read pitch and window, inner ones write them.
type arrangement struct {
	pitch, window int
	period, fold  int // of inner layers
	steps         int // of inner layers: rotations to the left; some to the right may follow
	rotations     []int
	babies        int             // of inner layers: rotations, from the one farthest to the right, that a giant step takes together; 0: all
	cover         map[int][][]int // inner: by first residue, slot of the group and rotation, the input or −1
}

// newOneImageLayout finds the nominally cheapest arrangement of an unpruned network, keys and evaluation weighed together. Layers but
// those that are prepared are unrolled: every position of a channel is a neuron. Used is for prepare.
func newOneImageLayout(g network.Geometry, slots int, encrypted bool, used []bool) *Layout {
	s := arranger{slots: slots, prices: Nominal(1), encrypted: encrypted}
	s.prepared = prepare(g, slots, used, s.prices, encrypted)
	for a := range len(g) + 1 {
		s.dims = append(s.dims, g.Axis(a).Size())
	}
	if s.prepared != nil {
		s.prepared.setDims(s.dims)
	}
	layers, place := s.arrange()
	for i := s.base() + 1; i < len(layers); i += 2 {
		place[i].fillCover(slots, &layers[i])
	}
	if s.prepared != nil && s.base() == 0 {
		s.prepared.first.repeat(place[0].pitch)
	}
	l := &Layout{
		Kind: OneImage, Shape: OneImageIn(slots, encrypted).Shape, Slots: slots, Batch: 1,
		inputs: g.Axis(0).Size(), Layers: layers, place: oneImage{place, s.prepared}, geometry: g, used: used,
	}
	l.SetDelayed(true)
	return l
}

// checkUnrolled refuses what packing would refuse: layers of too many weights between all positions. Those that the client prepares, and that
// are unfolded, may do without.
func checkUnrolled(g network.Geometry, slots int, encrypted bool) error {
	whole := prepare(g, slots, nil, Nominal(1), encrypted).whole()
	for i := whole; i < len(g); i++ {
		in, out := g.Axis(i).Size(), g.Axis(i+1).Size()
		if whole > 0 && i == whole {
			in = g[i].Window.In.Size() // the layer before pools
		}
		if in*out > network.MaxUnrolled {
			return fmt.Errorf("packing: one-image layout: layer %d: %d×%d weights when unrolled for %d slots: want at most %d", i+1, out, in, slots, network.MaxUnrolled)
		}
	}
	return nil
}

// packOneImage packs a network without the neurons that nothing reads and inputs without weight.
func packOneImage(f *network.Folded, slots int, encrypted bool) (*Model, error) {
	compact, _ := f.Compact(true)
	g := compact.Geometry()
	used := usedTaps(&compact.Layers[0])
	h := prepare(g, slots, used, Nominal(1), encrypted)
	if h == nil {
		unrolled, err := f.Unroll()
		if err != nil {
			return nil, fmt.Errorf("packing: one-image layout: %w", err)
		}
		packed, inputs := unrolled.Compact(false)
		layout := newOneImageLayout(packed.Geometry(), slots, encrypted, nil)
		layout.inputs, layout.InputOrder = f.Geometry().Axis(0).Size(), inputs
		return newModel(packed, layout), nil
	}
	whole := h.whole()
	if whole == len(g) {
		return newModel(compact, newOneImageLayout(g, slots, encrypted, used)), nil
	}
	tail := &network.Folded{Layers: slices.Clone(compact.Layers[whole:])}
	tail.Layers[0].Pool = nil // which the layer before does
	tail, err := tail.Unroll()
	if err != nil {
		return nil, fmt.Errorf("packing: one-image layout: %w", err)
	}
	tail = tail.Simplify()          // a neuron may be constant though its channel is not
	dense := max(h.base()-whole, 0) // of the tail: the first layer whose outputs are no grid
	rest, _ := (&network.Folded{Layers: tail.Layers[dense:]}).Compact(true)
	packed := &network.Folded{Layers: slices.Concat(compact.Layers[:whole], tail.Layers[:dense], rest.Layers)}
	for i := whole + dense; i < len(g); i++ {
		in, pool := g[i].Window.In, g[i].Pool
		if i > whole+dense { // unrolled, with the pooling before it
			in, pool = network.Flat(g[i-1].Out), nil
		}
		g[i] = network.Stage{Window: network.Whole(in), Out: rest.Geometry()[i-whole-dense].Out, Pool: pool}
	}
	layout := newOneImageLayout(g, slots, encrypted, used)
	return newModel(packed, layout), nil
}

// usedTaps tells which taps have a weight that is not zero. One is used in any case, so that there is something to send.
func usedTaps(l *network.Affine) []bool {
	if l.Window == nil {
		return nil
	}
	used, w := make([]bool, l.Window.Taps()), l.W.RawMatrix()
	for i, v := range w.Data {
		if v != 0 {
			used[i%w.Cols/l.Window.In.Channels] = true
		}
	}
	if !slices.Contains(used, true) {
		used[0] = true
	}
	return used
}

// prepares tells whether a layer is one of those.
func (p oneImage) prepares(layer int) bool { return p.prepared != nil && layer <= p.base() }

func (p oneImage) input(l *Layout, col, _ int, put func(slot, place, sample int)) {
	first, a := &l.Layers[0], p.layers[0]
	if p.prepared != nil {
		p.first.input(l.Slots, first.In, col, put)
		return
	}
	for n := range min(first.InGroup, first.In-col*first.InGroup) {
		for q := range a.pitch {
			put(n*a.pitch+q, col*first.InGroup+n, 0)
		}
	}
}

func (p oneImage) weights(l *Layout, layer, row, term int, put func(slot, out, in int) bool) {
	ly, a := &l.Layers[layer], p.layers[layer]
	if p.prepares(layer) {
		p.prepared.weights(l, layer, row, term, put)
		return
	}
	col, k := ly.Input(ly.Read(row, term))
	if ly.outer {
		for n := range min(ly.InGroup, ly.In-col*ly.InGroup) {
			for q := k * a.window; q < min((k+1)*a.window, ly.OutGroup, ly.Out-row*ly.OutGroup); q++ {
				if !put(n*a.pitch+q, row*ly.OutGroup+q, col*ly.InGroup+n) {
					return
				}
			}
		}
		return
	}
	giant := 0
	if a.babies > 0 {
		giant = ly.Giants[ly.Giant(term)]
		if k = a.turn(ly.Giant(term), k); k < 0 {
			return
		}
	}
	for g := range min(ly.OutGroup, ly.Out-row*ly.OutGroup) {
		for j, inputs := range a.cover[g*a.pitch%a.period] {
			in := inputs[k]
			if in < 0 || col*ly.InGroup+in >= ly.In {
				continue
			}
			if in = p.prepared.input(layer, col*ly.InGroup+in); in < 0 {
				continue
			}
			if !put((g*a.pitch+j+giant)%l.Slots, row*ly.OutGroup+g, in) {
				return
			}
		}
	}
}

func (p oneImage) bias(l *Layout, layer, row int, put func(slot, out int)) {
	ly, a := &l.Layers[layer], p.layers[layer]
	if p.prepares(layer) {
		p.prepared.bias(l, layer, row, put)
		return
	}
	for o := range min(ly.OutGroup, ly.Out-row*ly.OutGroup) {
		if ly.outer {
			for s := o; s < l.Slots; s += a.pitch {
				put(s, row*ly.OutGroup+o)
			}
			continue
		}
		for q := range a.window {
			put(o*a.pitch+q, row*ly.OutGroup+o)
		}
	}
}

func (oneImage) mask(*Layout, int, func(int)) {}

func (p oneImage) output(l *Layout, position, _ int) (row, slot int) {
	i := len(l.Layers) - 1
	if p.prepares(i) {
		return p.prepared.output(position)
	}
	ly := &l.Layers[i]
	row, slot = position/ly.OutGroup, position%ly.OutGroup
	if !ly.outer {
		slot *= p.layers[i].pitch
	}
	return row, slot
}

// split gives the babies and giants that an inner layer's rotations are sums of; without giants, all of them.
func (a *arrangement) split() (babies, giants []int) {
	if a.babies == 0 {
		return a.rotations, nil
	}
	least := slices.Min(a.rotations)
	for b := range a.babies {
		babies = append(babies, least+b*a.fold)
	}
	for g := range ceilDiv(len(a.rotations), a.babies) {
		giants = append(giants, g*a.babies*a.fold)
	}
	return babies, giants
}

// turn is the number of the rotation that a giant and a baby make, or −1: those to the right come last.
func (a *arrangement) turn(giant, baby int) int {
	n := len(a.rotations)
	turn := giant*a.babies + baby - (n - a.steps)
	switch {
	case turn >= a.steps:
		return -1
	case turn < 0:
		return turn + n
	}
	return turn
}

// fillCover decides which rotation brings which input to which slot of an output's group, for every residue of the
// period that a group can start at.
func (a *arrangement) fillCover(slots int, ly *Layer) {
	a.cover = map[int][][]int{}
	for start := 0; start < slots; start += a.pitch {
		first := start % a.period
		if a.cover[first] != nil {
			continue
		}
		a.cover[first] = a.coverFrom(first, min(ly.InGroup, ly.In))
	}
}

func (a *arrangement) coverFrom(first, inputs int) [][]int {
	seen := make([]bool, inputs)
	table := make([][]int, a.fold+a.window-1)
	for j := range table {
		table[j] = make([]int, len(a.rotations))
		for k := range table[j] {
			table[j][k] = -1
		}
		if j >= a.fold {
			for k, in := range table[j-a.fold] {
				if in >= 0 {
					table[j][(k+len(a.rotations)-1)%len(a.rotations)] = in
				}
			}
			continue
		}
		for k := range a.steps {
			if in := (first + j + k*a.fold) % a.period; in < inputs && !seen[in] {
				table[j][k], seen[in] = in, true
			}
		}
	}
	return table
}
