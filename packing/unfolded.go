package packing

import (
	"math"
	"math/bits"
	"slices"

	"hepex/network"
)

// The second convolution of a one-image layout may have its inputs unfolded (im2col), as the first may leave its outputs in any slots at
// little cost: a block of slots for each offset of the kernel and channel of the inputs, with what is read there at all output positions.
// The layer is then a dense matrix between blocks of inputs and blocks of outputs, a channel to a block. If a pooling follows, the blocks of
// outputs are those of each of its positions, the kernel is what a pooling window reads, and a sum of slots pools.
//
// Outputs take a period of blocks and are repeated over all slots, so that each copy adds up a part of the inputs only, and a sum of the
// copies leaves all in each. In babies·giants rotations, each by another number of blocks, an output meets as many blocks of inputs in every
// copy; copies meet different ones. As no slot is idle there are few products, and after both sums the outputs repeat as often as they can.
//
// With k the copy, a block of slots is number k·period + u·babies + v: giants rotate u, babies v. If all blocks of slots hold different
// inputs, that is all. The last ciphertext may have fewer inputs and, in proportion, fewer babies: blocks of one class, which have the same
//
//	u and (v + k·babies) mod (copies·babies)
//
// with its own number of babies, hold the same then, and each output meets each class once. All ciphertexts read the same positions, so
// that one set of inputs of the first convolution serves them: an offset has a number of classes to itself, for all channels.
type unfolded struct {
	stage  network.Stage   // window and output channels
	pool   *network.Window // over its outputs; nil = none
	merged network.Window  // of what comes out of the pooling
	out    spread          // of what comes out of the pooling
	slots  int

	period, copies int
	babies         []int // by ciphertext
	giants         int

	taps   [][]int   // by position of a pooling window and offset: the tap that reads it, or −1
	reads  [][]int   // by offset and output position: the position of the inputs, or −1
	blocks [][]block // by ciphertext and block of slots
	lie    [][]int   // by ciphertext and slot: the input there, or −1
}

// block is what a block of slots holds: number of offset and channel, −1 for nothing.
type block struct{ offset, channel int }

// mostlyOutside bounds how many offsets a kernel has for each that is not in the padding everywhere.
const mostlyOutside = 16

// newUnfolded lays out the second convolution of g at the least price; nil if it does not fit.
func newUnfolded(g network.Geometry, convs, slots int, p Prices) *unfolded {
	u := &unfolded{stage: g[1], merged: g[1].Window, slots: slots}
	u.stage.Pool = nil // which the first convolution has done
	if len(g) > 2 && g[2].Pool != nil {
		u.pool = g[2].Pool
		u.merged = u.merged.Pooled(*u.pool)
	}
	u.out = roomFor(u.merged.Out(u.stage.Out), g[2:max(2, convs)])
	u.out.cyclic = powerAbove(u.stage.Out)
	if u.merged.Taps() > mostlyOutside*u.out.blocks(slots) { // more offsets than blocks, and by far too many to look at
		return nil
	}
	u.findTaps()
	u.period = powerAbove(len(u.taps)) * u.out.cyclic
	if u.copies = u.out.blocks(slots) / u.period; u.copies == 0 {
		return nil
	}
	best, cost := *u, math.Inf(1)
	for giants := 1; giants <= u.period; giants *= 2 {
		v := *u
		v.giants = giants
		if !v.share() {
			continue
		}
		if c := v.cost(p, len(g)-1); c < cost {
			best, cost = v, c
		}
	}
	if math.IsInf(cost, 1) {
		return nil
	}
	best.place()
	return &best
}

// findTaps lists the offsets that are not in the padding everywhere, and which tap reads them at each position of a pooling window.
func (u *unfolded) findTaps() {
	number := map[int]int{}
	for e := range u.merged.Taps() {
		reads := make([]int, u.merged.Positions())
		for p := range reads {
			reads[p] = u.merged.Input(p, e)
		}
		if slices.Max(reads) >= 0 {
			number[e] = len(u.reads)
			u.reads = append(u.reads, reads)
		}
	}
	phases := phasesOf(u.pool)
	for d := range phases.H * phases.W {
		row := slices.Repeat([]int{-1}, len(u.reads))
		for t := range u.stage.Taps() {
			if i, ok := number[mergedOffset(&u.stage.Window, phases, d, t)]; ok {
				row[i] = t
			}
		}
		u.taps = append(u.taps, row)
	}
}

// share finds how many ciphertexts the inputs need, and with how few babies the last can do; false if there are more offsets than blocks.
func (u *unfolded) share() bool {
	channels, full := u.stage.Window.In.Channels, u.period/u.giants
	if u.classes(full) == 0 {
		return false
	}
	n := ceilDiv(channels, u.classes(full))
	last := 1
	for u.classes(last)*((n-1)*full/last+1) < channels {
		last *= 2
	}
	u.babies = append(slices.Repeat([]int{full}, n-1), last)
	return true
}

// classes is how many blocks an offset has in a ciphertext that is read by so many babies.
func (u *unfolded) classes(babies int) int { return u.copies * u.giants * babies / len(u.reads) }

