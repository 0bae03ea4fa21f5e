package inference

import (
	"errors"
	"fmt"

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
	return newClient(p, layout, newSecret(p)), nil
}

func newClient(p Parameters, layout *packing.Layout, s *secret) *Client {
	return &Client{params: p, layout: layout, secret: s, encoder: newEncoder(p), encryptor: newEncryptor(p, s)}
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
			batch.ciphertexts[i], batch.seeds[i] = encryptor.encrypt(encoder, batch.level, batch.scale)
			return nil
		}
	})
	return batch, err
}

// largestShare is the largest share of a modulus that coefficients may take: half of it would wrap.
const largestShare = 0.45

// ErrRange means that an output comes so close to what the last modulus holds that it may have wrapped.
var ErrRange = errors.New("an output is too large for the last modulus")

// Decrypt returns the outputs of the first n samples of a batch. Coefficients beyond largestShare of the last modulus are an
// ErrRange: it is they that wrap, not slots, and if some did there are others that come close. A few far larger values than in
// the samples that the parameters were derived from could wrap unseen.
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
		pt, err := c.decrypt(ct)
		if err != nil {
			return nil, fmt.Errorf("inference: output row %d: %w", r, err)
		}
		rows[r] = make([]float64, c.params.MaxSlots())
		if err := c.encoder.Decode(pt, rows[r]); err != nil {
			return nil, fmt.Errorf("inference: decode output row %d: %w", r, err)
		}
	}
	return c.layout.Output(rows, n)
}

// decrypt is c0 + c1·s modulo the last modulus, in coefficients.
func (c *Client) decrypt(ct *rlwe.Ciphertext) (*rlwe.Plaintext, error) {
	pt := hefloat.NewPlaintext(c.params.Parameters, 0)
	pt.Scale, pt.IsNTT = ct.Scale, false
	r, x := c.params.rings.q[0], pt.Value.Coeffs[0]
	r.MulAdd(x, ct.Value[1].Coeffs[0], c.secret.q[0], ct.Value[0].Coeffs[0])
	r.INTT(x, x)
	q := r.Modulus()
	for _, v := range x {
		if share := float64(min(v, q-v)) / float64(q); share > largestShare {
			return nil, fmt.Errorf("a coefficient is %.2f of it: %w", share, ErrRange)
		}
	}
	return pt, nil
}
