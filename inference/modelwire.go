package inference

import (
	"io"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

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

// WriteTo writes which tiles are kept and which rows have a bias, each followed by its coefficients, row by row.
// Tiles stay in Montgomery form.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, m.params, kindModel)
	if m.Encrypted {
		out.number(1)
	} else {
		out.number(0)
	}
	for _, ly := range m.layers {
		for _, row := range ly.scalars {
			out.scalarRow(row)
		}
		for r := range ly.bias {
			out.optional(ly.bias[r])
			if ly.diagonals != nil {
				for _, d := range ly.diagonals[r] {
					out.optionalExtended(d)
				}
				continue
			}
			for _, tile := range ly.tiles[r] {
				out.optional(tile)
			}
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

func (w *writer) optionalExtended(d ringqp.Poly) {
	if d.Q.Coeffs == nil {
		w.bytes([]byte{0})
		return
	}
	w.bytes([]byte{1})
	w.poly(d.Q)
	w.poly(d.P)
}

func (w *writer) scalarRow(row scalarRow) {
	w.number(uint64(len(row.inputs)))
	for i, in := range row.inputs {
		w.number(uint64(in))
		w.number(uint64(row.weights[i]))
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
	if m.layout.Kind == packing.Scalar {
		var ly modelLayer
		for range want.Out {
			ly.scalars = append(ly.scalars, in.scalarRow(want.In))
		}
		return ly
	}
	ly := newModelLayer(want, degree == 1)
	for r := range want.Rows {
		ly.bias[r] = in.optional(degree, want.SumLevel(), sc.sum)
		for t := range want.Terms() {
			if ly.diagonals != nil {
				ly.diagonals[r][t] = in.optionalExtended(want.Level)
				continue
			}
			if ly.tiles[r][t] = in.optional(degree, want.Level, sc.weight); ly.tiles[r][t] != nil {
				ly.tiles[r][t].IsMontgomery = true
			}
		}
	}
	return ly
}

// there reads whether something follows.
func (r *reader) there() bool {
	var b [1]byte
	r.bytes(b[:])
	return r.err == nil && b[0] != 0
}

func (r *reader) optional(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	if !r.there() {
		return nil
	}
	return r.element(degree, level, scale)
}

func (r *reader) optionalExtended(level int) ringqp.Poly {
	if !r.there() {
		return ringqp.Poly{}
	}
	p := r.params.RingQP().AtLevel(level, r.params.MaxLevelP()).NewPoly()
	r.poly(p.Q, r.params.Q())
	r.poly(p.P, r.params.P())
	return p
}

func (r *reader) scalarRow(inputs int) scalarRow {
	n := r.number("number of weights", uint64(inputs))
	var row scalarRow
	for range n {
		if r.err != nil {
			break
		}
		row.inputs = append(row.inputs, int32(r.number("input", uint64(inputs-1))))
		row.weights = append(row.weights, int64(r.number("weight", ^uint64(0))))
	}
	row.setBiasBits(r.number("bias", ^uint64(0)))
	return row
}
