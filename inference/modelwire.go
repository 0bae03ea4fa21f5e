package inference

import (
	"io"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

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
		for r, row := range ly.tiles {
			out.optional(ly.bias[r])
			for _, tile := range row {
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

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (m *Model) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, m.params, kindModel)
	degree := int(in.number("kind of weights", 1))
	read := Model{params: m.params, layout: m.layout, Encrypted: degree == 1}
	scales := m.params.scales(m.layout)
	for i, want := range m.layout.Layers {
		var ly modelLayer
		for range want.Rows {
			ly.bias = append(ly.bias, in.optional(degree, want.Level-1, scales[i].input))
			row := make([]*rlwe.Ciphertext, want.Cols)
			for c := range row {
				if row[c] = in.optional(degree, want.Level, m.params.tileScale(want.Level)); row[c] != nil {
					row[c].IsMontgomery = true
				}
			}
			ly.tiles = append(ly.tiles, row)
		}
		read.layers = append(read.layers, ly)
	}
	n, err := in.close("model")
	if err == nil {
		*m = read
	}
	return n, err
}

func (r *reader) optional(degree, level int, scale rlwe.Scale) *rlwe.Ciphertext {
	var there [1]byte
	r.bytes(there[:])
	if r.err != nil || there[0] == 0 {
		return nil
	}
	return r.element(degree, level, scale)
}
