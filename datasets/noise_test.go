package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"
)

// blank is a set of n images of one value.
func blank(n int, value float32) *Set {
	s := &Set{X: make([]float32, n*dim), Labels: make([]uint8, n), Dim: dim, Classes: classes}
	for i := range s.X {
		s.X[i] = value
	}
	return s
}

// A change of this sum makes all results with noise stale: raise network.Version with it.
func TestNoiseIsPinned(t *testing.T) {
	const pinned = "24db82834162d6a5"
	hash := sha256.New()
	if err := binary.Write(hash, binary.LittleEndian, blank(100, 0.5).Noisy(0.3, "test", 7)); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(hash.Sum(nil))[:16]; got != pinned {
		t.Errorf("noise: SHA-256 %s, want %s", got, pinned)
	}
}

func TestNoiseDependsOnlyOnStreamAndNumber(t *testing.T) {
	grey := blank(40, 0.5)
	all := grey.Noisy(0.1, "a", 3)
	if part := blank(5, 0.5).Noisy(0.1, "a", 10); !slices.Equal(part, all[7*dim:12*dim]) {
		t.Error("noise of images [10,15) differs without their neighbours")
	}
	for i, v := range grey.X {
		if v != 0.5 {
			t.Fatalf("value %d of the clean images became %g", i, v)
		}
	}
	seen := map[float32]bool{}
	for _, stream := range []string{"a", "b"} {
		for i := range 40 {
			seen[grey.Noisy(0.1, stream, 3)[i*dim]] = true
		}
	}
	if len(seen) < 78 {
		t.Errorf("%d different first values among 80 images of two streams", len(seen))
	}
	for i, v := range grey.Noisy(0.2, "a", 3) {
		if v > 0 && v < 1 && math.Abs(float64(v-0.5)-2*float64(all[i]-0.5)) > 1e-6 {
			t.Fatalf("value %d: %g with twice the noise of %g", i, v, all[i])
		}
	}
}

func TestNoiseIsNormal(t *testing.T) {
	const images = 500
	var moments [5]float64
	var neighbours float64
	noise := blank(images, 0.5).Noisy(0.05, "train 1", 0) // 10 deviations from the ends
	for i, v := range noise {
		z := (float64(v) - 0.5) / 0.05
		for k := range moments {
			moments[k] += math.Pow(z, float64(k)) / float64(len(noise))
		}
		neighbours += z * (float64(noise[(i+1)%len(noise)]) - 0.5) / 0.05 / float64(len(noise))
	}
	// The fourth moment of a sum of twelve uniform numbers is 2.9, not 3.
	for k, want := range []float64{1, 0, 1, 0, 2.9} {
		if math.Abs(moments[k]-want) > 0.03 {
			t.Errorf("moment %d of the noise: %.3f, want %.1f", k, moments[k], want)
		}
	}
	if math.Abs(neighbours) > 0.01 {
		t.Errorf("correlation of neighbours %.3f: want none", neighbours)
	}
}

func TestNoiseIsClipped(t *testing.T) {
	black, white := blank(20, 0).Noisy(1, "test", 0), blank(20, 1).Noisy(1, "test", 0)
	if slices.Min(black) != 0 || slices.Max(black) != 1 || slices.Min(white) != 0 || slices.Max(white) != 1 {
		t.Errorf("noise of deviation 1 goes from %g to %g: want 0 to 1", slices.Min(black), slices.Max(white))
	}
	if s := blank(3, 0.25); !slices.Equal(s.Noisy(0, "test", 0), s.X) {
		t.Error("noise of deviation 0 changes the images")
	}
}

func BenchmarkNoise(b *testing.B) {
	s := blank(6000, 0)
	for b.Loop() {
		s.Noisy(0.3, "train 1", 0)
	}
}
