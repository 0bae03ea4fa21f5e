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

// randomNetwork has dense layers, or conv layers, pruned in blocks of any size.
func randomNetwork(rng *rand.Rand) *network.Folded {
	if rng.IntN(2) == 0 {
		return randomConv(rng, 6)
	}
	return randomDense(rng)
}

// randomConv has grids of at most most×most.
func randomConv(rng *rand.Rand, most int) *network.Folded {
	return networktest.SomeLinear(rng, networktest.Random(rng, networktest.Conv(rng, most), rng.Float64(), 1<<rng.IntN(3)))
}

// randomDense has 1 to 4 layers of 1 to 50 neurons.
func randomDense(rng *rand.Rand) *network.Folded {
	return networktest.SomeLinear(rng, networktest.Folded(rng, networktest.Dims(rng, 4, 50), rng.Float64(), 1<<rng.IntN(5)))
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
		m, err := TilesOf(shape).Pack(f, orders)
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
	w := mat.NewDense(ly.Out, ly.Taps()*ly.In, nil)
	for r := range ly.Groups() {
		for term := range ly.Terms() {
			if !m.Kept[i][r][term] {
				continue
			}
			tap, c := term/ly.InGroups(), term%ly.InGroups()
			for s, v := range m.Tile(i, r, term) {
				box := (s + ly.offset) % m.Shape.Slots() / m.Shape.Batch
				outer, middle := box/m.Shape.Out, box%m.Shape.Out
				o, in := r*ly.OutGroup+outer, c*ly.InGroup+middle
				if ly.outer {
					o, in = r*ly.OutGroup+middle, c*ly.InGroup+outer
				}
				if o < ly.Out && in < ly.In {
					w.Set(o, tap*ly.In+in, v)
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
		m, err := TilesOf(shape).Pack(f, networktest.Orders(rng, f.Dims()))
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, 1+rng.IntN(shape.Batch), f.Geometry().Axis(0).Size())
		got, profile, err := m.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		want := networktest.Forward(f, x)
		diff, size := networktest.MaxError(want, got)
		if diff > 1e-9*math.Max(size, 1) {
			t.Fatalf("dims %v, tile %s: differs by %g of %g", f.Dims(), shape, diff, size)
		}
		if profile.Peaks[len(profile.Peaks)-1] < size*(1-1e-9) || math.Abs(profile.Output-size) > 1e-9*math.Max(size, 1) {
			t.Fatalf("dims %v, tile %s: %+v, but outputs reach %g", f.Dims(), shape, profile, size)
		}
	}
}

// What a profile says of fewer samples than a batch has is what all slots show that repeat them.
func TestProfileOfAFewSamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range rounds(t) {
		f, shape := randomNetwork(rng), randomShape(rng)
		shape.Batch *= 4
		m, err := TilesOf(shape).Pack(f, networktest.Orders(rng, f.Dims()))
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, shape.Batch>>(1+rng.IntN(2)), f.Geometry().Axis(0).Size())
		all := x
		for len(all) < shape.Batch {
			all = append(all[:len(all):len(all)], x...)
		}
		r, err := m.simulate(all)
		if err != nil {
			t.Fatal(err)
		}
		o := Outputs{}
		want := r.relativeTo(func(y []float64) float64 { return o.size(largest([][]float64{y})) })
		got, err := m.Profile(x, o)
		if err != nil {
			t.Fatal(err)
		}
		near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) })
		if d := cmp.Diff(want, got, near); d != "" {
			t.Fatalf("dims %v, tile %s, %d samples (-all slots +fewer):\n%s", f.Dims(), shape, len(x), d)
		}
	}
}

