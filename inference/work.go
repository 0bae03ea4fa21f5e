package inference

import (
	"math"
	"slices"

	"hepex/packing"
)

// Work is what decides how long an evaluation takes: its operations, and the memory that its products go through. It survives
// encoding/json both ways but for the counts, whose keys are not text.
type Work struct {
	Counts    packing.Counts `json:"-"`
	Encrypted bool           // weights
	Sweep     int64          // bytes that an evaluation goes through: what it uses once comes from memory if caches hold less
	Keys      int64          // bytes that are gone through before a key is met again: all keys where each row takes them
	Inputs    map[int]int    // of a row's products, by level
	Shared    map[int]int    // of the rows that are summed together, how many have the same tiles, each one included, by level
	Integer   bool           // weights, in the scalar layout
	Sums      map[int]int64  // bytes of the rows that are summed together, by level
}

// NewWork is the work of a layout with its kept tiles.
func NewWork(l Literal, layout *packing.Layout, kept [][][]bool, encrypted bool) Work {
	m := PredictMemory(l, layout, kept, encrypted, 1)
	w := Work{
		Counts: packing.Total(layout.Counts(kept, encrypted)), Encrypted: encrypted, Sweep: m.Total() - m.Runtime, Keys: m.Keys, Inputs: map[int]int{},
		Shared: map[int]int{}, Integer: layout.Kind == packing.Scalar, Sums: map[int]int64{},
	}
	for i := range layout.Layers {
		ly := &layout.Layers[i]
		w.Inputs[ly.Level] = max(w.Inputs[ly.Level], min(ly.Inputs(), ly.Terms()))
		if !ly.Integer {
			w.Shared[ly.Level] = max(1, min(ly.RowsTogether()/ly.Groups(), ly.Positions(), packing.RowsAtOnce))
		}
		w.Sums[ly.Level] = max(w.Sums[ly.Level], int64(min(ly.Rows, ly.RowsTogether()))*ciphertextBytes(l, ly.Level))
	}
	if layout.Kind == packing.OneImage { // hardly a key comes twice
		w.Keys = w.Sweep
	}
	w.addConstants(kept)
	return w
}

// addConstants counts rows of outputs without a kept tile. They are copies of their biases, which is no operation, but all that a
// constant network does: a copy takes about as long as an addition.
func (w Work) addConstants(kept [][][]bool) {
	for _, row := range kept[len(kept)-1] {
		if !slices.Contains(row, true) {
			w.Counts.Add(packing.AddBias, 0, 1)
		}
	}
}

// Only is the work with fewer operations.
func (w Work) Only(counts packing.Counts) Work {
	w.Counts = counts
	return w
}

// Scene is what products and key switches meet: how much memory is gone through before tiles, or keys, are met again, how many
// inputs a row has, and how many rows share tiles, at several positions. All are classes: rows an octave wide, memory and inputs of products half an
// octave, memory of key switches an octave.
type Scene struct {
	Encrypted bool `json:"encrypted,omitempty"` // weights
	Integer   bool `json:"integer,omitempty"`   // weights
	Shared    int  `json:"shared,omitempty"`    // 0 of integers, which are no memory to speak of
	MiB       int  `json:"mib,omitempty"`
	Inputs    int  `json:"inputs,omitempty"`
}

// Scenes beyond these are no different: less fits caches of the second level, more none of the third.
const (
	leastSweep, mostSweep   = 16, 256 // MiB
	leastKeys, mostKeys     = 4, 128
	leastInputs, mostInputs = 16, 1024
)

// class rounds to steps of which so many make an octave.
func class(v float64, least, most int, steps float64) int {
	v = min(max(v, float64(least)), float64(most))
	return int(math.Round(math.Exp2(math.Round(steps*math.Log2(v)) / steps)))
}

// Case is a primitive with all that its price depends on, in one class of parameters.
type Case struct {
	packing.At
	Scene
}

// anyLevel stands for all levels: prices of products are in proportion to nominal ones.
const anyLevel = -1

// of tells which case a primitive is.
func (w Work) of(at packing.At) Case {
	switch at.Op {
	case packing.MulPlain, packing.MulCipher, packing.MulScalar, packing.ReadInput, packing.ArrangeInput, packing.FinishRow:
		scene := Scene{
			Encrypted: w.Encrypted, Integer: w.Integer,
			MiB: class(float64(w.Sweep)/(1<<20), leastSweep, mostSweep, 2), Inputs: class(float64(w.Inputs[at.Level]), leastInputs, mostInputs, 2),
		}
		if !w.Integer {
			scene.Shared = class(float64(w.Shared[at.Level]), 1, packing.RowsAtOnce, 1)
		}
		return Case{packing.At{Op: at.Op, Level: anyLevel}, scene}
	case packing.Square, packing.AddInput:
		return Case{at, Scene{Integer: w.Integer, MiB: w.rowMiB(at.Level)}}
	case packing.Relinearize, packing.RelinearizeRescale, packing.RotateDiagonal, packing.RotateInput, packing.RotateSum,
		packing.RotateRefill, packing.ModDown:
		return Case{at, Scene{MiB: w.keysMiB()}}
	}
	return Case{At: at}
}

// has tells whether there is any of some operations.
func (w Work) has(ops ...packing.Op) bool {
	for at := range w.Counts {
		if slices.Contains(ops, at.Op) {
			return true
		}
	}
	return false
}

// keysMiB is the class of what is gone through between two uses of a key.
func (w Work) keysMiB() int { return class(float64(w.Keys)/(1<<20), leastKeys, mostKeys, 1) }

// rowMiB is that of what lies between the sum of a row's products and its square, or its addition to others: sums of integers wait for those of
// hundreds of other rows, those of tiles are rescaled first.
func (w Work) rowMiB(level int) int {
	if w.Integer {
		return class(float64(w.Sums[level])/(1<<20), leastKeys, mostKeys, 1)
	}
	return w.keysMiB()
}

// ciphertextBytes is the memory of a ciphertext at a level.
func ciphertextBytes(l Literal, level int) int64 { return int64(2*(level+1)) * 8 << l.LogN }
