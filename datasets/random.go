package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
)

// Random are inputs for want of data: values uniform in [0,1), the same wherever and whenever they are drawn. Holds says of which
// form, with the classes or targets that whoever knows a network adds: Read gives neither.
type Random struct {
	Holds Form `json:"holds"`
}

// randomVersion grows when other values are drawn.
const randomVersion = 1

// NewRandom are inputs of a shape for a network with so many outputs. These are scores of classes if there are at least two and labels
// can name them, else what a regression gives.
func NewRandom(shape Shape, outputs int) Random {
	f := Form{Shape: shape, Train: 1000, Test: 10000}
	if outputs >= 2 && outputs <= math.MaxUint8+1 {
		f.Classes = outputs
	} else {
		f.Targets = outputs
	}
	return Random{f}
}

// Form is as it was stated.
func (r Random) Form() Form { return r.Holds }

// Checksum identifies the form and how values are drawn.
func (r Random) Checksum() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "hepex random %d %+v", randomVersion, r.Holds))
	return hex.EncodeToString(sum[:])
}

// Read draws samples [from,to) of a split. A sample depends on nothing but its split and number.
func (r Random) Read(split Split, from, to int) (*Set, error) {
	if n := r.Holds.size(split); from < 0 || from > to || to > n {
		return nil, fmt.Errorf("datasets: random: %v samples [%d,%d): want 0 ≤ from ≤ to ≤ %d", split, from, to, n)
	}
	set := &Set{Dim: r.Holds.Shape.Size(), Classes: r.Holds.Classes}
	set.X = make([]float32, 0, (to-from)*set.Dim)
	for sample := from; sample < to; sample++ {
		source := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "hepex random %v %d", split, sample)))
		for range set.Dim {
			set.X = append(set.X, float32(source.Uint64()>>40)/(1<<24)) // 24 bits are exact
		}
	}
	return set, nil
}
