package inference

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"hepex/packing"
)

// Model is the server's network: its kept tiles and biases, encoded (plain weights) or encrypted.
type Model struct {
	Encrypted bool
	params    Parameters
	layout    *packing.Layout
	layers    []modelLayer
}

// modelLayer holds nil for dropped tiles, and for the bias of rows that nothing reads. Elements of plain
// models have degree 0, those of encrypted ones degree 1. Tiles are in Montgomery form, so that a product
// costs one multiplication.
type modelLayer struct {
	tiles     [][]*rlwe.Ciphertext // by row and term
	diagonals [][]ringqp.Poly      // instead of tiles, where inputs are rotated within a row's products
	bias      []*rlwe.Ciphertext
	scalars   []scalarRow // instead of all, in scalar layouts
}

// ModelTimes is how long it took to make a model, in seconds of wall time. Encrypt is 0 for plain
// weights.
type ModelTimes struct{ Encode, Encrypt float64 }

// EncodeModel prepares a model with plain weights: it needs no key.
func EncodeModel(p Parameters, m *packing.Model) (*Model, ModelTimes, error) {
	return buildModel(p, m, nil)
}

// usesDiagonals tells whether a layer multiplies on the way from a rotation's digits to its end.
func usesDiagonals(ly *packing.Layer, encrypted bool) bool {
	return len(ly.Rotations) > 1 && !ly.Rotates(encrypted)
}

// buildModel encodes each kept tile at the level and with the scale of its layer and encrypts it if an
// encryptor is given. Rows are built in parallel on all processors.
func buildModel(p Parameters, m *packing.Model, encryptor *rlwe.Encryptor) (*Model, ModelTimes, error) {
	if err := p.fits(m.Layout); err != nil {
		return nil, ModelTimes{}, err
	}
	if m.Kind == packing.Scalar && encryptor != nil {
		return nil, ModelTimes{}, errors.New("inference: the scalar layout has plain weights only")
	}
	model := &Model{Encrypted: encryptor != nil, params: p, layout: m.Layout, layers: make([]modelLayer, len(m.Layers))}
	scales := p.scales(m.Layout)
	encoder := hefloat.NewEncoder(p.Parameters)
	var encode, encrypt atomic.Int64
	start := time.Now()
	for i := range m.Layers {
		ly := &m.Layers[i]
		if m.Kind == packing.Scalar {
			rows, err := scalarRows(m, i)
			if err != nil {
				return nil, ModelTimes{}, err
			}
			model.layers[i] = modelLayer{scalars: rows}
			continue
		}
		model.layers[i] = newModelLayer(ly, encryptor != nil)
		err := parallel(0, ly.Rows, func() func(int) error {
			b := builder{params: p, encoder: encoder.ShallowCopy(), encode: &encode, encrypt: &encrypt}
			if encryptor != nil {
				b.encryptor = encryptor.ShallowCopy()
			}
			return func(r int) error { return b.row(&model.layers[i], m, i, r, scales[i]) }
		})
		if err != nil {
			return nil, ModelTimes{}, fmt.Errorf("inference: layer %s: %w", ly.Name, err)
		}
	}
	wall := time.Since(start).Seconds()
	share := float64(encode.Load()) / float64(max(encode.Load()+encrypt.Load(), 1))
	return model, ModelTimes{Encode: wall * share, Encrypt: wall * (1 - share)}, nil
}

func newModelLayer(ly *packing.Layer, encrypted bool) modelLayer {
	l := modelLayer{bias: make([]*rlwe.Ciphertext, ly.Rows)}
	if usesDiagonals(ly, encrypted) {
		l.diagonals = make([][]ringqp.Poly, ly.Rows)
		for r := range l.diagonals {
			l.diagonals[r] = make([]ringqp.Poly, ly.Terms())
		}
		return l
	}
	l.tiles = make([][]*rlwe.Ciphertext, ly.Rows)
	for r := range l.tiles {
		l.tiles[r] = make([]*rlwe.Ciphertext, ly.Terms())
	}
	return l
}

type builder struct {
	params          Parameters
	encoder         *hefloat.Encoder
	encryptor       *rlwe.Encryptor // nil for plain weights
	encode, encrypt *atomic.Int64   // nanoseconds, over all builders
}

