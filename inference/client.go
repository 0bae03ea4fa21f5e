package inference

import (
	"errors"
	"fmt"
	"math"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/he/hefloat"

	"hepex/packing"
)

// Client owns the secret key: it encrypts inputs, and the model where weights are encrypted, and decrypts
// outputs. It is not safe for concurrent use.
type Client struct {
	params    Parameters
	layout    *packing.Layout
	secret    *secret
	encoder   *encoder
	encryptor *encryptor
}

// NewClient draws a secret key. The parameters must fit the layout.
func NewClient(p Parameters, layout *packing.Layout) (*Client, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	s := newSecret(p)
	return &Client{params: p, layout: layout, secret: s, encoder: newEncoder(p), encryptor: newEncryptor(p, s)}, nil
}

// Keys draws the evaluation keys that the layout needs: one Galois key per rotation and, if anything multiplies two
// ciphertexts, the relinearisation key, each of the level that it is used at.
func (c *Client) Keys(encryptedWeights bool) (*Keys, error) {
	return drawKeys(c.params, c.layout.KeyLevels(encryptedWeights), c.secret)
}

// EncryptModel encrypts the kept tiles and the biases under the client's own key.
func (c *Client) EncryptModel(m *packing.Model) (*Model, ModelTimes, error) {
	return buildModel(c.params, m, c.encryptor)
}

// Encrypt packs and encrypts up to as many samples as the layout's batch.
func (c *Client) Encrypt(samples [][]float64) (*Batch, error) {
	cols, err := c.layout.Input(samples)
	if err != nil {
		return nil, err
	}
	batch, err := NewInput(c.params, c.layout)
	if err != nil {
		return nil, err
	}
	err = parallel(0, len(cols), func() func(int) error {
		encoder, encryptor := c.encoder.clone(), c.encryptor.clone()
		return func(i int) error {
			if err := encoder.encode(cols[i], batch.scale, batch.level); err != nil {
				return fmt.Errorf("inference: input: %w", err)
			}
			batch.ciphertexts[i] = encryptor.encrypt(encoder, batch.level, batch.scale)
			return nil
		}
	})
	return batch, err
}

// ErrRange means that an output comes so close to what the last modulus holds that it may have wrapped.
var ErrRange = errors.New("an output is too large for the last modulus")

// Decrypt returns the outputs of the first n samples of a batch. Values beyond 0.45 of the last modulus are an
// ErrRange. A value that wrapped by more comes back as a small one: parameters must be derived from samples that
// show how large values get.
func (c *Client) Decrypt(out *Batch, n int) ([][]float64, error) {
	want, err := NewOutput(c.params, c.layout)
	if err != nil {
		return nil, err
	}
	if !out.matches(want) {
		return nil, errors.New("inference: the batch is not an output for this client's parameters and layout")
	}
	rows := make([][]float64, len(out.ciphertexts))
	for r, ct := range out.ciphertexts {
		rows[r] = make([]float64, c.params.MaxSlots())
		if err := c.encoder.Decode(c.decrypt(ct), rows[r]); err != nil {
			return nil, fmt.Errorf("inference: decode output row %d: %w", r, err)
		}
	}
	y, err := c.layout.Output(rows, n)
	limit := 0.45 * float64(c.params.Q()[0]) / want.scale.Float64()
	for _, sample := range y {
		for _, v := range sample {
			if !(math.Abs(v) < limit) {
				return nil, fmt.Errorf("inference: output %.3g: %w, which holds ±%.3g", v, ErrRange, limit/0.9)
			}
		}
	}
	return y, err
}

// decrypt is c0 + c1·s.
func (c *Client) decrypt(ct *rlwe.Ciphertext) *rlwe.Plaintext {
	pt := hefloat.NewPlaintext(c.params.Parameters, ct.Level())
	pt.Scale = ct.Scale
	for i, limb := range pt.Value.Coeffs {
		c.params.rings.q[i].MulAdd(limb, ct.Value[1].Coeffs[i], c.secret.q[i], ct.Value[0].Coeffs[i])
	}
	return pt
}
