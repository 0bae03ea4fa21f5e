package packing

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
	Tile  Cost // a kept tile; in scalar layouts, a weight
	Row   Cost // a ciphertext of outputs that has a kept tile
	Read  Cost // an input that some row of a group of RowsAtOnce rows reads; in scalar layouts, some row at all
	Input Cost // an input ciphertext that is sent, whether it is read or not: of the first layer only
}

// Costs is what the parts of a layout take, whichever of them are kept.
type Costs struct {
	Layers []LayerCosts
	Fixed  Cost // what is there with or without a tile: keys, buffers, outputs

	layout *Layout
}

// Costs tells what tiles, rows and inputs take, in layouts of tiles and scalars. Memory is that of Arithmetic.Memory, with its
// moduli; keys are not part of the upload, as they are sent once.
func (l *Layout) Costs(p Prices, a Arithmetic, encrypted bool) Costs {
	c := Costs{Layers: make([]LayerCosts, len(l.Layers)), layout: l}
	none := make([][][]bool, len(l.Layers))
	m := a.Memory(l, none, encrypted, 1)
	c.Fixed.Memory = withRuntime(m.Keys+m.Output+m.Working+m.Buffers+m.Model) + runtimeBytes
	for i := range l.Layers {
		c.Layers[i] = l.layerCosts(i, p, a, encrypted)
	}
	return c
}

// layerCosts takes costs apart by what one kept tile adds to nothing, and a second one to that.
func (l *Layout) layerCosts(i int, p Prices, a Arithmetic, encrypted bool) (c LayerCosts) {
	ly := &l.Layers[i]
	one := make([][][]bool, len(l.Layers))
	one[i] = [][]bool{make([]bool, ly.Terms())}
	one[i][0][0] = true
	counts := l.Counts(one, encrypted)[i]
	read, _ := ly.reading()
	c.Read.Seconds = p(read, ly.Level)
	c.Tile.Seconds = counts.Proportional().Cost(p)
	c.Row.Seconds = counts.Cost(p) - c.Tile.Seconds - c.Read.Seconds

	b := a.layerBytes(l, i, encrypted, 1)
	c.Tile.Memory, c.Row.Memory = withRuntime(b.tile), withRuntime(b.bias+b.row)
	if encrypted {
		c.Tile.Upload, c.Row.Upload = float64(b.tile), float64(b.bias)
	}
	if i == 0 {
		input := a.ciphertext(l.Levels)
		c.Input.Memory, c.Input.Upload = withRuntime(input), float64(input)
	}
	return c
}

// Of is what an evaluation with kept tiles takes.
func (c Costs) Of(kept [][][]bool) Cost {
	total := c.Fixed.plus(c.Layers[0].Input.times(c.layout.Layers[0].Cols))
	for i, rows := range kept {
		parts, ly := &c.Layers[i], &c.layout.Layers[i]
		for _, inputs := range ly.readings(rows) {
			total = total.plus(parts.Read.times(inputs))
		}
		for _, row := range rows {
			if n := number(row); n > 0 {
				total = total.plus(parts.Row).plus(parts.Tile.times(n))
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
