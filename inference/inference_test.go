package inference

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"

	"gonum.org/v1/gonum/mat"

	"hepex/inference/kernels"
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

// smallLiteral gives each level room for a product, and the last modulus for large values.
func smallLiteral(layout *packing.Layout) Literal {
	lit := Literal{LogN: testLogN, LogScale: 35, LogQ: []int{58}, LogP: []int{60}}
	if layout.Kind == packing.Scalar {
		return smallScalarLiteral(layout, lit)
	}
	for range layout.Levels {
		lit.LogQ = append(lit.LogQ, 35)
	}
	for i := range layout.Layers[1:] {
		if layout.Layers[i].Delayed {
			lit.LogQ[layout.Layers[i+1].Level] = 60
		}
	}
	return lit
}

// smallScalarLiteral rescales squares to 30 bits or as near to that as one modulus brings them.
func smallScalarLiteral(layout *packing.Layout, lit Literal) Literal {
	lit.LogScale = 30
	scale := lit.LogScale
	var fromTop []int
	for i := range layout.Layers {
		scale += layout.Layers[i].Fraction
		if layout.Layers[i].Square {
			q := min(2*scale-lit.LogScale, 60)
			fromTop = append(fromTop, q)
			scale = 2*scale - q
		}
	}
	slices.Reverse(fromTop)
	lit.LogQ = append(lit.LogQ, fromTop...)
	return lit
}

// evaluate runs the whole path, every object that crosses between client and server through its bytes.
func evaluate(t *testing.T, p Parameters, m *packing.Model, encrypted bool, threads int, x [][]float64) ([][]float64, *Trace) {
	t.Helper()
	client, err := NewClient(p, m.Layout)
	check(t, err)
	var model *Model
	if encrypted {
		model, _, err = client.EncryptModel(m)
	} else {
		model, _, err = EncodeModel(p, m)
	}
	check(t, err)
	input, err := client.Encrypt(x)
	check(t, err)

	keys, err := NewKeys(p, m.Layout, encrypted)
	check(t, err)
	drawn, err := client.Keys(encrypted)
	check(t, err)
	over(t, drawn, keys)
	remote, err := NewModel(p, m.Layout)
	check(t, err)
	over(t, model, remote)
	received, err := NewInput(p, m.Layout)
	check(t, err)
	over(t, input, received)

	server, err := NewServer(p, m.Layout, keys, remote, threads)
	check(t, err)
	output, trace, err := server.Evaluate(received)
	check(t, err)
	back, err := NewOutput(p, m.Layout)
	check(t, err)
	over(t, output, back)
	checkSent(t, p, m, model, input, output)
	got, err := client.Decrypt(back, len(x))
	check(t, err)
	return got, trace
}

