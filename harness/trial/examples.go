package trial

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/network"
)

// Examples are the first samples of the encrypted batch, to be looked at beside what the network made of them.
type Examples struct {
	Height   int       `json:"height"`
	Width    int       `json:"width"`
	Channels int       `json:"channels"`
	Each     []Example `json:"each"`
}

// Example is one sample. Pictures have 255 steps from 0 to 1, row by row, channels last. A classifier has the Class of the sample and
// outputs by class; an autoencoder has pictures of its outputs and, if the input is noisy, of what it should have made of that.
type Example struct {
	Input  []byte `json:"input"`
	Target []byte `json:"target,omitempty"`

	Class          *int      `json:"class,omitempty"`
	Plain          []float64 `json:"plain,omitempty"`
	Encrypted      []float64 `json:"encrypted,omitempty"`
	PlainImage     []byte    `json:"plain_image,omitempty"`
	EncryptedImage []byte    `json:"encrypted_image,omitempty"`
}

// mostExamples is how many a point keeps.
const mostExamples = 6

// newExamples takes them from a batch and the outputs for it. There are none of samples that are no pictures, nor of a regression.
func newExamples(form datasets.Shape, batch network.Data, plain *mat.Dense, encrypted [][]float64) Examples {
	e := Examples{Height: form.Height, Width: form.Width, Channels: form.Channels}
	_, outputs := plain.Dims()
	regression := batch.Labels == nil && outputs != form.Size()
	if form.Height == 1 && form.Width == 1 || form.Channels != 1 && form.Channels != 3 || regression {
		return e
	}
	for b := range min(batch.Len(), mostExamples) {
		x := Example{Input: shades(batch.X[b*batch.Dim : (b+1)*batch.Dim])}
		if batch.Target != nil {
			x.Target = shades(batch.Target[b*batch.Dim : (b+1)*batch.Dim])
		}
		if batch.Labels != nil {
			class := int(batch.Labels[b])
			x.Class, x.Plain, x.Encrypted = &class, plain.RawRowView(b), encrypted[b]
		} else {
			x.PlainImage, x.EncryptedImage = shades(plain.RawRowView(b)), shades(encrypted[b])
		}
		e.Each = append(e.Each, x)
	}
	return e
}

// shades rounds values to 255 steps; those beyond 0 and 1 are as dark and as light as there is.
func shades[T float32 | float64](values []T) []byte {
	out := make([]byte, len(values))
	for i, v := range values {
		out[i] = byte(math.Round(255 * min(max(float64(v), 0), 1)))
	}
	return out
}

// ParseExamples reads examples from their JSON. Sizes that do not meet are an error.
func ParseExamples(text []byte) (e Examples, err error) {
	if err := json.Unmarshal(text, &e); err != nil {
		return Examples{}, fmt.Errorf("examples: %w", err)
	}
	const most = 1 << 12 // of a side, so that sizes do not overflow
	size := e.Height * e.Width * e.Channels
	if e.Height < 1 || e.Width < 1 || e.Channels != 1 && e.Channels != 3 || e.Height > most || e.Width > most || len(e.Each) == 0 {
		return Examples{}, fmt.Errorf("examples: %d pictures of %d × %d × %d: want at least one, with 1 or 3 channels", len(e.Each), e.Height, e.Width, e.Channels)
	}
	for i, x := range e.Each {
		if err := x.check(size); err != nil {
			return Examples{}, fmt.Errorf("examples: sample %d: %w", i+1, err)
		}
	}
	return e, nil
}

func (x Example) check(size int) error {
	if len(x.Input) != size || x.Target != nil && len(x.Target) != size {
		return fmt.Errorf("a picture of %d values: want %d", len(x.Input), size)
	}
	if x.Class != nil {
		if n := len(x.Plain); n < 2 || n != len(x.Encrypted) || *x.Class < 0 || *x.Class >= n {
			return fmt.Errorf("class %d, %d outputs plain and %d encrypted: want as many, of which the class is one", *x.Class, n, len(x.Encrypted))
		}
		return nil
	}
	if len(x.PlainImage) != size || len(x.EncryptedImage) != size {
		return fmt.Errorf("outputs of %d and %d values: want %d", len(x.PlainImage), len(x.EncryptedImage), size)
	}
	return nil
}
