package inference

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

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

// smallLiteral gives each level room for a product, and the last modulus for large values.
func smallLiteral(layout *packing.Layout) Literal {
	lit := Literal{LogN: testLogN, LogScale: 35, LogQ: []int{58}, LogP: []int{60}}
	if layout.Kind == packing.Scalar {
		return smallScalarLiteral(layout, lit)
	}
	for range layout.Levels {
		if layout.Delayed {
			lit.LogQ = append(lit.LogQ, 60)
		} else {
			lit.LogQ = append(lit.LogQ, 35)
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
		scale += WeightBits
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
	over(t, client.Keys(encrypted), keys)
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

func TestEncryptedEqualsPlain(t *testing.T) {
	rounds := 32
	if testing.Short() {
		rounds = 8
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(round)))
			dims := networktest.Dims(rng, 4, 40)
			f := networktest.SomeLinear(rng, networktest.Folded(rng, dims, rng.Float64(), 1<<rng.IntN(5)))
			for _, encrypted := range []bool{false, true} {
				m := anyModel(t, rng, f, testLogN-1, encrypted)
				m.SetDelayed(rng.IntN(2) == 0)
				p, err := NewParameters(smallLiteral(m.Layout), true)
				check(t, err)
				x := networktest.Samples(rng, 1+rng.IntN(m.Batch), dims[0])
				if m.Kind == packing.Scalar {
					f = f.Quantise(WeightBits)
				}
				want := networktest.Forward(f, x)
				got, trace := evaluate(t, p, m, encrypted, 1+rng.IntN(3), x)
				if bits := precision(want, got); bits < 14 { // weights have 25 bits where squares are delayed
					t.Errorf("dims %v %s %s delayed %t encrypted %t: %.1f bits", dims, m.Kind, m.Shape, m.Delayed, encrypted, bits)
				}
				for i, predicted := range m.Counts(m.Kept, encrypted) {
					if !trace.Counts[i].Equal(predicted) {
						t.Errorf("dims %v %s %s encrypted %t layer %d:\ncounted   %+v\npredicted %+v", dims, m.Kind, m.Shape, encrypted, i, trace.Counts[i], predicted)
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
		if total := packing.Total(trace.Counts); len(total) != 0 {
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

func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		lit Literal
		ok  bool
	}{
		{Literal{Standard, 13, []int{45, 40, 40, 40}, []int{49}, 40, nil}, true},
		{Literal{Standard, 13, []int{50, 45, 45, 45}, []int{50}, 45, nil}, false},
		{Literal{Standard, 12, []int{45, 40}, []int{45}, 40, nil}, false},
		{Literal{Standard, 11, []int{30}, []int{20}, 30, nil}, false},
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
	deep := make([]int, 24)
	for i := range deep {
		deep[i] = 9
	}
	with := func(peak, output float64) func(*packing.Layout) packing.Profile {
		return func(l *packing.Layout) packing.Profile {
			p := least(l)
			for i := range p.Peaks {
				p.Peaks[i] = peak
			}
			p.Output = output
			return p
		}
	}
	for name, c := range map[string]struct {
		dims      []int
		shape     packing.Shape
		profile   func(*packing.Layout) packing.Profile
		precision float64
		says      []string
	}{
		"too deep":          {[]int{784, 64, 32, 64, 784}, packing.Shape{In: 16, Out: 16, Batch: 8}, with(1, 1), 16, []string{"5 levels", "2048 slots (log_n 12)", "log_n 14", "would hold"}},
		"too deep for all":  {deep, packing.Shape{In: 16, Out: 16, Batch: 128}, with(1, 1), 32, []string{"no ring"}},
		"small ring":        {[]int{4, 2}, packing.Shape{In: 2, Out: 2, Batch: 2}, with(1, 1), 16, []string{"slots"}},
		"too precise":       {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1, 1), 60, []string{"precision is too high"}},
		"values overflow":   {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(math.Inf(1), 1), 16, []string{"overflow"}},
		"values too large":  {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1e12, 1), 16, []string{"1e+12"}},
		"outputs too small": {[]int{4, 2}, packing.Shape{In: 16, Out: 16, Batch: 16}, with(1, 1e-9), 16, []string{"precision"}},
	} {
		if testing.Short() && len(c.dims) == len(deep) {
			continue // a search over a long chain
		}
		layout, err := packing.NewLayout(c.dims, c.shape)
		check(t, err)
		lit, err := Derive(layout, c.profile(layout), Wanted{Precision: c.precision})
		if err == nil {
			t.Errorf("%s: derived %+v", name, lit)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %q: want %q in it", name, err, says)
			}
		}
	}
}

// Derived parameters reach the precision asked for, for networks of all layouts and sizes of weights, and need not
// be much better than asked.
func TestDerivedIsEnough(t *testing.T) {
	rounds := 16
	if testing.Short() {
		rounds = 4
	}
	worst := math.Inf(1)
	for round := range rounds {
		rng := rand.New(rand.NewPCG(13, uint64(round)))
		dims := networktest.Dims(rng, 4, 30)
		f := networktest.SomeLinear(rng, networktest.Folded(rng, dims, 1, 1))
		for i := range f.Layers { // values far from 1 inside and at the end
			f.Layers[i].W.Scale(math.Exp2(4*rng.Float64()-2), f.Layers[i].W)
		}
		for _, encrypted := range []bool{false, true} {
			m := anyModel(t, rng, f, 12, encrypted)
			x := networktest.Samples(rng, min(m.Batch, 64), dims[0])
			_, profile, err := m.Simulate(x)
			check(t, err)
			const wanted = 12
			lit, err := Derive(m.Layout, profile, Wanted{Precision: wanted, Encrypted: encrypted})
			if err != nil {
				t.Logf("dims %v %s: %v", dims, m.Kind, err)
				continue
			}
			p, err := NewParameters(lit, false)
			check(t, err)
			check(t, p.CheckRange(m.Layout, profile))
			want, _, err := m.Simulate(x)
			check(t, err)
			got, _ := evaluate(t, p, m, encrypted, 1, x)
			bits := precision(want, got)
			worst = math.Min(worst, bits)
			if bits < wanted {
				t.Errorf("dims %v %s %s encrypted %t: %.1f bits with %+v, profile %+v", dims, m.Kind, m.Shape, encrypted, bits, lit, profile)
			}
		}
	}
	t.Logf("asked for 12 bits, least %.1f", worst)
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
		m, err := packing.PackOneImage(f, 1<<logSlots, packing.Nominal(1), encrypted)
		check(t, err)
		return m
	case 1:
		if encrypted || linear(f) > 1 { // whose scales would outgrow the chain of a small ring
			break
		}
		m, err := packing.PackScalar(f.Quantise(WeightBits), 1<<logSlots)
		check(t, err)
		return m
	}
	in := rng.IntN(min(logSlots, 6))
	out := rng.IntN(min(logSlots-in, 6))
	m, err := packing.Pack(f, packing.Shape{In: 1 << in, Out: 1 << out, Batch: 1 << (logSlots - in - out)}, networktest.Orders(rng, f.Dims()))
	check(t, err)
	return m
}

// A value that the last modulus cannot hold is refused when parameters are chosen, and held when they
// are derived.
func TestLargeValuesDoNotWrap(t *testing.T) {
	f := &network.Folded{Layers: []network.Affine{{W: mat.NewDense(1, 1, []float64{1000}), B: []float64{500}}}}
	m, err := packing.Pack(f, packing.Shape{In: 1, Out: 1, Batch: 4096}, nil)
	check(t, err)
	x := [][]float64{{1}, {0.25}, {-1}}
	_, profile, err := m.Simulate(x)
	check(t, err)
	narrow, err := NewParameters(Literal{Standard, 13, []int{45, 40}, []int{45}, 40, nil}, false)
	check(t, err)
	if err := narrow.CheckRange(m.Layout, profile); err == nil || !strings.Contains(err.Error(), "wrap") {
		t.Errorf("1500 at 5 bits of headroom: %v", err)
	}
	lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Encrypted: true})
	check(t, err)
	p, err := NewParameters(lit, false)
	check(t, err)
	check(t, p.CheckRange(m.Layout, profile))
	got, _ := evaluate(t, p, m, true, 1, x)
	if bits := precision([][]float64{{1500}, {750}, {-500}}, got); bits < 16 {
		t.Errorf("%.1f bits: %v", bits, got)
	}
}

