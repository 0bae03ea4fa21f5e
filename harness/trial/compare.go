package trial

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/packing"
)

// compare sets the decrypted outputs against the plain network in float64, evaluated independently of packing
// and folding, and lets no record pass that lacks the precision asked for. Beyond tells which samples have values too large for a modulus.
func (t *trial) compare(batch network.Data, encrypted [][]float64, beyond []bool) error {
	in := dense(batch)
	plain := t.pruned.state.Net.Forward(in)
	if t.packed.model.Kind == packing.Scalar {
		plain = t.packed.outputs(in)
	}
	q := t.rec.Quality
	q.Samples = batch.Len()
	var largest, agree, score float64
	var each []float64 // bits of a sample
	for b, got := range encrypted {
		want := plain.RawRowView(b)
		if size := floats.Norm(want, math.Inf(1)); size > 0 {
			each = append(each, bitsOf(floats.Distance(got, want, math.Inf(1)), size))
		}
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
	if !t.spec.Data.IsRandom() { // noise is nothing to look at
		t.examples = newExamples(t.spec.Data.Form().Shape, batch, plain, encrypted)
	}
	q.Agreement = agree / float64(q.Samples)
	q.Encrypted = score / float64(q.Samples)
	q.PrecisionBits = bitsOf(q.OutputErrorMax, largest)
	if slices.Sort(each); len(each) > 0 {
		q.SamplePrecisionMin, q.SamplePrecisionP05 = each[0], each[len(each)/20]
	}
	if q.Agreement < 1 {
		t.warn("%.0f of %d samples have another largest output encrypted than plain", float64(q.Samples)-agree, q.Samples)
	}
	if q.PrecisionBits >= float64(t.spec.HE.Precision) {
		return nil
	}
	if wrapped := slices.Index(beyond[:batch.Len()], true); wrapped >= 0 {
		return &Failure{kindRange, fmt.Errorf("trial: values of sample %d are too large for their moduli: %s", wrapped, t.moreRoom())}
	}
	return &Failure{"precision", fmt.Errorf("trial: %.1f bits of precision, below the promise: he.precision asks for %d; no value is too large, so it is noise beyond what was predicted",
		q.PrecisionBits, t.spec.HE.Precision)}
}

// bitsOf is the precision of an error relative to a size.
func bitsOf(err, size float64) float64 {
	return -math.Log2(math.Max(err, math.SmallestNonzeroFloat64) / size)
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
func dense(d network.Data) *mat.Dense { return matrix(rows(d)) }

// matrix has a sample in each row.
func matrix(rows [][]float64) *mat.Dense {
	x := mat.NewDense(len(rows), len(rows[0]), nil)
	for b, row := range rows {
		x.SetRow(b, row)
	}
	return x
}

// rows gives the samples as slices of float64.
func rows(d network.Data) [][]float64 { return wide(slices.Collect(slices.Chunk(d.X, d.Dim))) }

func wide(samples [][]float32) [][]float64 {
	x := make([][]float64, len(samples))
	for b, sample := range samples {
		x[b] = make([]float64, len(sample))
		for i, v := range sample {
			x[b][i] = float64(v)
		}
	}
	return x
}
