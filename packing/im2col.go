package packing

import "hepex/network"

// The first layer of a one-image layout may be a convolution that the client prepares (im2col): for each offset of the kernel it sends a
// ciphertext of the values that this tap reads at all output positions, repeated for each output channel. Products with weights then sum
// up to outputs in any slots that the next layer likes, without a rotation. If a pooling follows the activation, a row computes one of
// the positions of each pooling window, for all windows at once: pooling adds rows. Rows read ciphertexts that they share: those of the
// kernel that reads all that a pooling window reads.
//
// Outputs lie as the next layer wants them: all values repeated with a period, spread over blocks of slots, or unfolded, in several
// ciphertexts whose slots read the same positions.
type im2col struct {
	stage  network.Stage   // window and output channels
	pool   *network.Window // over its outputs; nil = none
	merged network.Window  // of what comes out of the pooling
	reads  [][]int32       // by position of a pooling window and tap: the offset in the merged kernel, numbered as they are sent
	sent   []int           // offsets of the merged kernel
	lie    lying           // of what comes out of the pooling
}

// lying tells where values lie: in so many ciphertexts and, for each slot of one, which value does, or −1.
type lying interface {
	ciphertexts(slots int) int
	values(col, slots int) []int
}

// newIm2col prepares a convolution with the pooling that follows; nil for another layer. Used tells which taps have a weight; nil: all.
func newIm2col(g network.Geometry, used []bool) *im2col {
	if len(g) < 2 || g[0].Pool != nil || g[0].Window.IsWhole() {
		return nil
	}
	c := &im2col{stage: g[0], pool: g[1].Pool, merged: g[0].Window}
	if c.pool != nil {
		c.merged = c.stage.Window.Pooled(*c.pool)
	}
	phases, number := phasesOf(c.pool), map[int]int32{}
	for d := range phases.H * phases.W {
		row := make([]int32, c.stage.Taps())
		for t := range row {
			if row[t] = Outside; used != nil && !used[t] {
				continue
			}
			e := mergedOffset(&c.stage.Window, phases, d, t)
			if _, ok := number[e]; !ok {
				number[e] = int32(len(c.sent))
				c.sent = append(c.sent, e)
			}
			row[t] = number[e]
		}
		c.reads = append(c.reads, row)
	}
	return c
}

// phasesOf is the size of a pooling window, if there is one.
func phasesOf(pool *network.Window) network.Size {
	if pool == nil {
		return network.Square(1)
	}
	return pool.Kernel
}

// mergedOffset is the tap that tap t of a convolution is at position d of a pooling window: of the kernel that reads all that such a window
// reads.
func mergedOffset(conv *network.Window, phases network.Size, d, t int) int {
	s, k := conv.Stride, conv.Kernel
	y := d/phases.W*s.H + t/k.W
	x := d%phases.W*s.W + t%k.W
	return y*(k.W+(phases.W-1)*s.W) + x
}

// values is the number of outputs, after pooling.
func (c *im2col) values() int { return c.merged.Positions() * c.stage.Out }

// layer is the program: rows are positions of a pooling window, each in as many ciphertexts as the outputs lie in; columns are channels of
// offsets.
func (c *im2col) layer(name string, slots int) Layer {
	channels := c.stage.Window.In.Channels
	return Layer{
		Name: name, In: channels, Out: c.stage.Out, InGroup: 1, OutGroup: c.stage.Out,
		Rows: len(c.reads) * c.lie.ciphertexts(slots), Cols: len(c.sent) * channels, Places: Places{Reads: c.reads, Comes: len(c.sent)},
		Rotations: []int{0}, Sum: Sum{Step: 1}, outer: true,
	}
}

// pooled is how the next layer reads the rows: as their sum.
func (c *im2col) pooled() Places {
	if c.pool == nil {
		return Places{}
	}
	all := make([]int32, len(c.reads))
	for d := range all {
		all[d] = int32(d)
	}
	return Places{Pools: [][]int32{all}, Comes: len(all)}
}

// repeat lays all values into each period of slots.
func (c *im2col) repeat(period int) {
	c.lie = &spread{axis: network.Axis{H: 1, W: c.values(), Channels: 1}, block: period, right: 1, cyclic: 1}
}

// each calls f with the slots of a ciphertext that hold outputs, and the position and channel of each.
func (c *im2col) each(col, slots int, f func(slot, position, channel int) bool) {
	for s, v := range c.lie.values(col, slots) {
		if v >= 0 && !f(s, v/c.stage.Out, v%c.stage.Out) {
			return
		}
	}
}

// input puts what a column reads, of so many channels that are sent.
func (c *im2col) input(slots, channels, col int, put func(slot, place, sample int)) {
	seen := make([]bool, slots)
	for out := range c.lie.ciphertexts(slots) {
		c.each(out, slots, func(slot, position, _ int) bool {
			if from := c.merged.Input(position, c.sent[col/channels]); from >= 0 && !seen[slot] {
				put(slot, from*channels+col%channels, 0)
				seen[slot] = true
			}
			return true
		})
	}
}

func (c *im2col) weights(slots, group, term int, put func(slot, out, in int) bool) {
	c.each(group, slots, func(slot, _, channel int) bool { return put(slot, channel, term) })
}

// bias is that of a row: at the positions of the convolution that it computes.
func (c *im2col) bias(slots, row int, put func(slot, out int)) {
	n := c.lie.ciphertexts(slots)
	c.each(row%n, slots, func(slot, position, channel int) bool {
		if c.pool != nil {
			position = c.pool.Input(position, row/n)
		}
		put(slot, position*c.stage.Out+channel)
		return true
	})
}
