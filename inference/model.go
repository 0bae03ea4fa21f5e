package inference

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

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
	tiles [][]*rlwe.Ciphertext
	bias  []*rlwe.Ciphertext
}

// ModelTimes is how long it took to make a model, in seconds of wall time. Encrypt is 0 for plain
// weights.
type ModelTimes struct{ Encode, Encrypt float64 }

// EncodeModel prepares a model with plain weights: it needs no key.
func EncodeModel(p Parameters, m *packing.Model) (*Model, ModelTimes, error) {
	return buildModel(p, m, nil)
}

// buildModel encodes each kept tile at the level and with the scale of its layer and encrypts it if an
// encryptor is given. Rows are built in parallel on all processors.
func buildModel(p Parameters, m *packing.Model, encryptor *rlwe.Encryptor) (*Model, ModelTimes, error) {
	if err := p.fits(m.Layout); err != nil {
		return nil, ModelTimes{}, err
	}
	model := &Model{Encrypted: encryptor != nil, params: p, layout: m.Layout, layers: make([]modelLayer, len(m.Layers))}
	scales := p.scales(m.Layout)
	encoder := hefloat.NewEncoder(p.Parameters)
	var encode, encrypt atomic.Int64
	start := time.Now()
	for i := range m.Layers {
		ly := &m.Layers[i]
		model.layers[i] = modelLayer{tiles: make([][]*rlwe.Ciphertext, ly.Rows), bias: make([]*rlwe.Ciphertext, ly.Rows)}
		err := parallel(0, ly.Rows, func() func(int) error {
			b := builder{params: p, encoder: encoder.ShallowCopy(), encode: &encode, encrypt: &encrypt}
			if encryptor != nil {
				b.encryptor = encryptor.ShallowCopy()
			}
			return func(r int) error { return b.row(&model.layers[i], m, i, r, scales[i].input) }
		})
		if err != nil {
			return nil, ModelTimes{}, fmt.Errorf("inference: layer %s: %w", ly.Name, err)
		}
	}
	wall := time.Since(start).Seconds()
	share := float64(encode.Load()) / float64(max(encode.Load()+encrypt.Load(), 1))
	return model, ModelTimes{Encode: wall * share, Encrypt: wall * (1 - share)}, nil
}

type builder struct {
	params          Parameters
	encoder         *hefloat.Encoder
	encryptor       *rlwe.Encryptor // nil for plain weights
	encode, encrypt *atomic.Int64   // nanoseconds, over all builders
}

func (b *builder) row(out *modelLayer, m *packing.Model, i, r int, scale rlwe.Scale) (err error) {
	ly := &m.Layers[i]
	last := i == len(m.Layers)-1
	if m.HasRow(i, r) || last {
		if out.bias[r], err = b.element(m.BiasRow(i, r), ly.Level-1, scale); err != nil {
			return err
		}
	}
	out.tiles[r] = make([]*rlwe.Ciphertext, ly.Cols)
	for c, kept := range m.Kept[i][r] {
		if !kept {
			continue
		}
		tile, err := b.element(m.Tile(i, r, c), ly.Level, b.params.tileScale(ly.Level))
		if err != nil {
			return err
		}
		toMontgomery(b.params, tile)
		out.tiles[r][c] = tile
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
		for r, row := range ly.tiles {
			for _, e := range append([]*rlwe.Ciphertext{ly.bias[r]}, row...) {
				if e != nil {
					n += elementBytes(e)
				}
			}
		}
	}
	return n
}

// check returns an error unless the model is for these parameters and a layout of the same tiles, and every row
// that is read has its bias.
func (m *Model) check(p Parameters, layout *packing.Layout) error {
	if m.params.fingerprint() != p.fingerprint() {
		return errors.New("inference: model of other parameters")
	}
	if !slices.Equal(m.layout.Layers, layout.Layers) || m.layout.Shape != layout.Shape || len(m.layers) != len(layout.Layers) {
		return errors.New("inference: model of another layout")
	}
	for i, ly := range m.layers {
		last := i == len(m.layers)-1
		for r, row := range ly.tiles {
			read := last || slices.ContainsFunc(row, func(t *rlwe.Ciphertext) bool { return t != nil })
			if read && ly.bias[r] == nil {
				return fmt.Errorf("inference: layer %s row %d: the bias is missing", layout.Layers[i].Name, r)
			}
		}
	}
	return nil
}

func elementBytes(e *rlwe.Ciphertext) int64 {
	var n int64
	for _, v := range e.Value {
		n += int64(8 * v.N() * (v.Level() + 1))
	}
	return n
}
