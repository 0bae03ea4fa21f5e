package trial

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"hepex/harness/record"
	"hepex/network"
)

// alterNetwork changes the trained network of a job in the cache, before what follows from it is known.
func alterNetwork(t *testing.T, j Job, edit func(*network.Network)) {
	t.Helper()
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	_, after, err := p.keys(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	edit(out.state.Net)
	if err := p.store(after[len(after)-1], out); err != nil {
		t.Fatal(err)
	}
	for _, k := range []entryKey{qualityKey(out.key, j.Spec), valuesKey(out.key, j.Spec)} {
		if err := os.Remove(p.cache.path(k)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// alterValues changes what the cache says of a prepared network's values.
func alterValues(t *testing.T, j Job, edit func(*values)) {
	t.Helper()
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	p, err := newPreparer(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.run(pruningOptions(j.Spec))
	if err != nil {
		t.Fatal(err)
	}
	v, err := p.values(out)
	if err != nil {
		t.Fatal(err)
	}
	edit(v)
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cache.put(valuesKey(out.key, j.Spec), content); err != nil {
		t.Fatal(err)
	}
}

// derived is a small point whose parameters are derived.
func derived(t *testing.T, edits ...string) Job {
	return quick(t, t.TempDir(), append([]string{"encrypted", "plain", ", log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "",
		"tile: 16x8x4", "tile: 16x8x32", "min: 2, max: 2", "min: 1, max: 1"}, edits...)...)
}

// What is larger, or noisier, than was promised is told apart.
func TestWrapIsToldFromNoise(t *testing.T) {
	large := func(n *network.Network) {
		last := n.Dense()[1]
		for i := range last.W {
			last.W[i] *= 1 << 12
		}
	}
	for name, c := range map[string]struct {
		edit func(*values)
		kind string
		says string
	}{
		"wrap": {func(v *values) {
			for i := range v.Largest {
				v.Largest[i] -= 12
				v.Mean[i] /= 1 << 12
			}
		}, kindRange, "raise he.headroom"},
		"noise": {func(v *values) { v.Outputs.Least *= 1 << 20 }, "precision", "noise"},
	} {
		t.Run(name, func(t *testing.T) {
			j := derived(t)
			alterNetwork(t, j, large)
			alterValues(t, j, c.edit)
			_, err := Measure(j, nil, nil)
			var f *Failure
			if !errors.As(err, &f) || f.Kind != c.kind || !strings.Contains(f.Error(), c.says) {
				t.Errorf("%v: want a failure of kind %s that says %q", err, c.kind, c.says)
			}
		})
	}
}

// A record says how far the values of test samples are from what the moduli hold, and a config may have them farther.
func TestRecordsSayWhatModuliHold(t *testing.T) {
	var room []float64
	for _, headroom := range []string{"precision: 16", "precision: 16, headroom: 9"} {
		result, err := do(t, derived(t, "precision: 16", headroom))
		if err != nil {
			t.Fatal(err)
		}
		r, q := result.Record.Range, result.Record.Quality
		if r == nil || r.Beyond != 0 || r.Samples != 20 || r.HeadroomBits <= 0 {
			t.Fatalf("%s: range %+v", headroom, r)
		}
		if q.SamplePrecisionMin < 10 || q.SamplePrecisionMin > q.SamplePrecisionP05 || q.SamplePrecisionMin > q.PrecisionBits {
			t.Errorf("precision of samples: %+v", q)
		}
		room = append(room, r.HeadroomBits)
	}
	if room[1] < 9 || room[1] <= room[0] {
		t.Errorf("headroom of %.1f and %.1f bits: want 9 or more in the second", room[0], room[1])
	}
}

// A sample counts as beyond what is held if it alone would wrap among others of ordinary size.
func TestBeyond(t *testing.T) {
	v := &values{Largest: []float64{0, 3}, Margin: []float64{1, 2}, Mean: []float64{0.5, 2}}
	for _, c := range []struct {
		name     string
		sample   []float64
		headroom float64
		batch    int
		full     bool
		room     float64
		want     bool
	}{
		{"within", []float64{1.9, 31}, 0, 1, false, 0, false},
		{"beyond in the first layer", []float64{2.1, 31}, 0, 1, false, 0, true},
		{"beyond in the last layer", []float64{1, 33}, 0, 1, false, 0, true},
		{"room", []float64{2.1, 33}, 0, 1, false, 1, false},
		{"headroom", []float64{1, 33}, 3, 1, false, 0, false},
		{"less headroom", []float64{1.9, 8}, 0.5, 1, false, 0, true},
		{"one of a batch", []float64{1.9, 31}, 0, 4, true, 0, false},
		{"too large for a batch", []float64{1.9, 33}, 0, 4, true, 0, true},
	} {
		if got := v.beyond(c.sample, c.headroom, c.batch, c.full, []float64{c.room, c.room}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

// Margins double with every square, and the samples to simulate are those at the ends.
func TestValuesOfSquares(t *testing.T) {
	train, test := digits()
	n, err := network.New(network.Architecture{Inputs: train.Dim, Hidden: []int{8, 8, 8}, Outputs: 10, Activation: "square"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	f, err := n.Fold()
	if err != nil {
		t.Fatal(err)
	}
	v, err := newValues(f, []network.Data{cut(train, 0, 900), cut(train, 900, 1000)}, test.Len(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, margin := range v.Margin {
		if margin < 0 || i > 0 && !(margin > 1.2*v.Margin[i-1]) {
			t.Errorf("margins %.2f: want them to grow from layer to layer", v.Margin)
		}
	}
	if len(v.Samples) != calibrationSamples || !(v.Outputs.Least < v.Outputs.Small) {
		t.Errorf("%d samples, outputs %+v", len(v.Samples), v.Outputs)
	}
	peaks := f.Peaks(matrix(wide(v.Samples)))
	for i, layer := range peaks {
		if got := math.Log2(slices.Max(layer)); math.Abs(got-v.Largest[i]) > 1e-9 {
			t.Errorf("layer %d: the samples chosen reach 2^%.2f: want 2^%.2f", i, got, v.Largest[i])
		}
	}
	for _, sample := range f.Peaks(dense(test))[len(peaks)-1] {
		if math.Log2(sample) > v.Largest[3]+v.Margin[3] {
			t.Errorf("a test sample reaches %g", sample)
		}
	}
}

// Networks that learnt nothing are noted, others are not.
func TestGuessesAreNoted(t *testing.T) {
	little := func(n *network.Network) { // of each class against the others
		for i := range n.Dense()[1].W {
			n.Dense()[1].W[i] /= 1000
		}
		clear(n.Dense()[1].B)
	}
	nothing := func(n *network.Network) { // but to say the same of all
		last := n.Dense()[1]
		clear(last.W)
		for i := range last.B {
			last.B[i] = float32(i) / 10
		}
	}
	for name, c := range map[string]struct {
		edits []string
		edit  func(*network.Network)
		want  bool
	}{
		"classifier":  {[]string{"p4e", "dense", "retrain: {epochs: 2}", "retrain: {epochs: 300}"}, nil, false},
		"little":      {[]string{"p4e", "dense", "retrain: {epochs: 2}", "retrain: {epochs: 300}"}, little, true},
		"constant":    {nil, nothing, true},
		"autoencoder": {[]string{"mlp, hidden: [16], activation: square", "autoencoder, hidden: [16], activation: quadratic"}, nothing, true},
	} {
		t.Run(name, func(t *testing.T) {
			j := derived(t, append(c.edits, "measure: {", "measure: {encrypted: false, ")...)
			if c.edit != nil {
				alterNetwork(t, j, c.edit)
			}
			result, err := do(t, j)
			if err != nil {
				t.Fatal(err)
			}
			alarms := result.Record.Alarming()
			if noted := len(alarms) == 1 && strings.HasPrefix(alarms[0], record.ChanceWarning); noted != c.want {
				t.Errorf("%+v: warnings %q", result.Record.Quality, result.Record.Warnings)
			}
		})
	}
}

func TestSignificance(t *testing.T) {
	for _, c := range []struct {
		right, of int
		chance    float64
		want      bool
	}{
		{12, 100, 0.12, true}, {17, 100, 0.12, true}, {22, 100, 0.12, false}, {5, 100, 0.12, true}, {90, 100, 0.12, false}, {3, 10, 0.2, true},
	} {
		q := plainQuality{Metric: "accuracy", Validation: float64(c.right) / float64(c.of), Validated: c.of, Chance: c.chance}
		if q.guesses() != c.want {
			t.Errorf("%d of %d where a guess has %g: %t", c.right, c.of, c.chance, q.guesses())
		}
	}
}

// An evaluation of a constant network takes some time: that of copying its outputs.
func TestConstantNetworksTakeTime(t *testing.T) {
	j := derived(t)
	alterNetwork(t, j, func(n *network.Network) {
		clear(n.Dense()[1].W)
		for i := range n.Dense()[1].B {
			n.Dense()[1].B[i] = float32(i)
		}
	})
	result, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	if r := result.Record; r.Predicted.Evaluate <= 0 || r.Operations.Add != 0 {
		t.Errorf("predicted %+v, operations %+v", r.Predicted, r.Operations)
	}
	if want := "layer fc2 has no tile left: the network is constant"; !slices.Contains(result.Record.Warnings, want) {
		t.Errorf("warnings %q: want %q", result.Record.Warnings, want)
	}
}

// A layer that keeps less than a fifth of what all keep together is told.
func TestCollapseIsNoted(t *testing.T) {
	var got warnings
	got.warnOfCollapse(record.Tiles{Density: 0.5, Layers: []record.Layer{
		{Name: "fc1", Total: 100, Kept: 60}, {Name: "fc2", Total: 100, Kept: 10}, {Name: "fc3", Total: 100, Kept: 9}, {Name: "fc4", Total: 10},
	}})
	want := []string{"layer fc3 collapsed: 9 of 100 tiles left", "layer fc4 has no tile left: the network is constant"}
	if !slices.Equal(got, want) {
		t.Errorf("warnings %q, want %q", got, want)
	}
}
