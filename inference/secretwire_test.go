package inference

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"hepex/network/networktest"
	"hepex/packing"
)

// A client that was written and read has the same secret: it decrypts what comes of the keys that the first one drew, and the other way
// round.
func TestSecretKeyTravels(t *testing.T) {
	f := networktest.Folded(rand.New(rand.NewPCG(5, 5)), []int{9, 12, 7, 5}, 0.6, 1)
	for _, ring := range Rings {
		t.Run(string(ring), func(t *testing.T) {
			m, err := packing.OneImageIn(256, false).Pack(f, nil)
			check(t, err)
			lit := smallLiteral(m.Layout)
			lit.Ring, lit.LogN = ring, ring.LogN(256)
			p, err := NewParameters(lit, true)
			check(t, err)
			y := newPartyOf(t, p, m, 9, false)
			var file bytes.Buffer
			_, err = y.client.WriteTo(&file)
			check(t, err)
			again, err := ReadClient(p, m.Layout, bytes.NewReader(file.Bytes()))
			check(t, err)

			x := networktest.Samples(rand.New(rand.NewPCG(4, 4)), 1, 9)
			want := networktest.Forward(f, x)
			server, _ := y.server(t, 1)
			for _, way := range [][2]*Client{{y.client, again}, {again, y.client}} {
				in, err := way[0].Encrypt(x)
				check(t, err)
				out, _, err := server.Evaluate(in)
				check(t, err)
				got, err := way[1].Decrypt(out, 1)
				check(t, err)
				if bits := precision(want, got); bits < 10 {
					t.Errorf("%.1f bits of precision", bits)
				}
			}

			bad := file.Bytes()
			bad[len(bad)-1] = 3
			if _, err := ReadClient(p, m.Layout, bytes.NewReader(bad)); err == nil {
				t.Error("a coefficient of 3 is read")
			}
			if _, err := ReadClient(p, m.Layout, bytes.NewReader(bad[:len(bad)-1])); err == nil {
				t.Error("a file that ends early is read")
			}
		})
	}
}
