package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"hepex/harness/record"
)

// chart is a figure reduced to what is drawn. Its curves are in the units of the axes.
type chart struct {
	x, y     axis
	panels   []panel
	legend   []entry
	onSide   bool     // a dot chart: x runs down, y to the right
	layers   []string // of a bar chart
	zero     bool     // the axis of y begins at 0
	insecure bool
	notes    []string
	marked   func(Mark) // is told where points are painted; nil if nobody asks
}

// panel is one facet: its curves lie on the axes that all panels share.
type panel struct {
	title  string
	curves []curve
	bars   []bar // which the curves are the sums of
}

// curve is the points of one series, or of one row of a dot chart. A baseline has a single point and is drawn as a
// level; so is, too, the one point of a reference.
type curve struct {
	look                look
	points              []point
	baseline, reference bool
}

// entry names a series in the legend.
type entry struct {
	name     string
	look     look
	baseline bool
	filled   bool // a part of bars
}

// reduce groups the records into panels and curves.
func reduce(fig Figure, all record.Set) (*chart, error) {
	records, insecure, notes := usable(all)
	if len(records) == 0 {
		return nil, noneUsable(all)
	}
	if fig.X == "" || (fig.Y == "") == (fig.Rows == "") || fig.Rows != "" && fig.Series != "" {
		return nil, errors.New("want x and y, or x and rows without series")
	}
	if fig.Rows != "" {
		fig.Y, fig.YAxis = fig.X, fig.XAxis
	}
	x, err := fig.metric(fig.X, records)
	if err != nil {
		return nil, err
	}
	y, err := fig.metric(fig.Y, records)
	if err != nil {
		return nil, err
	}
	if err := fig.checkAxes(); err != nil {
		return nil, err
	}
	if err := checkParameters(records, fig.Rows, fig.Series, fig.Facet); err != nil {
		return nil, err
	}
	d := &drawn{fig: fig, all: all, series: names(fig.Rows + fig.Series)}
	shown, err := d.split(records)
	if err != nil {
		return nil, err
	}
	c := &chart{insecure: insecure, notes: notes}
	switch {
	case fig.byLayer():
		err = c.fillBars(d, y)
	case fig.Rows != "":
		err = c.fillRows(d, y)
	default:
		err = c.fill(d, x, y)
	}
	if err != nil {
		return nil, err
	}
	c.note(shown, x.Timed() || y.Timed())
	c.notes = append(c.notes, busyNote(shown, x, y)...)
	return c, nil
}

// byLayer tells whether the figure shows bars: the parts that a metric has by layer.
func (fig Figure) byLayer() bool {
	_, ok := record.ByLayer(fig.X)
	return ok && fig.Rows != ""
}

func (fig Figure) metric(name string, records record.Set) (record.Metric, error) {
	if m, ok := record.ByLayer(name); ok && fig.Rows != "" {
		return m, nil
	}
	return metric(name, records)
}

func (fig Figure) checkAxes() error {
	if err := fig.XAxis.check(); err != nil {
		return fmt.Errorf("x: %w", err)
	}
	if err := fig.YAxis.check(); err != nil {
		return fmt.Errorf("y: %w", err)
	}
	return nil
}

// drawn reads the values of one figure from records: points have both x and y; baselines, the dense
// records of a figure whose series are schemes or whose x or facet they lack, or of one with rows of dots, only y.
type drawn struct {
	fig               Figure
	all               record.Set
	series            []string
	points, baselines record.Set
	off               int // points that log axes have no place for
}

func (d *drawn) x(r *record.Record) (float64, bool) { return d.value(r, d.fig.X) }
func (d *drawn) y(r *record.Record) (float64, bool) { return d.value(r, d.fig.Y) }

// value is that of a metric, the sum of its parts if it has some.
func (d *drawn) value(r *record.Record, name string) (float64, bool) {
	if !d.fig.byLayer() {
		return d.all.Value(r, name)
	}
	if r.Latency == nil || len(r.Latency.PerLayer) == 0 {
		return 0, false
	}
	sum := 0.0
	for _, l := range r.Latency.PerLayer {
		sum += l.Seconds
	}
	return sum, true
}

