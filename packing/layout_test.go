package packing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/networktest"
)

// randomShape has at most 2^10 slots, in any proportion.
func randomShape(rng *rand.Rand) Shape {
	return Shape{In: 1 << rng.IntN(5), Out: 1 << rng.IntN(5), Batch: 1 << rng.IntN(3)}
}

// randomNetwork has 1 to 4 layers of 1 to 50 neurons, pruned in blocks of any size.
func randomNetwork(rng *rand.Rand) *network.Folded {
	return networktest.Folded(rng, networktest.Dims(rng, 4, 50), rng.Float64(), 1<<rng.IntN(5))
}

// rounds is how many random cases a property test tries.
func rounds(t *testing.T) int {
	if testing.Short() {
		return 40
	}
	return 300
}

func TestTilesHoldEveryWeightOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range rounds(t) {
		f, shape := randomNetwork(rng), randomShape(rng)
		orders := networktest.Orders(rng, f.Dims())
		m, err := Pack(f, shape, orders)
		if err != nil {
			t.Fatal(err)
		}
		want := f.Simplify().Permute(orders)
		for i := range m.Layers {
			if got := unpack(t, m, i); !mat.Equal(got, want.Layers[i].W) {
				t.Fatalf("dims %v, tile %s: layer %d is not its own unpacking", f.Dims(), shape, i)
			}
		}
	}
}

// unpack rebuilds a weight matrix from the slots of kept tiles and checks that padding is zero.
func unpack(t *testing.T, m *Model, i int) *mat.Dense {
	ly := &m.Layers[i]
	w := mat.NewDense(ly.Out, ly.In, nil)
	for r := range ly.Rows {
		for c := range ly.Cols {
			if !m.Kept[i][r][c] {
				continue
			}
			for s, v := range m.Tile(i, r, c) {
				box := (s + ly.Offset) % m.Shape.Slots() / m.Shape.Batch
				outer, middle := box/m.Shape.Out, box%m.Shape.Out
				o, in := r*ly.OutGroup+outer, c*ly.InGroup+middle
				if ly.Outer {
					o, in = r*ly.OutGroup+middle, c*ly.InGroup+outer
				}
				if o < ly.Out && in < ly.In {
					w.Set(o, in, v)
				} else if v != 0 {
					t.Fatalf("padding slot %d holds %v", s, v)
				}
			}
		}
	}
	return w
}

func TestSimulationEqualsPlainNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range rounds(t) {
		f, shape := randomNetwork(rng), randomShape(rng)
		m, err := Pack(f, shape, networktest.Orders(rng, f.Dims()))
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, 1+rng.IntN(shape.Batch), f.Dims()[0])
		got, profile, err := m.Simulate(x, Noise{})
		if err != nil {
			t.Fatal(err)
		}
		want := networktest.Forward(f, x)
		diff, size := networktest.MaxError(want, got)
		if diff > 1e-9*math.Max(size, 1) {
			t.Fatalf("dims %v, tile %s: differs by %g of %g", f.Dims(), shape, diff, size)
		}
		if profile.Last < size*(1-1e-9) || math.Abs(profile.Output-size) > 1e-9*math.Max(size, 1) {
			t.Fatalf("dims %v, tile %s: %+v, but outputs reach %g", f.Dims(), shape, profile, size)
		}
	}
}

