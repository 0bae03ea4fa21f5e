package inference

import (
	"math/rand/v2"
	"testing"

	"hepex/network/networktest"
	"hepex/packing"
)

// Convolutions have prices in all layouts, those whose rows share tiles too.
func TestConvolutionsArePriced(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	for _, c := range []packing.Choice{
		packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 1 << (testLogN - 5)}), packing.ScalarIn(1 << (testLogN - 1)), packing.OneImageIn(1<<(testLogN-1), false),
	} {
		m, err := c.Pack(networktest.Random(rng, networktest.Conv(rng, 5), 1, 1), nil)
		check(t, err)
		p, err := NewParameters(smallLiteral(m.Layout), true)
		check(t, err)
		_, err = MeasurePrices(p, NewWork(p.Literal, m.Layout, m.Kept, false))
		check(t, err)
	}
}

// Rotations of a kind that others did not need are priced though all else that they take is known.
func TestPricesOfWhatIsMissing(t *testing.T) {
	p, err := NewParameters(Literal{LogN: testLogN, LogQ: []int{40, 40}, LogP: []int{40}, LogScale: 30}, true)
	check(t, err)
	for _, op := range rotating {
		_, err := MeasurePrices(p, Work{Counts: packing.Counts{{Op: op, Level: 1}: 1}})
		check(t, err)
	}
}

// Every primitive of every layout has a price, and memory is predicted to the byte where it can be.
func TestEverythingIsPriced(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 3 {
		f := networktest.Folded(rng, []int{20, 9, 30, 4}, 0.8, 2)
		for _, encrypted := range []bool{false, true} {
			m := anyModel(t, rng, f, testLogN-1, encrypted)
			rescaleSomehow(t, rng, m.Layout)
			p, err := NewParameters(smallLiteral(m.Layout), true)
			check(t, err)
			work := NewWork(p.Literal, m.Layout, m.Kept, encrypted)
			counts := work.Counts
			prices, err := MeasurePrices(p, work)
			check(t, err)
			for at := range counts {
				if prices.Ours[at] < 0 || prices.Floor[at] < 0 {
					t.Errorf("%s at level %d: %g and %g seconds", at.Op, at.Level, prices.Ours[at], prices.Floor[at])
				}
				if _, ok := prices.Ours[at]; !ok {
					t.Errorf("%s %s: no price of %s at level %d", m.Kind, m.Shape, at.Op, at.Level)
				}
			}
			client, err := NewClient(p, m.Layout)
			check(t, err)
			encryptor := client.encryptor
			if !encrypted {
				encryptor = nil
			}
			model, _, err := buildModel(p, m, encryptor)
			check(t, err)
			input, err := client.Encrypt(networktest.Samples(rng, 1, 20))
			check(t, err)
			predicted := PredictMemory(p.Literal, m.Layout, m.Kept, encrypted, 1)
			keys, err := client.Keys(encrypted)
			check(t, err)
			if predicted.Keys != keys.Bytes() || predicted.Input != input.Bytes() {
				t.Errorf("%s: predicted keys %d and input %d, are %d and %d", m.Kind, predicted.Keys, predicted.Input, keys.Bytes(), input.Bytes())
			}
			if d := float64(predicted.Model) / float64(max(model.Bytes(), 1)); d < 0.9 || d > 1.15 {
				t.Errorf("%s: predicted a model of %d bytes, is %d", m.Kind, predicted.Model, model.Bytes())
			}
		}
	}
}
