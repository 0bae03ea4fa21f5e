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
	if err := writePrices(path, want, 1); err != nil {
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
// the folder later the same at the machine's speed.
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
	price := CachedPrices(dir, "a machine", false)
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
	if later := cost(CachedPrices(dir, "a machine", false), short); later > 3*first || later < first/3 {
		t.Errorf("%g s from the folder, %g before", later, first)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) != 1 {
		t.Errorf("%d files: want one for a class", len(files))
	}
}
