package trial

import (
	"fmt"

	"hepex/harness/record"
	"hepex/inference"
	"hepex/packing"
)

// checkCounts compares the operations counted with those predicted from the kept tiles.
func (t *trial) checkCounts(trace *inference.Trace) error {
	predicted := t.packed.model.Counts(t.packed.model.Kept, t.spec.HE.Encrypted())
	for i, counted := range trace.Counts {
		if !counted.Equal(predicted[i]) {
			return &Failure{"operations", fmt.Errorf("trial: layer %s did %v: predicted %v", t.packed.model.Layers[i].Name, counted, predicted[i])}
		}
	}
	t.rec.Operations = operations(packing.Total(trace.Counts))
	return nil
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
