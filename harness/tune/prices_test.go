package tune

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hepex/inference"
	"hepex/packing"
)

// Every flipped bit and every cut of a file of prices is found.
func TestDamagedPricesAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	at := packing.At{Op: packing.MulPlain, Level: 3}
	want := &inference.Priced{Reference: 1e-3, Ours: map[packing.At]float64{at: 1.0 / 3}, Floor: map[packing.At]float64{at: 0.1 + 0.2}}
	if err := writePrices(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readPrices(path); err != nil || got.Ours[at] != want.Ours[at] || got.Floor[at] != want.Floor[at] || got.Reference != want.Reference {
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
