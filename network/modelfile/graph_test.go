package modelfile

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Between two layers of ones, everything below is the polynomial or the shape that it says.
func TestWaysToWritePolynomials(t *testing.T) {
	number := func(name string, v float64) string { return raw(name, 1, float4(v)) }
	for name, c := range map[string]struct {
		graph []any // from h to p
		want  func(h float64) float64
	}{
		"a product":           {[]any{1, node("Mul", "h h", "p")}, func(h float64) float64 { return h * h }},
		"a power":             {[]any{5, raw("e", 7, "\x02\x00\x00\x00\x00\x00\x00\x00"), 1, node("Pow", "h e", "p")}, func(h float64) float64 { return h * h }},
		"a factor before":     {[]any{5, number("a", 3), 1, node("Mul", "a h", "b"), 1, node("Mul", "b h", "p")}, func(h float64) float64 { return 3 * h * h }},
		"a quotient":          {[]any{5, number("a", 4), 1, node("Mul", "h h", "b"), 1, node("Div", "b a", "p")}, func(h float64) float64 { return h * h / 4 }},
		"a negative":          {[]any{1, node("Mul", "h h", "b"), 1, node("Neg", "b", "p")}, func(h float64) float64 { return -h * h }},
		"a difference":        {[]any{1, node("Mul", "h h", "b"), 1, node("Sub", "h b", "p")}, func(h float64) float64 { return h - h*h }},
		"Horner's way":        {[]any{5, number("a", 2), 5, number("b", 3), 5, number("c", 5), 1, node("Mul", "a h", "u"), 1, node("Add", "u b", "v"), 1, node("Mul", "v h", "w2"), 1, node("Add", "c w2", "p")}, func(h float64) float64 { return 2*h*h + 3*h + 5 }},
		"a square of a sum":   {[]any{5, number("a", 1), 1, node("Add", "h a", "u"), 1, node("Mul", "u u", "p")}, func(h float64) float64 { return (h + 1) * (h + 1) }},
		"one for each of two": {[]any{5, raw("a", 1, float4(2)+float4(2), 2), 1, node("Mul", "h h", "u"), 1, node("Mul", "u a", "v"), 1, node("Add", "v h", "p")}, func(h float64) float64 { return 2*h*h + h }},
		"nothing":             {[]any{1, node("Identity", "h", "p")}, func(h float64) float64 { return h }},
		"a factor":            {[]any{5, number("a", 3), 1, node("Mul", "h a", "p")}, func(h float64) float64 { return 3 * h }},
		"dropout":             {[]any{1, node("Dropout", "h", "b"), 1, node("Mul", "b b", "p")}, func(h float64) float64 { return h * h }},
		"a constant node":     {[]any{1, node("Constant", "", "a", pb(1, "value", 5, number("", 7), 20, 4)), 1, node("Add", "h a", "p")}, func(h float64) float64 { return h + 7 }},
		"a computed shape": {[]any{
			1, node("Shape", "h", "s"), 1, node("Constant", "", "zero", integer3("value_int", 0)), 1, node("Gather", "s zero", "n"),
			5, raw("axes", 7, "\x00\x00\x00\x00\x00\x00\x00\x00", 1), 1, node("Unsqueeze", "n axes", "m"),
			5, raw("open", 7, "\xff\xff\xff\xff\xff\xff\xff\xff", 1), 1, node("Concat", "m open", "to", integer3("axis", 0)), 1, node("Reshape", "h to", "p"),
		}, func(h float64) float64 { return h }},
	} {
		t.Run(name, func(t *testing.T) {
			graph := append([]any{5, ones("w", 2, 4), 1, node("Gemm", "x w", "h", transposed), 5, ones("k", 2, 2)}, c.graph...)
			content := file(append(graph, 1, node("Gemm", "p k", "y", transposed))...)
			m, err := parse(".onnx", []byte(content), "", Options{})
			if err != nil {
				t.Fatal(err)
			}
			x := mat.NewDense(1, 4, []float64{0.5, -1, 2, 0.25})
			got, want := m.Forward(x).At(0, 0), 2*c.want(1.75)
			if math.Abs(got-want) > 1e-5 {
				t.Errorf("got %g: want %g", got, want)
			}
		})
	}
}

