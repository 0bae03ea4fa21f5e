package network

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Data is a set of samples with what a network should make of them: classes (Labels), values (Target), or, when
// both are nil, the samples themselves, as for an autoencoder. Target differs from X when noise is to be removed.
type Data struct {
	X      []float32 // samples×Dim, row-major
	Dim    int
	Labels []uint8   // one class per sample, below the number of outputs
	Target []float32 // samples×outputs, row-major
}

// Len is the number of samples.
func (d Data) Len() int { return len(d.X) / max(d.Dim, 1) }

// Quality is how well a network does on a set of samples.
type Quality struct {
	Metric string // "accuracy", the share of samples whose largest output is their class, or "mse", per value
	Value  float64

	// Margin is the median over labelled samples of the difference between the two largest outputs, the logarithm of the ratio of their
	// probabilities by the softmax. It is 0 without labels.
	Margin float64
}

// Evaluate measures the network in float64: accuracy for labelled data, else the mean squared error.
func Evaluate(n *Network, d Data) (Quality, error) {
	outputs, err := n.check()
	if err == nil {
		err = d.check(n.Inputs, outputs)
	}
	if err != nil {
		return Quality{}, fmt.Errorf("network: evaluate: %w", err)
	}
	rows := 1024
	if len(n.Dense()) > 0 && n.Dense()[0].Window != nil {
		rows = 64 // axes with a grid have many values
	}
	return evaluate(n.Forward, outputs, d, rows)
}

// EvaluateAs is Evaluate for a function of samples in rows with so many outputs.
func EvaluateAs(forward func(x *mat.Dense) *mat.Dense, outputs int, d Data) (Quality, error) {
	if err := d.check(d.Dim, outputs); err != nil {
		return Quality{}, fmt.Errorf("network: evaluate: %w", err)
	}
	return evaluate(forward, outputs, d, 64)
}

func evaluate(forward func(x *mat.Dense) *mat.Dense, outputs int, d Data, rows int) (Quality, error) {
	var sum float64
	var margins []float64
	for first := 0; first < d.Len(); first += rows {
		last := min(first+rows, d.Len())
		y := forward(mat.NewDense(last-first, d.Dim, widen(d.X[first*d.Dim:last*d.Dim])))
		sum += d.score(y, first)
		if d.Labels != nil && outputs > 1 {
			margins = append(margins, marginsOf(y)...)
		}
	}
	q, err := d.quality(sum, outputs)
	if err != nil {
		return Quality{}, fmt.Errorf("network: evaluate: %w", err)
	}
	if margins != nil {
		slices.Sort(margins)
		q.Margin = margins[len(margins)/2]
	}
	return q, nil
}

// marginsOf are the differences between the two largest outputs of each sample.
func marginsOf(y *mat.Dense) []float64 {
	rows, _ := y.Dims()
	margins := make([]float64, rows)
	for i := range margins {
		largest, second := math.Inf(-1), math.Inf(-1)
		for _, v := range y.RawRowView(i) {
			largest, second = max(largest, v), max(second, min(largest, v))
		}
		margins[i] = largest - second
	}
	return margins
}

// ErrOverflow means that outputs of a network are infinite or not a number.
var ErrOverflow = errors.New("outputs overflow: want finite values")

// quality is the mean of all scores.
func (d Data) quality(sum float64, outputs int) (Quality, error) {
	switch {
	case math.IsNaN(sum) || math.IsInf(sum, 0):
		return Quality{}, ErrOverflow
	case d.Labels != nil:
		return Quality{Metric: "accuracy", Value: sum / float64(d.Len())}, nil
	}
	return Quality{Metric: "mse", Value: sum / float64(d.Len()*outputs)}, nil
}

// score counts the right answers in y, the outputs of the samples from first on, or sums their squared errors.
func (d Data) score(y *mat.Dense, first int) float64 {
	rows, outputs := y.Dims()
	var sum float64
	for i := range rows {
		row := y.RawRowView(i)
		if d.Labels != nil {
			if total := floats.Sum(row); math.IsNaN(total) || math.IsInf(total, 0) {
				return math.NaN()
			}
			if floats.MaxIdx(row) == int(d.Labels[first+i]) {
				sum++
			}
			continue
		}
		want := d.target()[(first+i)*outputs:]
		for j, v := range row {
			e := v - float64(want[j])
			sum += e * e
		}
	}
	return sum
}

// target is what a regression should give.
func (d Data) target() []float32 {
	if d.Target == nil {
		return d.X
	}
	return d.Target
}

// check says what is wrong with the data for a network of the given size.
func (d Data) check(inputs, outputs int) error {
	if d.Dim != inputs {
		return fmt.Errorf("samples of %d values: want %d", d.Dim, inputs)
	}
	if len(d.X) == 0 || len(d.X)%d.Dim != 0 {
		return fmt.Errorf("%d values in samples of %d: want one sample or more, all whole", len(d.X), d.Dim)
	}
	if err := finite("sample value", d.X); err != nil {
		return err
	}
	if d.Labels == nil {
		if len(d.target()) != d.Len()*outputs {
			return fmt.Errorf("%d target values: want %d for each of %d samples", len(d.target()), outputs, d.Len())
		}
		return finite("target value", d.Target)
	}
	if d.Target != nil {
		return errors.New("labels and target: want one of them")
	}
	if len(d.Labels) != d.Len() {
		return fmt.Errorf("%d labels: want one for each of %d samples", len(d.Labels), d.Len())
	}
	for i, label := range d.Labels {
		if int(label) >= outputs {
			return fmt.Errorf("sample %d has label %d: want a label below %d", i, label, outputs)
		}
	}
	return nil
}
