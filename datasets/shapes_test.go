package datasets

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A change of this sum makes all results on shapes stale: their hashes must change with it.
func TestShapesArePinned(t *testing.T) {
	const pinned = "7b2b413540558b2d2162e6980cd6fff3779b01d6d3753f237812728aadd149fa"
	if got := shapes().sum(); got != pinned {
		t.Errorf("drawn: SHA-256 %s, want %s", got, pinned)
	}
	if shapesChecksum != pinned {
		t.Errorf("constant: %s, want %s", shapesChecksum, pinned)
	}
}

// The outlines lie about the unit circle, are about as large as each other, and differ.
func TestFigures(t *testing.T) {
	const side = 101
	var inside [10][side * side]bool
	for i, f := range figures() {
		area := 0
		for k := range inside[i] {
			p := point{2.4*float64(k%side)/(side-1) - 1.2, 2.4*float64(k/side)/(side-1) - 1.2}
			if f(p) > 0 {
				continue
			}
			inside[i][k] = true
			area++
			if p.norm() > 1.25 {
				t.Fatalf("figure %d has the point %v", i, p)
			}
		}
		if share := float64(area) / (side * side); share < .08 || share > .5 {
			t.Errorf("figure %d covers %.2f of the box", i, share)
		}
	}
	for i := range inside {
		for j := range i {
			both, either := 0, 0
			for k := range inside[i] {
				if inside[i][k] && inside[j][k] {
					both++
				}
				if inside[i][k] || inside[j][k] {
					either++
				}
			}
			if share := float64(both) / float64(either); share > .85 {
				t.Errorf("figures %d and %d share %.2f of what they cover", i, j, share)
			}
		}
	}
}

// A distance that grows too fast or slowly would make hard or blurred edges.
func TestFiguresHaveSoftEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i, f := range figures() {
		for range 2000 {
			a := point{between(rng, -1.2, 1.2), between(rng, -1.2, 1.2)}
			b := point{a.x + between(rng, -.01, .01), a.y + between(rng, -.01, .01)}
			if change, way := math.Abs(f(a)-f(b)), (point{a.x - b.x, a.y - b.y}).norm(); change > 1.01*way {
				t.Fatalf("figure %d: the distance changes by %g from %v to %v, %g apart", i, change, a, b, way)
			}
		}
	}
}

// Neither colour nor brightness tells the class: the mean levels of all classes are alike.
func TestColourOfShapesTellsNothing(t *testing.T) {
	const n = 6000
	d := shapes()
	pixels, labels := d.samples(Train, 0, n)
	var sums, squares [10][3]float64
	var counts [10]float64
	for i, label := range labels {
		counts[label]++
		for c := range 3 {
			mean := 0.
			for k := c; k < 3072; k += 3 {
				mean += float64(pixels[i*3072+k]) / 1024
			}
			sums[label][c] += mean
			squares[label][c] += mean * mean
		}
	}
	for label := range sums {
		if counts[label] < n/10-120 || counts[label] > n/10+120 { // 5 standard deviations
			t.Errorf("class %d has %g of %d samples", label, counts[label], n)
		}
		for c := range 3 {
			mean := sums[label][c] / counts[label]
			deviation := math.Sqrt((squares[label][c]/counts[label] - mean*mean) / counts[label])
			if math.Abs(mean-127.5) > 5*deviation {
				t.Errorf("class %d, channel %d: mean level %.1f ± %.1f, want 127.5", label, c, mean, deviation)
			}
		}
	}
}

// Shapes stand out from their background by more than its grain.
func TestShapesStandOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 1000 {
		ink, from, to := colours(rng)
		for step := range 11 {
			var ground colour
			for c := range ground {
				ground[c] = from[c] + (to[c]-from[c])*float64(step)/10
			}
			if ink.distance(ground) < contrast-3*slope {
				t.Fatalf("ink %v on %v: distance %.0f", ink, ground, ink.distance(ground))
			}
		}
		for c := range 3 {
			for _, v := range []float64{ink[c], from[c], to[c]} {
				if v < lowest || v > highest {
					t.Fatalf("level %g: want %g to %g", v, lowest, highest)
				}
			}
		}
	}
}

func BenchmarkShapes(b *testing.B) {
	for b.Loop() {
		shapes().samples(Train, 0, 1000)
	}
}