// What is cropped stays so, whatever is computed of it and however the axes are listed, until a convolution reads it.
func TestWaysToCrop(t *testing.T) {
	number := func(name string, v float64) string { return raw(name, 1, float4(v)) }
	crop := []any{5, pads("n", 0, 0, -2, -1, 0, 0, -2, -1), 1, node("Pad", "h n", "c")}
	listed := func(axes []int64, values ...int64) []any {
		return []any{5, pads("n", values...), 5, pads("axes", axes...), 5, number("v", 0), 1, node("Pad", "h n v axes", "p")}
	}
	slice := func(from, to string, starts, ends, axes []int64) []any {
		return []any{5, pads(to+"s", starts...), 5, pads(to+"e", ends...), 5, pads(to+"a", axes...), 1, node("Slice", from+" "+to+"s "+to+"e "+to+"a", to)}
	}
	same := func(v float64) float64 { return v }
	for name, c := range map[string]struct {
		graph []any // from h to p
		f     func(v float64) float64
	}{
		"nothing":             {append(crop, 1, node("Identity", "c", "p")), same},
		"a scale":             {append(crop, 5, number("a", 2), 1, node("Mul", "a c", "p")), func(v float64) float64 { return 2 * v }},
		"a norm":              {append(crop, 5, number("a", 3), 5, number("b", 4), 1, node("Sub", "c a", "d"), 1, node("Div", "d b", "p")), func(v float64) float64 { return (v - 3) / 4 }},
		"a square":            {append(crop, 1, node("Mul", "c c", "p")), func(v float64) float64 { return v * v }},
		"a power":             {append(crop, 5, number("e", 2), 1, node("Pow", "c e", "p")), func(v float64) float64 { return v * v }},
		"a negative":          {append(crop, 1, node("Neg", "c", "p")), func(v float64) float64 { return -v }},
		"a sum with itself":   {append(crop, 1, node("Neg", "c", "d"), 1, node("Mul", "c d", "e"), 1, node("Add", "e c", "p")), func(v float64) float64 { return v - v*v }},
		"a computed factor":   {append(crop, 5, number("a", 2), 5, number("b", 3), 1, node("Mul", "a b", "k"), 1, node("Mul", "k c", "p")), func(v float64) float64 { return 6 * v }},
		"a norm before":       {[]any{5, number("a", 3), 1, node("Sub", "h a", "d"), 5, pads("n", 0, 0, -2, -1, 0, 0, -2, -1), 1, node("Pad", "d n", "p")}, func(v float64) float64 { return v - 3 }},
		"by steps":            {[]any{5, pads("n", 0, 0, -1, 0, 0, 0, -1, 0), 5, pads("m", 0, 0, -1, -1, 0, 0, -1, -1), 1, node("Pad", "h n", "c"), 1, node("Pad", "c m", "p")}, same},
		"all axes":            {listed([]int64{0, 1, 2, 3}, 0, 0, -2, -1, 0, 0, -2, -1), same},
		"some axes":           {listed([]int64{2, 3}, -2, -1, -2, -1), same},
		"axes of 32 bits":     {[]any{5, pads("n", -2, -1, -2, -1), 5, raw("axes", 6, "\xfe\xff\xff\xff\x03\x00\x00\x00", 2), 5, number("v", 0), 1, node("Pad", "h n v axes", "p")}, same},
		"from the last":       {listed([]int64{-1, -2}, -1, -2, -1, -2), same},
		"a slice":             {slice("h", "p", []int64{2, 1}, []int64{-2, 7}, []int64{2, 3}), same},
		"a slice by slices":   {append(slice("h", "c", []int64{1, 1}, []int64{-1, -1}, []int64{-2, -1}), slice("c", "p", []int64{-5}, []int64{5}, []int64{2})...), same},
		"a slice of a pad":    {append([]any{5, pads("n", 0, 0, 0, -1, 0, 0, 0, -1), 1, node("Pad", "h n", "c")}, slice("c", "p", []int64{0, 0, 2, 0}, []int64{math.MaxInt64, math.MaxInt32, 6, 6}, []int64{0, 1, 2, 3})...), same},
		"a slice of steps":    {append(slice("h", "p", []int64{2, 1}, []int64{-2, -1}, []int64{2, 3})[:6], 5, pads("one", 1, 1), 1, node("Slice", "h ps pe pa one", "p")), same},
		"a slice from axis 0": {append(slice("h", "p", []int64{0, 0, 2, 1}, []int64{math.MaxInt64, 1, -2, -1}, nil)[:4], 1, node("Slice", "h ps pe", "p")), same},
	} {
		t.Run(name, func(t *testing.T) {
			first := []any{5, ones("first", 1, 1, 1, 1), 1, node("Conv", "x first", "h")}
			content := image(append(append(first, c.graph...), 5, ones("w", 2, 1, 3, 3), 1, node("Conv", "p w", "s"), 1, node("GlobalAveragePool", "s", "y"))...)
			m, err := parse(".onnx", []byte(content), "", Options{})
			if err != nil {
				t.Fatal(err)
			}
			x, want := mat.NewDense(1, 64, nil), 0.0
			for i := range 64 {
				x.Set(0, i, float64(i*i%37)/16) // no plane, of which every crop has the same mean
			}
			for top := 2; top < 4; top++ { // windows of 3×3 within rows 2 to 5 and columns 1 to 6
				for left := 1; left < 5; left++ {
					for tap := range 9 {
						want += c.f(x.At(0, (top+tap/3)*8+left+tap%3)) / 8
					}
				}
			}
			if got := m.Forward(x).At(0, 0); math.Abs(got-want) > 1e-4*math.Abs(want) {
				t.Errorf("got %g: want %g", got, want)
			}
		})
	}
}

