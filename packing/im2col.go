package packing

import "hepex/network"

// The first layer of a one-image layout may be a convolution that the client prepares (im2col): for each offset of the kernel it sends a
// ciphertext of the values that this tap reads at all output positions, repeated for each output channel. Products with weights then sum
// up to outputs in any slots that the next layer likes, without a rotation. If a pooling follows the activation, a row computes one of
// the positions of each pooling window, for all windows at once: pooling adds rows. Rows read ciphertexts that they share: those of the
// kernel that reads all that a pooling window reads.
//
// Outputs lie as the next layer wants them: all values repeated with a period, or spread over blocks of slots.
type im2col struct {
	stage  network.Stage   // window and output channels
	pool   *network.Window // over its outputs; nil = none
	merged network.Window  // of what comes out of the pooling
	reads  [][]int32       // by position of a pooling window and tap: the offset in the merged kernel, numbered as they are sent
	sent   []int           // offsets of the merged kernel
	lie    spread          // of what comes out of the pooling
}

// newIm2col prepares a convolution with the pooling that follows; nil for another layer. Used tells which taps have a weight; nil: all.
func newIm2col(g network.Geometry, used []bool) *im2col {
	if len(g) < 2 || g[0].Pool != nil || g[0].Window.IsWhole() {
		return nil
	}
	c := &im2col{stage: g[0], pool: g[1].Pool, merged: g[0].Window}
	phases := network.Window{Kernel: network.Square(1)}
	if c.pool != nil {
		c.merged, phases = c.stage.Window.Pooled(*c.pool), *c.pool
	}
	number := map[int]int32{}
	for d := range phases.Taps() {
		row := make([]int32, c.stage.Taps())
		for t := range row {
			if row[t] = Outside; used != nil && !used[t] {
				continue
			}
			e := c.offset(phases.Kernel, d, t)
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

// offset is the tap of the merged kernel that tap t reads at position d of a pooling window.
func (c *im2col) offset(phases network.Size, d, t int) int {
	s, k := c.stage.Stride, c.stage.Kernel
	y := d/phases.W*s.H + t/k.W
	x := d%phases.W*s.W + t%k.W
	return y*c.merged.Kernel.W + x
}

// values is the number of outputs, after pooling.
func (c *im2col) values() int { return c.merged.Positions() * c.stage.Out }

// layer is the program: rows are positions of a pooling window, columns channels of offsets.
func (c *im2col) layer(name string) Layer {
	channels := c.stage.Window.In.Channels
	return Layer{
		Name: name, In: channels, Out: c.stage.Out, InGroup: 1, OutGroup: c.stage.Out,
		Rows: len(c.reads), Cols: len(c.sent) * channels, Places: Places{Reads: c.reads, Comes: len(c.sent)},
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

// each calls f with the slots that hold outputs, and the position and channel of each.
func (c *im2col) each(slots int, f func(slot, position, channel int) bool) {
	for s, v := range c.lie.values(0, slots) {
		if v >= 0 && !f(s, v/c.stage.Out, v%c.stage.Out) {
			return
		}
	}
}

// input puts what a column reads, of so many channels that are sent.
func (c *im2col) input(slots, channels, col int, put func(slot, place, sample int)) {
	c.each(slots, func(slot, position, _ int) bool {
		if from := c.merged.Input(position, c.sent[col/channels]); from >= 0 {
			put(slot, from*channels+col%channels, 0)
		}
		return true
	})
}

func (c *im2col) weights(slots, term int, put func(slot, out, in int) bool) {
	c.each(slots, func(slot, _, channel int) bool { return put(slot, channel, term) })
}

// bias is that of row d: at the positions of the convolution that it computes.
func (c *im2col) bias(slots, d int, put func(slot, out int)) {
	c.each(slots, func(slot, position, channel int) bool {
		if c.pool != nil {
			position = c.pool.Input(position, d)
		}
		put(slot, position*c.stage.Out+channel)
		return true
	})
}
