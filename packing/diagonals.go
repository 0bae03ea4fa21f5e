package packing

import (
	"math"
	"slices"

	"hepex/network"
)

// A one-image layout of several convolutions, and of the first dense layer after them, goes by diagonals (Halevi and Shoup, CRYPTO 2014):
// a tile has, for one rotation of the inputs, the weights between each slot and the one that the rotation brings there. Rotations are sums
// of a baby step, of the inputs, which all tiles of the step share, and a giant step, of a sum of products, so that a layer of b·g
// diagonals takes about b+g rotations.
//
// Values of a grid lie in blocks of slots, a channel to a block: channel c at position (y, x) is in slot c·block + y·down + x·right. The
// outputs of a convolution stay at the slots of the inputs that its first tap reads, without its padding, so that strides and poolings only
// spread the grid: down and right grow. Poolings are part of the kernel that follows, as their sums cost nothing there.
//
// The outputs of the dense layer lie in every slot s with s mod period = output: diagonals 0 to period−1 bring every slot to each of them,
// whatever it holds, and a sum of all slots that are a period apart ends the product.

// spread is how the values of a grid lie.
type spread struct {
	axis               network.Axis
	block, down, right int
	cyclic             int // channels repeat with this period over all blocks, beyond their number; 0: they do not
}

// blocks is the number of channels in a ciphertext.
func (g *spread) blocks(slots int) int { return slots / g.block }

// ciphertexts is how many the values need.
func (g *spread) ciphertexts(slots int) int { return ceilDiv(g.axis.Channels, g.blocks(slots)) }

// at is the ciphertext and slot of a value.
func (g *spread) at(value, slots int) (col, slot int) {
	position, channel := value/g.axis.Channels, value%g.axis.Channels
	n := g.blocks(slots)
	return channel / n, channel%n*g.block + position/g.axis.W*g.down + position%g.axis.W*g.right
}

// values are those that lie in the slots of a ciphertext, −1 where there are none.
func (g *spread) values(col, slots int) []int {
	v := slices.Repeat([]int{-1}, slots)
	for value := range g.axis.Size() {
		c, slot := g.at(value, slots)
		if g.cyclic == 0 {
			if c == col {
				v[slot] = value
			}
			continue
		}
		for s := slot; s < slots; s += g.cyclic * g.block {
			v[s] = value
		}
	}
	return v
}

// diagonals is a layer that goes by them.
type diagonals struct {
	in             spread
	out            *spread // of a convolution; nil: a dense layer, whose outputs repeat with the period
	period         int
	babies, giants []int
	slots          int
	outputs        int

	values [][]int        // by ciphertext and slot: the input that lies there, or −1
	first  map[int][2]int // by rotation: the baby and giant, from 1, whose tile has its diagonal
}

// through is how the outputs of a convolution lie, pooling included, if each stays where the first of its inputs is.
func (g *spread) through(conv *network.Stage) spread {
	out := spread{axis: conv.Window.Out(conv.Out), block: g.block, down: g.down * conv.Stride.H, right: g.right * conv.Stride.W}
	if conv.Pool != nil {
		out.down, out.right = out.down*conv.Pool.Stride.H, out.right*conv.Pool.Stride.W
	}
	return out
}

// newConvDiagonals lays out a convolution whose inputs lie spread, with the pooling before it.
func newConvDiagonals(s *network.Stage, in spread, slots int, p Prices, level int) *diagonals {
	out := in.through(s)
	d := &diagonals{in: in, out: &out, slots: slots, outputs: out.axis.Size()}
	offsets := map[int]bool{} // between positions
	for position := range out.axis.Positions() {
		_, to := out.at(position*s.Out, slots)
		for t := range s.Taps() {
			pooled := s.Window.Input(position, t)
			if pooled < 0 {
				continue
			}
			for _, from := range poolInputs(s.Pool, pooled) {
				_, slot := in.at(from*in.axis.Channels, slots)
				offsets[slot-to] = true
			}
		}
	}
	d.split(sortedKeys(offsets), d.channelSteps(s.Out), p, level)
	return d
}

// poolInputs lists the positions that a pooled one is the sum of.
func poolInputs(pool *network.Window, pooled int) []int {
	if pool == nil {
		return []int{pooled}
	}
	var from []int
	for t := range pool.Taps() {
		from = append(from, pool.Input(pooled, t))
	}
	return from
}

// channelSteps lists by how many blocks inputs lie beyond the outputs that read them.
func (d *diagonals) channelSteps(outputs int) (steps []int) {
	if d.in.cyclic > 0 {
		return sequence(d.in.cyclic)
	}
	n := d.in.blocks(d.slots)
	least, most := -min(outputs, n)+1, min(d.in.axis.Channels, n)-1
	if most-least >= n {
		return sequence(n)
	}
	for k := least; k <= most; k++ {
		steps = append(steps, k)
	}
	return steps
}

