package plots

import (
	"image/color"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tappedLayer makes a layer with a kernel, tiles 4 × 4, of which about half hold weights. Output 1 and, of several, the last input are
// dropped.
func tappedLayer(name string, ins, outs int, k Kernel, flattened bool) TileMapLayer {
	rng := rand.New(rand.NewPCG(5, 6))
	l := TileMapLayer{Name: name, GroupIn: 4, GroupOut: 4, Kernel: k, Flattened: flattened}
	taps, groups := k.Rows*k.Cols, ceilDiv(ins, 4)
	l.Before, l.Kept = make([][]float32, outs), make([][]bool, ceilDiv(outs, 4))
	for r := range l.Kept {
		for range taps * groups {
			l.Kept[r] = append(l.Kept[r], rng.IntN(2) == 0)
		}
	}
	for o := range l.Before {
		l.Before[o] = make([]float32, taps*ins)
		for i := range l.Before[o] {
			dropped := o == 1 || ins > 1 && i%ins == ins-1
			if !dropped && l.Kept[o/4][i/ins*groups+i%ins/4] {
				l.Before[o][i] = 0.1 + rng.Float32()
			}
		}
	}
	l.After = l.Before
	return l
}

// Every weight of a layer with taps is drawn once, by dots of its own if it is as large as that, on the ground that it should have.
func TestTapsAreDrawnWhereTheyBelong(t *testing.T) {
	for _, l := range []TileMapLayer{
		tappedLayer("conv1", 1, 6, Kernel{3, 5}, false), tappedLayer("conv2", 6, 10, Kernel{2, 3}, false),
		tappedLayer("fc3", 10, 7, Kernel{4, 3}, true), tappedLayer("fc4", 3, 9, Kernel{1, 1}, false),
	} {
		row, err := newMapRow(l)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range row.maps {
			seen := map[[2]int]int{}
			w, h := m.size()
			for y := range h {
				for x := range w {
					o, oEnd := m.out.neurons(y)
					i, iEnd := m.in.neurons(x)
					if o == oEnd || i == iEnd {
						if got := m.dot(x, y); got != color.White {
							t.Fatalf("%s: %v in a gap", l.Name, got)
						}
						continue
					}
					seen[[2]int{o, i}]++
					weight, output, input := place(l, o, i)
					want := color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
					kept := l.Kept[output/4][weight/l.inputs()*ceilDiv(l.inputs(), 4)+input/4]
					dropped := l.taps() > 1 && (output == 1 || l.inputs() > 1 && input == l.inputs()-1)
					switch {
					case l.Before[output][weight] > 0:
						if r, _, _, _ := m.dot(x, y).RGBA(); r > 0x9000 {
							t.Fatalf("%s: output %d, weight %d is not dark", l.Name, output, weight)
						}
						continue
					case kept && dropped:
						want = keptDropped
					case kept:
						want = keptTint
					case dropped:
						want = color.RGBA{0xC4, 0xC4, 0xC4, 0xFF}
					}
					// In the original order a tile is tinted if it holds a weight.
					if got := m.dot(x, y); got != want && m.heading == row.maps[1].heading {
						t.Fatalf("%s: output %d, weight %d on %v, want %v", l.Name, output, weight, got, want)
					}
				}
			}
			if want := len(l.Before) * len(l.Before[0]); len(seen) != want {
				t.Errorf("%s: %d of %d weights drawn", l.Name, len(seen), want)
			}
		}
	}
}

// place is the weight of an output that is drawn in a row and column of neurons.
func place(l TileMapLayer, row, col int) (weight, output, input int) {
	outs, ins := len(l.Before), l.inputs()
	if !l.Flattened {
		tap := row/outs*max(1, l.Kernel.Cols) + col/ins
		return tap*ins + col%ins, row % outs, col % ins
	}
	first := 0 // input of the group
	for width := min(4, ins); col >= width*l.taps(); width = min(4, ins-first) {
		col -= width * l.taps()
		first += width
	}
	width := min(4, ins-first)
	input = first + col%width
	return col/width*ins + input, row, input
}

// All tiles of these layers that are kept hold a weight, and no others.
func TestOccupiedTiles(t *testing.T) {
	for _, l := range []TileMapLayer{
		tappedLayer("conv1", 1, 6, Kernel{3, 5}, false), tappedLayer("conv2", 6, 10, Kernel{2, 3}, false), tappedLayer("fc3", 10, 7, Kernel{4, 3}, true),
	} {
		if diff := cmp.Diff(l.Kept, l.occupied()); diff != "" {
			t.Errorf("%s (-kept +occupied):\n%s", l.Name, diff)
		}
	}
}

func TestTapsInWords(t *testing.T) {
	wide := tappedLayer("conv9", 400, 5, Kernel{3, 3}, false)
	for _, c := range []struct {
		l           TileMapLayer
		title, note string
	}{
		{tappedLayer("conv1", 1, 6, Kernel{3, 5}, false), "conv1: 1 input × 6 outputs at each of 3 × 5 taps, tiles 4 × 4", "Dropped: 0 of 1 input, 1 of 6 outputs."},
		{tappedLayer("fc3", 10, 7, Kernel{4, 3}, true), "fc3: 10 inputs × 7 outputs at each of 4 × 3 positions, tiles 4 × 4",
			"From left to right: groups of inputs, each at all positions. Dropped: 1 of 10 inputs, 1 of 7 outputs."},
		{wide, "conv9: 400 inputs × 5 outputs at each of 3 × 3 taps, tiles 4 × 4", "Dropped: 1 of 400 inputs, 1 of 5 outputs. A dot stands for 2 × 1 weights."},
	} {
		row, err := newMapRow(c.l)
		if err != nil {
			t.Fatal(err)
		}
		if row.name != c.title || row.note != c.note {
			t.Errorf("%q, %q; want %q, %q", row.name, row.note, c.title, c.note)
		}
	}
	plain, err := newMapRow(tileMap(4, 4, 3, 1).Layers[0])
	if err != nil || plain.note != "" || plain.tapped {
		t.Errorf("a layer without taps: note %q, %v", plain.note, err)
	}
}

// However many taps there are, a map stays within a page.
func TestMapsFitThePage(t *testing.T) {
	for _, k := range []Kernel{{1, 1}, {3, 3}, {1, 600}, {28, 28}, {120, 2}, {7, 1}} {
		for _, ins := range []int{1, 3, 40} {
			for _, flattened := range []bool{false, true} {
				l := tappedLayer("conv", ins, 30, k, flattened)
				row, err := newMapRow(l)
				if err != nil {
					t.Fatal(err)
				}
				w, h := row.maps[0].size()
				gaps := widestGap * (len(row.maps[0].in.starts) + len(row.maps[0].out.starts))
				if slices.Max([]int{w - mapWidth, h - mapHeight}) > gaps || w > 2*mapWidth || h > 2*mapHeight {
					t.Errorf("%v, %d inputs, flattened %t: %d × %d dots", k, ins, flattened, w, h)
				}
			}
		}
	}
}

// expanded makes every other weight of a layer one that expansion gave back.
func expanded(l TileMapLayer) TileMapLayer {
	l.After = l.Before
	l.Before, l.Added = make([][]float32, len(l.After)), make([][]bool, len(l.After))
	for o, row := range l.After {
		l.Before[o], l.Added[o] = slices.Clone(row), make([]bool, len(row))
		for i, w := range row {
			if w > 0 && (o+i)%2 == 0 {
				l.Before[o][i], l.Added[o][i] = 0, true
			}
		}
	}
	return l
}

// Weights that expansion gave back are green, the others dark, and the key and the heading say so.
func TestExpandedWeightsAreGreen(t *testing.T) {
	for _, l := range []TileMapLayer{
		tappedLayer("fc1", 12, 8, Kernel{1, 1}, false), tappedLayer("conv2", 6, 10, Kernel{2, 3}, false), tappedLayer("fc3", 10, 7, Kernel{4, 3}, true),
	} {
		l = expanded(l)
		row, err := newMapRow(l)
		if err != nil {
			t.Fatal(err)
		}
		m, greens := row.maps[1], 0
		w, h := m.size()
		for y := range h {
			for x := range w {
				o, oEnd := m.out.neurons(y)
				i, iEnd := m.in.neurons(x)
				if o == oEnd || i == iEnd {
					continue
				}
				weight, output, _ := place(l, o, i)
				r, g, b, _ := m.dot(x, y).RGBA()
				green := g > r && g > b
				if green != l.Added[output][weight] {
					t.Fatalf("%s: output %d, weight %d: green %v, added %v", l.Name, output, weight, green, l.Added[output][weight])
				}
				if green {
					greens++
				}
			}
		}
		if greens == 0 {
			t.Fatalf("%s: no weight was added: nothing was tested", l.Name)
		}
		key := sheet{rows: []mapRow{row}}.key()
		if !strings.Contains(key, "Green: those that expansion gave back.") || !strings.HasPrefix(m.heading, "permuted and expanded: ") {
			t.Errorf("%s: heading %q, key %q", l.Name, m.heading, key)
		}
	}
}

// What expansion gave a weight to is not dropped.
func TestExpandedOutputsAreNotDropped(t *testing.T) {
	l := expanded(tappedLayer("conv2", 6, 10, Kernel{2, 3}, false))
	for i := range l.Before[3] {
		l.Added[3][i] = l.After[3][i] > 0
		l.Before[3][i] = 0
	}
	row, err := newMapRow(l)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Dropped: 1 of 6 inputs, 1 of 10 outputs."; row.note != want {
		t.Errorf("note %q, want %q", row.note, want)
	}
}
