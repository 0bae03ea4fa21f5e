package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// stored is the data of a tensor in one of the ways that files have it, not yet held against the shape.
type stored struct {
	raw      []byte // little-endian values
	isRaw    bool
	floats   []byte // float_data, fixed 32 bits each
	doubles  []byte // double_data, fixed 64 bits each
	ints     []byte // int32_data or int64_data, varints
	external []Property
	outside  bool
}

// tensor reads a TensorProto.
func (d *decoder) tensor(b []byte) (t Tensor, err error) {
	var s stored
	err = each(b, func(f field) (err error) {
		switch f.number {
		case 1:
			t.Dims, err = appendInts(t.Dims, f, maxRank)
		case 2:
			var v int64
			v, err = f.integer()
			t.Type = Type(v)
		case 3:
			err = errors.New("in segments: want it whole")
		case 4:
			s.floats, err = appendPacked(s.floats, f, protowire.Fixed32Type)
		case 5, 7:
			s.ints, err = appendPacked(s.ints, f, protowire.VarintType)
		case 8:
			t.Name, err = f.text(maxName)
		case 9:
			s.raw, s.isRaw, err = f.bytes, true, f.want(protowire.BytesType)
		case 10:
			s.doubles, err = appendPacked(s.doubles, f, protowire.Fixed64Type)
		case 13:
			err = d.property(f, &s.external)
		case 14:
			s.outside, err = f.value == 1, f.want(protowire.VarintType)
		}
		return err
	})
	if err == nil {
		err = d.fill(&t, s)
	}
	if err != nil {
		return t, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return t, nil
}

// width is the number of bytes of a value, 0 for types that are not read.
func (t Type) width() int {
	switch t {
	case Float, Int32:
		return 4
	case Double, Int64:
		return 8
	case Bool:
		return 1
	}
	return 0
}

// fill takes the values of a tensor from its data, once these are known to be as many as the shape says.
func (d *decoder) fill(t *Tensor, s stored) (err error) {
	n, err := size(t.Dims)
	if err != nil {
		return err
	}
	width := t.Type.width()
	if width == 0 {
		return fmt.Errorf("values are %v: want %v, %v, %v, %v or %v", t.Type, Float, Double, Int32, Int64, Bool)
	}
	switch {
	case s.outside:
		if s.raw, err = d.external.read(s.external, int64(n*width)); err != nil {
			return err
		}
		s.isRaw = true
	case s.isRaw: // whatever other fields hold
	case t.Type == Float:
		s.raw, s.isRaw = s.floats, true
	case t.Type == Double:
		s.raw, s.isRaw = s.doubles, true
	}
	have := varints(s.ints)
	if s.isRaw {
		have = len(s.raw) / width
	}
	if have != n || s.isRaw && len(s.raw) != n*width {
		return fmt.Errorf("shape %s needs %d values: the file has %d bytes for another number of them", Shape(t.Dims), n, max(len(s.raw), len(s.ints)))
	}
	switch {
	case t.Type == Float || t.Type == Double:
		t.Floats = make([]float32, n)
	case n > maxList:
		return fmt.Errorf("%d integers: want at most %d, as for shapes", n, maxList)
	default:
		t.Ints = make([]int64, n)
	}
	for i := range n {
		switch {
		case !s.isRaw:
			v, used := protowire.ConsumeVarint(s.ints)
			t.Ints[i], s.ints = int64(v), s.ints[used:]
		case t.Type == Float:
			t.Floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(s.raw[4*i:]))
		case t.Type == Double:
			t.Floats[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(s.raw[8*i:])))
		case t.Type == Bool:
			t.Ints[i] = int64(s.raw[i])
		case t.Type == Int32:
			t.Ints[i] = int64(int32(binary.LittleEndian.Uint32(s.raw[4*i:])))
		default:
			t.Ints[i] = int64(binary.LittleEndian.Uint64(s.raw[8*i:]))
		}
	}
	if t.Type == Int32 {
		t.Type = Int64
	}
	return nil
}

// varints counts the varints that make up b, −1 if they do not.
func varints(b []byte) (n int) {
	for len(b) > 0 {
		used := protowire.ConsumeFieldValue(1, protowire.VarintType, b)
		if used < 0 {
			return -1
		}
		b = b[used:]
		n++
	}
	return n
}

// appendPacked adds the bytes of a repeated number, packed or one at a time. Those of one piece stay where they are in the file, which
// nothing is ever appended to.
func appendPacked(to []byte, f field, kind protowire.Type) ([]byte, error) {
	switch {
	case f.kind == protowire.BytesType && to == nil:
		return slices.Clip(f.bytes), nil
	case f.kind == protowire.BytesType:
		return append(to, f.bytes...), nil
	case f.kind != kind:
		return nil, errDamaged
	case kind == protowire.VarintType:
		return protowire.AppendVarint(to, f.value), nil
	case kind == protowire.Fixed32Type:
		return protowire.AppendFixed32(to, uint32(f.value)), nil
	}
	return protowire.AppendFixed64(to, f.value), nil
}

// appendInts adds repeated integers, at most so many in all.
func appendInts(to []int64, f field, most int) ([]int64, error) {
	packed, err := appendPacked(nil, f, protowire.VarintType)
	if err != nil {
		return nil, err
	}
	for len(packed) > 0 {
		v, n := protowire.ConsumeVarint(packed)
		if n < 0 {
			return nil, errDamaged
		}
		if len(to) == most {
			return nil, fmt.Errorf("more than %d integers in one setting", most)
		}
		to, packed = append(to, int64(v)), packed[n:]
	}
	return to, nil
}

func float32From(f field) float32 { return math.Float32frombits(uint32(f.value)) }
