package plots

import (
	"image/color"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	plotlib "gonum.org/v1/plot"
)

// look is how a series is drawn: no two differ in colour alone.
type look struct {
	color  color.Color
	glyph  glyph
	dashes []vg.Length
}

// palette is that of Okabe and Ito (Color Universal Design, 2008), which people of every kind of
// colour vision tell apart, without its yellow, too pale for lines on white, and with brown and olive.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xB2, 0xFF}, // blue
	color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, // orange
	color.RGBA{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	color.RGBA{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	color.RGBA{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	color.RGBA{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	color.RGBA{0x8C, 0x56, 0x4B, 0xFF}, // brown
	color.RGBA{0x00, 0x00, 0x00, 0xFF}, // black
	color.RGBA{0x80, 0x80, 0x00, 0xFF}, // olive
}

var glyphs = []glyph{
	{corners: 0},
	{corners: 4, turn: math.Pi / 4},
	{corners: 3, turn: math.Pi / 2},
	{corners: 4},
	{corners: 3, turn: -math.Pi / 2},
	{corners: 5, turn: math.Pi / 2},
	{corners: 6},
	{corners: 5, turn: math.Pi / 2, notch: 0.42},
	{corners: 4, notch: 0.4},
}

var dashes = [][]vg.Length{nil, {5, 2.5}, {1.5, 2}, {7, 2, 1.5, 2}}

// styles gives each series its look. Schemes keep theirs from figure to figure. Where series are
// named by several parameters, the first decides colour and shape, the others dashes and filling.
func styles(params []string, series [][]string) []look {
	looks := make([]look, len(series))
	first, rest := parts(series)
	colors := slots(first, len(params) > 0 && params[0] == scheme)
	nested := len(first) > 1 && len(rest) > 0 && len(rest) <= len(dashes) && !slices.ContainsFunc(slices.Collect(maps.Values(colors)), func(c int) bool { return c >= len(palette) })
	for i, values := range series {
		c, shape, dash := i, i, i/len(palette)
		switch {
		case nested:
			c = colors[values[0]]
			shape = c
			dash = max(0, slices.IndexFunc(rest, func(v []string) bool { return slices.Equal(v, values[1:]) }))
		case len(values) == 1:
			c = colors[values[0]]
			shape, dash = c, c/len(palette)
		}
		looks[i] = look{palette[c%len(palette)], glyphs[shape%len(glyphs)], dashes[dash%len(dashes)]}
		looks[i].glyph.hollow = dash%2 == 1
		if len(values) > 0 && params[0] == scheme && values[0] == "dense" {
			looks[i].color, looks[i].glyph = grey(0x55), denseGlyph
		}
	}
	return looks
}

// denseGlyph marks unpruned networks, whose levels are grey as well.
var denseGlyph = glyph{corners: 4, hollow: true}

// slots numbers the values, in order but for schemes: known ones have their own numbers, and others
// take what is left; dense has a look of its own.
func slots(values []string, areSchemes bool) map[string]int {
	numbers, taken := make(map[string]int), make(map[int]bool)
	if areSchemes {
		for _, v := range values {
			if i := slices.Index(schemes, v); i > 0 {
				numbers[v], taken[i-1] = i-1, true
			}
		}
	}
	next := 0
	for _, v := range values {
		if _, known := numbers[v]; known || areSchemes && v == "dense" {
			continue
		}
		for taken[next] {
			next++
		}
		numbers[v], taken[next] = next, true
	}
	return numbers
}

// parts lists the different first values of the keys and the different remainders. One that is empty counts only where some first value has
// others too: what has no such parameters takes no look from those that have.
func parts(keys [][]string) (first []string, rest [][]string) {
	for _, k := range keys {
		if len(k) > 0 {
			first = append(first, k[0])
		}
		if !bare(k) || slices.ContainsFunc(keys, func(other []string) bool { return !bare(other) && other[0] == k[0] }) {
			rest = append(rest, k[1:])
		}
	}
	slices.SortFunc(first, compareValues)
	slices.SortFunc(rest, compareKeys)
	return slices.Compact(first), slices.CompactFunc(rest, slices.Equal)
}

// bare tells whether a key has its first value alone.
func bare(key []string) bool {
	return len(key) < 2 || !slices.ContainsFunc(key[1:], func(v string) bool { return v != "" })
}

// levelLook is that of the i-th baseline.
func levelLook(i int) look {
	return look{color: grey(0x55), dashes: [][]vg.Length{{5, 3}, {2, 2}, {9, 3}, {7, 2, 2, 2}}[i%4]}
}

func grey(level uint8) color.Color { return color.RGBA{level, level, level, 0xFF} }

func (l look) line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.color, Width: width, Dashes: l.dashes}
}

func (l look) marker() draw.GlyphStyle {
	return draw.GlyphStyle{Color: l.color, Radius: 3, Shape: l.glyph}
}

// glyph is a marker: a regular polygon with its first corner at the angle turn, a star where notch
// (the inner radius as a share of the outer) is set, or a circle when it has no corners.
type glyph struct {
	corners     int
	turn, notch float64
	hollow      bool
}

// DrawGlyph draws the marker in the colour of the style, with a white edge or, hollow, a white core.
func (g glyph) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	core, edge, width := sty.Color, color.Color(color.White), vg.Length(0.5)
	if g.hollow {
		core, edge, width = color.White, sty.Color, 1
	}
	outline := g.outline(sty.Radius, at)
	c.SetColor(core)
	c.Fill(outline)
	c.SetLineStyle(draw.LineStyle{Color: edge, Width: width})
	c.Stroke(outline)
}

func (g glyph) outline(radius vg.Length, at vg.Point) vg.Path {
	var p vg.Path
	if g.corners == 0 {
		p.Move(vg.Point{X: at.X + radius, Y: at.Y})
		p.Arc(at, radius, 0, 2*math.Pi)
		p.Close()
		return p
	}
	// Corners reach further than the circle, so that all markers look equally large.
	reach := radius * vg.Length(1+0.75/float64(g.corners))
	n, step := g.corners, 2*math.Pi/float64(g.corners)
	if g.notch > 0 {
		n, step, reach = 2*n, step/2, radius*1.45
	}
	for i := range n {
		r := reach
		if g.notch > 0 && i%2 == 1 {
			r *= vg.Length(g.notch)
		}
		sin, cos := math.Sincos(g.turn + float64(i)*step)
		corner := vg.Point{X: at.X + r*vg.Length(cos), Y: at.Y + r*vg.Length(sin)}
		if i == 0 {
			p.Move(corner)
		} else {
			p.Line(corner)
		}
	}
	p.Close()
	return p
}

// letters is the one type face of all figures, in the given size and colour.
func letters(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: plotlib.DefaultTextHandler,
	}
}

func aligned(style text.Style, x text.XAlignment, y text.YAlignment) text.Style {
	style.XAlign, style.YAlign = x, y
	return style
}