// A gate between values that are cropped alike is cropped as they are.
func TestGatesAreCropped(t *testing.T) {
	out := func(nodes ...any) float64 {
		graph := append([]any{5, ones("first", 1, 1, 1, 1), 1, node("Conv", "x first", "h"), 1, node("Sigmoid", "h", "s"), 5, pads("n", 0, 0, -2, -1, 0, 0, -2, -1)}, nodes...)
		m, err := parse(".onnx", []byte(image(append(graph, 5, ones("w", 2, 1, 3, 3), 1, node("Conv", "p w", "c"), 1, node("GlobalAveragePool", "c", "y"))...)), "", Options{Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		x := mat.NewDense(1, 64, nil)
		x.Apply(func(_, i int, _ float64) float64 { return float64(i*i%37) / 16 }, x)
		return m.Forward(x).At(0, 0)
	}
	before := out(1, node("Pad", "h n", "a"), 1, node("Pad", "s n", "b"), 1, node("Mul", "a b", "p"))
	behind := out(1, node("Mul", "h s", "g"), 1, node("Pad", "g n", "p"))
	whole := out(1, node("Mul", "h s", "p"))
	if math.Abs(before-behind) > 1e-5 || math.Abs(before-whole) < 1e-2 {
		t.Errorf("cropped before a gate %g, behind it %g, not at all %g", before, behind, whole)
	}
}

// Ways to take the mean over a grid are alike.
func TestWaysToPool(t *testing.T) {
	axes := raw("axes", 7, "\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00", 2)
	for name, pool := range map[string][]any{
		"average pool": {1, node("AveragePool", "s", "q", ints8("kernel_shape", 6, 6)), 1, node("Flatten", "q", "p")},
		"global":       {1, node("GlobalAveragePool", "s", "q"), 1, node("Flatten", "q", "p", integer3("axis", 1))},
		"squeezed":     {5, axes, 1, node("GlobalAveragePool", "s", "q"), 1, node("Squeeze", "q axes", "p")},
		"mean":         {1, node("ReduceMean", "s", "p", ints8("axes", 2, 3), integer3("keepdims", 0))},
		"mean, kept":   {1, node("ReduceMean", "s", "q", ints8("axes", -2, -1)), 1, node("Flatten", "q", "p")},
	} {
		t.Run(name, func(t *testing.T) {
			graph := append([]any{5, ones("w", 2, 1, 3, 3), 5, ones("v", 2, 2), 1, node("Conv", "x w", "h"), 1, node("Mul", "h h", "s")}, pool...)
			m, err := parse(".onnx", []byte(image(append(graph, 1, node("Gemm", "p v", "y", transposed))...)), "", Options{})
			if err != nil {
				t.Fatal(err)
			}
			x := mat.NewDense(1, 64, nil)
			x.Set(0, 0, 6) // one tap of one of 36 positions sees it
			if got := m.Forward(x).At(0, 1); math.Abs(got-2) > 1e-6 {
				t.Errorf("got %g: want 2", got)
			}
		})
	}
}

// Gemm is alpha·x·W + beta·b.
func TestFactorsOfGemm(t *testing.T) {
	factor := func(name string, v float32) string { return pb(1, name, 2, v, 20, 1) }
	content := file(5, ones("w", 2, 4), 5, ones("b", 2), 1, node("Gemm", "x w b", "y", transposed, factor("alpha", 2), factor("beta", 3)))
	m, err := parse(".onnx", []byte(content), "", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Forward(mat.NewDense(1, 4, []float64{1, 1, 1, 1})).At(0, 1); got != 11 {
		t.Errorf("got %g: want 11", got)
	}
}

// A constant for each channel stays that of its channel when values are flattened; one that all share does not tie values to a grid.
func TestConstantsOfChannels(t *testing.T) {
	pair := func(name string, a, b float64) string { return raw(name, 1, float4(a)+float4(b), 2, 1, 1) }
	for name, c := range map[string]struct {
		mean, deviation string
		want            float64
	}{
		"shared": {pair("mean", 0.5, 0.5), pair("deviation", 0.25, 0.25), 4*2 + 4*6},
		"own":    {pair("mean", 0, 1), pair("deviation", 1, 0.5), 4*1 + 4*2},
	} {
		content := colour(5, c.mean, 5, c.deviation, 1, node("Sub", "x mean", "c"), 1, node("Div", "c deviation", "n"), 1, node("Flatten", "n", "f"), 1, gemm("f w"))
		m, err := parse(".onnx", []byte(content), "", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Forward(mat.NewDense(1, 8, []float64{1, 2, 1, 2, 1, 2, 1, 2})).At(0, 0); got != c.want {
			t.Errorf("%s: got %g: want %g", name, got, c.want)
		}
	}
}
