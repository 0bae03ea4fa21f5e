package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/network"
	"hepex/packing"
)

// trained is a network with some samples, and its plain quality: accuracy, or mean squared error.
type trained struct {
	name       string
	net        *network.Network
	folded     *network.Folded
	samples    [][]float64 // of the test set
	validation float64
	quantised  float64 // on the validation split, with integer weights
	test       float64
}

// sampleCount is how many samples are kept: the training data are gone when memory is measured.
const sampleCount = 1024

// data reads a set and splits validation samples off.
type data struct{ train, validation, test network.Data }

func readData(name string, dirs []string) (*data, error) {
	source, err := datasets.Open(name, dirs)
	if err != nil {
		return nil, err
	}
	n := source.Size(datasets.Train)
	part := func(split datasets.Split, from, to int) (network.Data, error) {
		set, err := source.Read(split, from, to)
		return network.Data{X: set.X, Dim: set.Dim, Labels: set.Labels}, err
	}
	var d data
	if d.train, err = part(datasets.Train, 0, n*9/10); err != nil {
		return nil, err
	}
	if d.validation, err = part(datasets.Train, n*9/10, n); err != nil {
		return nil, err
	}
	d.test, err = part(datasets.Test, 0, source.Size(datasets.Test))
	return &d, err
}

func (d *data) unlabelled() *data {
	c := *d
	c.train.Labels, c.validation.Labels, c.test.Labels = nil, nil, nil
	return &c
}

// recipe trains all networks of the benchmark: what matters is that weights are like those of real networks.
func recipe(epochs int) network.Options {
	return network.Options{Epochs: epochs, Batch: 128, LR: 2e-3, WeightDecay: 0.1, Clip: 1, Warmup: 100, Seed: 1}
}

// trainNetwork trains a multilayer perceptron or, where the axes start and end alike, an autoencoder.
func trainNetwork(d *data, dims []int, epochs int) (*trained, error) {
	a := network.Architecture{Inputs: dims[0], Hidden: dims[1 : len(dims)-1], Outputs: dims[len(dims)-1], Activation: "square"}
	if dims[0] == a.Outputs {
		d = d.unlabelled()
		a.Autoencoder, a.Activation = true, "quadratic"
	}
	net, err := network.New(a, 1)
	if err != nil {
		return nil, err
	}
	return fit(d, net, dims, epochs)
}

func fit(d *data, net *network.Network, dims []int, epochs int) (*trained, error) {
	if err := network.Train(net, d.train, recipe(epochs)); err != nil {
		return nil, err
	}
	net.Straighten()
	folded, err := net.Fold()
	if err != nil {
		return nil, err
	}
	t := &trained{name: title(dims), net: net, folded: folded, samples: rows(d.test, sampleCount)}
	for _, m := range []struct {
		data  network.Data
		value *float64
	}{{d.validation, &t.validation}, {d.test, &t.test}} {
		q, err := network.Evaluate(net, m.data)
		if err != nil {
			return nil, err
		}
		*m.value = q.Value
	}
	if d.validation.Labels != nil {
		t.quantised = accuracy(folded.Quantise(packing.WeightBits), d.validation)
	}
	return t, nil
}

// rows gives the first samples as slices of float64.
func rows(d network.Data, n int) [][]float64 {
	x := make([][]float64, min(d.Len(), n))
	for b := range x {
		x[b] = make([]float64, d.Dim)
		for i := range x[b] {
			x[b][i] = float64(d.X[b*d.Dim+i])
		}
	}
	return x
}

// accuracy of a folded network.
func accuracy(f *network.Folded, d network.Data) float64 {
	right := 0
	for b, y := range forward(f, rows(d, d.Len())) {
		if floats.MaxIdx(y) == int(d.Labels[b]) {
			right++
		}
	}
	return float64(right) / float64(d.Len())
}

func title(dims []int) string {
	s := fmt.Sprint(dims[0])
	for _, d := range dims[1:] {
		s += fmt.Sprintf("-%d", d)
	}
	return s
}

// calibration samples, which also are the batch of small batches.
func (t *trained) some(n int) [][]float64 { return t.samples[:min(n, len(t.samples))] }

