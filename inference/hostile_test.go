package inference

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hepex/inference/kernels"
	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

// party is all that one evaluation needs.
type party struct {
	params    Parameters
	layout    *packing.Layout
	encrypted bool
	client    *Client
	objects   [3]io.WriterTo // keys, model, input
}

func newParty(t *testing.T, m *packing.Model, inputs int, encrypted bool) party {
	t.Helper()
	lit := smallLiteral(m.Layout)
	for i, b := range lit.LogQ {
		lit.LogQ[i] = min(b, 50) // so that vector kernels serve them
	}
	lit.LogP = []int{50}
	p, err := NewParameters(lit, true)
	check(t, err)
	return newPartyOf(t, p, m, inputs, encrypted)
}

func newPartyOf(t testing.TB, p Parameters, m *packing.Model, inputs int, encrypted bool) party {
	t.Helper()
	client, err := NewClient(p, m.Layout)
	check(t, err)
	keys, err := client.Keys(encrypted)
	check(t, err)
	encryptor := client.encryptor
	if !encrypted {
		encryptor = nil
	}
	model, _, err := buildModel(p, m, encryptor)
	check(t, err)
	input, err := client.Encrypt(networktest.Samples(rand.New(rand.NewPCG(3, 3)), 1, inputs))
	check(t, err)
	return party{p, m.Layout, encrypted, client, [3]io.WriterTo{keys, model, input}}
}

// server serves the party, and has its input.
func (y party) server(t testing.TB, threads int) (*Server, *Batch) {
	t.Helper()
	server, err := NewServer(y.params, y.layout, y.objects[0].(*Keys), y.objects[1].(*Model), threads)
	check(t, err)
	return server, y.objects[2].(*Batch)
}

// serve reads what a stranger sent and evaluates it. A panic becomes errPanic.
func (y *party) serve(files [3][]byte, threads int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	keys, err := NewKeys(y.params, y.layout, y.encrypted)
	if err != nil {
		return err
	}
	model, err := NewModel(y.params, y.layout)
	if err != nil {
		return err
	}
	input, err := NewInput(y.params, y.layout)
	if err != nil {
		return err
	}
	for i, to := range []io.ReaderFrom{keys, model, input} {
		if _, err := to.ReadFrom(bytes.NewReader(files[i])); err != nil {
			return err
		}
	}
	server, err := NewServer(y.params, y.layout, keys, model, threads)
	if err != nil {
		return err
	}
	out, _, err := server.Evaluate(input)
	if err != nil {
		return err
	}
	_, err = y.client.Decrypt(out, 1)
	return err
}

var errPanic = errors.New("panic")

// damage changes a file: flipped bits, mostly near its beginning where structure is, numbers that are extreme, bytes that go missing
// or come twice.
func damage(rng *rand.Rand, file []byte) []byte {
	file = bytes.Clone(file)
	somewhere := func(n int) int {
		if rng.IntN(2) == 0 {
			return rng.IntN(min(n, 256))
		}
		return rng.IntN(n)
	}
	switch rng.IntN(6) {
	case 0:
		return file[:somewhere(len(file))]
	case 1:
		at := somewhere(len(file))
		return append(file[:at:at], file[min(at+1+rng.IntN(16), len(file)):]...)
	case 2:
		at := somewhere(len(file))
		return append(append(file[:at:at], file[max(0, at-1-rng.IntN(16)):at]...), file[at:]...)
	case 3:
		v := []uint64{0, 1, math.MaxInt32, math.MaxUint32, 1 << 40, math.MaxInt64, math.MaxUint64, math.Float64bits(math.NaN()), math.Float64bits(math.Inf(-1)), math.Float64bits(1e300)}[rng.IntN(10)]
		at := somewhere(len(file))
		for i := at; i < min(at+8, len(file)); i++ {
			file[i] = byte(v >> (8 * (i - at)))
		}
	case 4:
		for range 1 + rng.IntN(4) { // whether something follows: what is not 0 is 1
			file[somewhere(len(file))] ^= 1
		}
	default:
		file[somewhere(len(file))] ^= 1 << rng.IntN(8)
	}
	return file
}

