package trial

import (
	"math"
	"slices"
	"testing"

	"hepex/datasets"
	"hepex/network"
)

var denoise = []string{
	"mlp, hidden: [16], activation: square", "autoencoder, hidden: [16], activation: quadratic",
	"train: 600, test: 100, validation: 0.1", "train: 3000, test: 100, validation: 0.1, noise: 0.4",
	"scheme: p4e", "scheme: dense", "epochs: 2, batch: 64", "epochs: 8, batch: 32",
}

// A denoising autoencoder must come closer to the clean images than its inputs are, and be measured by that, plain and
// encrypted.
func TestDenoising(t *testing.T) {
	j := testJob(t, t.TempDir(), denoise[0], denoise[1:]...)
	result, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	test, err := p.samples.test.all()
	if err != nil {
		t.Fatal(err)
	}
	clean, err := p.source.Read(datasets.Test, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	trained, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	// The mean squared error against the clean images, by hand.
	y := trained.state.Net.Forward(dense(test))
	var input, output, batch float64
	for i, v := range clean.X {
		in, out := float64(test.X[i]-v), y.At(i/clean.Dim, i%clean.Dim)-float64(v)
		input += in * in / float64(len(clean.X))
		output += out * out / float64(len(clean.X))
		if i < 4*clean.Dim {
			batch += out * out / float64(4*clean.Dim)
		}
	}
	q := result.Record.Quality
	if q.Metric != "mse" || math.Abs(q.Plain-output) > 1e-9 || math.Abs(q.Encrypted-batch) > 1e-3 {
		t.Errorf("quality %+v: want an mse of %g, and of %g for the encrypted samples", q, output, batch)
	}
	if input < 0.05 || output > 0.6*input {
		t.Errorf("mean squared error %g of the inputs, %g of the outputs: want noise that is reduced", input, output)
	}
}

// Noise depends on the sample alone, not on how many are read; training noise on the seed, the rest on nothing.
func TestNoiseOfSplits(t *testing.T) {
	open := func(edit ...string) samples {
		j := testJob(t, "", denoise[0], append(denoise[1:], edit...)...)
		source, err := datasets.Open("digits", nil)
		if err != nil {
			t.Fatal(err)
		}
		return openSamples(j.Spec, source)
	}
	read := func(p part, n int) network.Data {
		d, err := p.first(n)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one, other := open(), open("seed: 1", "seed: 2")
	for name, c := range map[string]struct {
		one, other part
		same       bool
	}{
		"train":      {one.train, other.train, false},
		"validation": {one.validation, other.validation, true},
		"test":       {one.test, other.test, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, e := read(c.one, 20), read(c.other, 20)
			if !slices.Equal(d.Target, e.Target) || d.Labels != nil {
				t.Error("the clean images differ between seeds, or have labels")
			}
			if same := slices.Equal(d.X, e.X); same != c.same {
				t.Errorf("two seeds have the same noise: %t, want %t", same, c.same)
			}
			if slices.Equal(d.X, d.Target) || slices.Min(d.X) < 0 || slices.Max(d.X) > 1 {
				t.Errorf("inputs from %g to %g, want noisy ones from 0 to 1", slices.Min(d.X), slices.Max(d.X))
			}
			if few := read(c.one, 3); !slices.Equal(few.X, d.X[:3*d.Dim]) || !slices.Equal(few.Target, d.Target[:3*d.Dim]) {
				t.Error("the first 3 samples differ from the first 3 of 20")
			}
		})
	}
}

// Networks and qualities with other noise are other entries of the cache; a noise of 0 is the same as none.
func TestKeysWithNoise(t *testing.T) {
	keys := func(noise string) (network, quality entryKey) {
		j := testJob(t, "", denoise[0], denoise[1], "validation: 0.1", "validation: 0.1"+noise)
		p, err := newPreparer(j, nil)
		if err != nil {
			t.Fatal(err)
		}
		final, _, err := p.keys(pruningOptions(j.Spec))
		if err != nil {
			t.Fatal(err)
		}
		return final, qualityKey(final, p.spec)
	}
	seen := map[entryKey]bool{}
	for _, noise := range []string{"", ", noise: 0", ", noise: 0.2", ", noise: 0.4"} {
		n, q := keys(noise)
		seen[n], seen[q] = true, true
	}
	if len(seen) != 6 {
		t.Errorf("%d keys, want 6 of networks and qualities with three noises", len(seen))
	}
}
