package tune

import (
	"bytes"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"

	"hepex/inference"
	"hepex/packing"
)

// Every flipped bit and every cut of a file of prices is found.
func TestDamagedPricesAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	want := inference.Rates{{At: packing.At{Op: packing.MulPlain, Level: 3}, Scene: inference.Scene{Encrypted: true, MiB: 181, Inputs: 64}}: {Ours: 1.0 / 3, Floor: 0.1 + 0.2}}
	if err := writePrices(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readPrices(path); err != nil || !maps.Equal(got, want) {
		t.Fatalf("%+v, %v: want %+v", got, err, want)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := func(file []byte, what string, i int) {
		t.Helper()
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := readPrices(path); !errors.Is(err, errPrices) {
			t.Errorf("%s %d: %+v, %v", what, i, got, err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[i] ^= 1 << bit
			found(flipped, "flip in byte", i)
		}
		found(whole[:i], "cut to", i)
	}
}

// One pricer gives one thing one price, whatever the moment and whichever parameter set of the class asks, and one that reads
// the folder later the same.
func TestPricesDoNotDrift(t *testing.T) {
	dir := t.TempDir()
	set := func(logQ ...int) inference.Parameters {
		p, err := inference.NewParameters(inference.Literal{Ring: inference.Standard, LogN: 12, LogQ: logQ, LogP: []int{45}, LogScale: 25}, true)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	counts := packing.Counts{{Op: packing.Rescale, Level: 1}: 2, {Op: packing.Square, Level: 1}: 1, {Op: packing.AddBias, Level: 0}: 3, {Op: packing.MulPlain, Level: 1}: 4}
	work := inference.Work{Counts: counts, Sweep: 1 << 20, Inputs: map[int]int{1: 20}}
	price := CachedPrices(dir, "a machine")
	cost := func(price Pricer, p inference.Parameters) float64 {
		prices, err := price(p, work)
		if err != nil {
			t.Fatal(err)
		}
		return counts.Cost(prices.Prices(false))
	}
	short, long := set(45, 44), set(45, 44, 40, 36)
	first := cost(price, short)
	for range 3 {
		if again := cost(price, short); again != first {
			t.Errorf("%g s, before %g", again, first)
		}
	}
	if other := cost(price, long); math.Abs(other/first-1) > 1e-9 {
		t.Errorf("%g s in a longer chain, %g in a shorter one", other, first)
	}
	if fewer := cost(price, set(38, 30)); !(fewer < first) {
		t.Errorf("%g s with tiles of fewer bytes, %g with more", fewer, first)
	}
	if later := cost(CachedPrices(dir, "a machine"), short); later != first {
		t.Errorf("%g s from the folder, %g before", later, first)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) != 1 {
		t.Errorf("%d files: want one for a class", len(files))
	}
}

// What was measured beside other work serves a later pricer while that goes on, is measured again in a quieter moment, and is not
// kept in the place of something better.
func TestPricesWaitForQuiet(t *testing.T) {
	dir := t.TempDir()
	p, err := inference.NewParameters(inference.Literal{Ring: inference.Standard, LogN: 12, LogQ: []int{45, 44}, LogP: []int{45}, LogScale: 25}, true)
	if err != nil {
		t.Fatal(err)
	}
	rescale, bias := packing.At{Op: packing.Rescale, Level: 1}, packing.At{Op: packing.AddBias, Level: 0}
	path := filepath.Join(dir, priceKey(p, "a machine")+".json")
	// price asks a new pricer beside so much other work, and gives what the folder has then.
	price := func(beside float64, ats ...packing.At) (given *inference.Priced, kept inference.Rates) {
		t.Helper()
		c := newPriceCache(dir, "a machine", func() func() float64 { return func() float64 { return beside } })
		counts := packing.Counts{}
		for _, at := range ats {
			counts[at] = 1
		}
		given, err := c.price(p, inference.Work{Counts: counts})
		if err != nil {
			t.Fatal(err)
		}
		kept, err = readPrices(path)
		if err != nil {
			t.Fatal(err)
		}
		return given, kept
	}
	of := func(at packing.At) inference.Case { return inference.Case{At: at} }
	given, first := price(0.6, rescale)
	if given.Beside != 0.6 || first[of(rescale)].Beside != 0.6 {
		t.Errorf("beside .6: given %g, kept %+v", given.Beside, first)
	}
	given, second := price(0.9, rescale, bias)
	if given.Beside != 0.9 || second[of(rescale)] != first[of(rescale)] || second[of(bias)].Beside != 0.9 {
		t.Errorf("later beside .9: given %g, kept %+v, before %+v", given.Beside, second, first)
	}
	// One pricer takes a doubtful price only of what is asked for.
	moment := 0.9
	patient := newPriceCache(dir, "a machine", func() func() float64 { return func() float64 { return moment } })
	if given, err := patient.price(p, inference.Work{Counts: packing.Counts{rescale: 1}}); err != nil || given.Beside != 0.6 {
		t.Errorf("beside .9: %+v, %v", given, err)
	}
	moment = 0.02
	if given, err := patient.price(p, inference.Work{Counts: packing.Counts{bias: 1}}); err != nil || given.Beside != 0.02 {
		t.Errorf("later, when it is quiet: %+v, %v", given, err)
	}
	given, third := price(0.01, bias)
	if given.Beside != 0.02 || third[of(bias)].Beside != 0.02 || third[of(rescale)] != first[of(rescale)] {
		t.Errorf("in a quiet moment: given %g, kept %+v, before %+v", given.Beside, third, second)
	}
	given, fourth := price(0.9, bias)
	if given.Beside != 0.02 || !maps.Equal(fourth, third) {
		t.Errorf("a good price beside .9: given %g, kept %+v, before %+v", given.Beside, fourth, third)
	}

	// The moment seems quiet and then is not: the old price was the better one.
	shares := []float64{0.1, 0.8}
	c := newPriceCache(dir, "a machine", func() func() float64 {
		return func() float64 { share := shares[0]; shares = shares[1:]; return share }
	})
	given, err = c.price(p, inference.Work{Counts: packing.Counts{rescale: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if given.Beside != 0.6 || len(shares) > 0 {
		t.Errorf("given beside %g: want the old .6; %d shares unread", given.Beside, len(shares))
	}
}
