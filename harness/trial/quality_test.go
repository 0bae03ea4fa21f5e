package trial

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/network"
	"hepex/packing"
)

func TestDegradation(t *testing.T) {
	for _, c := range []struct {
		metric           string
		unpruned, pruned float64
		want             float64
	}{
		{"accuracy", 0.9, 0.85, 0.05},
		{"accuracy", 0.85, 0.9, -0.05},
		{"mse", 0.02, 0.025, 0.25},
		{"mse", 0.02, 0.015, -0.25},
	} {
		if got := degradation(c.metric, c.unpruned, c.pruned); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s of %g, unpruned %g: degradation %g, want %g", c.metric, c.pruned, c.unpruned, got, c.want)
		}
	}
}

// networks are the unpruned and the pruned network of a prepared job.
func networks(t *testing.T, j Job) (unpruned, pruned *network.Network) {
	t.Helper()
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	dense, err := p.run(p.reference())
	if err != nil {
		t.Fatal(err)
	}
	own, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	return dense.state.Net, own.state.Net
}

// images are samples from one to another, read without what the harness does with them.
func images(t *testing.T, split datasets.Split, from, to int) network.Data {
	t.Helper()
	source, err := datasets.Open("digits", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := source.Read(split, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return network.Data{X: set.X, Dim: set.Dim, Labels: set.Labels}
}

// forward is what a plain network makes of samples.
type forward func(x *mat.Dense) *mat.Dense

// accuracy counts the samples whose largest output is that of their label.
func (f forward) accuracy(d network.Data) float64 {
	y, right := f(dense(d)), 0
	for b, label := range d.Labels {
		if floats.MaxIdx(y.RawRowView(b)) == int(label) {
			right++
		}
	}
	return float64(right) / float64(len(d.Labels))
}

// mse is that of an autoencoder.
func (f forward) mse(d network.Data) float64 {
	sum := 0.0
	for i, y := range f(dense(d)).RawMatrix().Data {
		e := y - float64(d.X[i])
		sum += e * e
	}
	return sum / float64(len(d.X))
}

// What a pruned network loses is counted by hand: on the test samples, and on the validation samples, the last tenth of those of the
// training split.
func TestDegradationOfAPoint(t *testing.T) {
	j := testJob(t, t.TempDir(), "ratio: 0.8", "ratio: 0.97", "measure: {", "measure: {encrypted: false, ")
	result, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	unpruned, pruned := networks(t, j)
	lost := func(d network.Data) float64 {
		return forward(unpruned.Forward).accuracy(d) - forward(pruned.Forward).accuracy(d)
	}
	onTest, onValidation := lost(images(t, datasets.Test, 0, 100)), lost(images(t, datasets.Train, 540, 600))
	if onTest <= 0 || onValidation <= 0 || math.Abs(onTest-onValidation) < 1e-3 {
		t.Fatalf("%g lost on the test samples, %g on the validation samples: the test shows nothing", onTest, onValidation)
	}
	q := result.Record.Quality
	if math.Abs(q.Degradation-onTest) > 1e-12 || math.Abs(q.ValidationDegradation-onValidation) > 1e-12 {
		t.Errorf("degradation %g, on validation samples %g; want %g and %g", q.Degradation, q.ValidationDegradation, onTest, onValidation)
	}
}

// The plain network of a scalar layout is the one of integer weights, whether it is encrypted or not, and on the samples by which points are
// chosen too.
func TestDegradationOfIntegerWeights(t *testing.T) {
	for _, measure := range []string{"measure: {", "measure: {encrypted: false, "} {
		j := testJob(t, t.TempDir(), "measure: {", measure, "weights: encrypted, precision: 16", "weights: plain, precision: 10", "tile: 16x8x4", "tile: 16x8x32\nlayout: scalar", ", log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "",
			"mlp, hidden: [16], activation: square", "autoencoder, hidden: [16], activation: square")
		result, err := do(t, j)
		if err != nil {
			t.Fatal(err)
		}
		unpruned, pruned := networks(t, j)
		folded, err := pruned.Fold()
		if err != nil {
			t.Fatal(err)
		}
		rounded := forward(packing.Choice{Kind: packing.Scalar}.Evaluated(folded).Forward)
		lost := func(f forward, d network.Data) float64 { return f.mse(d)/forward(unpruned.Forward).mse(d) - 1 }
		test, q := images(t, datasets.Test, 0, 100), result.Record.Quality
		if want := rounded.mse(test); math.Abs(q.Plain-want) > 1e-12 {
			t.Errorf("%s: mean squared error %g, want %g", measure, q.Plain, want)
		}
		for _, c := range []struct {
			name string
			data network.Data
			got  float64
		}{{"test", test, q.Degradation}, {"validation", images(t, datasets.Train, 540, 600), q.ValidationDegradation}} {
			want := lost(rounded, c.data)
			if math.Abs(want-lost(pruned.Forward, c.data)) < 1e-7 {
				t.Fatalf("%s samples: rounding changes nothing: the test shows nothing", c.name)
			}
			if math.Abs(c.got-want) > 1e-9 {
				t.Errorf("%s, %s samples: degradation %g, want %g", measure, c.name, c.got, want)
			}
		}
	}
}

// What a network loses in another layout than the point's is what a point in that layout records.
func TestDegradationInAnotherLayout(t *testing.T) {
	const autoencoder = "autoencoder, hidden: [16], activation: square"
	j := testJob(t, t.TempDir(), "measure: {", "measure: {encrypted: false, ", "mlp, hidden: [16], activation: square", autoencoder)
	n, err := PrepareNetwork(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	unpruned, pruned := networks(t, j)
	data := images(t, datasets.Train, 540, 600)
	lost := func(f forward) float64 { return f.mse(data)/forward(unpruned.Forward).mse(data) - 1 }
	scalar := packing.Choice{Kind: packing.Scalar, Shape: packing.Shape{In: 1, Out: 1, Batch: 64}}
	for _, c := range []struct {
		choice packing.Choice
		want   float64
	}{
		{j.Spec.Choice(), lost(pruned.Forward)},
		{packing.Choice{Kind: packing.OneImage, Shape: packing.Shape{In: 1024, Out: 1, Batch: 1}}, lost(pruned.Forward)},
		{scalar, lost(scalar.Evaluated(n.Folded).Forward)},
	} {
		if got, err := n.DegradationIn(c.choice); err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: degradation %g, %v; want %g", c.choice.Kind, got, err, c.want)
		}
	}
	if got, _ := n.DegradationIn(scalar); math.Abs(got-n.Degradation) < 1e-7 {
		t.Errorf("rounding changes nothing: the test shows nothing")
	}
}
