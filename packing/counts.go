package packing

// Counts is the number of homomorphic operations of an evaluation. The items say what products and
// rotations are for: CtPtMul + CtCtMul = TileMul + MaskMul + SquareMul and Rotate = SumRotate + RefillRotate.
type Counts struct {
	CtPtMul, CtCtMul, Rotate, Relinearize, Rescale, Add int

	TileMul      int // one per kept tile
	MaskMul      int // one per row of a layer that is refilled
	SquareMul    int // one per row of a hidden layer
	SumRotate    int // sums over the inputs of a tile
	RefillRotate int // copies for the next layer
}

// Plus is the sum of two counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		CtPtMul: c.CtPtMul + d.CtPtMul, CtCtMul: c.CtCtMul + d.CtCtMul, Rotate: c.Rotate + d.Rotate,
		Relinearize: c.Relinearize + d.Relinearize, Rescale: c.Rescale + d.Rescale, Add: c.Add + d.Add,
		TileMul: c.TileMul + d.TileMul, MaskMul: c.MaskMul + d.MaskMul, SquareMul: c.SquareMul + d.SquareMul,
		SumRotate: c.SumRotate + d.SumRotate, RefillRotate: c.RefillRotate + d.RefillRotate,
	}
}

// Items lists the split of products and rotations by purpose.
func (c Counts) Items() map[string]int {
	return map[string]int{
		"tile_mul": c.TileMul, "mask_mul": c.MaskMul, "square_mul": c.SquareMul,
		"sum_rotate": c.SumRotate, "refill_rotate": c.RefillRotate,
	}
}

// Counts predicts the operations of each layer from the kept tiles alone (kept[layer][row][col]). With
// encrypted weights a tile product is ciphertext × ciphertext and each row is relinearised.
func (l *Layout) Counts(kept [][][]bool, encrypted bool) []Counts {
	counts := make([]Counts, len(l.Layers))
	for i := range l.Layers {
		counts[i] = l.layerCounts(i, kept[i], encrypted)
	}
	return counts
}

func (l *Layout) layerCounts(i int, kept [][]bool, encrypted bool) Counts {
	ly := &l.Layers[i]
	rows, tiles := 0, 0
	for _, row := range kept {
		n := 0
		for _, k := range row {
			if k {
				n++
			}
		}
		tiles += n
		if n > 0 {
			rows++
		}
	}
	c := Counts{TileMul: tiles, Rescale: rows, SumRotate: rows * l.Sum(i).Rotations()}
	c.Add = tiles - rows + c.SumRotate + rows // products of a row, the sum, the bias
	if encrypted {
		c.CtCtMul = tiles
		c.Relinearize = rows
	} else {
		c.CtPtMul = tiles
	}
	if ly.Refill {
		c.MaskMul = rows
		c.CtPtMul += rows
		c.Rescale += rows
		c.RefillRotate = rows * l.RefillSum().Rotations()
		c.Add += c.RefillRotate
	}
	if ly.Square {
		c.SquareMul = rows
		c.CtCtMul += rows
		c.Relinearize += rows
		c.Rescale += rows
	}
	c.Rotate = c.SumRotate + c.RefillRotate
	return c
}

// Total adds the counts of all layers.
func Total(layers []Counts) Counts {
	var t Counts
	for _, c := range layers {
		t = t.Plus(c)
	}
	return t
}
