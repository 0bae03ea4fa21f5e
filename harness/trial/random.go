package trial

import (
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
)

// answered is random inputs with what the network itself makes of them: its classes, or its outputs as targets.
type answered struct {
	datasets.Random
	forward func(x *mat.Dense) *mat.Dense
}

// answerRows is how many samples are evaluated at a time.
const answerRows = 64

func (a answered) Read(split datasets.Split, from, to int) (*datasets.Set, error) {
	set, err := a.Random.Read(split, from, to)
	if err != nil {
		return nil, err
	}
	for x := range slices.Chunk(set.X, answerRows*set.Dim) {
		y := a.forward(matrix(wide(slices.Collect(slices.Chunk(x, set.Dim)))))
		n, _ := y.Dims()
		for b := range n {
			if row := y.RawRowView(b); set.Classes > 0 {
				set.Labels = append(set.Labels, uint8(floats.MaxIdx(row)))
			} else {
				for _, v := range row {
					set.Target = append(set.Target, float32(v))
				}
			}
		}
	}
	return set, nil
}