// Errors by hand: 8 inputs of weight 2, 4 to a tile, so 2 products; a rescaling; a sum of 4 with its 3 rotations; a
// square at 10; another layer of weight 1.
func TestErrorsAreSummed(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{
		{W: mat.NewDense(1, 8, []float64{2, 2, 2, 2, 2, 2, 2, 2}), B: []float64{0}},
		{W: mat.NewDense(1, 1, []float64{1}), B: []float64{0}},
	}}
	m, err := TilesOf(Shape{4, 1, 1}).Pack(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := [][]float64{{0, 1, 0, 1, 0, 1, 1, 1}} // 2·5 = 10
	_, p, err := m.Simulate(x)
	if err != nil {
		t.Fatal(err)
	}
	const square = 4 * 10 * 10
	want := map[Source]float64{
		{0, InputError}:     square * 8 * 4,
		{0, WeightError}:    square * 5,
		{0, SumError}:       square * (4 + 1),
		{0, SumSwitchError}: square * 3,
		{0, SquareError}:    1,
		{1, WeightError}:    100 * 100,
		{1, SumError}:       1,
		{0, FloatError}:     square*5*2*2 + 100*100 + 100*100/4, // products, and a transform of one output in 4 slots
	}
	if d := cmp.Diff(want, p.Errors); d != "" || p.Output != 100 {
		t.Errorf("output %g, errors (-want +got):\n%s", p.Output, d)
	}
	if d := cmp.Diff([]float64{10, 100}, p.Peaks); d != "" {
		t.Errorf("peaks (-want +got):\n%s", d)
	}
}

func TestZeroTilesChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range rounds(t) / 4 {
		f, shape := randomNetwork(rng), randomShape(rng)
		m, err := TilesOf(shape).Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, shape.Batch, f.Geometry().Axis(0).Size())
		got, _, err := m.Simulate(x)
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
		want, _, err := m.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		if diff, _ := networktest.MaxError(want, got); diff != 0 {
			t.Fatalf("dims %v, tile %s: leaving out zero tiles changes the result by %g", f.Dims(), shape, diff)
		}
	}
}