// split sorts the records into points and baselines and returns both.
func (d *drawn) split(records record.Set) (record.Set, error) {
	var hasX, hasY bool
	for _, r := range records {
		_, okX := d.x(r)
		_, okY := d.y(r)
		hasX, hasY = hasX || okX, hasY || okY
		isDense, _ := record.Text(r, scheme)
		apart := d.fig.Rows != "" || slices.Contains(d.series, scheme) || slices.Contains(key(r, names(d.fig.Facet)), "")
		switch {
		case !okY:
		case isDense == "dense" && (!okX || apart) && !d.fig.byLayer(): // whose bars are not levels
			d.baselines = append(d.baselines, r)
		case okX:
			d.points = append(d.points, r)
		}
	}
	if len(d.points) == 0 { // then the dense records are all there is to see
		for _, r := range d.baselines {
			if _, ok := d.x(r); ok {
				d.points = append(d.points, r)
			}
		}
		d.baselines = nil
	}
	switch {
	case !hasX:
		return nil, fmt.Errorf("no record has %s", d.fig.X)
	case !hasY:
		return nil, fmt.Errorf("no record has %s", d.fig.Y)
	case len(d.points) == 0:
		return nil, fmt.Errorf("no record has both %s and %s", d.fig.X, d.fig.Y)
	}
	return append(slices.Clone(d.points), d.baselines...), nil
}

// placed leaves out the points that log axes have no place for.
func (d *drawn) placed(x, y Axis, found []point) []point {
	kept := slices.DeleteFunc(found, func(pt point) bool { return !x.holds(pt.x) || !y.holds(pt.y) })
	d.off += len(found) - len(kept)
	return kept
}

// The most panels and curves that a reader can tell apart.
const maxPanels, maxSeries = 24, 32

// fill makes the panels, the legend and the axes.
func (c *chart) fill(d *drawn, x, y record.Metric) error {
	facets := names(d.fig.Facet)
	curves, levels, areas := distinct(d.points, d.series), distinct(d.baselines, d.series), distinct(d.points, facets)
	if len(areas) > maxPanels || len(curves)+len(levels) > maxSeries {
		return fmt.Errorf("%d panels of %d series: want at most %d of %d", len(areas), len(curves)+len(levels), maxPanels, maxSeries)
	}
	looks := styles(d.series, curves)
	for _, facet := range areas {
		p := panel{title: describe(facets, facet)}
		for i, values := range levels {
			found := points(baselinesFor(having(d.baselines, d.series, values), facets, facet), nil, d.y)
			for _, at := range d.placed(Axis{}, d.fig.YAxis, found) {
				p.curves = append(p.curves, curve{look: levelLook(i), points: []point{at}, baseline: true})
			}
		}
		for i, values := range curves {
			found := points(having(having(d.points, facets, facet), d.series, values), d.x, d.y)
			if found = d.placed(d.fig.XAxis, d.fig.YAxis, found); len(found) > 0 {
				p.curves = append(p.curves, curve{look: looks[i], points: found})
			}
		}
		c.panels = append(c.panels, p)
	}
	for i, values := range levels {
		name := describe(d.series, values)
		if name != "dense" && !slices.Contains(d.series, scheme) {
			name = strings.TrimPrefix(name+", dense", ", ")
		}
		c.legend = append(c.legend, entry{name: name, look: levelLook(i), baseline: true})
	}
	if len(d.series) > 0 {
		for i, values := range curves {
			c.legend = append(c.legend, entry{name: describe(d.series, values), look: looks[i]})
		}
	}
	return c.scale(d, x, y)
}