// cost prices the ciphertexts that come and their rotations.
func (u *unfolded) cost(p Prices, level int) float64 {
	babies := 0
	for _, n := range u.babies {
		babies += n
	}
	products := float64(babies * u.giants)
	return steps(p, level, babies-len(u.babies), u.giants) + products*p(MulPlain, level) + float64(len(u.babies))*p(Decompose, level)
}

// place says which block of slots holds what.
func (u *unfolded) place() {
	last := len(u.babies) - 1
	full, few := u.period/u.giants, u.babies[last]
	classes, members := u.classes(few), full/few
	u.blocks = make([][]block, len(u.babies))
	seen := make([]int, u.copies*u.giants*few) // of each class
	for b := range u.out.blocks(u.slots) {
		k, v, g := b/u.period, b%u.period%full, b%u.period/full
		class := g + u.giants*((v+k*few)%(u.copies*few))
		offset := class / classes
		for a := range u.blocks {
			channel := (a*classes+class%classes)*members + seen[class]
			if a == last {
				channel = a*classes*members + class%classes
			}
			if offset >= len(u.reads) || channel >= u.stage.Window.In.Channels {
				u.blocks[a] = append(u.blocks[a], block{-1, -1})
				continue
			}
			u.blocks[a] = append(u.blocks[a], block{offset, channel})
		}
		seen[class]++
	}
	for _, blocks := range u.blocks {
		lie := slices.Repeat([]int{-1}, u.slots)
		for x, b := range blocks {
			if b.offset < 0 {
				continue
			}
			for position, from := range u.reads[b.offset] {
				if from >= 0 {
					lie[u.slot(x, position)] = from*u.stage.Window.In.Channels + b.channel
				}
			}
		}
		u.lie = append(u.lie, lie)
	}
}

// ciphertexts is how many the inputs need.
func (u *unfolded) ciphertexts(int) int { return len(u.blocks) }

// values are the inputs that lie in the slots of a ciphertext, −1 where there are none.
func (u *unfolded) values(col, _ int) []int { return u.lie[col] }

// slot is that of a position in a block.
func (u *unfolded) slot(b, position int) int {
	_, slot := u.out.at(position*u.out.axis.Channels, u.slots)
	return b*u.out.block + slot
}

// places is the number of slots that outputs lie in, after pooling, up to the last one.
func (u *unfolded) places() int { return u.slot(u.stage.Out-1, u.merged.Positions()-1) + 1 }

// value is the output in such a slot, or −1.
func (u *unfolded) value(place int) int {
	b, at := place/u.out.block, place%u.out.block
	y, x := at/u.out.down, at%u.out.down
	if b >= u.stage.Out || y >= u.out.axis.H || x >= u.out.axis.W {
		return -1
	}
	return (y*u.out.axis.W+x)*u.stage.Out + b
}

// layer is the program, but for levels.
func (u *unfolded) layer(name string) Layer {
	n, full := len(u.babies), u.period/u.giants
	in, out := u.stage.Window.In.Size(), u.stage.Window.Out(u.stage.Out).Size()
	ly := Layer{
		Name: name, In: in, Out: out, Rows: 1, Cols: n, InGroup: ceilDiv(in, n), OutGroup: out, outer: true,
		Sum:     newSum(u.period*u.out.block, u.copies, false),
		PoolSum: newSum(u.out.cyclic*u.out.block, u.period/u.out.cyclic, false),
	}
	most := u.babies[0]
	for v := range most {
		ly.Rotations = append(ly.Rotations, v*u.out.block)
	}
	if u.babies[n-1] < most {
		ly.Turns = u.babies
	}
	if u.giants > 1 {
		for g := range u.giants {
			ly.Giants = append(ly.Giants, g*full*u.out.block)
		}
	}
	return ly
}

// each calls f with the blocks of outputs: number, position of a pooling window, and channel.
func (u *unfolded) each(f func(b, phase, channel int) bool) {
	for b := range u.out.blocks(u.slots) {
		phase, channel := b%u.period/u.out.cyclic, b%u.out.cyclic
		if phase < len(u.taps) && channel < u.stage.Out && !f(b, phase, channel) {
			return
		}
	}
}

// weights puts those of a tile.
func (u *unfolded) weights(col, baby, giant int, put func(slot, out, in int) bool) {
	if baby >= u.babies[col] {
		return
	}
	n := len(u.blocks[col])
	u.each(func(b, phase, channel int) bool {
		at := (b + giant*u.period/u.giants) % n // where the product is, before the giant step
		from := u.blocks[col][(at+baby)%n]
		if from.offset < 0 || u.taps[phase][from.offset] < 0 {
			return true
		}
		in := u.taps[phase][from.offset]*u.stage.Window.In.Channels + from.channel
		for position, read := range u.reads[from.offset] {
			if read >= 0 && !put(u.slot(at, position), channel, in) {
				return false
			}
		}
		return true
	})
}

func (u *unfolded) bias(put func(slot, out int)) {
	u.each(func(b, phase, channel int) bool {
		for position := range u.merged.Positions() {
			from := position
			if u.pool != nil {
				from = u.pool.Input(position, phase)
			}
			put(u.slot(b, position), from*u.stage.Out+channel)
		}
		return true
	})
}

// powerAbove is the least power of two that is at least n.
func powerAbove(n int) int { return 1 << bits.Len(uint(n-1)) }