func TestCounts(t *testing.T) {
	layout, err := TilesOf(Shape{16, 8, 32}).Layout(network.FullyConnected(784, 128, 128, 10))
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
	// fc1: 16 rows of 49 tiles, one row gone; sums over 16 inputs in 2 stages of 4. fc2: 8 rows of 16, sums over 8
	// in one stage, mask and copies. fc3: 2 rows of 8, sums over 16.
	want := []Counts{
		{
			{MulCipher, 6}: 15 * 49, {ReadInput, 6}: 2 * 49, {FinishRow, 6}: 15, {RelinearizeRescale, 6}: 15,
			{Decompose, 5}: 30, {RotateSum, 5}: 15 * 6, {ModDown, 5}: 30, {AddBias, 5}: 15,
			{Square, 5}: 15, {RelinearizeRescale, 5}: 15,
		},
		{
			{MulCipher, 4}: 128, {ReadInput, 4}: 16, {FinishRow, 4}: 8, {RelinearizeRescale, 4}: 8,
			{Decompose, 3}: 8, {RotateSum, 3}: 8 * 7, {ModDown, 3}: 8, {AddBias, 3}: 8, {MulMask, 3}: 8, {Rescale, 3}: 8,
			{Decompose, 2}: 8, {RotateRefill, 2}: 8 * 7, {ModDown, 2}: 8,
			{Square, 2}: 8, {RelinearizeRescale, 2}: 8,
		},
		{
			{MulCipher, 1}: 16, {ReadInput, 1}: 8, {FinishRow, 1}: 2, {RelinearizeRescale, 1}: 2,
			{Decompose, 0}: 4, {RotateSum, 0}: 12, {ModDown, 0}: 4, {AddBias, 0}: 2,
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("encrypted weights (-want +got):\n%s", d)
	}
	plain := Total(layout.Counts(kept, false))
	if plain.Of(MulPlain) != 15*49+128+16 || plain.Of(MulMask) != 8 || plain.Of(Square) != 15+8 || plain.Of(RelinearizeRescale) != 15+8 {
		t.Errorf("plain weights: %+v", plain)
	}
	if layout.Levels != 6 || layout.Tiles() != 16*49+8*16+2*8 {
		t.Errorf("levels %d, tiles %d", layout.Levels, layout.Tiles())
	}
	layout.SetDelayed(true)
	if layout.Levels != 4 || layout.Layers[1].Level != 3 || layout.Layers[2].Level != 1 {
		t.Errorf("squares delayed: %d levels, %+v", layout.Levels, layout.Layers)
	}
	layout.DelayLast(1)
	if layout.Levels != 5 || layout.Layers[0].Level != 5 || layout.Layers[1].Level != 3 || layout.Layers[2].Level != 1 || layout.Rescalings().Delays != 1 {
		t.Errorf("one square delayed: %d levels, %+v", layout.Levels, layout.Layers)
	}
}

// Products of kept tiles are those that an evaluation counts, and rows those that have a tile, whatever the layers.
// Squares that the next layer pools are relinearised after that.
func TestPooledSquaresAreRelinearisedOnce(t *testing.T) {
	a := network.Architecture{
		Inputs: 36, Image: network.Axis{H: 6, W: 6, Channels: 1}, Outputs: 3, Activation: "square",
		Conv: []network.Conv{{Filters: 4, Kernel: network.Square(3), Stride: network.Square(1), Pool: network.Square(2)}},
	}
	g, err := a.Geometry()
	if err != nil {
		t.Fatal(err)
	}
	for _, choice := range []Choice{ScalarIn(256), TilesOf(Shape{2, 2, 64})} {
		for _, delayed := range []bool{false, true} {
			layout, err := choice.Layout(g)
			if err != nil {
				t.Fatal(err)
			}
			layout.SetDelayed(delayed)
			groups, first := layout.Layers[0].Groups(), layout.Layers[0]
			counts := layout.Counts(layout.Dense(), false)
			if n := counts[0].Of(Relinearize, RelinearizeRescale); n != 0 {
				t.Errorf("%s: the convolution relinearises %d squares: want none", choice.Kind, n)
			}
			want := Counts{{AddInput, first.SquareLevel()}: 4 * 3 * groups, {first.Relinearizes(), first.SquareLevel()}: 4 * groups}
			for at, n := range want {
				if counts[1][at] != n || counts[0].Of(Square) != 16*groups {
					t.Errorf("%s: %d %v and %d squares: want %d and %d", choice.Kind, counts[1][at], at, counts[0].Of(Square), n, 16*groups)
				}
			}
		}
	}
}

func TestProductsAndRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	more := false
	for range rounds(t) {
		f, shape := randomNetwork(rng), randomShape(rng)
		m, err := TilesOf(shape).Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, counted := range m.Counts(m.Kept, false) {
			if got, want := m.Products(i), counted.Of(MulPlain); got != want {
				t.Fatalf("dims %v, tile %s, layer %d: %d products, counted %d", f.Dims(), shape, i, got, want)
			}
			rows := 0
			for r := range m.Layers[i].Rows {
				if m.HasRow(i, r) {
					rows++
				}
			}
			if got := m.KeptRows(i); got != rows {
				t.Fatalf("dims %v, tile %s, layer %d: %d rows, want %d", f.Dims(), shape, i, got, rows)
			}
			more = more || m.Products(i) > m.KeptTiles(i)
		}
	}
	if !more {
		t.Error("no tile was used twice: the test shows nothing")
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
		if _, err := TilesOf(c.shape).Pack(c.f, c.orders); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	m, err := TilesOf(Shape{2, 2, 2}).Pack(f, nil)
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
	layout, err := TilesOf(Shape{8, 4, 2}).Layout(network.FullyConnected(20, 9, 17, 33, 3))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(layout)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(fmt.Append(text, layout.KeyLevels(true), layout.MaskRow(1)))
	const want = "a418a92e4f66a2d7"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("layout hash %s, want %s: if the layout was meant to change, raise packing.Version", got, want)
	}
}
