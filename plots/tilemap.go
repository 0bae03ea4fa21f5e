package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TileMap shows what permuting and pruning did to the tiles of each layer.
type TileMap struct {
	Title  string
	Point  string // its id, for the files beside the picture
	Layers []TileMapLayer
}

// TileMapLayer is the weights of a layer: outputs × inputs, and of one with a kernel outputs × taps × inputs, tap by tap, row by row of the
// kernel. Tiles lie within a tap.
type TileMapLayer struct {
	Name              string
	Before, After     [][]float32 // |w|, in the original order of the neurons and in the permuted one
	GroupOut, GroupIn int         // outputs and inputs that share a tile
	Kept              [][]bool    // tile rows × tile columns, in the permuted order
	Added             [][]bool    // weights of After that expansion gave back and Before lacks, or nil

	Kernel    Kernel // zero: one tap
	Flattened bool   // the taps are the positions of a grid, all of which a fully connected layer reads
}

// Kernel is the number of rows and columns of taps.
type Kernel struct{ Rows, Cols int }

// DrawTileMap writes the map as ID.pdf, ID.svg and ID.png into dir, which it makes, beside it the numbers of tiles as ID.csv and
// a caption as ID.txt, and returns the paths. Each layer is a row of two heat maps on the grid of its tiles: weights that are not
// zero are dark, and tiles that have to be kept are tinted. In the original order of the neurons those are
// the tiles that hold any weight, in the permuted one those that Kept names. Both show the same, final weights, but for those that
// expansion gave back to kept tiles: they are green, and the first map is without them.
//
// A layer with a kernel is a small map for each tap, in the rows and columns of the kernel. A fully connected layer after a grid has a tap
// for each position, in the rows and columns of the grid or, where weights are larger so, all side by side. On a darker ground are
// outputs and inputs that are dropped: without a weight in any tap.
func DrawTileMap(dir, id string, m TileMap) ([]string, error) {
	paths, err := drawTileMap(dir, id, m)
	if err != nil {
		return nil, fmt.Errorf("plots: tile map %s: %w", id, err)
	}
	return paths, nil
}

func drawTileMap(dir, id string, m TileMap) ([]string, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	files, err := m.files(dpi)
	if err != nil {
		return nil, err
	}
	return write(dir, id, files)
}

func (m TileMap) files(resolution int) ([]file, error) {
	if len(m.Layers) == 0 {
		return nil, fmt.Errorf("no layers")
	}
	sheet := sheet{title: m.Title}
	for _, l := range m.Layers {
		row, err := newMapRow(l)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		sheet.rows = append(sheet.rows, row)
	}
	w, h := sheet.size()
	picture := sheet.picture()
	files, err := render(w, h, resolution, func(dc draw.Canvas) { sheet.paint(dc, picture) })
	if err != nil {
		return nil, err
	}
	caption := fmt.Sprintf("%s. %s Point %s.\n", m.Title, sheet.key(), m.Point)
	return withData(files, m.table(), strings.TrimPrefix(caption, ". "))
}

