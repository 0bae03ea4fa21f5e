package inference

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/packing"
)

// Keys are the evaluation keys that a client hands to the server. WriteTo and ReadFrom carry them between
// processes.
type Keys struct {
	*rlwe.MemEvaluationKeySet
}

// NewKeys returns empty keys to read into.
func NewKeys() *Keys { return &Keys{rlwe.NewMemEvaluationKeySet(nil)} }

// Bytes is the size of the keys.
func (k *Keys) Bytes() int64 { return int64(k.BinarySize()) }

// ReadFrom reads what WriteTo wrote.
func (k *Keys) ReadFrom(r io.Reader) (n int64, err error) {
	defer recoverAs(&err, "evaluation keys")
	return k.MemEvaluationKeySet.ReadFrom(r)
}

// Batch is a list of ciphertexts: the encrypted inputs, or outputs, of one batch of samples.
type Batch struct {
	Ciphertexts []*rlwe.Ciphertext
}

// Bytes is the memory that the ciphertexts take.
func (b *Batch) Bytes() int64 {
	var n int64
	for _, ct := range b.Ciphertexts {
		n += elementBytes(ct)
	}
	return n
}

// limits on what is read, so that a corrupt header cannot ask for endless memory.
const (
	maxCiphertexts = 1 << 20
	maxHeader      = 1 << 26
)

// WriteTo writes the number of ciphertexts and each of them.
func (b *Batch) WriteTo(w io.Writer) (int64, error) {
	if err := binary.Write(w, binary.LittleEndian, uint32(len(b.Ciphertexts))); err != nil {
		return 0, err
	}
	n, err := writeElements(w, b.Ciphertexts)
	return n + 4, err
}

// ReadFrom reads what WriteTo wrote.
func (b *Batch) ReadFrom(r io.Reader) (n int64, err error) {
	defer recoverAs(&err, "batch")
	var count uint32
	if err := binary.Read(r, binary.LittleEndian, &count); err != nil {
		return 0, fmt.Errorf("inference: batch: %w", err)
	}
	if count > maxCiphertexts {
		return 4, fmt.Errorf("inference: batch of %d ciphertexts: want at most %d", count, maxCiphertexts)
	}
	br := bufio.NewReader(r)
	n = 4
	b.Ciphertexts = nil
	for range count {
		ct, m, err := readElement(br)
		n += m
		if err != nil {
			return n, fmt.Errorf("inference: batch: %w", err)
		}
		b.Ciphertexts = append(b.Ciphertexts, ct)
	}
	return n, nil
}

// modelHeader says which elements follow: for each layer and row, the bias and the kept tiles.
type modelHeader struct {
	Encrypted bool
	Layers    []modelLayerHeader
}

type modelLayerHeader struct {
	Bias []bool
	Kept [][]bool
}

// WriteTo writes a header that lists the kept tiles, then tiles and biases. The tiles stay in
// Montgomery form.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	h := modelHeader{Encrypted: m.Encrypted}
	for _, ly := range m.layers {
		lh := modelLayerHeader{}
		for r, row := range ly.tiles {
			kept := make([]bool, len(row))
			for c, t := range row {
				kept[c] = t != nil
			}
			lh.Kept = append(lh.Kept, kept)
			lh.Bias = append(lh.Bias, ly.bias[r] != nil)
		}
		h.Layers = append(h.Layers, lh)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	if err := binary.Write(w, binary.LittleEndian, uint32(len(head))); err != nil {
		return 0, err
	}
	if _, err := w.Write(head); err != nil {
		return 4, err
	}
	n, err := writeElements(w, m.elements())
	return n + 4 + int64(len(head)), err
}

// ReadFrom reads what WriteTo wrote. NewServer checks that it fits a layout.
func (m *Model) ReadFrom(r io.Reader) (n int64, err error) {
	defer recoverAs(&err, "model")
	var size uint32
	if err := binary.Read(r, binary.LittleEndian, &size); err != nil {
		return 0, fmt.Errorf("inference: model: %w", err)
	}
	if size > maxHeader {
		return 4, fmt.Errorf("inference: model header of %d bytes: want at most %d", size, maxHeader)
	}
	var h modelHeader
	head, err := io.ReadAll(io.LimitReader(r, int64(size)))
	n = 4 + int64(len(head))
	if err == nil {
		err = json.Unmarshal(head, &h)
	}
	if err != nil {
		return n, fmt.Errorf("inference: model header: %w", err)
	}
	br := bufio.NewReader(r)
	*m = Model{Encrypted: h.Encrypted}
	for _, lh := range h.Layers {
		ly, k, err := lh.read(br)
		n += k
		if err != nil {
			return n, fmt.Errorf("inference: model: %w", err)
		}
		m.layers = append(m.layers, ly)
	}
	return n, nil
}

