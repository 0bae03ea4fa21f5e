package inference

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"hepex/inference/kernels"
	"hepex/network/networktest"
	"hepex/packing"
)

// portableTwin is the same parameter set on the portable kernels.
func (p Parameters) portableTwin() Parameters {
	p.rings = newRings(p.RingQ(), p.RingP(), kernels.NewPortable)
	return p
}

// Whole evaluations are the same, bit for bit, whichever kernels they run on: keys, models and inputs that one process wrote serve
// another on another machine.
func TestKernelsAgree(t *testing.T) {
	if kernels.Name() == kernels.Portable {
		t.Skip("this process has the portable kernels only")
	}
	for round := range 15 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(9, uint64(round)))
			dims := networktest.Dims(rng, 4, 40)
			f := networktest.Folded(rng, dims, rng.Float64(), 2)
			encrypted := round%2 == 0
			m := anyModel(t, rng, f, testLogN-1, encrypted)
			rescaleSomehow(t, rng, m.Layout)
			lit := smallLiteral(m.Layout)
			for i, b := range lit.LogQ { // what vector kernels serve, and one that they do not
				lit.LogQ[i] = min(b, 50)
			}
			if round%3 == 0 {
				lit.LogQ[0] = 55
			}
			lit.LogP = [][]int{{60}, {50}, {47, 46}, {50, 49}, {50, 49, 48}}[round%5]
			fast, err := NewParameters(lit, true)
			check(t, err)
			slow := fast.portableTwin()
			if unserved := len(fast.Unserved()); (unserved > 0) != (round%3 == 0 || lit.LogP[0] == 60) {
				t.Errorf("log_q %v, log_p %v: %d moduli are said to be unserved", lit.LogQ, lit.LogP, unserved)
			}
			x := networktest.Samples(rng, 1+rng.IntN(m.Batch), dims[0])
			var outputs [2]bytes.Buffer
			client, err := NewClient(fast, m.Layout)
			check(t, err)
			drawn, err := client.Keys(encrypted)
			check(t, err)
			encryptor := client.encryptor
			if !encrypted {
				encryptor = nil
			}
			model, _, err := buildModel(fast, m, encryptor)
			check(t, err)
			input, err := client.Encrypt(x)
			check(t, err)
			for i, p := range []Parameters{fast, slow} {
				keys, err := NewKeys(p, m.Layout, encrypted)
				check(t, err)
				over(t, drawn, keys)
				remote, err := NewModel(p, m.Layout)
				check(t, err)
				over(t, model, remote)
				received, err := NewInput(p, m.Layout)
				check(t, err)
				over(t, input, received)
				server, err := NewServer(p, m.Layout, keys, remote, 1+i)
				check(t, err)
				output, _, err := server.Evaluate(received)
				check(t, err)
				_, err = output.WriteTo(&outputs[i])
				check(t, err)
				if drawn.Bytes() != keys.Bytes() || model.Bytes() != remote.Bytes() {
					t.Errorf("keys of %d bytes and a model of %d take %d and %d", drawn.Bytes(), model.Bytes(), keys.Bytes(), remote.Bytes())
				}
			}
			if !bytes.Equal(outputs[0].Bytes(), outputs[1].Bytes()) {
				t.Errorf("dims %v, %s %s, log_q %v, log_p %v: outputs differ", dims, m.Kind, m.Shape, lit.LogQ, lit.LogP)
			}
			if m.Kind == packing.Scalar && encrypted {
				t.Error("scalar layouts have plain weights")
			}
		})
	}
}
