package trial

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/harness/record"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// proof is what the decrypted outputs of a batch show.
type proof struct {
	decrypt float64 // seconds
	samples int
	score   float64 // mean of the samples: accuracy or mean squared error

	agreement          float64 // share of samples with the same largest output as in plain
	largestError, bits float64 // of outputs, and relative to the largest output
	leastBits, lowBits float64 // of single samples: the worst of them, and what 95 % of them reach
	inRange            *record.Range
	examples           Examples
	warnings
}

// prove decrypts what came out for a batch, sets it against the plain network in float64, evaluated independently of packing and folding, and
// fails where it lacks the precision asked for. All test samples are looked at for values that are too large for a modulus.
func (m *measurement) prove(client *inference.Client, batch network.Data, tests part) (*proof, error) {
	p, c, he := &proof{samples: batch.Len()}, m.choice, m.Spec.HE
	start := time.Now()
	encrypted, err := client.Decrypt(m.timing.output, batch.Len())
	p.decrypt = time.Since(start).Seconds()
	if errors.Is(err, inference.ErrRange) {
		return p, &Failure{kindRange, fmt.Errorf("trial: an output is too large for q0: %s (%w)", moreRoom(he), err)}
	}
	if err != nil {
		return p, err
	}
	all, err := tests.all() // after what was measured, for its memory
	if err != nil {
		return p, err
	}
	beyond := p.checkRange(c, he, all)
	in := dense(batch)
	plain := m.plain.pruned.state.Net.Forward(in)
	if c.model.Kind == packing.Scalar {
		plain = c.folded.Forward(in)
	}
	if m.Spec.Data.Pictures() {
		p.examples = newExamples(m.Spec.Data.Form().Shape, batch, plain, encrypted)
	}
	if err := p.compare(batch, plain, encrypted); err != nil {
		return p, err
	}
	if p.bits >= float64(he.Precision) {
		return p, nil
	}
	if wrapped := slices.Index(beyond[:batch.Len()], true); wrapped >= 0 {
		return p, &Failure{kindRange, fmt.Errorf("trial: values of sample %d are too large for their moduli: %s", wrapped, moreRoom(he))}
	}
	return p, &Failure{"precision", fmt.Errorf("trial: %.1f bits of precision, below the promise: he.precision asks for %d; no value is too large, so it is noise beyond what was predicted",
		p.bits, he.Precision)}
}

// compare measures the difference between the outputs of a batch.
func (p *proof) compare(batch network.Data, plain *mat.Dense, encrypted [][]float64) error {
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
			p.largestError = math.Max(p.largestError, math.Abs(got[o]-want[o]))
			largest = math.Max(largest, math.Abs(want[o]))
		}
		if floats.MaxIdx(got) == floats.MaxIdx(want) {
			agree++
		}
		score += scoreSample(batch, b, got)
	}
	n := float64(p.samples)
	p.agreement, p.score, p.bits = agree/n, score/n, bitsOf(p.largestError, largest)
	if slices.Sort(each); len(each) > 0 {
		p.leastBits, p.lowBits = each[0], each[len(each)/20]
	}
	if p.agreement < 1 {
		p.warnings.add("%.0f of %d samples have another largest output encrypted than plain", n-agree, p.samples)
	}
	return nil
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