// pair is a client and a server with all that crosses between them.
type pair struct {
	params Parameters
	model  *packing.Model
	client *Client
	server *Server
	keys   *Keys
	coded  *Model
	input  *Batch
}

func newPair(t *testing.T) pair {
	t.Helper()
	f := networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 5, 3}, 1, 1)
	m, err := packing.Pack(f, packing.Shape{In: 2, Out: 2, Batch: 64}, nil)
	check(t, err)
	p, err := NewParameters(smallLiteral(m.Layout), true)
	check(t, err)
	client, err := NewClient(p, m.Layout)
	check(t, err)
	coded, _, err := client.EncryptModel(m)
	check(t, err)
	input, err := client.Encrypt([][]float64{{1, 2, 3, 4}})
	check(t, err)
	keys := client.Keys(true)
	server, err := NewServer(p, m.Layout, keys, coded, 2)
	check(t, err)
	return pair{p, m, client, server, keys, coded, input}
}

func TestCorruptBytesAreErrors(t *testing.T) {
	c := newPair(t)
	output, _, err := c.server.Evaluate(c.input)
	check(t, err)
	for name, o := range map[string]struct {
		from io.WriterTo
		to   func() io.ReaderFrom
	}{
		"keys":   {c.keys, func() io.ReaderFrom { k, err := NewKeys(c.params, c.model.Layout, true); check(t, err); return k }},
		"model":  {c.coded, func() io.ReaderFrom { m, err := NewModel(c.params, c.model.Layout); check(t, err); return m }},
		"input":  {c.input, func() io.ReaderFrom { b, err := NewInput(c.params, c.model.Layout); check(t, err); return b }},
		"output": {output, func() io.ReaderFrom { b, err := NewOutput(c.params, c.model.Layout); check(t, err); return b }},
	} {
		var b bytes.Buffer
		_, err := o.from.WriteTo(&b)
		check(t, err)
		for _, n := range []int{0, 3, 15, 20, 30, b.Len() / 2, b.Len() - 1} {
			if _, err := o.to().ReadFrom(bytes.NewReader(b.Bytes()[:n])); err == nil {
				t.Errorf("%s cut to %d of %d bytes: no error", name, n, b.Len())
			}
		}
		for _, at := range []int{0, 14, 22} {
			text := bytes.Clone(b.Bytes())
			copy(text[at:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
			if _, err := o.to().ReadFrom(bytes.NewReader(text)); err == nil {
				t.Errorf("%s with garbage at %d: no error", name, at)
			}
		}
	}
}

func TestMismatchesAreErrors(t *testing.T) {
	c := newPair(t)
	other, err := packing.NewLayout([]int{9, 5, 3}, c.model.Shape)
	check(t, err)
	shorter, err := packing.NewLayout([]int{4, 3}, c.model.Shape)
	check(t, err)
	lit := smallLiteral(c.model.Layout)
	lit.LogP = []int{55}
	foreign, err := NewParameters(lit, true)
	check(t, err)
	stranger, err := NewClient(foreign, c.model.Layout)
	check(t, err)
	for name, f := range map[string]func() error{
		"client, chain too long": func() error { _, err := NewClient(c.params, shorter); return err },
		"model, chain too long":  func() error { _, err := NewModel(c.params, shorter); return err },
		"server, chain too long": func() error { _, err := NewServer(c.params, shorter, c.keys, c.coded, 1); return err },
		"server, other layout":   func() error { _, err := NewServer(c.params, other, c.keys, c.coded, 1); return err },
		"server, no keys": func() error {
			keys, err := NewKeys(c.params, c.model.Layout, true)
			check(t, err)
			_, err = NewServer(c.params, c.model.Layout, keys, c.coded, 1)
			return err
		},
		"server, foreign keys": func() error {
			_, err := NewServer(c.params, c.model.Layout, stranger.Keys(true), c.coded, 1)
			return err
		},
		"server, no threads": func() error { _, err := NewServer(c.params, c.model.Layout, c.keys, c.coded, 0); return err },
		"server, foreign input": func() error {
			in, _ := stranger.Encrypt([][]float64{{1, 2, 3, 4}})
			_, _, err := c.server.Evaluate(in)
			return err
		},
		"server, empty input": func() error {
			in, _ := NewInput(c.params, c.model.Layout)
			_, _, err := c.server.Evaluate(in)
			return err
		},
		"client, input as output": func() error { _, err := c.client.Decrypt(c.input, 1); return err },
		"encode, wrong ring": func() error {
			m, err := packing.Pack(networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 5, 3}, 1, 1), packing.Shape{In: 2, Out: 2, Batch: 2}, nil)
			check(t, err)
			_, _, err = EncodeModel(c.params, m)
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEvaluationsAtOnceTakeTurns(t *testing.T) {
	c := newPair(t)
	want := networktest.Forward(networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 5, 3}, 1, 1), [][]float64{{1, 2, 3, 4}})
	outputs := make([]*Batch, 4)
	err := parallel(4, 4, func() func(int) error {
		return func(i int) (err error) {
			outputs[i], _, err = c.server.Evaluate(c.input)
			return err
		}
	})
	check(t, err)
	for _, out := range outputs {
		got, err := c.client.Decrypt(out, 1)
		check(t, err)
		if bits := precision(want, got); bits < 16 {
			t.Errorf("%.1f bits", bits)
		}
	}
}

func TestPanicInAGoroutineIsAnError(t *testing.T) {
	err := parallel(2, 5, func() func(int) error { return func(i int) error { panic(i) } })
	if err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("error %v", err)
	}
}

