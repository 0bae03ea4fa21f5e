package inference

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// testLogN is the ring of random property tests: small, insecure, and only for tests.
const testLogN = 9

// precision is −log2(max|got − want| / max|want|).
func precision(want, got [][]float64) float64 {
	diff, size := networktest.MaxError(want, got)
	return -math.Log2(diff / size)
}

// smallLiteral gives each level 40 bits and the last modulus room for large values.
func smallLiteral(layout *packing.Layout) Literal {
	lit := Literal{LogN: testLogN, LogScale: 40, LogQ: []int{60}, LogP: []int{60}}
	for range layout.Levels {
		lit.LogQ = append(lit.LogQ, 40)
	}
	return lit
}

// evaluate runs the whole path, every object that crosses between client and server through its bytes.
func evaluate(t *testing.T, p Parameters, m *packing.Model, encrypted bool, threads int, x [][]float64) ([][]float64, *Trace) {
	t.Helper()
	client := NewClient(p, m.Layout)
	var model *Model
	var err error
	if encrypted {
		model, _, err = client.EncryptModel(m)
	} else {
		model, _, err = EncodeModel(p, m)
	}
	check(t, err)
	input, err := client.Encrypt(x)
	check(t, err)

	keys := NewKeys()
	over(t, client.Keys(encrypted), keys)
	remote := &Model{}
	over(t, model, remote)
	received := &Batch{}
	over(t, input, received)

	server, err := NewServer(p, m.Layout, keys, remote, threads)
	check(t, err)
	output, trace, err := server.Evaluate(received)
	check(t, err)
	back := &Batch{}
	over(t, output, back)
	got, err := client.Decrypt(back, len(x))
	check(t, err)
	return got, trace
}

// over writes one object and reads it into another, as if between two processes.
func over(t *testing.T, from io.WriterTo, to io.ReaderFrom) {
	t.Helper()
	var b bytes.Buffer
	n, err := from.WriteTo(&b)
	check(t, err)
	if n != int64(b.Len()) {
		t.Fatalf("WriteTo says %d bytes and wrote %d", n, b.Len())
	}
	_, err = to.ReadFrom(&b)
	check(t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEncryptedEqualsPlain(t *testing.T) {
	rounds := 24
	if testing.Short() {
		rounds = 8
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(round)))
			dims := networktest.Dims(rng, 4, 40)
			shape := packing.Shape{In: 1 << rng.IntN(5), Out: 1 << rng.IntN(4)}
			shape.Batch = 1 << (testLogN - 1) / shape.In / shape.Out
			f := networktest.Folded(rng, dims, rng.Float64(), 1<<rng.IntN(5))
			m, err := packing.Pack(f, shape, networktest.Orders(rng, dims))
			check(t, err)
			p, err := NewParameters(smallLiteral(m.Layout), true)
			check(t, err)
			x := networktest.Samples(rng, 1+rng.IntN(shape.Batch), dims[0])
			want := networktest.Forward(f, x)
			for _, encrypted := range []bool{false, true} {
				got, trace := evaluate(t, p, m, encrypted, 1+rng.IntN(3), x)
				if bits := precision(want, got); bits < 16 {
					t.Errorf("dims %v tile %s encrypted %t: %.1f bits", dims, shape, encrypted, bits)
				}
				for i, predicted := range m.Counts(m.Kept, encrypted) {
					if trace.Counts[i] != predicted {
						t.Errorf("dims %v tile %s encrypted %t layer %d:\ncounted   %+v\npredicted %+v", dims, shape, encrypted, i, trace.Counts[i], predicted)
					}
				}
			}
		})
	}
}

func TestAllPrunedRowsGiveTheirBias(t *testing.T) {
	shape := packing.Shape{In: 4, Out: 4, Batch: 16}
	f := &network.Folded{Layers: []network.Affine{
		{W: mat.NewDense(8, 8, nil), B: []float64{1, 2, 3, 4, 5, 6, 7, 8}},
		{W: mat.NewDense(8, 8, nil), B: []float64{8, 7, 6, 5, 4, 3, 2, 1}},
	}}
	f.Layers[1].W.Set(0, 0, 1) // reads a constant neuron: 8 + 1²
	m, err := packing.Pack(f, shape, nil)
	check(t, err)
	p, err := NewParameters(smallLiteral(m.Layout), true)
	check(t, err)
	for _, encrypted := range []bool{false, true} {
		got, trace := evaluate(t, p, m, encrypted, 1, networktest.Samples(rand.New(rand.NewPCG(1, 1)), 3, 8))
		want := []float64{9, 7, 6, 5, 4, 3, 2, 1}
		for _, row := range got {
			if bits := precision([][]float64{want}, [][]float64{row}); bits < 16 {
				t.Errorf("encrypted %t: got %v, want %v", encrypted, row, want)
			}
		}
		if total := packing.Total(trace.Counts); total != (packing.Counts{}) {
			t.Errorf("encrypted %t: operations on a constant network: %+v", encrypted, total)
		}
	}
}

