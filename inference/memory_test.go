package inference

import (
	"testing"

	"hepex/inference/kernels"
	"hepex/packing"
)

// What packing predicts a residue to take is what the kernels' streams need.
func TestWordBytes(t *testing.T) {
	for bits := 16; bits <= 61; bits++ {
		if got, want := packing.WordBytes(bits), kernels.WordBytes(1<<bits); got != want {
			t.Errorf("%d bits: %d bytes, want %d", bits, got, want)
		}
	}
}
