package packing

import "slices"

// Cost is what a part of an evaluation takes.
type Cost struct {
	Seconds float64 // on one core, at given prices
	Memory  float64 // bytes of the server
	Upload  float64 // bytes that the server is sent: the inputs of a batch, and weights if they are encrypted
}

// times is the cost of n parts.
func (c Cost) times(n int) Cost {
	f := float64(n)
	return Cost{f * c.Seconds, f * c.Memory, f * c.Upload}
}

// plus adds costs.
func (c Cost) plus(d Cost) Cost {
	return Cost{c.Seconds + d.Seconds, c.Memory + d.Memory, c.Upload + d.Upload}
}

// LayerCosts is what the parts of a layer take.
type LayerCosts struct {
	Tile  Cost  // a kept tile, without its products; in scalar layouts, a weight
	Use   Cost  // a product with a kept tile
	Uses  []int // products of a tile, by its tap
	Row   Cost  // a group of output channels that has a kept tile, at all positions
	Read  Cost  // an input that some row reads, of those that are summed together
	Pool  Cost  // an input that is pooled: its additions, and the relinearisation that is left to it
	Pools int   // of a group of input channels
	Input Cost  // an input ciphertext that is sent, whether it is read or not: of the first layer only
	Sent  int   // ciphertexts of a group of input channels
}

// TileAt is a kept tile of a tap with its products.
func (c *LayerCosts) TileAt(tap int) Cost { return c.Tile.plus(c.Use.times(c.Uses[tap])) }

// Costs is what the parts of a layout take, whichever of them are kept.
type Costs struct {
	Layers []LayerCosts
	Fixed  Cost // what is there with or without a tile: keys, buffers, outputs

	layout *Layout
}

// Costs tells what tiles, rows and inputs take, in layouts of tiles and scalars, with the moduli of an Arithmetic; keys are not part of the
// upload, as they are sent once.
//
// Memory bounds that of Arithmetic.Memory, on one thread, for any kept tiles: that is a peak, which is no sum of parts. What layers
// hand to the next counts for all layers at once, and what one needs beside that for the layer that needs most.
func (l *Layout) Costs(p Prices, a Arithmetic, encrypted bool) Costs {
	c := Costs{Layers: make([]LayerCosts, len(l.Layers)), layout: l}
	m := a.standing(l, encrypted, 1)
	most := 0
	for i := range l.Layers {
		c.Layers[i] = l.layerCosts(i, p, a, encrypted)
		most = max(most, l.mostLimbs(i, encrypted, 1))
		m.Model += a.layerBytes(&l.Layers[i], encrypted).always
	}
	c.Fixed.Memory = withRuntime(m.Keys+m.Tables+m.Buffers+m.Model+int64(most)*a.words()) + runtimeBytes
	return c
}

// layerCosts takes costs apart by what one kept tile adds to nothing.
func (l *Layout) layerCosts(i int, p Prices, a Arithmetic, encrypted bool) LayerCosts {
	ly := &l.Layers[i]
	one := make([][][]bool, len(l.Layers))
	c := LayerCosts{Uses: ly.uses(), Sent: ly.comes()}
	used := slices.Index(c.Uses, slices.Max(c.Uses)) // a tap that is not in the padding everywhere
	one[i] = [][]bool{make([]bool, ly.Terms())}
	one[i][0][used*ly.Terms()/ly.Taps()] = true
	counts := l.Counts(one, encrypted)[i]
	read := ly.readsBy()
	c.Read.Seconds = p(read, ly.Level)
	shared := float64(counts[At{read, ly.Level}]) * c.Read.Seconds
	if sums, _ := ly.poolings(one[i]); sums > 0 {
		pools := Counts{}
		l.poolCounts(i, one[i], pools)
		cost := pools.Cost(p)
		c.Pool.Seconds, c.Pools = cost/float64(sums), len(ly.Pools)
		shared += cost
	}
	products := counts.Proportional()
	for at := range products {
		c.Use.Seconds = p(at.Op, at.Level)
	}
	c.Row.Seconds = counts.Cost(p) - products.Cost(p) - shared

	b, handed := a.layerBytes(ly, encrypted), 0
	if i < len(l.Layers)-1 {
		next := &l.Layers[i+1]
		handed = next.inputs() * limbs(1, next.Level)
	}
	c.Tile.Memory, c.Row.Memory = withRuntime(b.tile), withRuntime(int64(ly.borders())*b.bias+int64(handed)*a.words())
	if encrypted {
		c.Tile.Upload, c.Row.Upload = float64(b.tileSent), float64(int64(ly.borders())*b.biasSent)
	}
	if i == 0 {
		c.Input.Memory, c.Input.Upload = withRuntime(a.ciphertext(l.Levels)), float64(a.input(l))
	}
	return c
}

// Of is what an evaluation with kept tiles takes.
func (c Costs) Of(kept [][][]bool) Cost {
	total := c.Fixed.plus(c.Layers[0].Input.times(c.layout.Layers[0].Cols))
	for i, rows := range kept {
		parts, ly := &c.Layers[i], &c.layout.Layers[i]
		total = total.plus(parts.Read.times(ly.readings(rows)))
		sums, _ := ly.poolings(rows)
		total = total.plus(parts.Pool.times(sums))
		for _, row := range rows {
			if number(row) == 0 {
				continue
			}
			total = total.plus(parts.Row)
			width := len(row) / ly.Taps()
			for tap := range ly.Taps() {
				total = total.plus(parts.TileAt(tap).times(number(row[tap*width : (tap+1)*width])))
			}
		}
	}
	return total
}

// number of kept tiles of a row.
func number(row []bool) (n int) {
	for _, k := range row {
		if k {
			n++
		}
	}
	return n
}

// withRuntime adds the share that the allocator takes.
func withRuntime(bytes int64) float64 { return float64(bytes) * (1 + runtimeShare/100.0) }
