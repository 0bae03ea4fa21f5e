package packing

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Shape is a tile shape, written InxOutxBatch ("16x16x32"): how many neurons of an even axis, neurons
// of an odd axis and samples one tile holds. One shape serves the whole network; layers take it in
// turns, so the first layer has tiles of In inputs × Out outputs, the second of Out inputs × In outputs.
// In·Out·Batch is the number of slots of a ciphertext.
type Shape struct {
	In, Out, Batch int
}

// MaxSlots is the largest number of slots of a tile: that of logN 16 in the standard ring.
const MaxSlots = 1 << 15

// MinSlots is the smallest number of slots of a tile: that of logN 12 in the standard ring, below which
// no modulus for a network is 128-bit secure. Smaller tiles are valid shapes, for small test rings only.
const MinSlots = 1 << 11

// ParseShape reads a shape written as "16x16x32".
func ParseShape(s string) (Shape, error) {
	parts := strings.Split(s, "x")
	if len(parts) != 3 {
		return Shape{}, fmt.Errorf("tile %q: want three numbers In x Out x Batch, such as 16x16x32", s)
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || p != strconv.Itoa(v) {
			return Shape{}, fmt.Errorf("tile %q: %q is not a whole number; want a shape such as 16x16x32", s, p)
		}
		n[i] = v
	}
	sh := Shape{In: n[0], Out: n[1], Batch: n[2]}
	if err := sh.Check(); err != nil {
		return Shape{}, err
	}
	return sh, nil
}

// Check returns an error unless every dimension is a power of two and their product is at most MaxSlots.
func (s Shape) Check() error {
	slots := 1
	for _, d := range []int{s.In, s.Out, s.Batch} {
		if d < 1 || bits.OnesCount(uint(d)) != 1 || d > MaxSlots {
			return fmt.Errorf("tile %s: %d is not a power of two from 1 to %d", s, d, MaxSlots)
		}
		slots *= d
		if slots > MaxSlots {
			return fmt.Errorf("tile %s: more than %d slots, the most a ring holds", s, MaxSlots)
		}
	}
	return nil
}

// Slots is the number of slots that a tile fills.
func (s Shape) Slots() int { return s.In * s.Out * s.Batch }

// Group is how many neurons of an axis share a tile: In on even axes, Out on odd ones. Axis 0 holds
// the inputs of the network, axis l the outputs of layer l.
func (s Shape) Group(axis int) int {
	if axis%2 == 0 {
		return s.In
	}
	return s.Out
}

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.In, s.Out, s.Batch) }

// MarshalText writes the shape as ParseShape reads it.
func (s Shape) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Shape) UnmarshalText(b []byte) (err error) {
	*s, err = ParseShape(string(b))
	return err
}
