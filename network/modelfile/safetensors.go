package modelfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Bounds of a .safetensors file.
const (
	maxHeader  = 1 << 20
	maxTensors = 10000
)

// safetensor is an entry of the header.
type safetensor struct {
	name    string
	Type    string  `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// readSafetensors reads a file in the format of https://github.com/huggingface/safetensors: the length of the header in 8 bytes, the
// header as JSON, and the values of the tensors, which leave no byte over.
func readSafetensors(content []byte) (map[string]tensor, error) {
	if len(content) < 8 {
		return nil, errors.New("not a .safetensors file: too short")
	}
	size := binary.LittleEndian.Uint64(content)
	if size > maxHeader || size > uint64(len(content)-8) {
		return nil, fmt.Errorf("not a .safetensors file: a header of %d bytes: want at most %d, all in the file", size, maxHeader)
	}
	entries, err := safetensorsHeader(content[8 : 8+size])
	if err != nil {
		return nil, err
	}
	values := content[8+size:]
	slices.SortFunc(entries, func(a, b safetensor) int { return slices.Compare(a.Offsets, b.Offsets) }) // an empty one before what begins there
	tensors, end := map[string]tensor{}, int64(0)
	for _, e := range entries {
		width, err := e.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		from, to := e.Offsets[0], e.Offsets[1]
		if from != end || to > int64(len(values)) {
			return nil, fmt.Errorf("tensor %q: bytes %d to %d: want them from %d on, within the %d of the file", e.name, from, to, end, len(values))
		}
		raw := values[from:to]
		tensors[e.name], end = tensor{e.Shape, func() []float32 { return floats(raw, width) }}, to
	}
	if end != int64(len(values)) {
		return nil, fmt.Errorf("%d bytes after the last tensor: want none", int64(len(values))-end)
	}
	return tensors, nil
}

// safetensorsHeader reads the entries one by one, so that a name that is there twice is seen.
func safetensorsHeader(text []byte) ([]safetensor, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("header: want a JSON object")
	}
	seen := map[string]bool{}
	var entries []safetensor
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		name := key.(string) // as a key of an object is
		if seen[name] {
			return nil, fmt.Errorf("header: %q is there twice", name)
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := d.Decode(&map[string]string{}); err != nil {
				return nil, fmt.Errorf("header: %w", err)
			}
			continue
		}
		e := safetensor{name: name}
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("header: tensor %q: %w", name, err)
		}
		if len(e.Offsets) != 2 {
			return nil, fmt.Errorf("header: tensor %q: want two data_offsets", name)
		}
		if entries = append(entries, e); len(entries) > maxTensors {
			return nil, fmt.Errorf("header: more than %d tensors", maxTensors)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return entries, nil
}

// check compares the shape of a tensor with its bytes, and gives the bytes of a value.
func (e safetensor) check() (width int, err error) {
	width = map[string]int{"F32": 4, "F64": 8, "I64": 8}[e.Type]
	if width == 0 || e.Type == "I64" && len(e.Shape) > 0 { // batch norm counts batches in a single integer, and is refused by its name
		return 0, fmt.Errorf("values are %q: want F32 or F64", e.Type)
	}
	n := int64(1)
	for _, d := range e.Shape {
		if d < 0 || d > maxInputs || n*int64(d) > math.MaxInt32 {
			return 0, fmt.Errorf("shape %v: want sizes of 0 to %d, and fewer than 2^31 values", e.Shape, maxInputs)
		}
		n *= int64(d)
	}
	if from, to := e.Offsets[0], e.Offsets[1]; from < 0 || to < from || to-from != n*int64(width) {
		return 0, fmt.Errorf("bytes %d to %d for shape %v of %s: want %d bytes", from, to, e.Shape, e.Type, n*int64(width))
	}
	return width, nil
}

// floats reads little-endian values of 4 or 8 bytes.
func floats(raw []byte, width int) []float32 {
	out := make([]float32, len(raw)/width)
	for i := range out {
		if width == 4 {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		} else {
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	}
	return out
}
