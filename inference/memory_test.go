package inference

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hepex/inference/kernels"
	"hepex/network/networktest"
	"hepex/packing"
)

// buffers is the memory of a switcher in use with one special modulus.
func (s *switcher) buffers() (n int) {
	count := func(limbs ...[]uint64) {
		for _, l := range limbs {
			n += 8 * len(l)
		}
	}
	for _, l := range s.lanes {
		count(l.digits...)
		count(l.product[:]...)
		count(l.a, l.b)
		count(l.turned...)
	}
	for _, src := range s.sources {
		count(src.coeffs...)
	}
	for _, sum := range s.sums {
		count(sum.total[0], sum.total[1], sum.own)
	}
	for _, r := range s.rest {
		for c := range 2 {
			count(r.p[c]...)
			count(r.last[c])
		}
	}
	return n
}

// What key switches need is foreseen, and not far too much: with rotations of inputs for all rows and within a row, alone
// and shared by threads.
func TestBuffersAreForeseen(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	f := networktest.Folded(rng, []int{70, 24, 20, 1}, 1, 1)
	for _, encrypted := range []bool{false, true} {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("encrypted %t, %d threads", encrypted, threads), func(t *testing.T) {
				m, err := packing.OneImageIn(1<<(testLogN-1), encrypted).Pack(f, nil)
				check(t, err)
				p, err := NewParameters(smallLiteral(m.Layout), true)
				check(t, err)
				client, err := NewClient(p, m.Layout)
				check(t, err)
				keys, err := client.Keys(encrypted)
				check(t, err)
				var model *Model
				if encrypted {
					model, _, err = client.EncryptModel(m)
				} else {
					model, _, err = EncodeModel(p, m)
				}
				check(t, err)
				server, err := NewServer(p, m.Layout, keys, model, threads)
				check(t, err)
				input, err := client.Encrypt(networktest.Samples(rng, 1, 70))
				check(t, err)
				_, _, err = server.Evaluate(input)
				check(t, err)
				got := 0
				for _, w := range server.workers {
					got += w.buffers()
				}
				if server.team != server.workers[0] {
					got += server.team.buffers()
				}
				want := int(PredictMemory(p.Literal, m.Layout, m.Kept, encrypted, threads).Buffers)
				t.Logf("%d bytes, foreseen %d", got, want)
				if want < got*9/10 || want > 2*got {
					t.Errorf("%d bytes of buffers, foreseen were %d", got, want)
				}
			})
		}
	}
}

// What packing predicts a residue to take is what the kernels' streams need.
func TestWordBytes(t *testing.T) {
	for bits := 16; bits <= 61; bits++ {
		if got, want := packing.WordBytes(bits), kernels.WordBytes(1<<bits); got != want {
			t.Errorf("%d bits: %d bytes, want %d", bits, got, want)
		}
	}
}
