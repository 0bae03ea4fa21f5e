package serve

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hepex/harness/atomicfile/faults"
	"hepex/inference"
	"hepex/network"
	"hepex/network/networktest"
	"hepex/packing"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// silent reports nothing.
func silent(int, int) {}

// inputs of the networks in tests.
const inputs = 20

// newNetwork is a random one, with parameters for random samples.
func newNetwork(t testing.TB, seed uint64, choice packing.Choice) *Network {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	f := networktest.Folded(rng, []int{inputs, 12, 5}, 0.7, 1)
	m, err := choice.Pack(f, nil)
	check(t, err)
	m.Trim()
	_, profile, err := m.Simulate(networktest.Samples(rng, min(m.Batch, 4), inputs))
	check(t, err)
	lit, err := inference.Derive(m.Layout, profile, inference.Wanted{Precision: 10, Encrypted: choice.Encrypted})
	check(t, err)
	if choice.Kind == packing.OneImage { // more precise, and something for files to keep
		m.SumFirst(m.Sums())
	}
	return &Network{
		Folded: f, Plan: Plan{Choice: choice, Rescalings: m.Rescalings(), Literal: lit, Usage: Usage{Low: 0, High: 1, Classes: true}},
	}
}

// parties are the folders of one evaluation.
type parties struct{ dir, owner, client, server, inputs, outputs string }

// newParties has everything but outputs, for random samples.
func newParties(t testing.TB, n *Network, samples [][]float64) parties {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	p := parties{dir, in("owner"), in("client"), in("owner"), in("inputs.hepex"), in("outputs.hepex")}
	if n.Choice.Encrypted { // the client owns the network
		p.server = in("server")
	}
	check(t, n.Write(p.owner))
	check(t, Keygen(p.owner, p.client, p.server))
	p.encrypt(t, samples)
	return p
}

func (p parties) encrypt(t testing.TB, samples [][]float64) {
	t.Helper()
	c, err := OpenClient(p.client)
	check(t, err)
	check(t, c.Encrypt(samples, p.inputs, silent))
}

func (p parties) evaluate() error {
	_, err := Evaluation{Model: p.server, Keys: p.server, Inputs: p.inputs, Outputs: p.outputs, Threads: 2, Report: silent}.Run()
	return err
}

func (p parties) decrypt() ([][]float64, error) {
	c, err := OpenClient(p.client)
	if err != nil {
		return nil, err
	}
	return c.Decrypt(p.outputs, silent)
}

func matrix(samples int) [][]float64 {
	return networktest.Samples(rand.New(rand.NewPCG(7, 7)), samples, inputs)
}

var choices = map[string]packing.Choice{
	"tiles, encrypted":     {Kind: packing.Tiles, Shape: packing.Shape{In: 16, Out: 16, Batch: 16}, Encrypted: true},
	"tiles, plain":         packing.TilesOf(packing.Shape{In: 16, Out: 16, Batch: 16}),
	"one image, encrypted": packing.OneImageIn(4096, true),
	"one image, plain":     packing.OneImageIn(4096, false),
	"scalar":               packing.ScalarIn(4096),
}

// What comes back from the server is what the plain network gives, for each sample and over several batches.
func TestServing(t *testing.T) {
	for name, choice := range choices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t, 3, choice)
			x := matrix(2*min(choice.Shape.Batch, 16) + 3)
			p := newParties(t, n, x)
			check(t, p.evaluate())
			got, err := p.decrypt()
			check(t, err)
			want := networktest.Forward(choice.Evaluated(n.Folded), x)
			if len(got) != len(want) {
				t.Fatalf("%d outputs of %d samples", len(got), len(want))
			}
			if diff, size := networktest.MaxError(want, got); -math.Log2(diff/size) < 10 {
				t.Errorf("outputs differ by %g of %g", diff, size)
			}
			again, err := ReadNetwork(p.owner)
			check(t, err)
			if diff, _ := networktest.MaxError(want, networktest.Forward(choice.Evaluated(again.Folded), x)); diff > 0 {
				t.Errorf("the network that was read differs by %g", diff)
			}
			c, err := OpenClient(p.client)
			check(t, err)
			c.Classes = true
			var text strings.Builder
			check(t, c.WriteText(&text, got, false))
			if lines := strings.Fields(text.String()); len(lines) != len(x) || lines[0] != fmt.Sprint(Labels(want)[0]) {
				t.Errorf("%d lines for %d samples, the first %s", len(lines), len(x), lines[0])
			}
		})
	}
}

