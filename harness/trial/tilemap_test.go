package trial

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/network"
	"hepex/packing"
	"hepex/pruning"
)

// mapOf is the map of a network of a convolution of 3 filters, 2 × 3 taps of 2 channels, and a dense layer of 2 neurons at 3 × 2 positions, in tiles
// 2 × 2. Weight number i of a layer is i + 1.
func mapOf(t *testing.T, orders [][]int) TileMap {
	t.Helper()
	n, err := network.New(network.Architecture{
		Inputs: 32, Image: network.Axis{H: 4, W: 4, Channels: 2}, Outputs: 2, Activation: "square",
		Conv: []network.Conv{{Filters: 3, Kernel: network.Size{H: 2, W: 3}, Stride: network.Square(1)}},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range n.Dense() {
		for w := range d.W {
			d.W[w] = float32(w + 1)
		}
	}
	f, err := n.Fold()
	if err != nil {
		t.Fatal(err)
	}
	shape := packing.Shape{In: 2, Out: 2, Batch: packing.MinSlots / 4}
	m, err := packing.TilesOf(shape).Pack(f, orders)
	if err != nil {
		t.Fatal(err)
	}
	return newTileMap(&pruning.State{Net: n, Orders: orders}, nil, m, shape)
}

func TestTileMapsSurviveTheirFiles(t *testing.T) {
	for name, orders := range map[string][][]int{"permuted": {{1, 0}, {2, 0, 1}, {1, 0}}, "as it is": nil} {
		m := mapOf(t, orders)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseTileMap(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := cmp.Diff(m, read); d != "" {
			t.Errorf("%s (-written +read):\n%s", name, d)
		}
		conv, fc := read.Layers[0], read.Layers[1]
		if conv.Name != "conv1" || !slices.Equal(conv.Kernel, []int{2, 3}) || conv.Flattened || fc.Name != "fc2" || !slices.Equal(fc.Kernel, []int{3, 2}) || !fc.Flattened {
			t.Errorf("%s: layers %s %v and %s %v", name, conv.Name, conv.Kernel, fc.Name, fc.Kernel)
		}
		natural, permuted := conv.Rows(false), conv.Rows(true)
		want := natural[0]
		if orders != nil { // filter 2 comes first, and its channels change places in every tap
			want = nil
			for tap := range 6 {
				want = append(want, natural[2][2*tap+1], natural[2][2*tap])
			}
		}
		if d := cmp.Diff(want, permuted[0]); d != "" {
			t.Errorf("%s: first output (-want +got):\n%s", name, d)
		}
	}
}

// What expansion gave back is known bit by bit, in both orders.
func TestTileMapsKnowWhatExpansionGaveBack(t *testing.T) {
	final := []float32{1, 2, 3, 4, 5, 6, 7, 8, 0}
	net := func(w []float32) *network.Network {
		n, err := network.New(network.Architecture{Inputs: 3, Outputs: 3, Activation: "square"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		copy(n.Dense()[0].W, w)
		return n
	}
	orders := [][]int{{2, 0, 1}, {1, 0, 2}}
	f, err := net(final).Fold()
	if err != nil {
		t.Fatal(err)
	}
	shape := packing.Shape{In: 2, Out: 2, Batch: packing.MinSlots / 4}
	m, err := packing.TilesOf(shape).Pack(f, orders)
	if err != nil {
		t.Fatal(err)
	}
	got := newTileMap(&pruning.State{Net: net(final), Orders: orders}, net([]float32{1, 0, 0, 4, 5, 6, 7, 0, 0}), m, shape).Layers[0]
	if d := cmp.Diff([][]bool{{false, true, true}, {false, false, false}, {false, true, false}}, got.AddedRows(false)); d != "" {
		t.Errorf("in the original order (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]bool{{false, false, false}, {true, false, true}, {false, false, true}}, got.AddedRows(true)); d != "" {
		t.Errorf("permuted (-want +got):\n%s", d)
	}
}

// Maps of fully connected networks need not say that they have no taps.
func TestOlderTileMapsAreRead(t *testing.T) {
	const text = `{"layers": [{"name": "fc1", "outputs": 2, "inputs": 3, "weights": "AAECAwQF", "in_order": [2, 0, 1], "out_group": 1, "in_group": 2, "kept": [[true, false], [true, true]]}]}`
	m, err := ParseTileMap([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]float32{{2, 0, 1}, {5, 3, 4}}, m.Layers[0].Rows(true)); d != "" || m.Layers[0].Taps() != 1 {
		t.Errorf("%d taps, weights (-want +got):\n%s", m.Layers[0].Taps(), d)
	}
}

func TestTileMapsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(m *TileMap)
		want  string
	}{
		"no layers":         {func(m *TileMap) { m.Layers = nil }, "no layers"},
		"no weights":        {func(m *TileMap) { m.Layers[0].Weights = nil }, "layer 1 (conv1): 0 weights for 3 outputs of 12 inputs"},
		"sizes that wrap":   {func(m *TileMap) { m.Layers[0].Outputs, m.Layers[0].Inputs = 1<<32, 1<<32 }, "weights for 4294967296 outputs"},
		"negative sizes":    {func(m *TileMap) { m.Layers[0].Outputs, m.Layers[0].Inputs = -3, -12 }, "weights for -3 outputs"},
		"no group":          {func(m *TileMap) { m.Layers[1].InGroup = 0 }, "layer 2 (fc2): tiles of 0 inputs"},
		"a huge group":      {func(m *TileMap) { m.Layers[1].OutGroup = 1 << 62 }, "want 1 to"},
		"a flat kernel":     {func(m *TileMap) { m.Layers[0].Kernel = []int{6} }, "kernel [6] for 12 inputs"},
		"an odd kernel":     {func(m *TileMap) { m.Layers[0].Kernel = []int{5, 1} }, "kernel [5 1]"},
		"a negative kernel": {func(m *TileMap) { m.Layers[0].Kernel = []int{-2, -3} }, "kernel [-2 -3]"},
		"order too short":   {func(m *TileMap) { m.Layers[0].InOrder = []int{0} }, "in_order: want each of 0 to 1 once"},
		"order of all taps": {func(m *TileMap) { m.Layers[0].InOrder = make([]int, 12) }, "in_order"},
		"order beyond":      {func(m *TileMap) { m.Layers[0].OutOrder = []int{0, 1, 3} }, "out_order: want each of 0 to 2 once"},
		"order negative":    {func(m *TileMap) { m.Layers[0].OutOrder = []int{0, 1, -1} }, "out_order"},
		"order twice":       {func(m *TileMap) { m.Layers[1].InOrder = []int{0, 2, 2} }, "layer 2 (fc2): in_order: want each of 0 to 2 once"},
		"bits of expansion": {func(m *TileMap) { m.Layers[0].Added = []byte{1} }, "layer 1 (conv1): added: 1 bytes for 36 weights"},
		"rows of tiles":     {func(m *TileMap) { m.Layers[0].Kept = m.Layers[0].Kept[1:] }, "1 rows of kept tiles: want 2"},
		"tiles of a row":    {func(m *TileMap) { m.Layers[0].Kept[1] = nil }, "0 kept tiles in row 1: want 6"},
	} {
		m := mapOf(t, [][]int{{1, 0}, {2, 0, 1}, {1, 0}})
		c.spoil(&m)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseTileMap(text); err == nil || !strings.HasPrefix(err.Error(), "tile map: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := ParseTileMap([]byte(`{"layers": 3}`)); err == nil {
		t.Error("not a map: no error")
	}
}

// Whatever a file holds, reading it ends in an error or in a map that can be drawn.
func FuzzParseTileMap(f *testing.F) {
	for _, text := range []string{
		`{"layers": [{"name": "fc1", "outputs": 2, "inputs": 3, "weights": "AAECAwQF", "in_order": [2, 0, 1], "out_group": 1, "in_group": 2, "kept": [[true, false], [true, true]]}]}`,
		`{"layers": [{"name": "conv1", "outputs": 1, "inputs": 4, "weights": "AAECAw==", "in_order": [1, 0], "out_group": 4, "in_group": 4, "kept": [[true, true]], "kernel": [1, 2], "added": "BQ=="}]}`,
		`{}`, `[`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseTileMap(text)
		if err != nil {
			return
		}
		for i := range m.Layers {
			for _, permuted := range []bool{false, true} {
				if rows := m.Layers[i].Rows(permuted); len(rows) != m.Layers[i].Outputs {
					t.Errorf("%d rows", len(rows))
				}
				m.Layers[i].AddedRows(permuted)
			}
		}
	})
}
