package inference

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Model is the server's network: its kept tiles and biases, encoded (plain weights) or encrypted.
type Model struct {
	Encrypted bool
	params    Parameters
	layout    *packing.Layout
	layers    []modelLayer
}

// modelLayer holds what a layer's rows are made of. Elements of plain models have degree 0, those of encrypted ones degree 1.
type modelLayer struct {
	groups  [][]tiles          // of each row of tiles the kept ones; of each of its columns, where inputs are rotated within a row's products
	bias    []*rlwe.Ciphertext // of each row, shared where it is the same; nil for rows that nothing reads
	seeds   []kernels.Seed     // of these, if they are encrypted
	scalars []scalarRow        // of each row of tiles, instead of both, in scalar layouts
}

// tiles are kept tiles as products read them: a stream for each limb of Q, and of P where inputs are rotated on the way.
type tiles struct {
	column int     // of rotated inputs
	giant  int     // number of the giant that rotates their sum
	terms  []int32 // of the row of tiles, in order
	inputs []int32 // that they read at the first position: of the layer, packing.Outside, or which rotation of the column
	limbs  []*kernels.Stream
	seed   kernels.Seed // of all a, if they are encrypted
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
func buildModel(p Parameters, m *packing.Model, encryptor *encryptor) (*Model, ModelTimes, error) {
	if err := p.fits(m.Layout); err != nil {
		return nil, ModelTimes{}, err
	}
	if m.Kind == packing.Scalar && encryptor != nil {
		return nil, ModelTimes{}, errors.New("inference: the scalar layout has plain weights only")
	}
	model := &Model{Encrypted: encryptor != nil, params: p, layout: m.Layout, layers: make([]modelLayer, len(m.Layers))}
	scales := p.scales(m.Layout)
	first := newEncoder(p)
	var encode, encrypt atomic.Int64
	start := time.Now()
	for i := range m.Layers {
		ly := &m.Layers[i]
		if ly.Integer {
			rows, err := scalarRows(m, i)
			if err != nil {
				return nil, ModelTimes{}, err
			}
			model.layers[i] = modelLayer{scalars: rows}
			continue
		}
		model.layers[i] = newModelLayer(ly)
		err := parallel(0, ly.Groups(), func() func(int) error {
			b := builder{params: p, encoder: first.clone(), encode: &encode, encrypt: &encrypt}
			if encryptor != nil {
				b.encryptor = encryptor.clone()
			}
			return func(g int) error { return b.group(&model.layers[i], m, i, g, scales[i]) }
		})
		if err != nil {
			return nil, ModelTimes{}, fmt.Errorf("inference: layer %s: %w", ly.Name, err)
		}
	}
	wall := time.Since(start).Seconds()
	share := float64(encode.Load()) / float64(max(encode.Load()+encrypt.Load(), 1))
	return model, ModelTimes{Encode: wall * share, Encrypt: wall * (1 - share)}, nil
}

// newModelLayer is a layer of tiles to be filled.
func newModelLayer(ly *packing.Layer) modelLayer {
	return modelLayer{groups: make([][]tiles, ly.Groups()), bias: make([]*rlwe.Ciphertext, ly.Rows), seeds: make([]kernels.Seed, ly.Rows)}
}

// newTiles makes room for the kept terms of a row of tiles.
func newTiles(p Parameters, ly *packing.Layer, group int, kept []bool, encrypted bool) []tiles {
	byColumn := ly.Diagonals(encrypted)
	var row []tiles
	for t, k := range kept {
		if !k {
			continue
		}
		column, input := 0, ly.Read(group, t)
		if byColumn {
			column, input = ly.Input(input)
		}
		giant := ly.Giant(t)
		if len(row) == 0 || row[len(row)-1].column != column || row[len(row)-1].giant != giant {
			row = append(row, tiles{column: column, giant: giant})
		}
		last := &row[len(row)-1]
		last.terms, last.inputs = append(last.terms, int32(t)), append(last.inputs, int32(input))
	}
	limbs, width := ly.Level+1, 1
	if byColumn {
		limbs = p.rings.limbs(ly.Level)
	}
	if encrypted {
		width = 2
	}
	bytes := 0
	for i := range row {
		for l := range limbs {
			bytes += kernels.StreamBytes(p.N(), len(row[i].inputs), width, p.rings.at(ly.Level, l).Modulus())
		}
	}
	arena := kernels.NewArena(bytes, limbs*len(row))
	for i := range row {
		for l := range limbs {
			row[i].limbs = append(row[i].limbs, p.rings.at(ly.Level, l).NewStream(arena, len(row[i].inputs), width))
		}
	}
	return row
}

type builder struct {
	params          Parameters
	encoder         *encoder
	encryptor       *encryptor    // nil for plain weights
	encode, encrypt *atomic.Int64 // nanoseconds, over all builders
	limbs           [][][]uint64  // by limb, of a few terms
}

// group makes a row of tiles, and the biases of its rows.
func (b *builder) group(out *modelLayer, m *packing.Model, i, g int, sc scales) (err error) {
	ly := &m.Layers[i]
	if last := i == len(m.Layers)-1; m.HasRow(i, g) || last {
		var biases []*rlwe.Ciphertext
		var seeds []kernels.Seed
		for position, n := range m.BiasOf(i, g) {
			r := position*ly.Groups() + g
			if n == len(biases) {
				bias, seed, err := b.element(m.BiasRow(i, r), ly.SumLevel(), sc.sum)
				if err != nil {
					return err
				}
				biases, seeds = append(biases, bias), append(seeds, seed)
			}
			out.bias[r], out.seeds[r] = biases[n], seeds[n]
		}
	}
	row := newTiles(b.params, ly, g, m.Kept[i][g], b.encryptor != nil)
	for c := range row {
		err := b.tiles(&row[c], ly.Level, sc.weight, func(k int) []float64 {
			return m.Tile(i, g, int(row[c].terms[k]))
		})
		if err != nil {
			return err
		}
	}
	out.groups[g] = row
	return nil
}

// tiles encodes the slots of each term, encrypts them if weights are encrypted, and puts them into a row's streams.
func (b *builder) tiles(row *tiles, level int, scale rlwe.Scale, slots func(k int) []float64) error {
	width := row.limbs[0].Width()
	if b.encryptor != nil {
		row.seed = b.encryptor.renew(len(row.limbs))
	}
	for len(b.limbs) < len(row.limbs) {
		b.limbs = append(b.limbs, nil)
	}
	for l := range row.limbs {
		for len(b.limbs[l]) < min(putTerms, len(row.inputs))*width {
			b.limbs[l] = append(b.limbs[l], kernels.Aligned(b.params.N()))
		}
	}
	for first := 0; first < len(row.inputs); first += putTerms {
		n := min(putTerms, len(row.inputs)-first)
		for k := range n {
			if err := b.tile(row, k, slots(first+k), level, scale); err != nil {
				return err
			}
		}
		for l, s := range row.limbs {
			b.params.rings.at(level, l).Put(s, first, b.limbs[l][:n*width]...)
		}
	}
	return nil
}

// tile leaves the k-th of the terms that are put together in the limbs' buffers.
func (b *builder) tile(row *tiles, k int, slots []float64, level int, scale rlwe.Scale) error {
	start := time.Now()
	if err := b.encoder.encode(slots, scale, level); err != nil {
		return err
	}
	if b.encryptor == nil {
		for l := range row.limbs {
			b.encoder.limb(b.limbs[l][k], level, l)
		}
		b.since(start, b.encode)
		return nil
	}
	b.since(start, b.encode)
	defer b.since(time.Now(), b.encrypt)
	b.encryptor.begin(b.encoder)
	for l := range row.limbs {
		x, random := b.limbs[l][2*k], b.limbs[l][2*k+1]
		b.encoder.limb(x, level, l)
		b.encryptor.zero(l, random, x, b.encryptor.secret.q[l], b.params.rings.q[l])
	}
	return nil
}

func (b *builder) since(start time.Time, sum *atomic.Int64) { sum.Add(int64(time.Since(start))) }

// element encodes slots and encrypts the result if weights are encrypted.
func (b *builder) element(slots []float64, level int, scale rlwe.Scale) (*rlwe.Ciphertext, kernels.Seed, error) {
	start := time.Now()
	if err := b.encoder.encode(slots, scale, level); err != nil {
		return nil, kernels.Seed{}, err
	}
	if b.encryptor == nil {
		defer b.since(start, b.encode)
		return b.encoder.plaintext(level, scale), kernels.Seed{}, nil
	}
	b.since(start, b.encode)
	defer b.since(time.Now(), b.encrypt)
	ct, seed := b.encryptor.encrypt(b.encoder, level, scale)
	return ct, seed, nil
}

// Bytes is the memory that tiles and biases take.
func (m *Model) Bytes() int64 {
	var n int64
	for _, ly := range m.layers {
		counted := map[*rlwe.Ciphertext]bool{}
		for _, bias := range ly.bias {
			if !counted[bias] {
				counted[bias] = true
				n += elementBytes(bias)
			}
		}
		for _, row := range ly.groups {
			for _, t := range row {
				for _, s := range t.limbs {
					n += s.Bytes()
				}
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
			if (last || ly.hasGroup(layout.Layers[i].Group(r))) && ly.bias[r] == nil {
				return fmt.Errorf("inference: layer %s row %d: the bias is missing", layout.Layers[i].Name, r)
			}
		}
		if i == 0 {
			continue
		}
		for _, group := range ly.sources(&layout.Layers[i]) {
			if !m.layers[i-1].hasGroup(group) {
				return fmt.Errorf("inference: layer %s reads row %d of the layer before, which is constant: the model was not simplified", layout.Layers[i].Name, group)
			}
		}
	}
	return nil
}

// sources lists the rows of tiles of the layer before whose outputs a layer reads, some repeatedly.
func (l *modelLayer) sources(ly *packing.Layer) (groups []int) {
	for _, row := range l.groups {
		for _, t := range row {
			for _, term := range t.terms {
				groups = append(groups, ly.Source(int(term)))
			}
		}
	}
	for _, row := range l.scalars {
		for _, term := range row.Index {
			groups = append(groups, ly.Source(int(term)))
		}
	}
	return groups
}

// kept tells which terms each row of tiles has.
func (l *modelLayer) kept(ly *packing.Layer) [][]bool {
	kept := make([][]bool, ly.Groups())
	for g := range kept {
		kept[g] = make([]bool, ly.Terms())
		mark := func(terms []int32) {
			for _, term := range terms {
				kept[g][term] = true
			}
		}
		if l.scalars != nil {
			mark(l.scalars[g].Index)
			continue
		}
		for _, t := range l.groups[g] {
			mark(t.terms)
		}
	}
	return kept
}

// hasGroup tells whether a row of tiles has one, or a weight.
func (l *modelLayer) hasGroup(g int) bool {
	if l.scalars != nil {
		return len(l.scalars[g].Index) > 0
	}
	return len(l.groups[g]) > 0
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