func names(t testing.TB, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// The client needs nothing of a server's network but what is public, and the server of a client's no more than she sends.
func TestFoldersHoldTheirOwn(t *testing.T) {
	for name, choice := range choices {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParties(t, newNetwork(t, 3, choice), matrix(1))
			atServer := []string{KeysFile, ModelFile, NetworkFile, PublicFile}
			if choice.Encrypted {
				atServer = []string{KeysFile, ModelFile, PublicFile}
			}
			for dir, want := range map[string][]string{p.client: {PublicFile, SecretFile}, p.server: atServer} {
				if got := names(t, dir); !slices.Equal(got, want) {
					t.Errorf("%s holds %v: want %v", dir, got, want)
				}
			}
			in := func(name string) string { return filepath.Join(p.dir, name) }
			for what, folders := range map[string][2]string{
				"secret key overwritten":                {p.client, in("keys")},
				"one folder for both":                   {in("both"), in("both")},
				"evaluation keys overwritten":           {in("other"), p.server},
				"keys or weights in the owner's folder": {in("other"), p.owner},
			} {
				if err := Keygen(p.owner, folders[0], folders[1]); err == nil {
					t.Error(what)
				}
			}
		})
	}
}

// Keys are drawn for a folder that has the public file, so that comes last, whenever packing is stopped.
func TestPublicFileComesLast(t *testing.T) {
	n := newNetwork(t, 3, choices["one image, plain"])
	for call := 0; ; call++ {
		dir := t.TempDir()
		log, restore := faults.Inject(t, faults.Fault{Call: call, Way: faults.Death})
		err := n.Write(dir)
		restore()
		if log.Failed() == "" {
			check(t, err)
			return
		}
		left := names(t, dir)
		if err == nil || slices.Contains(left, PublicFile) && !(slices.Contains(left, ModelFile) && slices.Contains(left, NetworkFile)) {
			t.Errorf("%s: error %v, left %v", log.Failed(), err, left)
		}
	}
}

func TestServeRefusesWeakParameters(t *testing.T) {
	n := newNetwork(t, 3, packing.OneImageIn(4096, false))
	n.Literal.LogQ[0], n.Literal.LogQ[1], n.Literal.LogP = 60, 60, []int{60, 60}
	if err := n.Write(t.TempDir()); err == nil || !strings.Contains(err.Error(), "128") {
		t.Errorf("error %v", err)
	}
}

// A network in another order of neurons, with a convolution, comes back as itself.
func TestNetworkFileKeepsOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	g := network.Geometry{{Window: network.Window{In: network.Axis{H: 5, W: 4, Channels: 1}, Kernel: network.Square(3), Stride: network.Square(1)}, Out: 6}}
	g = append(g, network.Stage{Window: network.Whole(g.Axis(1)), Out: 5})
	n := newNetwork(t, 3, choices["tiles, plain"])
	n.Folded = networktest.Random(rng, g, 0.8, 1)
	n.Orders = networktest.Orders(rng, n.Folded.Dims())
	n.Orders[1] = rng.Perm(6)
	x := matrix(5)
	p := newParties(t, n, x)
	check(t, p.evaluate())
	got, err := p.decrypt()
	check(t, err)
	if diff, size := networktest.MaxError(networktest.Forward(n.Folded, x), got); -math.Log2(diff/size) < 8 {
		t.Errorf("outputs differ by %g of %g", diff, size)
	}
}
