package plots

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hepex/harness/config"
	"hepex/harness/record"
)

// chart is a figure reduced to what is drawn. Its curves are in the units of the axes.
type chart struct {
	title    string
	width    float64 // in cm
	x, y     axis
	panels   []panel
	legend   []entry
	onSide   bool     // a dot chart: x runs down, y to the right
	parts    []string // of the bars of a bar chart
	zero     bool     // the axis of y begins at 0
	insecure bool
	notes    []string   // what a reader must know of the points
	data     [][]string // the points in the units of records, below a header
	marked   func(Mark) // is told where points are painted; nil if nobody asks
}

// panel is one facet: its curves lie on the axes that all panels share.
type panel struct {
	title  string
	bands  []area
	guides []guideLine
	curves []curve
	bars   []bar // which the curves are the sums of
}

// curve is the points of one series, or of one row of a dot chart. A baseline has a single point and is drawn as a
// level; so is, too, the one point of a reference. A level runs through the whole panel, or as far as it reaches in x.
type curve struct {
	name                string
	look                look
	points              []point
	baseline, reference bool
	reach               *[2]float64
	joined              bool // by a line
}

// entry names a series in the legend, by what is drawn of it.
type entry struct {
	name                 string
	look                 look
	line, marker, filled bool
}

// reduce groups the records into panels and curves.
func reduce(fig Figure, all record.Set) (*chart, error) {
	records, insecure, notes := usable(all)
	if len(records) == 0 {
		return nil, noneUsable(all)
	}
	if err := fig.check(); err != nil {
		return nil, err
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
	if err := checkParameters(records, fig.Rows, fig.Series, fig.Facet); err != nil {
		return nil, err
	}
	d := &drawn{fig: fig, all: all, usable: records, series: names(fig.Rows + fig.Series), facets: names(fig.Facet)}
	shown, err := d.split()
	if err != nil {
		return nil, err
	}
	c := &chart{title: fig.Title, insecure: insecure, notes: notes}
	switch {
	case fig.parted():
		err = c.fillBars(d, y)
	case fig.Rows != "":
		err = c.fillRows(d, y)
	default:
		err = c.fill(d, x, y)
	}
	if err != nil {
		return nil, err
	}
	if c.width = fig.Width; c.width == 0 {
		c.width = ColumnWidth
		if len(c.panels) > 1 {
			c.width = PageWidth
		}
	}
	c.note(d, shown, x.Timed() || y.Timed())
	c.notes = append(c.notes, busyNote(shown, x, y)...)
	c.notes = append(c.notes, sampleNote(shown, x, y)...)
	return c, nil
}

// The widths, in cm, that leave room for a panel and that a page has.
const leastWidth, mostWidth = 5, 60

func (fig Figure) check() error {
	switch {
	case fig.X == "" || (fig.Y == "") == (fig.Rows == "") || fig.Rows != "" && fig.Series != "":
		return errors.New("want x and y, or x and rows without series")
	case fig.Rows != "" && (fig.Pareto || fig.Guide != "" || len(fig.Bands) > 0):
		return errors.New("rows: have no Pareto front, guide or bands; want x and y")
	case fig.Width != 0 && !(leastWidth <= fig.Width && fig.Width <= mostWidth):
		return fmt.Errorf("width %g cm: want %d to %d", fig.Width, leastWidth, mostWidth)
	}
	if err := fig.XAxis.check(); err != nil {
		return fmt.Errorf("x: %w", err)
	}
	if err := fig.YAxis.check(); err != nil {
		return fmt.Errorf("y: %w", err)
	}
	return fig.checkGuides()
}

// parted tells whether the figure shows bars: the parts that a metric has.
func (fig Figure) parted() bool {
	_, ok := record.Parted(fig.X)
	return ok && fig.Rows != ""
}

func (fig Figure) metric(name string, records record.Set) (record.Metric, error) {
	m, ok := record.Parted(name)
	if !ok || fig.Rows == "" {
		var err error
		if m, err = metric(name, records); err != nil {
			return m, err
		}
	}
	if label, ok := fig.Labels[name]; ok {
		m.Label = label
	}
	return m, nil
}

// drawn reads the values of one figure from records: points have both x and y; baselines, the dense
// records of a figure whose series are schemes or whose x or facet they lack, or of one with rows of dots, only y. A figure that has
// a use for the x of dense records has these among its points.
type drawn struct {
	fig               Figure
	all, usable       record.Set
	series, facets    []string
	points, baselines record.Set
	off               int // points that log axes have no place for
}

func (d *drawn) x(r *record.Record) (float64, bool) { return d.value(r, d.fig.X) }
func (d *drawn) y(r *record.Record) (float64, bool) { return d.value(r, d.fig.Y) }

// value is that of a metric, the sum of its parts if it has some.
func (d *drawn) value(r *record.Record, name string) (float64, bool) {
	if !d.fig.parted() {
		return d.all.Value(r, name)
	}
	parts := r.Parts(name)
	sum := 0.0
	for _, p := range parts {
		sum += p.Seconds
	}
	return sum, len(parts) > 0
}

// holds tells whether r satisfies those conditions that count.
func (d *drawn) holds(r *record.Record, counts func(c config.Condition) bool) bool {
	return !slices.ContainsFunc(d.fig.Where, func(c config.Condition) bool { return counts(c) && !d.meets(r, c) })
}

func (d *drawn) meets(r *record.Record, c config.Condition) bool {
	if c.Op == "" {
		return record.Has(r, c.Name, c.Value)
	}
	return d.all.Compares(r, c.Name, c.Op, c.Limit)
}

func (d *drawn) chosen() (record.Set, error) {
	var found record.Set
	for _, r := range d.usable {
		if d.holds(r, func(config.Condition) bool { return true }) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no point with a result has %s", conditions(d.fig.Where))
	}
	return found, nil
}

func conditions(all []config.Condition) string {
	var words []string
	for _, c := range all {
		words = append(words, c.String())
	}
	return strings.Join(words, " and ")
}

// split sorts the records into points and baselines and returns both.
func (d *drawn) split() (record.Set, error) {
	records, err := d.chosen()
	if err != nil {
		return nil, err
	}
	var hasX, hasY bool
	placed := d.fig.Pareto || d.fig.Guide == Proportional || len(d.fig.Bands) > 0
	for _, r := range records {
		_, okX := d.x(r)
		_, okY := d.y(r)
		hasX, hasY = hasX || okX, hasY || okY
		apart := d.fig.Rows != "" || slices.Contains(d.series, scheme) && !placed || slices.Contains(key(r, d.facets), "")
		switch {
		case !okY:
		case isDense(r) && (!okX || apart) && !d.fig.parted(): // whose bars are not levels
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

func isDense(r *record.Record) bool { return record.Has(r, scheme, "dense") }

// placed leaves out the points that log axes have no place for.
func (d *drawn) placed(x, y Axis, found []point) []point {
	kept := slices.DeleteFunc(found, func(pt point) bool { return !x.holds(pt.x.mean) || !y.holds(pt.y.mean) })
	d.off += len(found) - len(kept)
	return kept
}

// The most panels and curves that a reader can tell apart.
const maxPanels, maxSeries = 24, 32

// fill makes the panels, the legend and the axes.
func (c *chart) fill(d *drawn, x, y record.Metric) error {
	curves, levels, areas := distinct(d.points, d.series), distinct(d.baselines, d.series), distinct(d.points, d.facets)
	if len(areas) > maxPanels || len(curves)+len(levels) > maxSeries {
		return fmt.Errorf("%d panels of %d series: want at most %d of %d", len(areas), len(curves)+len(levels), maxPanels, maxSeries)
	}
	looks := styles(d.series, curves)
	series, level, facet := d.naming(d.series, d.points), d.naming(d.series, d.baselines), d.naming(d.facets, d.points)
	entries := make([]entry, len(curves))
	for i, values := range curves {
		entries[i] = entry{name: series.of(values), look: looks[i], marker: true}
	}
	for i, values := range levels {
		c.legend = append(c.legend, entry{name: levelName(d.series, level.of(values)), look: levelLook(i), line: true})
	}
	for _, values := range areas {
		p := panel{title: facet.of(values)}
		for i, key := range levels {
			found := points(baselinesFor(having(d.baselines, d.series, key), d.facets, values), nil, d.y)
			for _, at := range d.placed(Axis{}, d.fig.YAxis, found) {
				p.curves = append(p.curves, curve{name: c.legend[i].name, look: levelLook(i), points: []point{at}, baseline: true})
			}
		}
		for i, key := range curves {
			found := points(having(having(d.points, d.facets, values), d.series, key), d.x, d.y)
			if found = d.placed(d.fig.XAxis, d.fig.YAxis, found); len(found) > 0 {
				cv := curve{name: entries[i].name, look: looks[i], points: found, joined: !d.fig.Markers && joined(d.fig.X, found)}
				entries[i].line = entries[i].line || cv.joined && len(cv.line()) > 1
				p.curves = append(p.curves, cv)
			}
		}
		c.panels = append(c.panels, p)
	}
	if len(d.series) > 0 {
		c.legend = append(c.legend, entries...)
	}
	return c.guide(d, areas, x, y)
}

// naming names keys of the records as the figure wants it.
func (d *drawn) naming(params []string, records record.Set) naming {
	return newNaming(params, d.fig.Labels, records)
}

// levelName is what a level is called: dense, where nothing else says so.
func levelName(series []string, name string) string {
	if name == "dense" || slices.Contains(series, scheme) {
		return name
	}
	return strings.TrimPrefix(name+", dense", ", ")
}

// scale chooses the axes from all panels together and puts the points in their units.
func (c *chart) scale(d *drawn, x, y record.Metric) (err error) {
	c.data = c.table(d)
	if d.off > 0 {
		c.notes = append(c.notes, count(d.off, "point")+" at 0 or below left out, as an axis is log.")
	}
	var xs, ys []float64
	for _, p := range c.panels {
		for _, cv := range p.curves {
			for _, pt := range cv.points {
				ys = append(ys, d.fig.YAxis.within(pt.y.values()...)...)
				switch {
				case cv.baseline || c.onSide:
				case d.fig.YAxis.ends(pt.y.mean): // an arrow stands for it, without whiskers
					xs = append(xs, d.fig.XAxis.within(pt.x.mean)...)
				default:
					xs = append(xs, d.fig.XAxis.within(pt.x.values()...)...)
				}
			}
		}
		for _, b := range p.bands {
			xs, ys = append(xs, d.fig.XAxis.within(b.x[:]...)...), append(ys, d.fig.YAxis.within(b.y[:]...)...)
		}
	}
	if len(ys) == 0 || len(xs) == 0 && !c.onSide {
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
					pt.x = c.x.scaled(pt.x)
				}
				pt.y = c.y.scaled(pt.y)
				for k := range pt.values {
					pt.values[k] *= c.y.factor
				}
			}
		}
		for i := range p.bands {
			p.bands[i].scale(c.x.factor, c.y.factor)
		}
	}
	return nil
}

// beyond are the points of a curve that the axes end before.
func (c *chart) beyond(cv curve) []point {
	return slices.DeleteFunc(slices.Clone(cv.points), func(pt point) bool {
		return (cv.baseline || c.x.has(pt.x.mean)) && c.y.has(pt.y.mean)
	})
}
