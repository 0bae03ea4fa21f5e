package plots

import (
	"image"
	imagedraw "image/draw"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sheet lays a tile map out: a title, and a row of two maps for each layer. Lengths are in dots, so
// that weights fall on whole dots. All maps are one picture: where a file holds several of one size,
// PDF stores them in no certain order.
type sheet struct {
	title string
	rows  []mapRow
}

// Lengths of a sheet, in dots.
const (
	sheetMargin  = 36
	sheetTitle   = 72
	nameHeight   = 52 // the name of a layer
	noteDots     = 38 // a line of what there is to say below it
	headHeight   = 44 // the heading of a map
	labelHeight  = 44 // below a map
	labelWidth   = 44 // left of one
	keyHeight    = 54
	mapGap       = 60  // between maps
	rowGap       = 40  // between layers
	shortestRow  = 124 // the word outputs beside it
	pageColumn   = 923 // at which a sheet has PageWidth
	dotsPerPoint = dpi / 72.
)

// mapNoteStyle is that of what is said below the name of a layer.
var mapNoteStyle = letters(smallSize+0.5, grey(0x40))

// columnWidth is the width of the widest map; maps stand in the middle of their column.
func (s sheet) columnWidth() int {
	widest := pageColumn
	for _, r := range s.rows {
		w, _ := r.maps[0].size()
		widest = max(widest, w)
	}
	return widest
}

func (s sheet) height(r mapRow) int {
	_, h := r.maps[0].size()
	return s.above(r) + headHeight + max(h, shortestRow) + labelHeight
}

// above is the height of the texts above the headings of a row.
func (s sheet) above(r mapRow) int {
	if lines := len(s.notes(r)); lines > 0 {
		return nameHeight + lines*noteDots + headHeight/4
	}
	return nameHeight
}

// notes are the lines of a row's note.
func (s sheet) notes(r mapRow) []string {
	return wrap([]string{r.note}, mapNoteStyle, vg.Length(s.width()-2*sheetMargin)/dotsPerPoint)
}

// key says what colours mean.
func (s sheet) key() string {
	key := "Tinted: tiles that are computed. Dark: weights that are not zero."
	if s.has(func(r mapRow) bool { return r.maps[1].added != nil }) {
		key += " Green: those that expansion gave back."
	}
	if s.has(func(r mapRow) bool { return r.tapped }) {
		key += " On a darker ground: dropped inputs and outputs."
	}
	return key
}

// has tells whether some layer is of a kind.
func (s sheet) has(kind func(r mapRow) bool) bool { return slices.ContainsFunc(s.rows, kind) }

func (s sheet) dots() (w, h int) {
	h = 2*sheetMargin + (len(s.rows)-1)*rowGap + keyHeight
	if s.title != "" {
		h += sheetTitle
	}
	for _, r := range s.rows {
		h += s.height(r)
	}
	return s.width(), h
}

func (s sheet) width() int { return 2*sheetMargin + 2*(labelWidth+s.columnWidth()) + mapGap }

func (s sheet) size() (w, h vg.Length) {
	x, y := s.dots()
	return vg.Length(x) / dotsPerPoint, vg.Length(y) / dotsPerPoint
}

// picture is the weights of all maps.
func (s sheet) picture() *image.RGBA {
	w, h := s.dots()
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	imagedraw.Draw(picture, picture.Bounds(), image.White, image.Point{}, imagedraw.Src)
	s.each(func(m heatMap, left, top int) { m.fill(picture, left, top) })
	return picture
}

// paint draws the rest upon the picture.
func (s sheet) paint(dc draw.Canvas, picture image.Image) {
	w, h := s.dots()
	dc.DrawImage(dc.Rectangle, picture)

	at := func(x, y int) vg.Point { // dots from the upper left corner
		return vg.Point{X: dc.Min.X + vg.Length(x)/dotsPerPoint, Y: dc.Max.Y - vg.Length(y)/dotsPerPoint}
	}
	y := sheetMargin
	if s.title != "" {
		p := at(w/2, y)
		caption(dc, aligned(letters(11, grey(0)), draw.XCenter, draw.YTop), p.X, p.Y, s.title)
		y += sheetTitle
	}
	for _, r := range s.rows {
		p := at(sheetMargin, y)
		caption(dc, aligned(labelStyle, draw.XLeft, draw.YTop), p.X, p.Y, r.name)
		for i, note := range s.notes(r) {
			p = at(sheetMargin, y+nameHeight+i*noteDots)
			caption(dc, aligned(mapNoteStyle, draw.XLeft, draw.YTop), p.X, p.Y, note)
		}
		y += s.height(r) + rowGap
	}
	p := at(sheetMargin, h-sheetMargin)
	caption(dc, mapNoteStyle, p.X, p.Y, s.key())
	small := letters(8, grey(0x20))
	s.each(func(m heatMap, left, top int) {
		mw, mh := m.size()
		m.rule(dc, at(left, top+mh), 1/dotsPerPoint)
		p := at(left+mw/2, top-max(0, shortestRow-mh)/2-10)
		caption(dc, aligned(small, draw.XCenter, draw.YBottom), p.X, p.Y, m.heading)
		p = at(left+mw/2, top+mh+8)
		caption(dc, aligned(small, draw.XCenter, draw.YTop), p.X, p.Y, "inputs")
		p = at(left-10, top+mh/2)
		upright := aligned(small, draw.XCenter, draw.YBottom)
		upright.Rotation = math.Pi / 2
		caption(dc, upright, p.X, p.Y, "outputs")
	})
}

// each visits every map with the dot of its upper left corner.
func (s sheet) each(visit func(m heatMap, left, top int)) {
	y := sheetMargin
	if s.title != "" {
		y += sheetTitle
	}
	for _, r := range s.rows {
		for i, m := range r.maps {
			w, h := m.size()
			left := sheetMargin + i*(labelWidth+s.columnWidth()+mapGap) + labelWidth + (s.columnWidth()-w)/2
			visit(m, left, y+s.above(r)+headHeight+max(0, shortestRow-h)/2)
		}
		y += s.height(r) + rowGap
	}
}
