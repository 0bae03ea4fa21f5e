package trial

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/packing"
)

// compare sets the decrypted outputs against the plain network in float64, evaluated independently of packing
// and folding, and lets no record pass that lacks the precision asked for.
func (t *trial) compare(batch network.Data, encrypted [][]float64) error {
	in := dense(batch)
	plain := t.pruned.state.Net.Forward(in)
	if t.packed.model.Kind == packing.Scalar {
		plain = t.packed.outputs(in)
	}
	q := t.rec.Quality
	q.Samples = batch.Len()
	var largest, agree, score float64
	for b, got := range encrypted {
		want := plain.RawRowView(b)
		for o := range got {
			if math.IsNaN(got[o]) || math.IsInf(got[o], 0) {
				return &Failure{KindNaN, fmt.Errorf("trial: sample %d, output %d: %v after decryption", b, o, got[o])}
			}
			q.OutputErrorMax = math.Max(q.OutputErrorMax, math.Abs(got[o]-want[o]))
			largest = math.Max(largest, math.Abs(want[o]))
		}
		if floats.MaxIdx(got) == floats.MaxIdx(want) {
			agree++
		}
		score += scoreSample(batch, b, got)
	}
	q.Agreement = agree / float64(q.Samples)
	q.Encrypted = score / float64(q.Samples)
	q.PrecisionBits = -math.Log2(math.Max(q.OutputErrorMax, math.SmallestNonzeroFloat64) / largest)
	if q.Agreement < 1 {
		t.warn("%.0f of %d samples have another largest output encrypted than plain", float64(q.Samples)-agree, q.Samples)
	}
	if !(q.PrecisionBits >= float64(t.spec.HE.Precision)) {
		return &Failure{"precision", fmt.Errorf("trial: %.1f bits of precision: he.precision asks for %d", q.PrecisionBits, t.spec.HE.Precision)}
	}
	return nil
}

// scoreSample is 1 for the right class, or the mean squared error of the sample: against its target, or itself if it has
// none.
func scoreSample(d network.Data, b int, y []float64) float64 {
	if d.Labels != nil {
		if floats.MaxIdx(y) == int(d.Labels[b]) {
			return 1
		}
		return 0
	}
	target := d.Target
	if target == nil {
		target = d.X
	}
	sum := 0.0
	for o, v := range y {
		e := v - float64(target[b*len(y)+o])
		sum += e * e
	}
	return sum / float64(len(y))
}

// dense gives the samples as a matrix.
func dense(d network.Data) *mat.Dense {
	x := mat.NewDense(d.Len(), d.Dim, nil)
	for b, row := range rows(d) {
		x.SetRow(b, row)
	}
	return x
}

// rows gives the samples as slices of float64.
func rows(d network.Data) [][]float64 {
	x := make([][]float64, d.Len())
	for b := range x {
		x[b] = make([]float64, d.Dim)
		for i, v := range d.X[b*d.Dim : (b+1)*d.Dim] {
			x[b][i] = float64(v)
		}
	}
	return x
}
