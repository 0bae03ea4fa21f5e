package inference

import (
	"math/rand/v2"
	"testing"

	"hepex/network/networktest"
)

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
