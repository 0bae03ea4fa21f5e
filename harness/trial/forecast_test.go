package trial

import (
	"math"
	"strings"
	"testing"

	"hepex/inference"
	"hepex/network"
)

// A forecast of a trained network is kept, and is the same when it is read again; one of another parameter set is another.
func TestForecastIsKept(t *testing.T) {
	j := quick(t, t.TempDir())
	f := NewForecaster(j.CacheDir, ignore)
	dense, err := f.Point(j)
	if err != nil || !dense.Dense || dense.Evaluate <= 0 || dense.Peak <= 0 {
		t.Fatalf("%+v, %v", dense, err)
	}
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	first, err := f.Point(j)
	if err != nil || first.Dense || first.Evaluate > dense.Evaluate || first.Peak > dense.Peak {
		t.Fatalf("%+v, %v: want less than %+v", first, err, dense)
	}
	again, err := f.Point(j)
	if err != nil || again.Peak != first.Peak || again.Dense || math.Abs(again.Measure/first.Measure-1) > 1e-9 { // sums of floats, in any order
		t.Errorf("%+v, %v: want %+v", again, err, first)
	}
	plain := quick(t, j.CacheDir, "weights: encrypted", "weights: plain")
	if other, err := f.Point(plain); err != nil || other.Dense || other.Peak == first.Peak {
		t.Errorf("%+v, %v: want another memory than %+v", other, err, first)
	}
}

// A network that is trained, but has not been looked at for a point, is forecast as it is pruned.
func TestForecastOfATrainedNetwork(t *testing.T) {
	j := quick(t, t.TempDir())
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	f := NewForecaster(j.CacheDir, ignore)
	want, err := f.Point(j)
	if err != nil {
		t.Fatal(err)
	}
	j.Spec.Data.Test--
	if ready, err := Prepared(j); ready || err != nil {
		t.Fatalf("prepared: %t, %v", ready, err)
	}
	got, err := f.Point(j)
	if err != nil || got.Dense || got.Peak != want.Peak {
		t.Errorf("%+v, %v: want the memory of %+v", got, err, want)
	}
}

// A network whose values overflow is no reason not to predict the others.
func TestForecastOfAnOverflow(t *testing.T) {
	j := quick(t, t.TempDir(), "hidden: [16]", "hidden: [16, 16, 16]")
	alterNetwork(t, j, func(n *network.Network) {
		for _, layer := range n.Dense() {
			for i := range layer.W {
				layer.W[i] *= 1e37
			}
		}
	})
	if f, err := NewForecaster(j.CacheDir, ignore).Point(j); err != nil || f.Refused == nil {
		t.Errorf("%+v, %v: want a refusal", f, err)
	}
}