// checkSent holds what is sent against what was predicted.
func checkSent(t *testing.T, p Parameters, m *packing.Model, model *Model, input, output *Batch) {
	t.Helper()
	want, header := PredictSent(p.Literal, m.Layout, m.Kept, model.Encrypted), int64(len(p.fingerprint()))
	if got := input.Sent() - int64(len(kindInput)) - header; got != want.Up {
		t.Errorf("inputs of %d bytes: predicted were %d", got, want.Up)
	}
	if got := output.Sent() - int64(len(kindOutput)) - header; got != want.Down {
		t.Errorf("outputs of %d bytes: predicted were %d", got, want.Down)
	}
	for _, b := range []*Batch{input, output} {
		if n, err := b.WriteTo(io.Discard); err != nil || n != b.Sent() {
			t.Errorf("%d bytes are written, %v: want %d", n, err, b.Sent())
		}
	}
	if !model.Encrypted {
		return
	}
	n, err := model.WriteTo(io.Discard)
	check(t, err)
	marks, alive, dense := 100, true, true // at most, of what is kept and of seeds
	for _, rows := range m.Kept {
		for _, row := range rows {
			marks += len(row) * (len(kernels.Seed{}) + 1)
			alive = alive && slices.Contains(row, true)
		}
	}
	for i := range m.Layers {
		marks += m.Layers[i].Rows * (len(kernels.Seed{}) + 9)
		dense = dense && m.Layers[i].Positions() == 1
		for g := range m.Layers[i].Groups() {
			alive = alive && slices.Max(m.BiasOf(i, g)) == 0
		}
	}
	// Positions of a convolution may have a bias in common, or each its own, and a constant output has one too.
	if beside := n - want.Weights; dense && beside < 0 || alive && beside > int64(marks) {
		t.Errorf("a model of %d bytes, its weights predicted to be %d: want at most %d of marks", n, want.Weights, marks)
	}
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
	m, err := to.ReadFrom(iotest.HalfReader(&b)) // as from a network, in pieces
	check(t, err)
	if m != n || b.Len() != 0 {
		t.Fatalf("ReadFrom took %d of %d bytes", m, n)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rescaleSomehow chooses when a layout rescales.
func rescaleSomehow(t *testing.T, rng *rand.Rand, l *packing.Layout) {
	t.Helper()
	r := packing.Rescalings{Delays: rng.IntN(l.Squares() + 1)}
	for _, i := range l.Sums() {
		if rng.IntN(2) == 0 {
			r.SumsFirst = append(r.SumsFirst, i)
		}
	}
	check(t, l.Rescale(r))
}

func TestEncryptedEqualsPlain(t *testing.T) {
	rounds := 32
	if testing.Short() {
		rounds = 8
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(round)))
			g := network.FullyConnected(networktest.Dims(rng, 4, 40)...)
			if round%2 == 0 {
				g = networktest.Conv(rng, 5)
			}
			f := networktest.SomeLinear(rng, networktest.Random(rng, g, rng.Float64(), 1<<rng.IntN(5)))
			for _, encrypted := range []bool{false, true} {
				m := anyModel(t, rng, f, testLogN-1, encrypted)
				rescaleSomehow(t, rng, m.Layout)
				p, err := NewParameters(smallLiteral(m.Layout), true)
				check(t, err)
				x := networktest.Samples(rng, 1+rng.IntN(m.Batch), g.Axis(0).Size())
				want := networktest.Forward(packing.Choice{Kind: m.Kind}.Evaluated(f), x)
				got, trace := evaluate(t, p, m, encrypted, 1+rng.IntN(3), x)
				if bits := precision(want, got); bits < 14 { // weights have 25 bits where squares are delayed
					t.Errorf("%+v %s %s %+v encrypted %t: %.1f bits", g, m.Kind, m.Shape, m.Rescalings(), encrypted, bits)
				}
				for i, predicted := range m.Counts(m.Kept, encrypted) {
					if !trace.Counts[i].Equal(predicted) {
						t.Errorf("%+v %s %s encrypted %t layer %d:\ncounted   %+v\npredicted %+v", g, m.Kind, m.Shape, encrypted, i, trace.Counts[i], predicted)
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
	m, err := packing.TilesOf(shape).Pack(f, nil)
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
		if total := packing.Total(trace.Counts); len(total) != 0 {
			t.Errorf("encrypted %t: operations on a constant network: %+v", encrypted, total)
		}
	}
}

// A network that is constant has no error but its biases', which parameters must suit.
func TestConstantNetworksArePrecise(t *testing.T) {
	for round := range 6 {
		rng := rand.New(rand.NewPCG(15, uint64(round)))
		f := networktest.Folded(rng, []int{9, 12, 7, 5}, 0, 1)
		for _, encrypted := range []bool{false, true} {
			m := anyModel(t, rng, f, 12, encrypted)
			x := networktest.Samples(rng, 1, 9)
			_, profile, err := m.Simulate(x)
			check(t, err)
			const wanted = 20
			lit, err := Derive(m.Layout, profile, Wanted{Precision: wanted, Encrypted: encrypted})
			if err != nil {
				t.Logf("%s: %v", m.Kind, err)
				continue
			}
			p, err := NewParameters(lit, false)
			check(t, err)
			want, _, err := m.Simulate(x)
			check(t, err)
			got, _ := evaluate(t, p, m, encrypted, 1, x)
			if bits := precision(want, got); bits < wanted {
				t.Errorf("%s %s encrypted %t: %.1f bits with %+v", m.Kind, m.Shape, encrypted, bits, lit)
			}
		}
	}
}

// The one test of the whole path at 128-bit security with derived parameters.
func TestSecureEndToEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	dims := []int{60, 32, 10}
	f := networktest.Folded(rng, dims, 0.6, 8)
	m, err := packing.TilesOf(packing.Shape{In: 16, Out: 8, Batch: 32}).Pack(f, nil)
	check(t, err)
	x := networktest.Samples(rng, 32, dims[0])
	_, profile, err := m.Simulate(x)
	check(t, err)
	lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Encrypted: true})
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	check(t, p.CheckRange(m.Layout, profile))
	for _, encrypted := range []bool{false, true} {
		got, _ := evaluate(t, p, m, encrypted, 2, x)
		bits := precision(networktest.Forward(f, x), got)
		t.Logf("encrypted %t: %.1f bits with %+v", encrypted, bits, lit)
		if bits < 16 {
			t.Errorf("encrypted %t: %.1f bits: want 16", encrypted, bits)
		}
	}
}

