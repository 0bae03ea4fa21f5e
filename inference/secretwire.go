package inference

import (
	"fmt"
	"io"

	"hepex/inference/kernels"
	"hepex/packing"
)

const kindSecret = "hepex secret\n"

// WriteTo writes the secret key, whose coefficients are −1, 0 or 1: whoever reads it can decrypt.
func (c *Client) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, c.params, kindSecret)
	q := c.params.rings.q[0]
	coefficients, text := kernels.Aligned(c.params.N()), make([]byte, c.params.N())
	q.INTT(coefficients, c.secret.q[0])
	for i, v := range coefficients {
		switch v {
		case 0, 1:
			text[i] = byte(v)
		case q.Modulus() - 1:
			text[i] = minusOne
		default:
			return 0, fmt.Errorf("inference: write secret key: coefficient %d is not −1, 0 or 1", i)
		}
	}
	out.bytes(text)
	return out.close()
}

// minusOne stands for −1 where a byte is a coefficient.
const minusOne = 2

// ReadClient is the client whose secret key WriteTo wrote for the same parameters.
func ReadClient(p Parameters, layout *packing.Layout, r io.Reader) (*Client, error) {
	if err := p.fits(layout); err != nil {
		return nil, err
	}
	in := newReader(r, p, kindSecret)
	text, words := make([]byte, p.N()), kernels.Aligned(p.N())
	in.bytes(text)
	for i, v := range text {
		switch {
		case v == minusOne:
			words[i] = word(-1)
		case v > minusOne:
			in.fail(fmt.Errorf("coefficient %d is %d: want 0, 1 or %d", i, v, minusOne))
		default:
			words[i] = uint64(v)
		}
	}
	if _, err := in.close("secret key"); err != nil {
		return nil, err
	}
	s := &secret{newLimbs(p.N(), len(p.rings.q)), newLimbs(p.N(), len(p.rings.p))}
	for i, limb := range s.q {
		p.rings.q[i].NTTCenter(limb, words, 1<<integerBits, nil)
	}
	for i, limb := range s.p {
		p.rings.p[i].NTTCenter(limb, words, 1<<integerBits, nil)
	}
	return newClient(p, layout, s), nil
}
