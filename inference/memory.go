package inference

import (
	"math"

	"hepex/packing"
)

// KeySeconds is about what drawing the evaluation keys takes, at nominal prices.
func KeySeconds(l Literal, layout *packing.Layout, encrypted bool) float64 {
	limbs := layout.KeyLevels(encrypted).Limbs(len(l.LogP))
	return packing.KeyLimbSeconds * math.Ldexp(float64(limbs), l.LogN-13)
}

// PredictMemory says what an evaluation will need, from the kept tiles.
func PredictMemory(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool, threads int) packing.Memory {
	return l.arithmetic().Memory(layout, kept, encrypted, threads)
}
