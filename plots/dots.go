package plots

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hepex/harness/record"
)

// A dot chart is a chart on its side: its x is the row and runs down, its y is the value and runs to the right. A row shows
// the mean, the range and the values of the single seeds. What the rows are compared with runs through all of
// them: the mean of the first row, where it has one, and dense networks. Where rows have dense networks of their own, as tile
// shapes have, each is compared with its own.

// Lengths of a dot chart, in points: a row of one point and what each further one adds to all rows, what stands above and
// below them, and the longest that a row's name may be where no width is asked for.
const (
	rowHeight   = 15
	pointHeight = 10
	besidesRows = 42
	widestName  = 125
)

// rowsHeight is that of a panel. Beyond some points, those of a row overlap rather than make the figure taller.
func (c *chart) rowsHeight() vg.Length {
	most := 1
	for _, p := range c.panels {
		for _, cv := range p.curves {
			most = max(most, len(cv.points))
		}
	}
	row := rowHeight + pointHeight*min(most-1, 4)
	if c.parts != nil {
		row += barRow
	}
	return vg.Length(len(c.x.ticks)*row + besidesRows)
}

var (
	rowLook       = look{color: palette[0]}
	referenceLook = look{color: palette[4]}
)

// fillRows makes the panels, the legend and the axes. The metric is that of both x and y of d.
func (c *chart) fillRows(d *drawn, value record.Metric) error {
	rows, areas := appearing(d.points, d.series), distinct(d.points, d.facets)
	if len(areas) > maxPanels || len(rows) > maxSeries {
		return fmt.Errorf("%d panels of %d rows: want at most %d of %d", len(areas), len(rows), maxPanels, maxSeries)
	}
	rowNames, facet := d.naming(d.series, d.points), d.naming(d.facets, d.points)
	compared := false
	for _, values := range areas {
		p := panel{title: facet.of(values)}
		dense := baselinesFor(d.baselines, d.facets, values)
		own := d.ofRows(dense, having(d.points, d.facets, values), rows)
		if own == nil {
			p.curves = append(p.curves, d.levels("dense", dense, nil)...)
		}
		for i, row := range rows {
			if own != nil {
				p.curves = append(p.curves, d.levels(rowNames.row(row)+", dense", own[i], &[2]float64{float64(i) - 0.4, float64(i) + 0.4})...)
			}
			found := points(having(having(d.points, d.facets, values), d.series, row), nil, d.y)
			found = d.placed(Axis{}, d.fig.YAxis, found)
			for k := range found { // those that differ in more than their seeds get places of their own
				found[k].x.mean = float64(i) + 0.8*((float64(k)+0.5)/float64(len(found))-0.5)
			}
			cv := curve{name: rowNames.row(row), look: rowLook, points: found}
			if i == 0 && len(found) == 1 && own == nil { // one of several would be compared with anything but its like
				cv.look, cv.reference, compared = referenceLook, true, true
			}
			p.curves = append(p.curves, cv)
		}
		c.panels = append(c.panels, p)
	}
	if compared {
		c.legend = append(c.legend, entry{name: "mean of " + rowNames.row(rows[0]), look: referenceLook, line: true})
	}
	if len(d.baselines) > 0 {
		c.legend = append(c.legend, entry{name: "dense", look: levelLook(0), line: true})
	}
	c.onSide, c.x = true, d.rowAxis(rowNames, rows, len(areas))
	return c.scale(d, value, value)
}

// ofRows returns the dense records of each row that has points in a panel, or nil where all of these rows share them or some have none.
func (d *drawn) ofRows(dense, points record.Set, rows [][]string) []record.Set {
	own, shared := make([]record.Set, len(rows)), true
	for i, row := range rows {
		if len(having(points, d.series, row)) == 0 {
			continue
		}
		own[i] = baselinesFor(dense, d.series, row)
		if len(own[i]) == 0 {
			return nil
		}
		shared = shared && len(own[i]) == len(dense)
	}
	if shared {
		return nil
	}
	return own
}

// levels are those of dense records, of one row or, without reach, of all.
func (d *drawn) levels(name string, dense record.Set, reach *[2]float64) (all []curve) {
	for _, pt := range d.placed(Axis{}, d.fig.YAxis, points(dense, nil, d.y)) {
		all = append(all, curve{name: name, look: levelLook(0), points: []point{pt}, baseline: true, reach: reach})
	}
	return all
}

// appearing returns the different keys of the records as they come, which is the order of a config.
func appearing(records record.Set, params []string) [][]string {
	var all [][]string
	seen := make(map[string]bool)
	for _, r := range records {
		k := key(r, params)
		if id := fmt.Sprintf("%q", k); !seen[id] {
			all, seen[id] = append(all, k), true
		}
	}
	return all
}

// rowAxis names the rows. In a single panel names may take a part of the width that was asked for.
func (d *drawn) rowAxis(rowNames naming, rows [][]string, panels int) axis {
	widest := vg.Length(widestName)
	if panels == 1 {
		widest = max(widest, 0.4*vg.Length(d.fig.Width)*vg.Centimeter)
	}
	a := axis{down: true, min: -0.6, max: float64(len(rows)) - 0.4}
	for i, values := range rows {
		a.ticks = append(a.ticks, plot.Tick{Value: float64(i), Label: fitting(rowNames.row(values), tickStyle, widest)})
	}
	return a
}

// singles are the values of the seeds of a row, a little below it so that the mean hides none.
func (c *chart) singles(cv curve) plot.Plotter {
	s := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: cv.look.color, Radius: 1.5, Shape: glyph{hollow: true}}}
	below := 0.3 / float64(len(cv.points))
	for _, pt := range cv.points {
		for _, v := range pt.values {
			if len(pt.values) > 1 && c.y.has(v) {
				s.XYs = append(s.XYs, c.at(pt.x.mean+below, v))
			}
		}
	}
	return s
}

// at is a place in the panels, whichever way they lie.
func (c *chart) at(x, y float64) plotter.XY {
	if c.onSide {
		return plotter.XY{X: y, Y: x}
	}
	return plotter.XY{X: x, Y: y}
}

// whiskers reach from the least to the greatest of each point, in y and, where that is a value too, in x.
func (c *chart) whiskers(cv curve) []plot.Plotter {
	style := draw.LineStyle{Color: cv.look.color, Width: 0.8}
	const width vg.Length = 4
	inX := &plotter.XErrorBars{LineStyle: style, CapWidth: width}
	inY := &plotter.YErrorBars{LineStyle: style, CapWidth: width}
	for _, pt := range cv.points {
		if cv.baseline || !c.x.has(pt.x.mean) {
			continue
		}
		x, y := pt.x.errors(), pt.y.errors()
		if c.onSide {
			x, y = y, struct{ Low, High float64 }{}
		}
		at := c.at(pt.x.mean, pt.y.mean)
		if x.Low+x.High > 0 && (c.onSide || c.y.has(pt.y.mean)) {
			inX.XYs, inX.XErrors = append(inX.XYs, at), append(inX.XErrors, x)
		}
		if y.Low+y.High > 0 {
			inY.XYs, inY.YErrors = append(inY.XYs, at), append(inY.YErrors, y)
		}
	}
	var parts []plot.Plotter
	if len(inX.XYs) > 0 {
		parts = append(parts, inX)
	}
	if len(inY.XYs) > 0 {
		parts = append(parts, inY)
	}
	return parts
}

// errors are how far a span reaches from its mean.
func (s span) errors() struct{ Low, High float64 } {
	return struct{ Low, High float64 }{s.mean - s.low, s.high - s.mean}
}
