package inference

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"hepex/inference/kernels"
	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

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
	m, err := packing.TilesOf(packing.Shape{In: 2, Out: 2, Batch: 64}).Pack(f, nil)
	check(t, err)
	p, err := NewParameters(smallLiteral(m.Layout), true)
	check(t, err)
	client, err := NewClient(p, m.Layout)
	check(t, err)
	coded, _, err := client.EncryptModel(m)
	check(t, err)
	input, err := client.Encrypt([][]float64{{1, 2, 3, 4}})
	check(t, err)
	keys, err := client.Keys(true)
	check(t, err)
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

// What reaches the server's arithmetic is checked number by number.
func TestHostileNumbersAreErrors(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 5, 3}, 1, 1)
	m, err := packing.ScalarIn(1<<(testLogN-1)).Pack(f, nil)
	check(t, err)
	p, err := NewParameters(smallLiteral(m.Layout), true)
	check(t, err)
	input, err := NewInput(p, m.Layout)
	check(t, err)
	w := newWriter(io.Discard, p, kindInput)
	header := w.n + int64(len(kernels.Seed{}))
	for name, change := range map[string]func(first *scalarRow){
		"an input that is not there": func(r *scalarRow) { r.Index[1] = 4 },
		"more negative weights":      func(r *scalarRow) { r.Negative = 5 },
		"a weight too large":         func(r *scalarRow) { r.Weights[0] = 1 << 31 },
		"a bias that is no number":   func(r *scalarRow) { r.biases[0] = math.NaN() },
		"an infinite bias":           func(r *scalarRow) { r.biases[0] = math.Inf(-1) },
	} {
		model, _, err := EncodeModel(p, m)
		check(t, err)
		change(&model.layers[0].scalars[0])
		var b bytes.Buffer
		_, err = model.WriteTo(&b)
		check(t, err)
		empty, err := NewModel(p, m.Layout)
		check(t, err)
		if _, err := empty.ReadFrom(&b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, above := range []uint64{0, 1} { // coefficients of exactly the modulus, and beyond
		text := make([]byte, 1<<20)
		var b bytes.Buffer
		newWriter(&b, p, kindInput).close()
		copy(text, b.Bytes())
		modulus := p.Q()[0]
		kernels.Pack(text[header:], []uint64{modulus + above}, kernels.WordBytes(modulus))
		if _, err := input.ReadFrom(bytes.NewReader(text)); err == nil || !strings.Contains(err.Error(), "exceeds its modulus") {
			t.Errorf("a coefficient %d above the largest: %v", above+1, err)
		}
	}
}

// Encrypted weights as they were sent before seeds are told from others.
func TestUnseededWeightsAreRefused(t *testing.T) {
	c := newPair(t)
	var b bytes.Buffer
	_, err := c.coded.WriteTo(&b)
	check(t, err)
	b.Bytes()[len(kindModel)+8] = unseededWeights
	m, err := NewModel(c.params, c.model.Layout)
	check(t, err)
	if _, err := m.ReadFrom(&b); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("error %v", err)
	}
}

// A row that a later layer reads must be there.
func TestModelsThatReadNothingAreErrors(t *testing.T) {
	c := newPair(t)
	c.coded.layers[0].groups[0] = nil
	if _, err := NewServer(c.params, c.model.Layout, c.keys, c.coded, 1); err == nil || !strings.Contains(err.Error(), "constant") {
		t.Errorf("error %v", err)
	}
}

func TestMismatchesAreErrors(t *testing.T) {
	c := newPair(t)
	other, err := packing.TilesOf(c.model.Shape).Layout(network.FullyConnected(9, 5, 3))
	check(t, err)
	shorter, err := packing.TilesOf(c.model.Shape).Layout(network.FullyConnected(4, 3))
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
			keys, err := stranger.Keys(true)
			check(t, err)
			_, err = NewServer(c.params, c.model.Layout, keys, c.coded, 1)
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
		"server, input cut short": func() error { // its last ciphertext is there, but not all of it
			var b bytes.Buffer
			_, err := c.input.WriteTo(&b)
			check(t, err)
			in, _ := NewInput(c.params, c.model.Layout)
			if _, err := in.ReadFrom(bytes.NewReader(b.Bytes()[:b.Len()-1])); err == nil {
				t.Error("an input cut short is read")
			}
			_, _, err = c.server.Evaluate(in)
			return err
		},
		"client, input as output": func() error { _, err := c.client.Decrypt(c.input, 1); return err },
		"encode, wrong ring": func() error {
			m, err := packing.TilesOf(packing.Shape{In: 2, Out: 2, Batch: 2}).Pack(networktest.Folded(rand.New(rand.NewPCG(1, 2)), []int{4, 5, 3}, 1, 1), nil)
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
