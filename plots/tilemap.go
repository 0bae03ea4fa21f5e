package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// TileMap shows what permuting and pruning did to the tiles of each layer.
type TileMap struct {
	Title  string
	Layers []TileMapLayer
}

// TileMapLayer is one weight matrix, outputs × inputs.
type TileMapLayer struct {
	Name              string
	Before, After     [][]float32 // |w|, in the original order of the neurons and in the permuted one
	GroupOut, GroupIn int         // outputs and inputs that share a tile
	Kept              [][]bool    // tile rows × tile columns, in the permuted order
}

// DrawTileMap writes the map as ID.pdf, ID.svg and ID.png into dir, which it makes, and returns the
// three paths. Each layer is a row of two heat maps on the grid of its tiles: weights that are not
// zero are dark, and tiles that have to be kept are tinted. In the original order of the neurons those are
// the tiles that hold any weight, in the permuted one those that Kept names. Both show the same, final weights.
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
	return render(w, h, resolution, func(dc draw.Canvas) { sheet.paint(dc, picture) })
}

// mapRow is one layer with its maps before and after.
type mapRow struct {
	name string
	maps [2]heatMap
}

// heatMap is one matrix. A weight is x × y dots, or one dot stands for a rectangle of 1/x × 1/y
// weights where the matrix is too large for that.
type heatMap struct {
	heading           string
	weights           [][]float32
	kept              [][]bool
	groupOut, groupIn int
	top               float32 // the weight that is black
	x, y              float64
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
	outs, ins := len(l.Before), len(l.Before[0])
	square := whole(min(mapWidth/float64(ins), mapHeight/float64(outs), mostDots))
	var top float32
	for _, row := range l.Before {
		for _, w := range row {
			top = max(top, w)
		}
	}
	before := heatMap{weights: l.Before, kept: occupied(l), groupOut: l.GroupOut, groupIn: l.GroupIn, top: top}
	before.x, before.y = stretched(square, ins), stretched(square, outs)
	after := before
	after.weights, after.kept = l.After, l.Kept
	before.heading, after.heading = "original order: "+tally(before.kept), "permuted: "+tally(after.kept)
	name := fmt.Sprintf("%s: %d inputs × %d outputs, tiles %d × %d", l.Name, ins, outs, l.GroupIn, l.GroupOut)
	return mapRow{name, [2]heatMap{before, after}}, nil
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
func stretched(dots float64, n int) float64 {
	factor := math.Ceil(shortSide / (float64(n) * dots))
	return max(dots, whole(min(dots*min(factor, mostStretch), mostDots)))
}

func (l TileMapLayer) check() error {
	if l.GroupOut < 1 || l.GroupIn < 1 {
		return fmt.Errorf("groups of %d × %d: want at least 1", l.GroupIn, l.GroupOut)
	}
	if len(l.Before) == 0 || len(l.Before[0]) == 0 {
		return fmt.Errorf("no weights")
	}
	outs, ins := len(l.Before), len(l.Before[0])
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
	rows, cols := ceilDiv(outs, l.GroupOut), ceilDiv(ins, l.GroupIn)
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

// occupied marks the tiles that hold a weight before the permutation.
func occupied(l TileMapLayer) [][]bool {
	tiles := make([][]bool, len(l.Kept))
	for r := range tiles {
		tiles[r] = make([]bool, len(l.Kept[r]))
	}
	for o, row := range l.Before {
		for i, w := range row {
			if w != 0 {
				tiles[o/l.GroupOut][i/l.GroupIn] = true
			}
		}
	}
	return tiles
}

func tally(tiles [][]bool) string {
	kept, total := 0, 0
	for _, row := range tiles {
		for _, k := range row {
			total++
			if k {
				kept++
			}
		}
	}
	return fmt.Sprintf("%d of %d tiles (%.1f %%)", kept, total, 100*float64(kept)/float64(total))
}

// size is that of the map in dots.
func (m heatMap) size() (w, h int) {
	return int(math.Ceil(float64(len(m.weights[0])) * m.x)), int(math.Ceil(float64(len(m.weights)) * m.y))
}

var (
	keptTint    = color.RGBA{0xFF, 0xE9, 0xC2, 0xFF}
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
// are not zero among those it stands for; the tint of a kept tile or white behind them.
func (m heatMap) dot(x, y int) color.Color {
	outs, ins := len(m.weights), len(m.weights[0])
	o0, i0 := min(int(float64(y)/m.y), outs-1), min(int(float64(x)/m.x), ins-1)
	o1, i1 := o0+max(1, int(math.Round(1/m.y))), i0+max(1, int(math.Round(1/m.x)))
	sum, n := 0.0, 0.0
	for o := o0; o < min(o1, outs); o++ {
		for i := i0; i < min(i1, ins); i++ {
			n++
			if w := m.weights[o][i]; w > 0 {
				sum += 0.55 + 0.45*math.Sqrt(float64(min(w/m.top, 1)))
			}
		}
	}
	back := color.RGBA{0xFF, 0xFF, 0xFF, 0xFF}
	if m.kept[o0/m.groupOut][i0/m.groupIn] {
		back = keptTint
	}
	ink := color.RGBA{0x10, 0x22, 0x44, 0xFF}
	dark := sum / n
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-dark) + float64(b)*dark)) }
	return color.RGBA{mix(back.R, ink.R), mix(back.G, ink.G), mix(back.B, ink.B), 0xFF}
}

// rule draws the grid of the tiles and outlines the kept ones. at is the lower left corner, dot the
// size of a dot.
func (m heatMap) rule(dc draw.Canvas, at vg.Point, dot vg.Length) {
	w, h := m.size()
	right, top := at.X+vg.Length(w)*dot, at.Y+vg.Length(h)*dot
	x := func(tile int) vg.Length { return min(at.X+vg.Length(float64(tile*m.groupIn)*m.x)*dot, right) }
	y := func(tile int) vg.Length { return max(top-vg.Length(float64(tile*m.groupOut)*m.y)*dot, at.Y) }
	var grid, outlines vg.Path
	for c := range m.kept[0] {
		line(&grid, vg.Point{X: x(c), Y: at.Y}, vg.Point{X: x(c), Y: top})
	}
	for r, row := range m.kept {
		line(&grid, vg.Point{X: at.X, Y: y(r)}, vg.Point{X: right, Y: y(r)})
		for c, kept := range row {
			if kept {
				outlines = append(outlines, vg.Rectangle{Min: vg.Point{X: x(c), Y: y(r + 1)}, Max: vg.Point{X: x(c + 1), Y: y(r)}}.Path()...)
			}
		}
	}
	// Lines that are close together would hide the weights.
	tile := min(m.x*float64(m.groupIn), m.y*float64(m.groupOut))
	if tile >= 6 {
		stroke(dc, gridLine, grid)
	}
	if tile >= 12 {
		stroke(dc, keptOutline, outlines)
	}
	stroke(dc, mapFrame, vg.Rectangle{Min: at, Max: vg.Point{X: right, Y: top}}.Path())
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