// layer is one layer as a network, with the values that reach it as its samples.
func (t *trained) layer(l int) *trained {
	x := t.some(calibration)
	for _, before := range t.folded.Layers[:l] {
		x = forward(&network.Folded{Layers: []network.Affine{before}}, x)
		if before.Linear {
			continue
		}
		for _, row := range x {
			for i, v := range row {
				row[i] = v * v
			}
		}
	}
	rows, cols := t.folded.Layers[l].W.Dims()
	return &trained{
		name: fmt.Sprintf("layer %d of %s: %d-%d", l+1, t.name, cols, rows), samples: x,
		folded: &network.Folded{Layers: t.folded.Layers[l : l+1]},
	}
}

// narrow keeps the hidden neurons of largest weights, so many per layer, and trains the smaller network on.
func (t *trained) narrow(d *data, hidden []int, epochs int) (*trained, error) {
	dense := t.net.Dense()
	dims := []int{dense[0].In}
	keep := [][]int{all(dense[0].In)}
	for l := range hidden {
		keep = append(keep, strongest(dense[l], dense[l+1], hidden[l]))
		dims = append(dims, hidden[l])
	}
	out := dense[len(dense)-1].Out
	keep, dims = append(keep, all(out)), append(dims, out)
	net, err := network.New(network.Architecture{Inputs: dims[0], Hidden: hidden, Outputs: out, Activation: "square"}, 1)
	if err != nil {
		return nil, err
	}
	for l, small := range net.Dense() {
		for r, o := range keep[l+1] {
			small.B[r] = dense[l].B[o]
			for c, i := range keep[l] {
				small.W[r*small.In+c] = dense[l].W[o*dense[l].In+i]
			}
		}
	}
	return fit(d, net, dims, epochs)
}

func all(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

// strongest ranks neurons by the product of the norms of their incoming and outgoing weights.
func strongest(in, out *network.Dense, n int) []int {
	score := make([]float64, in.Out)
	for o := range score {
		var a, b float64
		for i := range in.In {
			a += math.Abs(float64(in.W[o*in.In+i]))
		}
		for k := range out.Out {
			b += math.Abs(float64(out.W[k*out.In+o]))
		}
		score[o] = a * b
	}
	order := all(in.Out)
	slices.SortStableFunc(order, func(a, b int) int {
		if score[a] > score[b] {
			return -1
		}
		if score[a] < score[b] {
			return 1
		}
		return 0
	})
	return slices.Sorted(slices.Values(order[:n]))
}

// sparse zeroes the smallest weights of each layer and trains the rest on.
func (t *trained) sparse(d *data, density float64, epochs int) (*trained, error) {
	net := t.net.Clone()
	for _, l := range net.Dense() {
		size := make([]float64, len(l.W))
		for i, w := range l.W {
			size[i] = math.Abs(float64(w))
		}
		cut := slices.Sorted(slices.Values(size))[int(float64(len(size))*(1-density))]
		l.Mask = make([]bool, len(l.W))
		for i := range l.W {
			if l.Mask[i] = size[i] >= cut; !l.Mask[i] {
				l.W[i] = 0
			}
		}
	}
	dims := []int{net.Inputs}
	for _, l := range net.Dense() {
		dims = append(dims, l.Out)
	}
	return fit(d, net, dims, epochs)
}

// dropTiles zeroes tiles at random, so many that a share of them stays in every layer but the last: without most of its few
// tiles, most hidden neurons would be unread, and whole rows of tiles go that are not what a tile costs.
func dropTiles(f *network.Folded, shape packing.Shape, density float64) *network.Folded {
	rng := rand.New(rand.NewPCG(7, 7))
	c := f.Simplify()
	for l, a := range c.Layers[:len(c.Layers)-1] {
		in, out := shape.Group(l), shape.Group(l+1)
		rows, cols := a.W.Dims()
		tilesIn, tilesOut := (cols+in-1)/in, (rows+out-1)/out
		order := rng.Perm(tilesIn * tilesOut)
		for _, t := range order[int(math.Round(float64(len(order))*density)):] {
			clearTile(a.W, t/tilesIn*out, t%tilesIn*in, out, in)
		}
	}
	return c
}

func clearTile(w *mat.Dense, row, col, rows, cols int) {
	r, c := w.Dims()
	for o := row; o < min(row+rows, r); o++ {
		for i := col; i < min(col+cols, c); i++ {
			w.Set(o, i, 0)
		}
	}
}

func forward(f *network.Folded, x [][]float64) [][]float64 {
	in := mat.NewDense(len(x), len(x[0]), nil)
	for b, row := range x {
		in.SetRow(b, row)
	}
	y := f.Forward(in)
	out := make([][]float64, len(x))
	for b := range out {
		out[b] = y.RawRowView(b)
	}
	return out
}