func (b *builder) row(out *modelLayer, m *packing.Model, i, r int, sc scales) (err error) {
	ly := &m.Layers[i]
	last := i == len(m.Layers)-1
	if m.HasRow(i, r) || last {
		if out.bias[r], err = b.element(m.BiasRow(i, r), ly.SumLevel(), sc.sum); err != nil {
			return err
		}
	}
	for t, kept := range m.Kept[i][r] {
		if !kept {
			continue
		}
		if out.diagonals != nil {
			if out.diagonals[r][t], err = b.extended(m.Tile(i, r, t), ly.Level, sc.weight); err != nil {
				return err
			}
			continue
		}
		tile, err := b.element(m.Tile(i, r, t), ly.Level, sc.weight)
		if err != nil {
			return err
		}
		toMontgomery(b.params, tile)
		out.tiles[r][t] = tile
	}
	return nil
}

// element encodes slots and encrypts the result if weights are encrypted.
func (b *builder) element(slots []float64, level int, scale rlwe.Scale) (*rlwe.Ciphertext, error) {
	start := time.Now()
	pt := hefloat.NewPlaintext(b.params.Parameters, level)
	pt.Scale = scale
	if err := b.encoder.Encode(slots, pt); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	encoded := time.Now()
	b.encode.Add(int64(encoded.Sub(start)))
	if b.encryptor == nil {
		return &rlwe.Ciphertext{Element: pt.Element}, nil
	}
	ct := hefloat.NewCiphertext(b.params.Parameters, 1, level)
	if err := b.encryptor.Encrypt(pt, ct); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	b.encrypt.Add(int64(time.Since(encoded)))
	return ct, nil
}

// extended encodes slots modulo Q·P, in Montgomery form.
func (b *builder) extended(slots []float64, level int, scale rlwe.Scale) (ringqp.Poly, error) {
	start := time.Now()
	poly := b.params.RingQP().AtLevel(level, b.params.MaxLevelP()).NewPoly()
	md := hefloat.NewPlaintext(b.params.Parameters, level).MetaData
	md.Scale, md.IsMontgomery = scale, true
	if err := b.encoder.Embed(slots, md, poly); err != nil {
		return ringqp.Poly{}, fmt.Errorf("encode: %w", err)
	}
	b.encode.Add(int64(time.Since(start)))
	return poly, nil
}

func toMontgomery(p Parameters, ct *rlwe.Ciphertext) {
	ring := p.RingQ().AtLevel(ct.Level())
	for _, v := range ct.Value {
		ring.MForm(v, v)
	}
	ct.IsMontgomery = true
}

// Bytes is the memory that tiles and biases take.
func (m *Model) Bytes() int64 {
	var n int64
	for _, ly := range m.layers {
		for r, bias := range ly.bias {
			n += elementBytes(bias)
			if ly.diagonals != nil {
				for _, d := range ly.diagonals[r] {
					n += polyBytes(d.Q) + polyBytes(d.P)
				}
				continue
			}
			for _, tile := range ly.tiles[r] {
				n += elementBytes(tile)
			}
		}
		for _, row := range ly.scalars {
			n += row.bytes()
		}
	}
	return n
}

// check returns an error unless the model is for these parameters and the same program, and every row
// that is read has its bias.
func (m *Model) check(p Parameters, layout *packing.Layout) error {
	if m.params.fingerprint() != p.fingerprint() {
		return errors.New("inference: model of other parameters")
	}
	if !m.layout.Equal(layout) || len(m.layers) != len(layout.Layers) {
		return errors.New("inference: model of another layout")
	}
	for i, ly := range m.layers {
		last := i == len(m.layers)-1
		for r := range ly.bias {
			if (last || ly.hasRow(r)) && ly.bias[r] == nil {
				return fmt.Errorf("inference: layer %s row %d: the bias is missing", layout.Layers[i].Name, r)
			}
		}
	}
	return nil
}

// hasRow tells whether a row has a tile.
func (l *modelLayer) hasRow(r int) bool {
	if l.diagonals != nil {
		return slices.ContainsFunc(l.diagonals[r], func(d ringqp.Poly) bool { return d.Q.Coeffs != nil })
	}
	return slices.ContainsFunc(l.tiles[r], func(t *rlwe.Ciphertext) bool { return t != nil })
}

func elementBytes(e *rlwe.Ciphertext) int64 {
	if e == nil {
		return 0
	}
	var n int64
	for _, v := range e.Value {
		n += polyBytes(v)
	}
	return n
}

func polyBytes(p ring.Poly) int64 {
	if p.Coeffs == nil {
		return 0
	}
	return int64(8 * p.N() * (p.Level() + 1))
}