// Errors by hand: 8 inputs of error 3 and weight 2, 4 to a tile, so 2 products; a rescaling; a sum of 4 with its
// 2 rotations; a square at 10; another rescaling.
func TestErrorsAreSummed(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{
		{W: mat.NewDense(1, 8, []float64{2, 2, 2, 2, 2, 2, 2, 2}), B: []float64{0}},
		{W: mat.NewDense(1, 1, []float64{1}), B: []float64{0}},
	}}
	m, err := Pack(f, Shape{4, 1, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := [][]float64{{0, 1, 0, 1, 0, 1, 1, 1}} // 2·5 = 10
	_, p, err := m.Simulate(x, Noise{Input: 9, Weight: 0.5, Switch: 100})
	if err != nil {
		t.Fatal(err)
	}
	products := 8*4*9 + 0.5*5.0
	sum := products + 4*1 + 100*(2+1) // the rotations' own errors are summed too: 2·100 + 100
	square := 4*10*10*sum + 1
	want := math.Sqrt(square + 0.5*100*100 + 1)
	if math.Abs(p.Error-want) > 1e-9*want || p.Output != 100 {
		t.Errorf("%+v: want an error of %g", p, want)
	}
}

func TestZeroTilesChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range rounds(t) / 4 {
		f, shape := randomNetwork(rng), randomShape(rng)
		m, err := Pack(f, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, shape.Batch, f.Dims()[0])
		got, _, err := m.Simulate(x, Noise{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Kept {
			for r := range m.Kept[i] {
				for c := range m.Kept[i][r] {
					m.Kept[i][r][c] = true
				}
			}
		}
		want, _, err := m.Simulate(x, Noise{})
		if err != nil {
			t.Fatal(err)
		}
		if diff, _ := networktest.MaxError(want, got); diff != 0 {
			t.Fatalf("dims %v, tile %s: leaving out zero tiles changes the result by %g", f.Dims(), shape, diff)
		}
	}
}

func TestCounts(t *testing.T) {
	layout, err := NewLayout([]int{784, 128, 128, 10}, Shape{16, 8, 32})
	if err != nil {
		t.Fatal(err)
	}
	kept := make([][][]bool, 3)
	for i, ly := range layout.Layers {
		kept[i] = make([][]bool, ly.Rows)
		for r := range kept[i] {
			kept[i][r] = make([]bool, ly.Cols)
			for c := range kept[i][r] {
				kept[i][r][c] = true
			}
		}
	}
	kept[0][3] = make([]bool, 49) // a pruned row of the first layer
	got := layout.Counts(kept, true)
	// fc1: 16 rows of 49 tiles, one row gone; sums over 16 inputs. fc2: 8 rows of 16, sums over 8,
	// mask and copies. fc3: 2 rows of 8, sums over 16.
	want := []Counts{
		{CtCtMul: 15*49 + 15, Rotate: 15 * 4, Relinearize: 30, Rescale: 30, Add: 15*48 + 15*4 + 15, TileMul: 15 * 49, SquareMul: 15, SumRotate: 60},
		{CtPtMul: 8, CtCtMul: 8*16 + 8, Rotate: 8*3 + 8*3, Relinearize: 16, Rescale: 24, Add: 8*15 + 48 + 8, TileMul: 128, MaskMul: 8, SquareMul: 8, SumRotate: 24, RefillRotate: 24},
		{CtCtMul: 16, Rotate: 8, Relinearize: 2, Rescale: 2, Add: 2*7 + 8 + 2, TileMul: 16, SumRotate: 8},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("encrypted weights (-want +got):\n%s", d)
	}
	plain := Total(layout.Counts(kept, false))
	if plain.CtPtMul != 15*49+128+16+8 || plain.CtCtMul != 15+8 || plain.Relinearize != 15+8 {
		t.Errorf("plain weights: %+v", plain)
	}
	if layout.Levels != 6 || layout.Tiles() != 16*49+8*16+2*8 {
		t.Errorf("levels %d, tiles %d", layout.Levels, layout.Tiles())
	}
}

func TestPackRefuses(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{{W: mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6}), B: []float64{0, 0}}}}
	bad := &network.Folded{Layers: []network.Affine{{W: mat.NewDense(1, 1, []float64{math.NaN()}), B: []float64{0}}}}
	for name, c := range map[string]struct {
		f      *network.Folded
		shape  Shape
		orders [][]int
	}{
		"shape":              {f, Shape{3, 5, 7}, nil},
		"not a permutation":  {f, Shape{1, 1, 1}, [][]int{{0, 0, 1}, nil}},
		"short order":        {f, Shape{1, 1, 1}, [][]int{{0, 1}, nil}},
		"orders of one axis": {f, Shape{1, 1, 1}, [][]int{nil}},
		"NaN":                {bad, Shape{1, 1, 1}, nil},
	} {
		if _, err := Pack(c.f, c.shape, c.orders); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	m, err := Pack(f, Shape{2, 2, 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string][][]float64{
		"no samples":  nil,
		"too many":    {{1, 2, 3}, {1, 2, 3}, {1, 2, 3}},
		"short":       {{1, 2}},
		"not a value": {{1, 2, math.Inf(1)}},
	} {
		if _, err := m.Input(x); err == nil {
			t.Errorf("input, %s: no error", name)
		}
	}
}

// A layout that changes makes old results stale: raise Version with it.
func TestGoldenLayout(t *testing.T) {
	layout, err := NewLayout([]int{20, 9, 17, 33, 3}, Shape{8, 4, 2})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(layout)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(fmt.Append(text, layout.RotationSteps(), layout.Mask(1)))
	const want = "5aa2eac751fe1bb9"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("layout hash %s, want %s: if the layout was meant to change, raise packing.Version", got, want)
	}
}