// Scales beyond the precision of floats lose nothing but what floats lack, whether vector kernels serve the moduli or not.
func TestLargeScales(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	f := networktest.Folded(rng, []int{9, 6, 4}, 1, 1)
	m, err := packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 16}).Pack(f, nil)
	check(t, err)
	x := networktest.Samples(rng, 3, 9)
	for _, logQ := range [][]int{{60, 55, 60, 55}, {60, 50, 50, 50}} {
		p, err := NewParameters(Literal{LogN: testLogN, LogQ: logQ, LogP: []int{60}, LogScale: 54}, true)
		check(t, err)
		for _, encrypted := range []bool{false, true} {
			got, _ := evaluate(t, p, m, encrypted, 1, x)
			if bits := precision(networktest.Forward(f, x), got); bits < 30 {
				t.Errorf("log_q %v, encrypted %t: %.1f bits", logQ, encrypted, bits)
			}
		}
	}
}

// A constant is the same in all places of its transform, reduced, however much larger than a modulus it is.
func TestLargeConstants(t *testing.T) {
	p, err := NewParameters(Literal{LogN: testLogN, LogQ: []int{60, 50, 47, 30}, LogP: []int{50}, LogScale: 40}, true)
	check(t, err)
	e := newEncoder(p)
	slots := make([]float64, p.MaxSlots())
	for _, log := range []int{8, 48, 52, 58, 60, 62, 70} {
		for _, v := range []int64{1, 3, -1, -3} {
			for i := range slots {
				slots[i] = float64(v)
			}
			check(t, e.encode(slots, powerOfTwo(log), p.MaxLevel()))
			for i := range p.rings.limbs(p.MaxLevel()) {
				r := p.rings.at(p.MaxLevel(), i)
				got := newLimbs(p.N(), 1)[0]
				e.limb(got, p.MaxLevel(), i)
				n := new(big.Int).Lsh(big.NewInt(v), uint(log))
				want := n.Mod(n, new(big.Int).SetUint64(r.Modulus())).Uint64()
				for _, x := range got {
					if x != want {
						t.Fatalf("%d·2^%d modulo %d: %d, want %d", v, log, r.Modulus(), x, want)
					}
				}
			}
		}
	}
}

func linear(f *network.Folded) (layers int) {
	for _, l := range f.Layers {
		if l.Linear {
			layers++
		}
	}
	return layers
}

// anyModel packs a network in a layout drawn at random, with 2^logSlots slots.
func anyModel(t *testing.T, rng *rand.Rand, f *network.Folded, logSlots int, encrypted bool) *packing.Model {
	t.Helper()
	switch rng.IntN(4) {
	case 0:
		m, err := packing.OneImageIn(1<<logSlots, encrypted).Pack(f, nil)
		check(t, err)
		return m
	case 1:
		if encrypted || linear(f) > 1 { // whose scales would outgrow the chain of a small ring
			break
		}
		m, err := packing.ScalarIn(1<<logSlots).Pack(f, nil)
		check(t, err)
		return m
	}
	in := rng.IntN(min(logSlots, 6))
	out := rng.IntN(min(logSlots-in, 6))
	m, err := packing.TilesOf(packing.Shape{In: 1 << in, Out: 1 << out, Batch: 1 << (logSlots - in - out)}).Pack(f, networktest.Orders(rng, f.Dims()))
	check(t, err)
	return m
}
