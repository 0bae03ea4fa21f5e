package plots

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// A bar chart is a dot chart of a metric that has parts, such as one for each layer: in the place of a dot is a bar of these parts, in
// the order of evaluation, and a whisker for the range of their sum.

// bar is the parts of one point: part i ends at ends[i] and begins where the one before it ends, or at 0.
type bar struct {
	at, height float64 // middle and height, in rows
	ends       []float64
}

// barHeight is that of a row's bars together, in rows; barRow what a row is taller than one of dots, in points.
const (
	barHeight = 0.7
	barRow    = 5
)

// checkBars refuses what bars, which begin at 0, cannot have.
func checkBars(given Axis) error {
	switch {
	case given.Scale == "log":
		return errors.New("x: scale log: bars begin at 0; want linear")
	case given.Range != nil && given.Range[0] != 0:
		return fmt.Errorf("x: range %g: bars begin at 0; want [0, the greatest value]", given.Range)
	}
	return nil
}

// fillBars makes the panels, the legend and the axes.
func (c *chart) fillBars(d *drawn, value record.Metric) error {
	if err := checkBars(d.fig.XAxis); err != nil {
		return err
	}
	rows, areas, parts := appearing(d.points, d.series), distinct(d.points, d.facets), d.points.PartNames(d.fig.X)
	if len(areas) > maxPanels || len(rows) > maxSeries || len(parts) > maxSeries {
		return fmt.Errorf("%d panels of %d rows with %d parts: want at most %d of %d with %d", len(areas), len(rows), len(parts), maxPanels, maxSeries, maxSeries)
	}
	rowNames, facet := d.naming(d.series, d.points), d.naming(d.facets, d.points)
	c.onSide, c.parts, c.x = true, parts, d.rowAxis(rowNames, rows, len(areas))
	most := 1 // bars of a row
	for _, values := range areas {
		p := panel{title: facet.of(values)}
		for _, row := range rows {
			found := points(having(having(d.points, d.facets, values), d.series, row), nil, d.y)
			for _, pt := range found {
				p.bars = append(p.bars, bar{ends: endsOf(pt, d.fig.X, parts)})
			}
			p.curves = append(p.curves, curve{name: rowNames.row(row), look: look{color: color.Black}, points: found})
			most = max(most, len(found))
		}
		c.panels = append(c.panels, p)
	}
	for _, p := range c.panels {
		p.placeBars(barHeight / float64(most))
	}
	for i, part := range parts {
		c.legend = append(c.legend, entry{name: part, look: partLook(i), filled: true})
	}
	if d.fig.YAxis = d.fig.XAxis; d.fig.YAxis.Range == nil {
		c.zero = true
	}
	if err := c.scale(d, value, value); err != nil {
		return err
	}
	for _, p := range c.panels {
		for _, b := range p.bars {
			for i := range b.ends {
				b.ends[i] *= c.y.factor
			}
		}
	}
	return nil
}

// placeBars puts the bars of each row, of the given height, around its middle.
func (p panel) placeBars(height float64) {
	next := 0
	for i, cv := range p.curves {
		for k := range cv.points {
			at := float64(i) + height*(float64(k)+0.5-float64(len(cv.points))/2)
			cv.points[k].x.mean, p.bars[next].at, p.bars[next].height = at, at, 0.9*height
			next++
		}
	}
}

// endsOf is the ends of the means of the parts, over the attempts that a point is the mean of. A part that an attempt lacks takes it no time.
func endsOf(pt point, metric string, names []string) (ends []float64) {
	end := 0.0
	for _, name := range names {
		seconds := make([]float64, len(pt.of))
		for i, r := range pt.of {
			seconds[i], _ = record.Value(r, metric+"."+name)
		}
		end += mean(seconds)
		ends = append(ends, end)
	}
	return ends
}

// lengths are those of the parts.
func (b bar) lengths() (texts []string) {
	begin := 0.0
	for _, end := range b.ends {
		texts = append(texts, exact(end-begin))
		begin = end
	}
	return texts
}

// partColors differ in lightness, too, and neighbours by much: parts have no markers to tell them apart in grey.
var partColors = []color.Color{
	color.RGBA{0x08, 0x30, 0x6B, 0xFF}, // dark blue
	color.RGBA{0xE6, 0x9F, 0x00, 0xFF}, // orange
	color.RGBA{0x00, 0x72, 0xB2, 0xFF}, // blue
	color.RGBA{0xF2, 0xCF, 0xE0, 0xFF}, // pale purple
	color.RGBA{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	color.RGBA{0xFF, 0xF7, 0xBC, 0xFF}, // pale yellow
	color.RGBA{0x00, 0x00, 0x00, 0xFF}, // black
	color.RGBA{0xB3, 0xB3, 0xB3, 0xFF}, // grey
}

func partLook(i int) look { return look{color: partColors[i%len(partColors)]} }

// partEdge outlines parts, some of which are pale.
var partEdge = draw.LineStyle{Color: grey(0x60), Width: 0.3}

// bars draws the bars of a panel, with the names of the parts where they fit.
type bars struct {
	chart *chart
	bars  []bar
}

// Plot draws the bars.
func (b bars) Plot(dc draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&dc)
	for _, one := range b.bars {
		low, high := toY(one.at+one.height/2), toY(one.at-one.height/2)
		begin := 0.0
		for i, end := range one.ends {
			left, right := max(toX(begin), dc.Min.X), min(toX(end), dc.Max.X)
			if begin = end; right <= left {
				continue
			}
			fill := partLook(i).color
			dc.SetColor(fill)
			box := vg.Rectangle{Min: vg.Point{X: left, Y: low}, Max: vg.Point{X: right, Y: high}}.Path()
			dc.Fill(box)
			stroke(dc, partEdge, box)
			style := aligned(letters(smallSize, on(fill)), draw.XCenter, draw.YCenter)
			if name := b.chart.parts[i]; style.Width(name) < right-left-3 && high-low >= smallSize {
				dc.FillText(style, vg.Point{X: (left + right) / 2, Y: (low+high)/2 + 0.8}, clean(name))
			}
		}
	}
}

// on is the colour of letters that can be read on another.
func on(ground color.Color) color.Color {
	r, g, b, _ := ground.RGBA()
	if lightness := (0.2126*float64(r) + 0.7152*float64(g) + 0.0722*float64(b)) / math.MaxUint16; lightness > 0.5 {
		return color.Black
	}
	return color.White
}
