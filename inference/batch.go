package inference

import (
	"io"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"hepex/inference/kernels"
	"hepex/packing"
)

// Batch holds the encrypted inputs, or outputs, of one batch of samples.
type Batch struct {
	params      Parameters
	kind        string
	ciphertexts []*rlwe.Ciphertext
	seeds       []kernels.Seed // of inputs; outputs have none
	level       int
	scale       rlwe.Scale
}

const (
	kindInput  = "hepex seeded input\n"
	kindOutput = "hepex output\n"
)

// NewInput is an empty batch of inputs for a layout, to read into.
func NewInput(p Parameters, layout *packing.Layout) (*Batch, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	n := layout.Layers[0].Cols
	return &Batch{p, kindInput, make([]*rlwe.Ciphertext, n), make([]kernels.Seed, n), layout.Levels, p.scales(layout)[0].input}, nil
}

// NewOutput is an empty batch of outputs of a layout, to read into.
func NewOutput(p Parameters, layout *packing.Layout) (*Batch, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	last := len(layout.Layers) - 1
	return &Batch{p, kindOutput, make([]*rlwe.Ciphertext, layout.Layers[last].Rows), nil, 0, p.scales(layout)[last].output}, nil
}

// Bytes is the memory that the ciphertexts take.
func (b *Batch) Bytes() int64 {
	var n int64
	for _, ct := range b.ciphertexts {
		n += elementBytes(ct)
	}
	return n
}

// Sent is how many bytes WriteTo writes.
func (b *Batch) Sent() int64 {
	each := 0
	for _, q := range b.params.Q()[:b.level+1] {
		each += kernels.WordBytes(q) * b.params.N()
	}
	if b.seeds != nil {
		each += len(kernels.Seed{})
	} else {
		each *= 2
	}
	return int64(len(b.kind) + len(b.params.fingerprint()) + len(b.ciphertexts)*each)
}

// WriteTo writes the ciphertexts.
func (b *Batch) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, b.params, b.kind)
	for i, ct := range b.ciphertexts {
		if b.seeds != nil {
			out.fresh(ct, b.seeds[i])
			continue
		}
		for _, v := range ct.Value {
			out.poly(v)
		}
	}
	return out.close()
}

// ReadFrom reads what WriteTo wrote for the same parameters and layout.
func (b *Batch) ReadFrom(r io.Reader) (int64, error) {
	in := newReader(r, b.params, b.kind)
	read, seeds := make([]*rlwe.Ciphertext, len(b.ciphertexts)), slices.Clone(b.seeds)
	for i := range read {
		if seeds != nil {
			read[i], seeds[i] = in.fresh(b.level, b.scale)
		} else {
			read[i] = in.element(1, b.level, b.scale)
		}
	}
	n, err := in.close("batch")
	if err == nil {
		b.ciphertexts, b.seeds = read, seeds
	}
	return n, err
}

// matches says whether the batch is a full one of the kind, for the same parameters and number of ciphertexts.
func (b *Batch) matches(want *Batch) bool {
	if b.kind != want.kind || len(b.ciphertexts) != len(want.ciphertexts) || b.params.fingerprint() != want.params.fingerprint() {
		return false
	}
	for _, ct := range b.ciphertexts {
		if ct == nil {
			return false
		}
	}
	return true
}
