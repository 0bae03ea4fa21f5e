package inference

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"hepex/inference/kernels"
	"hepex/network"
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

// An evaluation allocates as many polynomials as packing foresees: exactly on one thread, at most on several. A second one allocates
// nothing. The outputs of both are the same, to the bit.
func TestPeakIsForeseen(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(21, uint64(round)))
			g := network.FullyConnected(networktest.Dims(rng, 4, 40)...)
			if round%4 > 0 {
				g = networktest.Conv(rng, 7)
			}
			f := networktest.SomeLinear(rng, networktest.Random(rng, g, rng.Float64(), 1<<rng.IntN(4)))
			encrypted := rng.IntN(2) == 0
			m := anyModel(t, rng, f, testLogN-1, encrypted)
			rescaleSomehow(t, rng, m.Layout)
			p, err := NewParameters(smallLiteral(m.Layout), true)
			check(t, err)
			y := newPartyOf(t, p, m, g.Axis(0).Size(), encrypted)
			for _, threads := range []int{1, 3} {
				server, input := y.server(t, threads)
				first, _, err := server.Evaluate(input)
				check(t, err)
				got, want := server.pool.allocated, m.PeakLimbs(m.Kept, encrypted, threads)
				if got > want || threads == 1 && got < want {
					t.Errorf("%s %s, %+v, encrypted %t, %d threads: %d polynomials, foreseen %d", m.Kind, m.Shape, g, encrypted, threads, got, want)
				}
				outputs := len(first.ciphertexts) * 2
				if free := len(server.pool.free); free+outputs != got {
					t.Errorf("%s %s, %d threads: %d polynomials are free and %d in outputs, of %d", m.Kind, m.Shape, threads, free, outputs, got)
				}
				decoded, err := y.client.Decrypt(first, 1)
				if errors.Is(err, ErrRange) { // the parameters are not derived for the network
					return
				}
				check(t, err)
				server.Recycle(first)
				second, _, err := server.Evaluate(input)
				check(t, err)
				again, err := y.client.Decrypt(second, 1)
				check(t, err)
				if server.pool.allocated > max(got, want) || !slices.Equal(decoded[0], again[0]) {
					t.Errorf("%s %s, %d threads: %d polynomials the second time, %v after %v", m.Kind, m.Shape, threads, server.pool.allocated, again, decoded)
				}
			}
		})
	}
}
