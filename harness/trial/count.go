package trial

import (
	"fmt"

	"hepex/harness/record"
	"hepex/inference"
	"hepex/packing"
)

// counted gives the operations of an evaluation, which must be those predicted from the kept tiles.
func counted(trace *inference.Trace, m *packing.Model, encrypted bool) (*record.Operations, error) {
	predicted := m.Counts(m.Kept, encrypted)
	for i, counts := range trace.Counts {
		if !counts.Equal(predicted[i]) {
			return nil, &Failure{"operations", fmt.Errorf("trial: layer %s did %v: predicted %v", m.Layers[i].Name, counts, predicted[i])}
		}
	}
	return operations(packing.Total(trace.Counts)), nil
}

// operations sums counts over levels. Rotations are those that a key switch is done for, hoisted or not.
func operations(c packing.Counts) *record.Operations {
	o := &record.Operations{
		CtPtMul:     c.Of(packing.MulPlain, packing.MulScalar, packing.MulDiagonal, packing.MulMask),
		CtCtMul:     c.Of(packing.MulCipher, packing.Square),
		Rotate:      c.Of(packing.RotateDiagonal, packing.RotateInput, packing.RotateSum, packing.RotateRefill),
		Relinearize: c.Of(packing.Relinearize, packing.RelinearizeRescale), Rescale: c.Of(packing.Rescale, packing.RelinearizeRescale),
		Items: map[string]int{
			"tile_mul": c.Of(packing.MulPlain, packing.MulScalar, packing.MulDiagonal, packing.MulCipher),
			"mask_mul": c.Of(packing.MulMask), "square_mul": c.Of(packing.Square),
			"sum_rotate": c.Of(packing.RotateSum), "refill_rotate": c.Of(packing.RotateRefill),
			"input_rotate": c.Of(packing.RotateInput, packing.RotateDiagonal),
			"decompose":    c.Of(packing.Decompose), "mod_down": c.Of(packing.ModDown),
		},
	}
	o.Add = o.Items["tile_mul"] - c.Of(packing.FinishRow) + c.Of(packing.RotateSum, packing.RotateRefill) + c.Of(packing.AddBias)
	return o
}