func (lh modelLayerHeader) read(r *bufio.Reader) (ly modelLayer, n int64, err error) {
	if len(lh.Bias) != len(lh.Kept) {
		return ly, 0, errors.New("header lists rows and biases of different numbers")
	}
	next := func(there bool) *rlwe.Ciphertext {
		if !there || err != nil {
			return nil
		}
		ct, k, e := readElement(r)
		n, err = n+k, e
		return ct
	}
	for r, kept := range lh.Kept {
		ly.bias = append(ly.bias, next(lh.Bias[r]))
		row := make([]*rlwe.Ciphertext, len(kept))
		for c, k := range kept {
			row[c] = next(k)
		}
		ly.tiles = append(ly.tiles, row)
	}
	return ly, n, err
}

// check returns an error unless the model has the layout's rows and columns and every element the level,
// degree and ring of its place.
func (m *Model) check(p Parameters, layout *packing.Layout) error {
	if len(m.layers) != len(layout.Layers) {
		return fmt.Errorf("inference: model of %d layers for a layout of %d", len(m.layers), len(layout.Layers))
	}
	degree := 0
	if m.Encrypted {
		degree = 1
	}
	for i, ly := range m.layers {
		want := &layout.Layers[i]
		if len(ly.tiles) != want.Rows {
			return fmt.Errorf("inference: layer %s has %d rows of tiles: want %d", want.Name, len(ly.tiles), want.Rows)
		}
		for r, row := range ly.tiles {
			if len(row) != want.Cols {
				return fmt.Errorf("inference: layer %s row %d has %d tiles: want %d", want.Name, r, len(row), want.Cols)
			}
			if err := m.checkRow(p, ly.bias[r], row, want, degree, i == len(m.layers)-1); err != nil {
				return fmt.Errorf("inference: layer %s row %d: %w", want.Name, r, err)
			}
		}
	}
	return nil
}

func (m *Model) checkRow(p Parameters, bias *rlwe.Ciphertext, row []*rlwe.Ciphertext, ly *packing.Layer, degree int, last bool) error {
	needed := last
	for _, t := range row {
		if t == nil {
			continue
		}
		needed = true
		if err := p.check(t, degree, ly.Level); err != nil {
			return fmt.Errorf("tile: %w", err)
		}
	}
	if bias == nil {
		if needed {
			return errors.New("the bias is missing")
		}
		return nil
	}
	if err := p.check(bias, degree, ly.Level-1); err != nil {
		return fmt.Errorf("bias: %w", err)
	}
	return nil
}

// check returns an error unless the ciphertext has the degree and level and the ring's size.
func (p Parameters) check(ct *rlwe.Ciphertext, degree, level int) error {
	if ct == nil || ct.MetaData == nil || len(ct.Value) == 0 {
		return errors.New("an empty ciphertext")
	}
	if ct.Degree() != degree || ct.Level() != level {
		return fmt.Errorf("degree %d, level %d: want degree %d, level %d", ct.Degree(), ct.Level(), degree, level)
	}
	for _, v := range ct.Value {
		if v.Level() != level {
			return fmt.Errorf("polynomials of different levels")
		}
		for _, limb := range v.Coeffs {
			if len(limb) != p.N() {
				return fmt.Errorf("polynomial of %d coefficients: want %d", len(limb), p.N())
			}
		}
	}
	return nil
}

func writeElements(w io.Writer, cts []*rlwe.Ciphertext) (n int64, err error) {
	bw := bufio.NewWriter(w)
	for _, ct := range cts {
		m, err := ct.WriteTo(bw)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, bw.Flush()
}

func readElement(r *bufio.Reader) (*rlwe.Ciphertext, int64, error) {
	ct := &rlwe.Ciphertext{}
	n, err := ct.ReadFrom(r)
	return ct, n, err
}

// recoverAs turns a panic of the library on corrupt bytes into an error.
func recoverAs(err *error, what string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("inference: %s: corrupt data: %v", what, r)
	}
}
