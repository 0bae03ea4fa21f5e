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
// them: the mean of the first row, where it has one, and dense networks.

// Lengths of a dot chart, in points: a row of one point and what each further one adds to all rows, what stands above and
// below them, and the longest that a row's name may be.
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
	if c.layers != nil {
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
	facets := names(d.fig.Facet)
	rows, areas := appearing(d.points, d.series), distinct(d.points, facets)
	if len(areas) > maxPanels || len(rows) > maxSeries {
		return fmt.Errorf("%d panels of %d rows: want at most %d of %d", len(areas), len(rows), maxPanels, maxSeries)
	}
	compared := false
	for _, facet := range areas {
		p := panel{title: describe(facets, facet)}
		for _, pt := range d.placed(Axis{}, d.fig.YAxis, points(baselinesFor(d.baselines, facets, facet), nil, d.y)) {
			p.curves = append(p.curves, curve{look: levelLook(0), points: []point{pt}, baseline: true})
		}
		for i, values := range rows {
			found := points(having(having(d.points, facets, facet), d.series, values), nil, d.y)
			found = d.placed(Axis{}, d.fig.YAxis, found)
			for k := range found { // those that differ in more than their seeds get places of their own
				found[k].x = float64(i) + 0.8*((float64(k)+0.5)/float64(len(found))-0.5)
			}
			cv := curve{look: rowLook, points: found}
			if i == 0 && len(found) == 1 { // one of several would be compared with anything but its like
				cv.look, cv.reference, compared = referenceLook, true, true
			}
			p.curves = append(p.curves, cv)
		}
		c.panels = append(c.panels, p)
	}
	if compared {
		c.legend = append(c.legend, entry{name: "mean of " + rowName(d.series, rows[0]), look: referenceLook, baseline: true})
	}
	if len(d.baselines) > 0 {
		c.legend = append(c.legend, entry{name: "dense", look: levelLook(0), baseline: true})
	}
	c.onSide, c.x = true, rowAxis(d.series, rows)
	return c.scale(d, value, value)
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

func rowAxis(params []string, rows [][]string) axis {
	a := axis{down: true, min: -0.6, max: float64(len(rows)) - 0.4}
	for i, values := range rows {
		a.ticks = append(a.ticks, plot.Tick{Value: float64(i), Label: fitting(rowName(params, values), tickStyle, widestName)})
	}
	return a
}

// rowName is what describe says of several parameters, and the bare value of one.
func rowName(params, values []string) string {
	if len(params) == 1 && values[0] != "" {
		return values[0]
	}
	return describe(params, values)
}

// singles are the values of the seeds of a row, a little below it so that the mean hides none.
func (c *chart) singles(cv curve) plot.Plotter {
	s := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: cv.look.color, Radius: 1.5, Shape: glyph{hollow: true}}}
	below := 0.3 / float64(len(cv.points))
	for _, pt := range cv.points {
		for _, v := range pt.values {
			if len(pt.values) > 1 && c.y.has(v) {
				s.XYs = append(s.XYs, c.at(pt.x+below, v))
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

// whiskers reach from the least to the greatest of each point.
func (c *chart) whiskers(cv curve) []plot.Plotter {
	var at plotter.XYs
	var reach plotter.YErrors
	for _, pt := range cv.points {
		if pt.high > pt.low && !cv.baseline && c.x.has(pt.x) {
			at = append(at, c.at(pt.x, pt.y))
			reach = append(reach, struct{ Low, High float64 }{pt.y - pt.low, pt.high - pt.y})
		}
	}
	style := draw.LineStyle{Color: cv.look.color, Width: 0.8}
	const width vg.Length = 4
	switch {
	case len(at) == 0:
		return nil
	case c.onSide:
		return []plot.Plotter{&plotter.XErrorBars{XYs: at, XErrors: plotter.XErrors(reach), LineStyle: style, CapWidth: width}}
	}
	return []plot.Plotter{&plotter.YErrorBars{XYs: at, YErrors: reach, LineStyle: style, CapWidth: width}}
}