// forge writes a model of the right form that no packing makes: rows lose their tiles or bias, or get others, and integer weights and
// biases are anything.
func forge(t *testing.T, rng *rand.Rand, y *party) []byte {
	t.Helper()
	m := *y.objects[1].(*Model)
	m.layers = slices.Clone(m.layers)
	for i := range m.layers {
		ly, want := &m.layers[i], &m.layout.Layers[i]
		ly.groups, ly.bias, ly.scalars = slices.Clone(ly.groups), slices.Clone(ly.bias), slices.Clone(ly.scalars)
		for r := range ly.groups {
			if rng.IntN(2) == 0 {
				kept, density := make([]bool, want.Terms()), rng.Float64()
				for k := range kept {
					kept[k] = rng.Float64() < density*float64(rng.IntN(2))
				}
				ly.groups[r] = newTiles(m.params, want, r, kept, m.Encrypted)
			}
			if rng.IntN(20) == 0 {
				ly.bias[rng.IntN(len(ly.bias))] = nil
			}
		}
		for o := range ly.scalars {
			if row := (scalarRow{biases: slices.Repeat([]float64{1}, want.Positions())}); rng.IntN(2) == 0 {
				for range rng.IntN(want.Terms() + 1) {
					row.Index = append(row.Index, int32(rng.IntN(want.Terms())))
					row.Weights = append(row.Weights, rng.Uint32()&kernels.MaxWeight)
				}
				row.Negative = rng.IntN(len(row.Index) + 1)
				if rng.IntN(20) == 0 {
					row.biases[rng.IntN(len(row.biases))] = []float64{math.NaN(), math.Inf(1), -math.MaxFloat64}[rng.IntN(3)]
				}
				ly.scalars[o] = row
			}
		}
	}
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	check(t, err)
	return b.Bytes()
}

// paddedNetwork has a pooling before anything else, a convolution some of whose positions read little but padding, another that pools,
// and a dense layer.
func paddedNetwork() network.Geometry {
	in := network.Axis{H: 4, W: 6, Channels: 2}
	first := network.Window{In: in, Kernel: network.Square(2), Stride: network.Size{H: 2, W: 1}}
	g := network.Geometry{{
		Window: network.Window{In: first.Out(2), Kernel: network.Square(3), Stride: network.Square(1), Padding: network.Square(2)}, Out: 3, Pool: &first,
	}}
	second := network.Window{In: g.Axis(1), Kernel: network.Square(2), Stride: network.Square(2)}
	g = append(g, network.Stage{
		Window: network.Window{In: second.Out(3), Kernel: network.Size{H: 1, W: 2}, Stride: network.Square(1), Padding: network.Size{W: 1}}, Out: 4, Pool: &second,
	})
	return append(g, network.Stage{Window: network.Whole(g.Axis(2)), Out: 3})
}

// Whatever a server is sent, it ends with an output or an error, never in a crash.
func TestHostileFilesAreErrors(t *testing.T) {
	const rounds = 25
	f := networktest.Folded(rand.New(rand.NewPCG(5, 5)), []int{9, 12, 7, 5}, 0.6, 1)
	tiles, err := packing.TilesOf(packing.Shape{In: 4, Out: 4, Batch: 16}).Pack(f, nil)
	check(t, err)
	image, err := packing.OneImageIn(256, false).Pack(f, nil)
	check(t, err)
	coded, err := packing.OneImageIn(256, true).Pack(f, nil)
	check(t, err)
	scalar, err := packing.ScalarIn(256).Pack(f, nil)
	check(t, err)
	conv, inputs := networktest.Random(rand.New(rand.NewPCG(5, 6)), paddedNetwork(), 0.6, 1), paddedNetwork().Axis(0).Size()
	convTiles, err := packing.TilesOf(packing.Shape{In: 2, Out: 4, Batch: 32}).Pack(conv, nil)
	check(t, err)
	convScalar, err := packing.ScalarIn(256).Pack(conv, nil)
	check(t, err)
	for _, c := range []struct {
		name      string
		model     *packing.Model
		inputs    int
		encrypted bool
	}{
		{"tiles, encrypted", tiles, 9, true}, {"tiles, plain", tiles, 9, false}, {"one image, encrypted", coded, 9, true},
		{"one image, plain", image, 9, false}, {"scalar", scalar, 9, false},
		{"convolution in tiles, encrypted", convTiles, inputs, true}, {"convolution in tiles, plain", convTiles, inputs, false},
		{"convolution in scalars", convScalar, inputs, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			y := newParty(t, c.model, c.inputs, c.encrypted)
			var good [3][]byte
			for i, o := range y.objects {
				var b bytes.Buffer
				_, err := o.WriteTo(&b)
				check(t, err)
				good[i] = b.Bytes()
			}
			check(t, y.serve(good, 2))
			for round := range rounds {
				rng := rand.New(rand.NewPCG(6, uint64(round)))
				files := good
				which := rng.IntN(len(files))
				files[which] = damage(rng, files[which])
				if err := y.serve(files, 1+rng.IntN(3)); errors.Is(err, errPanic) {
					t.Errorf("round %d, file %d damaged: %v", round, which, err)
				}
				files = good
				files[1] = forge(t, rng, &y)
				if err := y.serve(files, 1+rng.IntN(3)); errors.Is(err, errPanic) {
					t.Errorf("round %d, model forged: %v", round, err)
				}
			}
		})
	}
}