// The one test of the whole path at 128-bit security with derived parameters.
func TestSecureEndToEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	dims := []int{60, 32, 10}
	f := networktest.Folded(rng, dims, 0.6, 8)
	m, err := packing.Pack(f, packing.Shape{In: 16, Out: 8, Batch: 32}, nil)
	check(t, err)
	x := networktest.Samples(rng, 32, dims[0])
	_, mags, err := m.Simulate(x)
	check(t, err)
	lit, err := Derive(m.Layout, mags, 16)
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	check(t, p.CheckRange(m.Layout, mags))
	for _, encrypted := range []bool{false, true} {
		got, _ := evaluate(t, p, m, encrypted, 2, x)
		bits := precision(networktest.Forward(f, x), got)
		t.Logf("encrypted %t: %.1f bits with %+v", encrypted, bits, lit)
		if bits < 16 {
			t.Errorf("encrypted %t: %.1f bits: want 16", encrypted, bits)
		}
	}
}

func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		lit Literal
		ok  bool
	}{
		{Literal{13, []int{45, 40, 40, 40}, []int{49}, 40}, true},
		{Literal{13, []int{50, 45, 45, 45}, []int{50}, 45}, false},
		{Literal{12, []int{45, 40}, []int{45}, 40}, false},
		{Literal{11, []int{30}, []int{20}, 30}, false},
	} {
		_, err := NewParameters(c.lit, false)
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v, want ok %t", c.lit, err, c.ok)
		}
		p, err := NewParameters(c.lit, true)
		if err != nil || p.Insecure == c.ok {
			t.Errorf("%+v allowed: insecure %t, %v", c.lit, p.Insecure, err)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	deep, err := packing.NewLayout([]int{784, 64, 32, 64, 784}, packing.Shape{In: 16, Out: 16, Batch: 16})
	check(t, err)
	mags := make(packing.Magnitudes, deep.Levels+1)
	_, err = Derive(deep, mags, 16)
	if err == nil || !strings.Contains(err.Error(), "8 levels") || !strings.Contains(err.Error(), "log_n 14") {
		t.Errorf("too deep for its ring: %v", err)
	}
	small, err := packing.NewLayout([]int{4, 2}, packing.Shape{In: 2, Out: 2, Batch: 2})
	check(t, err)
	if _, err = Derive(small, make(packing.Magnitudes, 2), 16); err == nil {
		t.Error("a ring without secure parameters: no error")
	}
}

// A value that the last modulus cannot hold is refused when parameters are chosen, and held when they
// are derived.
func TestLargeValuesDoNotWrap(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{{W: mat.NewDense(1, 1, []float64{1000}), B: []float64{500}}}}
	m, err := packing.Pack(f, packing.Shape{In: 1, Out: 1, Batch: 4096}, nil)
	check(t, err)
	x := [][]float64{{1}, {0.25}, {-1}}
	_, mags, err := m.Simulate(x)
	check(t, err)
	narrow, err := NewParameters(Literal{13, []int{45, 40}, []int{45}, 40}, false)
	check(t, err)
	if err := narrow.CheckRange(m.Layout, mags); err == nil || !strings.Contains(err.Error(), "wrap") {
		t.Errorf("1500 at 5 bits of headroom: %v", err)
	}
	lit, err := Derive(m.Layout, mags, 16)
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	check(t, p.CheckRange(m.Layout, mags))
	got, _ := evaluate(t, p, m, true, 1, x)
	if bits := precision([][]float64{{1500}, {750}, {-500}}, got); bits < 16 {
		t.Errorf("%.1f bits: %v", bits, got)
	}
}

func TestCorruptBytesAreErrors(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 3}, 1, 1)
	m, err := packing.Pack(f, packing.Shape{In: 2, Out: 2, Batch: 64}, nil)
	check(t, err)
	p, err := NewParameters(smallLiteral(m.Layout), true)
	check(t, err)
	client := NewClient(p, m.Layout)
	model, _, err := client.EncryptModel(m)
	check(t, err)
	input, err := client.Encrypt([][]float64{{1, 2, 3, 4}})
	check(t, err)
	keys := client.Keys(true)

	var b bytes.Buffer
	_, err = model.WriteTo(&b)
	check(t, err)
	for _, n := range []int{0, 3, 4, 20, b.Len() / 2, b.Len() - 1} {
		if _, err := new(Model).ReadFrom(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Errorf("model cut to %d of %d bytes: no error", n, b.Len())
		}
	}
	if _, err := new(Batch).ReadFrom(strings.NewReader("\xff\xff\xff\xff")); err == nil {
		t.Error("batch of 4 billion ciphertexts: no error")
	}
	if _, err := NewServer(p, m.Layout, NewKeys(), model, 1); err == nil {
		t.Error("server without keys: no error")
	}
	other, err := packing.NewLayout([]int{9, 3}, m.Shape)
	check(t, err)
	if _, err := NewServer(p, other, keys, model, 1); err == nil {
		t.Error("model of another layout: no error")
	}
	server, err := NewServer(p, m.Layout, keys, model, 1)
	check(t, err)
	if _, _, err := server.Evaluate(&Batch{input.Ciphertexts[:1]}); err == nil {
		t.Error("too few inputs: no error")
	}
}