// Four layers with a mask between them, at full size: the chain with the largest scales.
func TestDeepTilesAreExact(t *testing.T) {
	if testing.Short() {
		t.Skip("a ring of 2^14")
	}
	rng := rand.New(rand.NewPCG(31, 7))
	dims := []int{60, 40, 20, 40, 60}
	f := networktest.Folded(rng, dims, 1, 1)
	m, err := packing.Pack(f, packing.Shape{In: 16, Out: 16, Batch: 64}, nil)
	check(t, err)
	x := networktest.Samples(rng, 64, dims[0])
	_, profile, err := m.Simulate(x)
	check(t, err)
	for _, ring := range Rings {
		lit, err := Derive(m.Layout, profile, Wanted{Precision: 16, Ring: ring})
		if err != nil {
			t.Logf("%s: %v", ring, err)
			continue
		}
		p, err := NewParameters(lit, false)
		check(t, err)
		check(t, p.CheckRange(m.Layout, profile))
		got, _ := evaluate(t, p, m, false, 2, x)
		bits := precision(networktest.Forward(f, x), got)
		t.Logf("%s: %.1f bits with %+v", ring, bits, lit)
		if bits < 16 {
			t.Errorf("%s: %.1f bits with %+v", ring, bits, lit)
		}
	}
}
