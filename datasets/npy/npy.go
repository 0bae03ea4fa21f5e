// Package npy reads and writes arrays in NumPy's file formats (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
// .npy, one array, and .npz, a zip archive of named ones.
//
// Files may come from anywhere. What a header declares is compared with the bytes that there are before memory is taken for it, archives that
// unpack to far more than they hold are refused, and pickled objects are never read. No input makes a reader panic.
package npy

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Type is what the elements of an array are: a kind and a number of bytes, as NumPy abbreviates them.
type Type string

// The types that are read and written. A bool is read as a number, 0 or 1.
const (
	Bool    Type = "b1"
	Int8    Type = "i1"
	Int16   Type = "i2"
	Int32   Type = "i4"
	Int64   Type = "i8"
	Uint8   Type = "u1"
	Uint16  Type = "u2"
	Uint32  Type = "u4"
	Uint64  Type = "u8"
	Float32 Type = "f4"
	Float64 Type = "f8"
)

// size is the number of bytes of an element, 0 if the type is none of those above.
func (t Type) size() int {
	switch t {
	case Bool, Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float32:
		return 4
	case Int64, Uint64, Float64:
		return 8
	}
	return 0
}

// Integer says whether elements are whole numbers by their type.
func (t Type) Integer() bool { return t.size() > 0 && t != Float32 && t != Float64 }

// Array is a grid of numbers.
type Array struct {
	Shape []int // length of each axis; the last varies fastest (C order). None for a single number.
	Type  Type

	elements []byte // little-endian
}

// Number is the type of a Go value that arrays are made of.
type Number interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// New makes an array of values, in C order; there must be as many as the shape has.
func New[T Number](values []T, shape ...int) (Array, error) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(values) {
		return Array{}, fmt.Errorf("npy: %d values with shape %v: want %d", len(values), shape, n)
	}
	var t Type
	switch any(values).(type) {
	case []int8:
		t = Int8
	case []int16:
		t = Int16
	case []int32:
		t = Int32
	case []int64:
		t = Int64
	case []uint8:
		t = Uint8
	case []uint16:
		t = Uint16
	case []uint32:
		t = Uint32
	case []uint64:
		t = Uint64
	case []float32:
		t = Float32
	case []float64:
		t = Float64
	}
	elements, err := binary.Append([]byte{}, binary.LittleEndian, values)
	if err != nil {
		return Array{}, fmt.Errorf("npy: %w", err)
	}
	return Array{shape, t, elements}, nil
}

// Len is the number of elements.
func (a Array) Len() int { return len(a.elements) / max(1, a.Type.size()) }

// Float64s are the elements as float64; integers beyond 2^53 are rounded.
func (a Array) Float64s() []float64 {
	values := make([]float64, a.Len())
	for i := range values {
		values[i] = a.float(i)
	}
	return values
}

// Float32s are the elements as float32, rounded; what float32 cannot hold is infinite.
func (a Array) Float32s() []float32 {
	values := make([]float32, a.Len())
	for i := range values {
		values[i] = float32(a.float(i))
	}
	return values
}

// Int64s are the elements of an array of integers. Floating point, and integers of 2^63 and more, are an error.
func (a Array) Int64s() ([]int64, error) {
	if !a.Type.Integer() {
		return nil, fmt.Errorf("npy: elements are %s: want integers", a.Type)
	}
	values := make([]int64, a.Len())
	for i := range values {
		values[i] = a.integer(i)
		if a.Type == Uint64 && values[i] < 0 {
			return nil, fmt.Errorf("npy: element %d is %d: want integers below 2^63", i, uint64(values[i]))
		}
	}
	return values, nil
}

func (a Array) float(i int) float64 {
	switch a.Type {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(a.elements[4*i:])))
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(a.elements[8*i:]))
	case Uint64:
		return float64(uint64(a.integer(i)))
	}
	return float64(a.integer(i))
}

// integer is element i of an array of integers, modulo 2^64.
func (a Array) integer(i int) int64 {
	switch a.Type {
	case Int8:
		return int64(int8(a.elements[i]))
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(a.elements[2*i:])))
	case Uint16:
		return int64(binary.LittleEndian.Uint16(a.elements[2*i:]))
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(a.elements[4*i:])))
	case Uint32:
		return int64(binary.LittleEndian.Uint32(a.elements[4*i:]))
	case Int64, Uint64:
		return int64(binary.LittleEndian.Uint64(a.elements[8*i:]))
	}
	return int64(a.elements[i])
}