// table is the numbers of tiles of each layer.
func (m TileMap) table() [][]string {
	rows := [][]string{{"point", "layer", "inputs", "outputs", "tiles", "with weights in the original order", "kept"}}
	for _, l := range m.Layers {
		occupied, total := tiles(l.occupied())
		kept, _ := tiles(l.Kept)
		row := []string{m.Point, l.Name}
		for _, n := range []int{len(l.Before[0]), len(l.Before), total, occupied, kept} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return rows
}

// mapRow is one layer with its maps before and after.
type mapRow struct {
	name, note string
	tapped     bool // it has a kernel
	maps       [2]heatMap
}

// heatMap is one matrix, of a layer with a kernel that of all its taps. A weight takes some dots on each side, or one dot stands for a
// rectangle of weights where the matrix is too large for that.
type heatMap struct {
	heading string
	weights [][]float32
	added   [][]bool // or nil
	kept    [][]bool
	out, in side
	top     float32 // the weight that is black
}

// The largest map and the least of its shorter side, in dots; the most dots across one weight; and
// how far a weight may be from square.
const (
	mapWidth, mapHeight = 2.95 * dpi, 2.65 * dpi
	shortSide           = 0.65 * dpi
	mostDots            = 15
	mostStretch         = 15
)

func newMapRow(l TileMapLayer) (mapRow, error) {
	if err := l.check(); err != nil {
		return mapRow{}, err
	}
	var top float32
	for _, row := range l.After {
		for _, w := range row {
			top = max(top, w)
		}
	}
	before, after := l.heatMap(l.Before, nil, l.occupied()), l.heatMap(l.After, l.Added, l.Kept)
	before.top, after.top = top, top
	before.heading, after.heading = "original order: "+tally(before.kept), "permuted: "+tally(after.kept)
	if l.Added != nil {
		before.heading, after.heading = "pruned, "+before.heading, "permuted and expanded: "+tally(after.kept)
	}
	return mapRow{l.title(), l.note(after), l.taps() > 1, [2]heatMap{before, after}}, nil
}

func (l TileMapLayer) title() string {
	outs, ins := len(l.Before), l.inputs()
	tiles := fmt.Sprintf("tiles %d × %d", l.GroupIn, l.GroupOut)
	if l.taps() == 1 {
		return fmt.Sprintf("%s: %d inputs × %d outputs, %s", l.Name, ins, outs, tiles)
	}
	what := "taps"
	if l.Flattened {
		what = "positions"
	}
	return fmt.Sprintf("%s: %s × %s at each of %d × %d %s, %s", l.Name, count(ins, "input"), count(outs, "output"), l.Kernel.Rows, l.Kernel.Cols, what, tiles)
}

// note says of a layer with a kernel how its map is to be read, and what it cannot show well.
func (l TileMapLayer) note(m heatMap) string {
	if l.taps() == 1 {
		return ""
	}
	var notes []string
	if l.Flattened {
		notes = append(notes, "From left to right: groups of inputs, each at all positions.")
	}
	if outs, ins := l.droppedOf(l.After); number(outs)+number(ins) > 0 {
		notes = append(notes, fmt.Sprintf("Dropped: %d of %s, %d of %s.", number(ins), count(len(ins), "input"), number(outs), count(len(outs), "output")))
	}
	if x, y := per(m.in.dots), per(m.out.dots); x*y > 1 {
		notes = append(notes, fmt.Sprintf("A dot stands for %d × %d weights.", x, y))
	}
	return strings.Join(notes, " ")
}

// whole rounds dots per weight down to a whole number of dots, or of weights per dot.
func whole(dots float64) float64 {
	if dots >= 1 {
		return math.Floor(dots)
	}
	return 1 / math.Ceil(1/dots)
}

// stretched is the dots across a weight of an axis of n, made longer where the side of the map would
// be too short to see anything.
func stretched(dots float64, n int, most float64) float64 {
	factor := math.Ceil(shortSide / (float64(n) * dots))
	return max(dots, whole(min(dots*min(factor, mostStretch), most)))
}

func (l TileMapLayer) check() error {
	if l.GroupOut < 1 || l.GroupIn < 1 {
		return fmt.Errorf("groups of %d × %d: want at least 1", l.GroupIn, l.GroupOut)
	}
	if len(l.Before) == 0 || len(l.Before[0]) == 0 {
		return fmt.Errorf("no weights")
	}
	outs, ins := len(l.Before), len(l.Before[0])
	if k := l.Kernel; k != (Kernel{}) && (k.Rows < 1 || k.Cols < 1 || k.Rows > ins/k.Cols || ins%(k.Rows*k.Cols) != 0) {
		return fmt.Errorf("kernel of %d × %d taps for outputs of %d weights: want as many weights in each tap", k.Rows, k.Cols, ins)
	}
	for _, m := range [][][]float32{l.Before, l.After} {
		if len(m) != outs {
			return fmt.Errorf("%d outputs before and %d after", outs, len(l.After))
		}
		for o, row := range m {
			if len(row) != ins {
				return fmt.Errorf("output %d has %d inputs: want %d", o, len(row), ins)
			}
			for i, w := range row {
				if !(w >= 0) || math.IsInf(float64(w), 0) {
					return fmt.Errorf("weight %d of output %d is %v: want a finite magnitude", i, o, w)
				}
			}
		}
	}
	if l.Added != nil && (len(l.Added) != outs || slices.ContainsFunc(l.Added, func(row []bool) bool { return len(row) != ins })) {
		return fmt.Errorf("weights of expansion: want %d × %d", outs, ins)
	}
	rows, cols := ceilDiv(outs, l.GroupOut), l.taps()*ceilDiv(l.inputs(), l.GroupIn)
	if len(l.Kept) != rows {
		return fmt.Errorf("%d rows of tiles: want %d", len(l.Kept), rows)
	}
	for r, row := range l.Kept {
		if len(row) != cols {
			return fmt.Errorf("row %d has %d tiles: want %d", r, len(row), cols)
		}
	}
	return nil
}

// tiles counts those that are kept, and all.
func tiles(rows [][]bool) (kept, total int) {
	for _, row := range rows {
		kept += number(row)
		total += len(row)
	}
	return kept, total
}

func tally(rows [][]bool) string {
	kept, total := tiles(rows)
	return fmt.Sprintf("%d of %d tiles (%.1f %%)", kept, total, 100*float64(kept)/float64(total))
}

func number(of []bool) (n int) {
	for _, is := range of {
		if is {
			n++
		}
	}
	return n
}

// size is that of the map in dots.
func (m heatMap) size() (w, h int) {
	return m.in.length(), m.out.length()
}

var (
	ink         = color.RGBA{0x10, 0x22, 0x44, 0xFF}
	addedInk    = color.RGBA{0x2F, 0x9E, 0x6B, 0xFF} // half as dark in grey
	keptTint    = color.RGBA{0xFF, 0xE9, 0xC2, 0xFF}
	keptDropped = color.RGBA{0xD9, 0xBE, 0x87, 0xFF}
	keptOutline = draw.LineStyle{Color: color.RGBA{0xDD, 0x9A, 0x1C, 0xFF}, Width: 0.35}
	gridLine    = draw.LineStyle{Color: grey(0xD8), Width: 0.25}
	mapFrame    = draw.LineStyle{Color: grey(0x60), Width: 0.6}
)

// fill draws the weights into the dots of the picture from the given corner on.
func (m heatMap) fill(picture *image.RGBA, left, top int) {
	w, h := m.size()
	for y := range h {
		for x := range w {
			picture.Set(left+x, top+y, m.dot(x, y))
		}
	}
}

// dot is the colour of one dot: dark for a weight, even a small one, or for the share of weights that
// are not zero among those it stands for; the ground behind them.
func (m heatMap) dot(x, y int) color.Color {
	o0, o1 := m.out.neurons(y)
	i0, i1 := m.in.neurons(x)
	if o0 == o1 || i0 == i1 {
		return color.White
	}
	n := float64((o1 - o0) * (i1 - i0))
	dark, green := 0.0, 0.0 // shares of the dot
	for o := o0; o < o1; o++ {
		for i := i0; i < i1; i++ {
			w := m.weights[o][i]
			if w == 0 {
				continue
			}
			share := (0.55 + 0.45*math.Sqrt(float64(min(w/m.top, 1)))) / n
			if m.added != nil && m.added[o][i] {
				green += share
			} else {
				dark += share
			}
		}
	}
	back := m.ground(o0, i0)
	mix := func(a, b, c uint8) uint8 {
		return uint8(math.Round(float64(a)*(1-dark-green) + float64(b)*dark + float64(c)*green))
	}
	return color.RGBA{mix(back.R, ink.R, addedInk.R), mix(back.G, ink.G, addedInk.G), mix(back.B, ink.B, addedInk.B), 0xFF}
}

// ground is what a weight lies on: white, or the tint of a kept tile, and darker where its output or input is dropped.
func (m heatMap) ground(out, in int) color.RGBA {
	kept := m.kept[m.out.tile[out]][m.in.tile[in]]
	switch dropped := m.out.dropped[out] || m.in.dropped[in]; {
	case kept && dropped:
		return keptDropped
	case kept:
		return keptTint
	case dropped:
		return color.RGBA{0xC4, 0xC4, 0xC4, 0xFF}
	}
	return color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
}

// rule draws the grid of the tiles, outlines the kept ones and frames the parts. at is the lower left corner, dot the
// size of a dot.
func (m heatMap) rule(dc draw.Canvas, at vg.Point, dot vg.Length) {
	_, h := m.size()
	corner := vg.Point{X: at.X, Y: at.Y + vg.Length(h)*dot}
	for out := range m.out.starts {
		for in := range m.in.starts {
			m.rulePart(dc, corner, dot, out, in)
		}
	}
}

// rulePart does so for the tiles of one part on each side. corner is the upper left one of the map.
func (m heatMap) rulePart(dc draw.Canvas, corner vg.Point, dot vg.Length, out, in int) {
	left, right := corner.X+vg.Length(m.in.starts[in])*dot, corner.X+vg.Length(m.in.end(in))*dot
	top, bottom := corner.Y-vg.Length(m.out.starts[out])*dot, corner.Y-vg.Length(m.out.end(out))*dot
	x := func(neuron int) vg.Length { return min(corner.X+vg.Length(m.in.at(neuron, in))*dot, right) }
	y := func(neuron int) vg.Length { return max(corner.Y-vg.Length(m.out.at(neuron, out))*dot, bottom) }
	var grid, outlines vg.Path
	cols := m.in.tiles(in)
	for _, c := range cols {
		line(&grid, vg.Point{X: x(m.in.from[c]), Y: bottom}, vg.Point{X: x(m.in.from[c]), Y: top})
	}
	for _, r := range m.out.tiles(out) {
		line(&grid, vg.Point{X: left, Y: y(m.out.from[r])}, vg.Point{X: right, Y: y(m.out.from[r])})
		for _, c := range cols {
			if m.kept[r][c] {
				outlines = append(outlines, vg.Rectangle{Min: vg.Point{X: x(m.in.from[c]), Y: y(m.out.to[r])}, Max: vg.Point{X: x(m.in.to[c]), Y: y(m.out.from[r])}}.Path()...)
			}
		}
	}
	// Lines that are close together would hide the weights.
	tile := min(m.in.dots*float64(m.in.group), m.out.dots*float64(m.out.group))
	if tile >= 6 {
		stroke(dc, gridLine, grid)
	}
	if tile >= 12 {
		stroke(dc, keptOutline, outlines)
	}
	stroke(dc, mapFrame, vg.Rectangle{Min: vg.Point{X: left, Y: bottom}, Max: vg.Point{X: right, Y: top}}.Path())
}

func line(p *vg.Path, from, to vg.Point) {
	p.Move(from)
	p.Line(to)
}

// stroke draws all of a path at once: by far faster, and smaller in a file, than line by line.
func stroke(dc draw.Canvas, style draw.LineStyle, p vg.Path) {
	dc.SetLineStyle(style)
	dc.Stroke(p)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
