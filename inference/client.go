package inference

import (
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
	secret    *rlwe.SecretKey
	encoder   *hefloat.Encoder
	encryptor *rlwe.Encryptor
	decryptor *rlwe.Decryptor
}

// NewClient draws a secret key.
func NewClient(p Parameters, layout *packing.Layout) *Client {
	secret := hefloat.NewKeyGenerator(p.Parameters).GenSecretKeyNew()
	return &Client{
		params: p, layout: layout, secret: secret,
		encoder:   hefloat.NewEncoder(p.Parameters),
		encryptor: hefloat.NewEncryptor(p.Parameters, secret),
		decryptor: hefloat.NewDecryptor(p.Parameters, secret),
	}
}

// Keys draws the evaluation keys that the layout needs: one Galois key per rotation step and, if
// anything multiplies two ciphertexts, the relinearisation key.
func (c *Client) Keys(encryptedWeights bool) *Keys {
	kg := hefloat.NewKeyGenerator(c.params.Parameters)
	var rlk *rlwe.RelinearizationKey
	if encryptedWeights || len(c.layout.Layers) > 1 {
		rlk = kg.GenRelinearizationKeyNew(c.secret)
	}
	galois := kg.GenGaloisKeysNew(c.params.GaloisElements(c.layout.RotationSteps()), c.secret)
	return &Keys{rlwe.NewMemEvaluationKeySet(rlk, galois...)}
}

// EncryptModel encrypts the kept tiles and the biases under the client's own key.
func (c *Client) EncryptModel(m *packing.Model) (*Model, ModelTimes, error) {
	return buildModel(c.params, m, c.encryptor)
}

// Encrypt packs and encrypts up to Shape.Batch samples.
func (c *Client) Encrypt(samples [][]float64) (*Batch, error) {
	cols, err := c.layout.Input(samples)
	if err != nil {
		return nil, err
	}
	batch := &Batch{}
	pt := hefloat.NewPlaintext(c.params.Parameters, c.params.MaxLevel())
	for _, slots := range cols {
		if err := c.encoder.Encode(slots, pt); err != nil {
			return nil, fmt.Errorf("inference: encode input: %w", err)
		}
		ct := hefloat.NewCiphertext(c.params.Parameters, 1, c.params.MaxLevel())
		if err := c.encryptor.Encrypt(pt, ct); err != nil {
			return nil, fmt.Errorf("inference: encrypt input: %w", err)
		}
		batch.Ciphertexts = append(batch.Ciphertexts, ct)
	}
	return batch, nil
}

// Decrypt returns the outputs of the first n samples of a batch.
func (c *Client) Decrypt(out *Batch, n int) ([][]float64, error) {
	rows := make([][]float64, len(out.Ciphertexts))
	for r, ct := range out.Ciphertexts {
		if err := c.params.check(ct, 1, 0); err != nil {
			return nil, fmt.Errorf("inference: output row %d: %w", r, err)
		}
		rows[r] = make([]float64, c.params.MaxSlots())
		if err := c.encoder.Decode(c.decryptor.DecryptNew(ct), rows[r]); err != nil {
			return nil, fmt.Errorf("inference: decode output row %d: %w", r, err)
		}
	}
	return c.layout.Output(rows, n)
}
