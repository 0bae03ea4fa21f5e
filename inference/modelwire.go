package inference

import (
	"fmt"
	"io"
	"math"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

const kindModel = "hepex model\n"

// NewModel is an empty model for a layout, to read into.
func NewModel(p Parameters, layout *packing.Layout) (*Model, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	return &Model{params: p, layout: layout}, nil
}

// WriteTo writes for each row its bias, if it has one, which terms are kept, and their coefficients limb by limb.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, m.params, kindModel)
	if m.Encrypted {
		out.number(1)
	} else {
		out.number(0)
	}
	for i, ly := range m.layers {
		for _, row := range ly.scalars {
			out.scalarRow(row)
		}
		for r := range ly.bias {
			out.optional(ly.bias[r])
			out.tiles(&m.layout.Layers[i], ly.rows[r])
		}
	}
	return out.close()
}

func (w *writer) optional(ct *rlwe.Ciphertext) {
	if ct == nil {
		w.bytes([]byte{0})
		return
	}
	w.bytes([]byte{1})
	for _, v := range ct.Value {
		w.poly(v)
	}
}

func (w *writer) tiles(ly *packing.Layer, row []tiles) {
	kept := make([]byte, ly.Terms())
	for _, t := range row {
		for _, term := range t.terms {
			kept[term] = 1
		}
	}
	w.bytes(kept)
	for _, t := range row {
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
	w.number(row.biasBits())
}

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (m *Model) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, m.params, kindModel)
	degree := int(in.number("kind of weights", 1))
	read := Model{params: m.params, layout: m.layout, Encrypted: degree == 1}
	scales := m.params.scales(m.layout)
	for i := range m.layout.Layers {
		if in.err != nil {
			break
		}
		read.layers = append(read.layers, m.readLayer(in, i, degree, scales[i]))
	}
	n, err := in.close("model")
	if err == nil {
		*m = read
	}
	return n, err
}

func (m *Model) readLayer(in *reader, i, degree int, sc scales) modelLayer {
	want := &m.layout.Layers[i]
	if want.Integer {
		var ly modelLayer
		for range want.Out {
			ly.scalars = append(ly.scalars, in.scalarRow(want.In))
		}
		return ly
	}
	ly := modelLayer{rows: make([][]tiles, want.Rows), bias: make([]*rlwe.Ciphertext, want.Rows)}
	for r := range want.Rows {
		if in.err != nil {
			break
		}
		ly.bias[r] = in.optional(degree, want.SumLevel(), sc.sum)
		ly.rows[r] = in.tiles(want, r, degree == 1)
	}
	return ly
}

// there reads whether something follows.
func (r *reader) there() bool {
	var b [1]byte
	if r.bytes(b[:]); b[0] > 1 {
		r.fail(fmt.Errorf("mark of what follows is %d: want 0 or 1", b[0]))
	}
	return r.err == nil && b[0] == 1
}

func (r *reader) optional(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	if !r.there() {
		return nil
	}
	return r.element(degree, level, scale)
}

func (r *reader) tiles(ly *packing.Layer, number int, encrypted bool) []tiles {
	kept := make([]bool, ly.Terms())
	for t := range kept {
		kept[t] = r.there()
	}
	if r.err != nil {
		return nil
	}
	row := newTiles(r.params, ly, number, kept, encrypted)
	for _, t := range row {
		for i, s := range t.limbs {
			r.stream(s, ly.Level, i)
		}
	}
	return row
}

func (r *reader) scalarRow(inputs int) scalarRow {
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
	row.setBiasBits(r.number("bias", ^uint64(0)))
	if math.IsNaN(row.bias) || math.IsInf(row.bias, 0) {
		r.fail(fmt.Errorf("bias is %g", row.bias))
	}
	return row
}
