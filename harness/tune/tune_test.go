package tune

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/inference"
	"hepex/network/networktest"
	"hepex/packing"
)

// unit prices every primitive alike.
func unit(_ inference.Parameters, w inference.Work) (*inference.Priced, error) {
	p := &inference.Priced{Ours: map[packing.At]float64{}, Floor: map[packing.At]float64{}}
	for at := range w.Counts {
		p.Ours[at], p.Floor[at] = 1e-3, 1e-3
	}
	return p, nil
}

func TestRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	f := networktest.Folded(rng, []int{40, 12, 5}, 1, 1)
	x := networktest.Samples(rng, 2, 40)
	for name, o := range map[string]Options{
		"latency":    {Precision: 14, Batch: 1, Objective: Latency, Price: unit, Measured: 3},
		"throughput": {Precision: 14, Objective: Throughput, Price: unit, Measured: 3, Kinds: []packing.Kind{packing.OneImage, packing.Scalar}},
		"upload":     {Precision: 14, Batch: 16, Objective: Upload, Encrypted: true, Price: unit, Measured: 3},
		"memory":     {Precision: 14, Batch: 8, Exact: true, Objective: Memory, Encrypted: true, Memory: 64 << 20},
		"one shape":  {Precision: 14, Kinds: []packing.Kind{packing.Tiles}, Shapes: []packing.Shape{{In: 4, Out: 8}}},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := Rank(f, x, o)
			if err != nil {
				t.Fatal(err)
			}
			measured := true
			for i, c := range all {
				if o.Memory > 0 && c.Memory.Total() > o.Memory {
					t.Errorf("%s %s needs %d bytes, more than the limit", c.Kind, c.Shape, c.Memory.Total())
				}
				if o.Shapes != nil && (c.Shape.In != 4 || c.Shape.Out != 8) {
					t.Errorf("shape %s: want 4x8xB", c.Shape)
				}
				if o.Encrypted && c.Kind == packing.Scalar {
					t.Error("scalar layout with encrypted weights")
				}
				if i > 0 && c.Measured == measured && c.Score(o.Objective) < all[i-1].Score(o.Objective) {
					t.Errorf("place %d is better than the one before", i)
				}
				measured = c.Measured
				if share := c.TileTime(); !(share > 0 && share < 1) {
					t.Errorf("%s %s: tiles take %g of the time", c.Kind, c.Shape, share)
				}
				sent := c.BytesUp
				if o.Batch > c.Batch {
					sent *= int64(o.Batch / c.Batch)
				}
				weights := c.Upload - sent
				if !o.Encrypted && weights != 0 || o.Encrypted && (weights <= 0 || weights > c.Memory.Model/2) {
					t.Errorf("%s %s: %d bytes are sent, %d of them inputs: want half of each encrypted weight beside them", c.Kind, c.Shape, c.Upload, sent)
				}
				m, err := c.Pack(f, o.Orders)
				if err != nil || m.Slots != c.Slots() || m.Kind != c.Kind || m.Batch != c.Batch {
					t.Errorf("%s %s: packed differently, %v", c.Kind, c.Shape, err)
				}
				p, err := inference.NewParameters(c.Literal, false)
				if err != nil || p.Insecure {
					t.Errorf("%s %s: %v, insecure %t", c.Kind, c.Shape, err, p.Insecure)
				}
			}
		})
	}
	if _, err := Rank(f, x, Options{Precision: 14, Memory: 1}); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "the least") {
		t.Errorf("a byte of memory: %v", err)
	}
}

func TestCachedPrices(t *testing.T) {
	dir := t.TempDir()
	lit := inference.Literal{Ring: inference.ConjugateInvariant, LogN: 12, LogQ: []int{40, 30}, LogP: []int{45}, LogScale: 25}
	p, err := inference.NewParameters(lit, true)
	if err != nil {
		t.Fatal(err)
	}
	price := CachedPrices(dir, "a machine")
	counts := packing.Counts{{Op: packing.Rescale, Level: 1}: 3}
	first, err := price(p, inference.Work{Counts: counts})
	if err != nil {
		t.Fatal(err)
	}
	counts.Add(packing.AddBias, 0, 2)
	second, err := price(p, inference.Work{Counts: counts})
	if err != nil {
		t.Fatal(err)
	}
	third, err := price(p, inference.Work{Counts: counts})
	if err != nil {
		t.Fatal(err)
	}
	at := packing.At{Op: packing.Rescale, Level: 1}
	if first.Ours[at] <= 0 || second.Ours[at] != first.Ours[at] || third.Ours[at] != first.Ours[at] {
		t.Errorf("prices of %g, %g and %g for one thing", first.Ours[at], second.Ours[at], third.Ours[at])
	}
	if cost := counts.Cost(second.Prices(false)); cost < 3*second.Ours[at] {
		t.Errorf("cost %g", cost)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CachedPrices(dir, "a machine")(p, inference.Work{Counts: counts}); err != nil {
		t.Errorf("damaged file: %v", err)
	}
	key, name := priceKey(p, "a machine"), inference.Kernels()
	t.Setenv("HEPEX_KERNELS", "portable")
	if same := priceKey(p, "a machine") == key; same != (inference.Kernels() == name) {
		t.Errorf("prices of %s and %s kernels share a file: %t", name, inference.Kernels(), same)
	}
}
