package datasets

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A change of this sum makes all results on digits stale: their hashes must change with it.
func TestDigitsArePinned(t *testing.T) {
	const pinned = "3c6555b627ba30b01245fdad749515c7b3ee667e989cceec79fc50c6809009ab"
	if got := digits().sum(); got != pinned {
		t.Errorf("drawn: SHA-256 %s, want %s", got, pinned)
	}
	if digitsChecksum != pinned {
		t.Errorf("constant: %s, want %s", digitsChecksum, pinned)
	}
}

func TestDigitsLookLikeMNIST(t *testing.T) {
	const n = 4000
	pixels, labels := digits().samples(Train, 0, n)
	var perClass [classes]float64
	for _, l := range labels {
		perClass[l]++
	}
	chi2 := 0.0
	for _, count := range perClass {
		chi2 += (count - n/classes) * (count - n/classes) / (n / classes)
	}
	if chi2 > 27.9 { // 99.9 % quantile for 9 degrees of freedom
		t.Errorf("classes %v: χ² %.1f, want them equally likely", perClass, chi2)
	}

	black, ink := 0, 0.0
	for i := range n {
		image := pixels[i*dim : (i+1)*dim]
		lit := 0
		for _, p := range image {
			if p == 0 {
				black++
			} else {
				lit++
			}
			ink += float64(p)
		}
		if lit < 20 || lit > dim/2 {
			t.Errorf("sample %d, a %d: %d pixels lit", i, labels[i], lit)
		}
	}
	// MNIST: 0.81 black, mean 0.131.
	if share := float64(black) / float64(len(pixels)); share < .75 || share > .9 {
		t.Errorf("background is %.3f of the pixels", share)
	}
	if mean := ink / 255 / float64(len(pixels)); mean < .09 || mean > .17 {
		t.Errorf("mean grey level %.3f", mean)
	}
}

func TestExactMath(t *testing.T) {
	for turns := -3.0; turns <= 3; turns += 1. / 64 {
		if got, want := sine(turns), math.Sin(2*math.Pi*turns); math.Abs(got-want) > 4e-6 {
			t.Errorf("sine(%v) = %v, want %v", turns, got, want)
		}
	}
	for x := -.7; x <= .7; x += .1 {
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > .02 {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	const n = 20000
	rng := rand.New(rand.NewPCG(1, 2))
	sum, squares := 0.0, 0.0
	for range n {
		v := normal(rng)
		sum += v
		squares += v * v
	}
	if mean, variance := sum/n, squares/n; math.Abs(mean) > .03 || math.Abs(variance-1) > .05 {
		t.Errorf("normal: mean %.3f, variance %.3f", mean, variance)
	}
}

func TestSmoothPassesThroughItsPoints(t *testing.T) {
	line := stroke{{0, 0}, {.3, 1}, {.6, .2}, {1, 1}}
	smooth := line.smooth()
	for i, p := range line {
		if got := smooth[6*i]; got != p {
			t.Errorf("point %d: %v, want %v", i, got, p)
		}
	}
	straight := stroke{{0, 0}, {1, 1}}
	if got := straight.smooth(); len(got) != 2 {
		t.Errorf("a line of two points has become %v", got)
	}
}

func BenchmarkDigits(b *testing.B) {
	for b.Loop() {
		digits().samples(Train, 0, 1000)
	}
}
