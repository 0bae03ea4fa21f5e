package network

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/mat"
)

// foldedHeader is the sizes of a folded network, which say how many values follow.
type foldedHeader struct {
	Geometry Geometry `json:"geometry"`
	Linear   []bool   `json:"linear"` // by layer: its outputs are not squared
}

// WriteTo writes the length of a header of JSON as a uint32, the header, and layer by layer W and B as float64, all little-endian. There is
// no checksum.
func (f *Folded) WriteTo(w io.Writer) (int64, error) {
	header := foldedHeader{Geometry: f.Geometry()}
	for i := range f.Layers {
		header.Linear = append(header.Linear, f.Layers[i].Linear)
	}
	text, err := json.Marshal(header)
	if err != nil {
		return 0, fmt.Errorf("network: write: %w", err)
	}
	file := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	file = append(file, text...)
	for i := range f.Layers {
		l := &f.Layers[i]
		for o := range l.channels() {
			file = appendDoubles(file, l.W.RawRowView(o))
		}
		file = appendDoubles(file, l.B)
	}
	n, err := w.Write(file)
	if err != nil {
		err = fmt.Errorf("network: write: %w", err)
	}
	return int64(n), err
}

func appendDoubles(dst []byte, values []float64) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	return dst
}

// ReadFrom replaces the network by the one that WriteTo wrote, and reads no further than its end. Sizes that do not meet and values that are
// not finite are errors; no more memory is taken than twice what there is to read.
func (f *Folded) ReadFrom(r io.Reader) (int64, error) {
	var file bytes.Buffer
	read, err := readFolded(r, &file)
	if err != nil {
		return int64(file.Len()), fmt.Errorf("network: read: %w", err)
	}
	*f = *read
	return int64(file.Len()), nil
}

func readFolded(r io.Reader, file *bytes.Buffer) (*Folded, error) {
	start, err := take(r, file, 4)
	if err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(start)
	if size > maxHeader {
		return nil, fmt.Errorf("header of %d bytes: want at most %d", size, maxHeader)
	}
	text, err := take(r, file, int64(size))
	if err != nil {
		return nil, err
	}
	var h foldedHeader
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	f := &Folded{}
	for i, s := range h.Geometry {
		l := Affine{Linear: h.Linear[i], Pool: s.Pool}
		if s.Window != Whole(Flat(s.Reads())) {
			w := s.Window
			l.Window = &w
		}
		weights, err := takeDoubles(r, file, s.Out*s.Reads())
		if err != nil {
			return nil, fmt.Errorf("layer %d: weights: %w", i, err)
		}
		l.W = mat.NewDense(s.Out, s.Reads(), weights)
		if l.B, err = takeDoubles(r, file, s.Out*s.Window.Positions()); err != nil {
			return nil, fmt.Errorf("layer %d: biases: %w", i, err)
		}
		f.Layers = append(f.Layers, l)
	}
	return f, nil
}

func (h *foldedHeader) check() error {
	if err := h.Geometry.Check(); err != nil {
		return err
	}
	if len(h.Linear) != len(h.Geometry) {
		return fmt.Errorf("header: %d layers are said to be linear or not: want %d", len(h.Linear), len(h.Geometry))
	}
	values := 0
	for _, s := range h.Geometry {
		values += s.Out * (s.Reads() + s.Window.Positions())
		if values > maxValues {
			return fmt.Errorf("header: more than %d values", maxValues)
		}
	}
	return nil
}

func takeDoubles(r io.Reader, file *bytes.Buffer, n int) ([]float64, error) {
	b, err := take(r, file, int64(8*n))
	if err != nil {
		return nil, err
	}
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		if math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
			return nil, fmt.Errorf("value %d is %g", i, values[i])
		}
	}
	return values, nil
}
