package inference

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

const kindModel = "hepex model\n"

// What follows the mark of a model.
const (
	plainWeights    = iota
	unseededWeights // are no longer written
	encryptedWeights
)

// NewModel is an empty model for a layout, to read into.
func NewModel(p Parameters, layout *packing.Layout) (*Model, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	return &Model{params: p, layout: layout}, nil
}

// WriteTo writes for each row of tiles its biases, if it has any, which terms are kept, and their coefficients limb by limb, with the seeds of
// what is encrypted. Before the
// biases of several output positions, it says which of them each position has.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, m.params, kindModel)
	if m.Encrypted {
		out.number(encryptedWeights)
	} else {
		out.number(plainWeights)
	}
	for i, ly := range m.layers {
		for _, row := range ly.scalars {
			out.scalarRow(row)
		}
		for g := range ly.groups {
			out.biases(&m.layout.Layers[i], ly, g)
			out.tiles(&m.layout.Layers[i], ly.groups[g], m.Encrypted)
		}
	}
	return out.close()
}

// optional writes an encoded plaintext, or a fresh ciphertext with its seed, if there is one.
func (w *writer) optional(ct *rlwe.Ciphertext, seed kernels.Seed) {
	switch {
	case ct == nil:
		w.bytes([]byte{0})
	case ct.Degree() == 0:
		w.bytes([]byte{1})
		w.poly(ct.Value[0])
	default:
		w.bytes([]byte{1})
		w.fresh(ct, seed)
	}
}

// biases writes those of a row of tiles, each once.
func (w *writer) biases(ly *packing.Layer, of modelLayer, group int) {
	var distinct []*rlwe.Ciphertext
	var seeds []kernels.Seed
	for r := group; r < ly.Rows; r += ly.Groups() {
		n := slices.Index(distinct, of.bias[r])
		if n < 0 {
			n, distinct, seeds = len(distinct), append(distinct, of.bias[r]), append(seeds, of.seeds[r])
		}
		if ly.Positions() > 1 {
			w.number(uint64(n))
		}
	}
	for n, b := range distinct {
		w.optional(b, seeds[n])
	}
}

func (w *writer) tiles(ly *packing.Layer, row []tiles, encrypted bool) {
	kept := make([]byte, ly.Terms())
	for _, t := range row {
		for _, term := range t.terms {
			kept[term] = 1
		}
	}
	w.bytes(kept)
	for _, t := range row {
		if encrypted {
			w.bytes(t.seed[:])
		}
		for i, s := range t.limbs {
			w.stream(s, ly.Level, i)
		}
	}
}

func (w *writer) scalarRow(row scalarRow) {
	w.number(uint64(len(row.Index)))
	w.number(uint64(row.Negative))
	for i, in := range row.Index {
		w.number(uint64(in)<<32 | uint64(row.Weights[i]))
	}
	for _, b := range row.biases {
		w.number(math.Float64bits(b))
	}
}

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (m *Model) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, m.params, kindModel)
	kind := in.number("kind of weights", encryptedWeights)
	if kind == unseededWeights {
		in.fail(errors.New("encrypted by another version of hepex"))
	}
	read := Model{params: m.params, layout: m.layout, Encrypted: kind == encryptedWeights}
	scales := m.params.scales(m.layout)
	for i := range m.layout.Layers {
		if in.err != nil {
			break
		}
		read.layers = append(read.layers, m.readLayer(in, i, read.Encrypted, scales[i]))
	}
	n, err := in.close("model")
	if err == nil {
		*m = read
	}
	return n, err
}

func (m *Model) readLayer(in *reader, i int, encrypted bool, sc scales) modelLayer {
	want := &m.layout.Layers[i]
	if want.Integer {
		var ly modelLayer
		for range want.Out {
			ly.scalars = append(ly.scalars, in.scalarRow(want.Terms(), want.Positions()))
		}
		return ly
	}
	ly := newModelLayer(want)
	for g := range want.Groups() {
		if in.err != nil {
			break
		}
		in.biases(want, ly, g, func() (*rlwe.Ciphertext, kernels.Seed) { return in.optional(encrypted, want.SumLevel(), sc.sum) })
		ly.groups[g] = in.tiles(want, g, encrypted)
	}
	return ly
}

// biases reads those of a row of tiles.
func (r *reader) biases(ly *packing.Layer, into modelLayer, group int, read func() (*rlwe.Ciphertext, kernels.Seed)) {
	of, most := make([]int, ly.Positions()), 0 // numbered as they come
	if len(of) > 1 {
		for position := range of {
			of[position] = int(r.number("number of a bias", uint64(most)))
			most = max(most, of[position]+1)
		}
	}
	var distinct []*rlwe.Ciphertext
	var seeds []kernels.Seed
	for range max(1, most) {
		if r.err != nil {
			return
		}
		bias, seed := read()
		distinct, seeds = append(distinct, bias), append(seeds, seed)
	}
	for position, n := range of {
		row := position*ly.Groups() + group
		into.bias[row], into.seeds[row] = distinct[n], seeds[n]
	}
}

// there reads whether something follows.
func (r *reader) there() bool {
	var b [1]byte
	if r.bytes(b[:]); b[0] > 1 {
		r.fail(fmt.Errorf("mark of what follows is %d: want 0 or 1", b[0]))
	}
	return r.err == nil && b[0] == 1
}

func (r *reader) optional(encrypted bool, level int, scale rlwe.Scale) (*rlwe.Ciphertext, kernels.Seed) {
	switch {
	case !r.there():
		return nil, kernels.Seed{}
	case encrypted:
		return r.fresh(level, scale)
	}
	return r.element(0, level, scale), kernels.Seed{}
}

func (r *reader) tiles(ly *packing.Layer, group int, encrypted bool) []tiles {
	kept := make([]bool, ly.Terms())
	for t := range kept {
		kept[t] = r.there()
	}
	if r.err != nil {
		return nil
	}
	row := newTiles(r.params, ly, group, kept, encrypted)
	for c := range row {
		t := &row[c]
		if encrypted {
			t.seed = r.seed()
		}
		for i, s := range t.limbs {
			r.stream(s, ly.Level, i, t.seed)
		}
	}
	return row
}

func (r *reader) scalarRow(inputs, positions int) scalarRow {
	n := r.number("number of weights", uint64(inputs))
	row := scalarRow{Row: kernels.Row{Negative: int(r.number("number of negative weights", n))}}
	for range n {
		if r.err != nil {
			break
		}
		v := r.number("input and weight", uint64(inputs-1)<<32|(1<<32-1))
		if uint32(v) > kernels.MaxWeight {
			r.fail(fmt.Errorf("weight is %d: want at most %d", uint32(v), kernels.MaxWeight))
		}
		row.Index, row.Weights = append(row.Index, int32(v>>32)), append(row.Weights, uint32(v))
	}
	for range positions {
		b := math.Float64frombits(r.number("bias", ^uint64(0)))
		if math.IsNaN(b) || math.IsInf(b, 0) {
			r.fail(fmt.Errorf("bias is %g", b))
		}
		row.biases = append(row.biases, b)
	}
	return row
}
