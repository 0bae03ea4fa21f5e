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

// Sent is how many bytes go over the wire.
type Sent struct {
	Up, Down int64 // of a batch
	Weights  int64 // once, if they are encrypted
}

// PredictSent says what will be sent, but for keys, headers, and marks and seeds of weights. Positions of a convolution that have a bias in common
// are sent it once, which Weights leaves out of account.
func PredictSent(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool) Sent {
	a := l.arithmetic()
	s := Sent{Up: a.Inputs(layout), Down: a.Outputs(layout)}
	if encrypted {
		s.Weights = a.Weights(layout, kept)
	}
	return s
}

// PredictMemory says what an evaluation will need, from the kept tiles.
func PredictMemory(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool, threads int) packing.Memory {
	return l.arithmetic().Memory(layout, kept, encrypted, threads)
}