// split makes babies of all offsets within a block together with some channel steps, and giants of the others, at the least price.
func (d *diagonals) split(offsets, channels []int, p Prices, level int) {
	best := math.Inf(1)
	for low := 1; low <= len(channels); low++ {
		high := ceilDiv(len(channels), low)
		cost := steps(p, level, low*len(offsets), high)
		if cost >= best {
			continue
		}
		best, d.babies, d.giants = cost, nil, nil
		for k := range low {
			for _, o := range offsets {
				d.babies = append(d.babies, (channels[0]+k)*d.in.block+o)
			}
		}
		for k := range high {
			d.giants = append(d.giants, k*low*d.in.block)
		}
	}
	d.settle()
}

// steps prices so many rotations of inputs and of sums.
func steps(p Prices, level, babies, giants int) float64 {
	return float64(babies)*(p(RotateInput, level)+p(ModDown, level)) + float64(giants)*(p(Decompose, level)+p(RotateSum, level))
}

// newDenseDiagonals lays out a dense layer whose inputs lie spread.
func newDenseDiagonals(in spread, outputs, slots int, p Prices, level int) *diagonals {
	d := &diagonals{in: in, slots: slots, outputs: outputs, period: 1}
	for d.period < outputs {
		d.period *= 2
	}
	best := math.Inf(1)
	for low := 1; low <= d.period; low *= 2 {
		if cost := steps(p, level, low, d.period/low); cost < best {
			best, d.babies, d.giants = cost, nil, nil
			d.babies = sequence(low)
			for k := range d.period / low {
				d.giants = append(d.giants, k*low)
			}
		}
	}
	d.settle()
	return d
}

// settle brings rotations between 0 and the number of slots, and notes what lies where.
func (d *diagonals) settle() {
	for _, list := range [][]int{d.babies, d.giants} {
		for i, r := range list {
			list[i] = (r%d.slots + d.slots) % d.slots
		}
	}
	d.first = map[int][2]int{}
	for g, giant := range d.giants {
		for b, baby := range d.babies {
			if r := (giant + baby) % d.slots; d.first[r] == [2]int{} {
				d.first[r] = [2]int{b + 1, g + 1}
			}
		}
	}
	for col := range d.in.ciphertexts(d.slots) {
		d.values = append(d.values, d.in.values(col, d.slots))
	}
}

// rows is the number of output ciphertexts.
func (d *diagonals) rows() int {
	if d.out == nil {
		return 1
	}
	return d.out.ciphertexts(d.slots)
}

// layer is the program, but for levels.
func (d *diagonals) layer(name string, in, out, cols int) Layer {
	ly := Layer{
		Name: name, In: in, Out: out, Rows: d.rows(), Cols: cols, InGroup: ceilDiv(in, cols), OutGroup: ceilDiv(out, d.rows()),
		Rotations: d.babies, Sum: Sum{Step: 1}, outer: true,
	}
	if len(d.giants) > 1 {
		ly.Giants = d.giants
	}
	if d.out == nil {
		ly.Sum = newSum(d.period, d.slots/d.period, false)
	}
	return ly
}

// each calls f with the slots of a row that products may end in, and the output of each.
func (d *diagonals) each(row int, f func(slot, output int) bool) {
	if d.out == nil {
		for s := range d.slots {
			if o := s % d.period; o < d.outputs && !f(s, o) {
				return
			}
		}
		return
	}
	for o := range d.outputs {
		if r, slot := d.out.at(o, d.slots); r == row && !f(slot, o) {
			return
		}
	}
}

// own tells whether a product may take the input in a slot for an output in another: where channels repeat, the first at or after the
// output's own block is meant.
func (d *diagonals) own(from, to int) bool {
	if d.in.cyclic == 0 || d.out == nil {
		return true
	}
	n := d.in.blocks(d.slots)
	return (from/d.in.block-to/d.in.block+n)%n < d.in.cyclic
}

// weights puts those of a tile.
func (d *diagonals) weights(row, col, baby, giant int, put func(slot, out, in int) bool) {
	if d.first[(d.giants[giant]+d.babies[baby])%d.slots] != [2]int{baby + 1, giant + 1} {
		return // another tile has this diagonal
	}
	values := d.values[col]
	d.each(row, func(to, output int) bool {
		at := (to + d.giants[giant]) % d.slots // where the product is, before the giant step
		from := (at + d.babies[baby]) % d.slots
		if in := values[from]; in >= 0 && d.own(from, to) {
			return put(at, output, in)
		}
		return true
	})
}

func sortedKeys(set map[int]bool) []int {
	var keys []int
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
