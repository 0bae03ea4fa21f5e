package packing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"hepex/network"
	"hepex/network/networktest"
)

// twoConvolutions is a random network of two or three convolutions and a dense layer.
func twoConvolutions(rng *rand.Rand) network.Geometry {
	conv := func(filters int) network.Conv {
		c := network.Conv{
			Filters: 1 + rng.IntN(filters), Kernel: network.Size{H: 1 + rng.IntN(3), W: 1 + rng.IntN(3)},
			Stride: network.Size{H: 1 + rng.IntN(2), W: 1 + rng.IntN(2)},
		}
		if rng.IntN(3) == 0 {
			c.Padding = network.Size{H: rng.IntN(c.Kernel.H), W: rng.IntN(c.Kernel.W)}
		}
		if rng.IntN(2) == 0 {
			c.Pool = network.Size{H: 1 + rng.IntN(3), W: 2}
		}
		return c
	}
	for {
		a := network.Architecture{
			Image:   network.Axis{H: 4 + rng.IntN(8), W: 4 + rng.IntN(8), Channels: 1 + rng.IntN(2)},
			Conv:    []network.Conv{conv(9), conv(6)},
			Outputs: 1 + rng.IntN(5), Activation: "square",
		}
		if rng.IntN(4) == 0 {
			a.Conv = append(a.Conv, conv(3))
		}
		a.Inputs = a.Image.Size()
		if g, err := a.Geometry(); err == nil { // else a kernel does not fit
			return g
		}
	}
}

// Networks whose second convolution is unfolded, in one ciphertext or several, with poolings, paddings and other convolutions after it, are
// the plain ones.
func TestUnfoldedEqualsPlainNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	seen := map[string]int{}
	for range rounds(t) {
		g := twoConvolutions(rng)
		f := networktest.SomeLinear(rng, networktest.Random(rng, g, 0.3+0.7*rng.Float64(), 1<<rng.IntN(3)))
		slots, encrypted := 64<<rng.IntN(4), rng.IntN(2) == 0
		m, err := OneImageIn(slots, encrypted).Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		x := networktest.Samples(rng, 1, g.Axis(0).Size())
		got, _, err := m.Simulate(x)
		if err != nil {
			t.Fatal(err)
		}
		if diff, size := networktest.MaxError(networktest.Forward(f, x), got); diff > 1e-9*math.Max(size, 1) {
			t.Fatalf("%s, %d slots: differs by %g of %g; layers %+v", g.Key(), slots, diff, size, m.Layers)
		}
		h := m.place.(oneImage).prepared
		if h == nil || h.second == nil {
			continue
		}
		for what, is := range map[string]bool{
			"unfolded": true, "several ciphertexts": len(h.second.babies) > 1, "fewer babies": m.Layers[1].Turns != nil,
			"giants": h.second.giants > 1, "pooling": h.second.pool != nil, "diagonals": len(h.diagonals) > 0,
			"room between values": len(h.diagonals) == 0 && h.second.places() > h.second.out.axis.Size(),
		} {
			if is {
				seen[what]++
			}
		}
	}
	t.Log(seen)
	if len(seen) < 7 && !testing.Short() {
		t.Errorf("only %v: the test shows little", seen)
	}
}

// The 3.3 million products of LeNet's second convolution would fill 200 ciphertexts. It takes few more, and few key switches; by diagonals it
// took 800 and 55, with as many inputs.
func TestLeNetIsFrugal(t *testing.T) {
	l, err := OneImageIn(16384, false).Layout(networktest.LeNet())
	if err != nil {
		t.Fatal(err)
	}
	counts := l.Counts(l.Dense(), false)
	if n := counts[1].Of(MulPlain); n > 320 {
		t.Errorf("%d products of conv2: want at most 320", n)
	}
	if n := counts[1].Of(RotateInput, RotateSum); n > 40 {
		t.Errorf("%d rotations of conv2: want at most 40", n)
	}
	if n := counts[2].Of(MulPlain, MulDiagonal); n > 40 {
		t.Errorf("%d products of fc3: want at most 40", n)
	}
	if n := l.Layers[0].Cols; n != 36 || l.Levels != 4 {
		t.Errorf("%d inputs and %d levels: want 36 and 4", n, l.Levels)
	}
	a := Arithmetic{LogN: 14, Conjugate: true, LogQ: []int{50, 50, 50, 50, 25}, LogP: []int{50, 50}}
	if bytes := a.Memory(l, l.Dense(), false, 1).Total(); bytes > 500<<20 {
		t.Errorf("%d bytes: want at most 500 MiB", bytes)
	}
}

// A layout that changes makes old results stale: raise oneImageVersion with it.
func TestGoldenOneImage(t *testing.T) {
	layout, err := OneImageIn(16384, false).Layout(networktest.LeNet())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(layout)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(fmt.Append(text, layout.KeyLevels(true)))
	const want = "ea21fea2bbe76314"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("layout hash %s, want %s: if the layout was meant to change, raise oneImageVersion", got, want)
	}
}