// The moduli of a network that is to be trained cost about what they do when it is: those for the least that any network needs are for a
// ring of half the size here.
func TestForecastOfAnUntrainedNetwork(t *testing.T) {
	j := testJob(t, t.TempDir(), "hidden: [16]", "hidden: [16, 16]", "scheme: p4e, ratio: 0.8, scope: global, permutation: kmeans", "scheme: dense",
		"16x8x4", "8x8x128", "precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "precision: 12")
	least, err := sizeOfDense(j.Spec)
	if err != nil {
		t.Fatal(err)
	}
	before, err := sizeOfUntrained(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	after, err := sizeOfPrepared(j)
	if err != nil {
		t.Fatal(err)
	}
	cost := func(s *size) float64 {
		layout, _, err := denseLayout(j.Spec)
		if err != nil {
			t.Fatal(err)
		}
		return inference.NominalCost(s.Literal, layout, layout.Dense(), false)
	}
	if a, b := cost(before), cost(after); before.Doubt != "" || math.Abs(a/b-1) > 0.2 {
		t.Errorf("%v before, %v after training: costs of %g and %g (%s)", before.Literal, after.Literal, a, b, before.Doubt)
	}
	if a, b := cost(least), cost(after); a > 0.7*b {
		t.Errorf("%v at least, %v after training: costs of %g and %g, which is no test", least.Literal, after.Literal, a, b)
	}
}

// Where no ring of the slots would hold the values that a few steps of training lead to, the forecast tells, and is for the least.
func TestForecastDoubts(t *testing.T) {
	j := testJob(t, t.TempDir(), "hidden: [16]", "hidden: [16, 16]", "scheme: p4e, ratio: 0.8, scope: global, permutation: kmeans", "scheme: dense",
		"16x8x4", "8x8x64", "precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true", "precision: 12")
	f, err := NewForecaster(j.CacheDir, ignore).Point(j)
	if err != nil || f.Peak == 0 || !strings.Contains(f.Doubt, "do not fit 128-bit security with 4096 slots") {
		t.Errorf("%+v, %v: want a doubt", f, err)
	}
}

// A network that no ring holds has a forecast all the same where it is not to be encrypted.
func TestForecastWithoutEncryption(t *testing.T) {
	j := quick(t, t.TempDir(), "hidden: [16]", "hidden: [16, 16, 16, 16, 16, 16, 16, 16]", "measure: {", "measure: {encrypted: false, ")
	if f, err := NewForecaster(j.CacheDir, ignore).Point(j); err != nil || *f != (Forecast{}) {
		t.Errorf("%+v, %v: want nothing", f, err)
	}
}

// A network that is trained but cannot be evaluated is told, and does not keep the others from being predicted.
func TestForecastOfARefusedPoint(t *testing.T) {
	j := derived(t)
	alterValues(t, j, func(v *values) {
		for i := range v.Largest {
			v.Largest[i] += 300
		}
	})
	f, err := NewForecaster(j.CacheDir, ignore).Point(j)
	if err != nil || f.Refused == nil || f.Peak != 0 {
		t.Errorf("%+v, %v: want a refusal", f, err)
	}
}

// Training that the cache lacks is predicted, once for all points that need it.
func TestForecastOfTraining(t *testing.T) {
	j := quick(t, t.TempDir())
	f := NewForecaster(j.CacheDir, ignore)
	predict := func() float64 {
		t.Helper()
		seconds, err := f.Training(j)
		if err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	first := predict()
	if again := predict(); first <= 0 || again != 0 {
		t.Errorf("%g s, then %g: want some, then none", first, again)
	}
	j.Spec.Train.Seed++
	other := predict()
	if math.Abs(other/first-1) > 1e-9 {
		t.Errorf("another seed takes %g s: want %g", other, first)
	}
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	f = NewForecaster(j.CacheDir, ignore)
	if left := predict(); left != 0 {
		t.Errorf("%g s are left of what the cache has", left)
	}
}

// Points compare in the training that they still need.
func TestEfforts(t *testing.T) {
	cache := t.TempDir()
	one := quick(t, cache)
	seed := quick(t, cache, "seed: 1", "seed: 2")
	long := quick(t, cache, "seed: 1", "seed: 3", "epochs: 2, batch: 64", "epochs: 2, batch: 64", "epochs: 1, batch: 64", "epochs: 2, batch: 64", "retrain: {epochs: 2}", "retrain: {epochs: 4}")
	efforts := func() []float64 {
		t.Helper()
		e, err := Efforts([]Job{one, one, seed, long})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := efforts(); e[0] <= 0 || e[1] != 0 || e[2] != e[0] || e[3] <= e[0] {
		t.Errorf("%v: want some, none for the same again, as much for another seed, and more for more epochs", e)
	}
	if err := Prepare(one, nil); err != nil {
		t.Fatal(err)
	}
	if e := efforts(); e[0] != 0 || e[1] != 0 || e[2] <= 0 {
		t.Errorf("%v: want none of what the cache has", e)
	}
}

func ignore(string, ...any) {}