// scale chooses the axes from all panels together and puts the points in their units.
func (c *chart) scale(d *drawn, x, y record.Metric) (err error) {
	if d.off > 0 {
		c.notes = append(c.notes, count(d.off, "point")+" at 0 or below left out, as an axis is log.")
	}
	var xs, ys []float64
	for _, p := range c.panels {
		for _, cv := range p.curves {
			for _, pt := range cv.points {
				ys = append(ys, pt.y, pt.high)
				if d.fig.YAxis.holds(pt.low) {
					ys = append(ys, pt.low)
				}
				if !cv.baseline {
					xs = append(xs, pt.x)
				}
			}
		}
	}
	if len(xs) == 0 {
		return errors.New("no point is above 0: want linear axes")
	}
	if !c.onSide {
		if c.x, err = newAxis(x, d.fig.XAxis, xs); err != nil {
			return err
		}
	}
	if c.zero {
		ys = append(ys, 0)
	}
	if c.y, err = newAxis(y, d.fig.YAxis, ys); err != nil {
		return err
	}
	if c.zero {
		c.y.min = 0
	}
	for _, p := range c.panels {
		for _, cv := range p.curves {
			for i := range cv.points {
				pt := &cv.points[i]
				if !c.onSide {
					pt.x *= c.x.factor
				}
				pt.y, pt.low, pt.high = pt.y*c.y.factor, pt.low*c.y.factor, pt.high*c.y.factor
				for k := range pt.values {
					pt.values[k] *= c.y.factor
				}
				if c.y.log && pt.low <= 0 {
					pt.low = c.y.min / 2 // its whisker leaves the axis
				}
			}
		}
	}
	return nil
}

// beyond are the points of a curve that the axes end before.
func (c *chart) beyond(cv curve) []point {
	return slices.DeleteFunc(slices.Clone(cv.points), func(pt point) bool {
		return (cv.baseline || c.x.has(pt.x)) && c.y.has(pt.y)
	})
}

// note adds what a reader must know about the points. Only where times are shown does it matter how often they were measured;
// what a busy machine does to them is for busyNote.
func (c *chart) note(shown record.Set, timed bool) {
	least, most, beyond := math.MaxInt, 0, 0
	for _, p := range c.panels {
		for _, cv := range p.curves {
			beyond += len(c.beyond(cv))
			for _, pt := range cv.points {
				least, most = min(least, pt.seeds), max(most, pt.seeds)
			}
		}
	}
	hollow := ""
	if c.onSide && c.layers == nil {
		hollow = ", which are hollow"
	}
	switch {
	case most > 1 && least == most:
		c.notes = append(c.notes, fmt.Sprintf("Mean and range of %d seeds%s.", most, hollow))
	case most > 1:
		c.notes = append(c.notes, fmt.Sprintf("Mean and range of %d to %d seeds%s.", least, most, hollow))
	}
	if beyond > 0 {
		c.notes = append(c.notes, "Arrows: "+count(beyond, "point")+" beyond the axes.")
	}
	differ := c.ambiguous()
	if slices.Contains(differ, scheme) { // the other settings of pruning differ with it
		differ = slices.DeleteFunc(differ, func(name string) bool { return name != scheme && strings.HasPrefix(name, "prune.") })
	}
	if len(differ) > 0 {
		place := "series at the same x"
		if c.onSide {
			place = "row"
		}
		c.notes = append(c.notes, "Points of one "+place+" differ in "+strings.Join(differ, ", ")+".")
	}
	warned := 0
	for _, r := range shown {
		other := func(w string) bool {
			return !strings.HasPrefix(w, record.BusyWarning) && (timed || !strings.HasPrefix(w, record.RepeatsWarning))
		}
		if slices.ContainsFunc(r.Warnings, other) {
			warned++
		}
	}
	if warned > 0 {
		c.notes = append(c.notes, count(warned, "record")+" with warnings.")
	}
}

// ambiguous lists the parameters in which points of one series at the same x differ.
func (c *chart) ambiguous() []string {
	var differ []string
	for _, p := range c.panels {
		for _, cv := range p.curves {
			for i := 1; i < len(cv.points); i++ {
				if a, b := cv.points[i-1], cv.points[i]; c.onSide || a.x == b.x {
					differ = append(differ, differences(a.from, b.from)...)
				}
			}
		}
	}
	slices.Sort(differ)
	return slices.Compact(differ)
}

func differences(a, b *record.Record) []string {
	var found []string
	for name := range a.Params {
		u, _ := record.Text(a, name)
		if v, _ := record.Text(b, name); u != v && seedless(name) {
			found = append(found, name)
		}
	}
	return found
}
