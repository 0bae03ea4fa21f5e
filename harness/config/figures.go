package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Figure is a chart to draw of the results. Either Y or Rows is empty; Series and Facet may be.
type Figure struct {
	ID           string
	X, Y         Ref
	Rows         Ref // a dot chart: one row per value
	Series       Ref // one line per value
	Facet        Ref // one panel per value
	XAxis, YAxis Axis

	Title   string
	Width   float64           // in cm; 0: chosen by the number of panels
	Where   []Condition       // all of them hold for the points that are shown
	Labels  map[string]string // what is written in the place of values of parameters, and of names on axes
	Markers bool              // no lines
	Pareto  bool              // with the front of the points that no other beats
	Guide   string            // proportional, equal or empty
	Bands   []Band
}

// Axis is what a figure says about one of its axes.
type Axis struct {
	Scale string    // linear, log or, to have it chosen, empty
	Range []float64 // the least and the greatest value, or none to have them chosen
}

// Band is an area of a figure: from the first to the second number in x, and in y or as shares of what the dense network has.
type Band struct {
	X, Y, Share []float64
	Label       string
}

var (
	figureForm = form{
		{"id", true, identifier.schema}, {"x", true, refName.schema}, {"y", false, refName.schema},
		{"rows", false, refNames.schema}, {"series", false, refNames.schema}, {"facet", false, refNames.schema},
		{"scale", false, mappingOf(scaleForm)}, {"range", false, mappingOf(rangesForm)},
		{"title", false, remark.schema}, {"width", false, width.schema}, {"where", false, defined("conditions")},
		{"labels", false, labelled}, {"lines", false, boolean.schema}, {"pareto", false, boolean.schema}, {"guide", false, guide.schema},
		{"bands", false, some(bandSchema())},
	}
	scaleForm  = form{{"x", false, axisScale.schema}, {"y", false, axisScale.schema}}
	rangesForm = form{{"x", false, axisRange.schema}, {"y", false, axisRange.schema}}
)

// figureSchema also has that a figure is either of y or of rows.
func figureSchema() schema {
	s := mappingOf(figureForm)
	s["oneOf"] = []schema{{"required": []string{"y"}}, {"required": []string{"rows"},
		"properties": schema{"series": false, "lines": false, "pareto": false, "guide": false, "bands": false}}}
	return s
}

func (r *reader) figures(n *yaml.Node) []Figure {
	var figures []Figure
	ids := map[string]bool{}
	for _, entry := range r.list("figures", n, "mappings") {
		keys := r.form("figures", entry, figureForm)
		if keys == nil {
			continue
		}
		rows := keys["rows"] != nil
		if rows == (keys["y"] != nil) {
			r.errorf(entry, "figures: want one of y, for lines, and rows, for dots")
		}
		for _, key := range []string{"series", "lines", "pareto", "guide", "bands"} {
			if n := keys[key]; rows && n != nil {
				r.errorf(n, "figures: %s: a figure with rows has no lines; want rows, or %s with y", key, key)
			}
		}
		figures = append(figures, Figure{
			ID:      r.id("figures", keys["id"], ids),
			X:       r.reference("figures: x", keys["x"]),
			Y:       r.reference("figures: y", keys["y"]),
			Rows:    r.referenceOf("figures: rows", keys["rows"], refNames),
			Series:  r.referenceOf("figures: series", keys["series"], refNames),
			Facet:   r.referenceOf("figures: facet", keys["facet"], refNames),
			Title:   read(r, "figures: title", keys["title"], remark),
			Width:   read(r, "figures: width", keys["width"], width),
			Where:   r.conditions("figures: where", keys["where"]),
			Labels:  r.labels(keys["labels"]),
			Markers: keys["lines"] != nil && !read(r, "figures: lines", keys["lines"], boolean),
			Pareto:  read(r, "figures: pareto", keys["pareto"], boolean),
			Guide:   read(r, "figures: guide", keys["guide"], guide),
			Bands:   r.bands(keys["bands"]),
		})
		f := &figures[len(figures)-1]
		f.XAxis, f.YAxis = r.axes(keys["scale"], keys["range"], rows)
	}
	return figures
}

const wantEnds = "the least and the greatest value, such as [0.9, 1]"

var (
	axisScale = oneOf("linear", "log")
	axisEnds  = listOf(2, 2, float("a number", schema{"type": "number"}, func(float64) bool { return true }))
	axisRange = kind[[]float64]{wantEnds, axisEnds.schema.described(wantEnds), func(n *yaml.Node) ([]float64, *fault) {
		ends, f := axisEnds.read(n)
		switch {
		case f != nil:
			return nil, &fault{f.node, fmt.Sprintf("got %s; want %s", describe(f.node), wantEnds)}
		case ends[0] >= ends[1]:
			return nil, &fault{n, fmt.Sprintf("[%g, %g] is empty; want %s", ends[0], ends[1], wantEnds)}
		}
		return ends, nil
	}}
)

// axes reads what a figure says about its axes. One with rows has no y.
func (r *reader) axes(scale, ends *yaml.Node, rows bool) (x, y Axis) {
	of := func(where string, n *yaml.Node, f form) map[string]*yaml.Node {
		if n == nil {
			return nil
		}
		keys := r.form(where, n, f)
		if key := keys["y"]; rows && key != nil {
			r.errorf(key, "%s: y: a figure with rows has no such axis; want x", where)
		}
		return keys
	}
	scales, ranges := of("figures: scale", scale, scaleForm), of("figures: range", ends, rangesForm)
	for name, a := range map[string]*Axis{"x": &x, "y": &y} {
		a.Scale = read(r, "figures: scale: "+name, scales[name], axisScale)
		a.Range = read(r, "figures: range: "+name, ranges[name], axisRange)
		if a.Scale == "log" && a.Range != nil && a.Range[0] <= 0 {
			r.errorf(ranges[name], "figures: range: %s: starts at %g, which is not on a log axis; want more than 0", name, a.Range[0])
		}
	}
	return x, y
}

var (
	width    = number("5 ≤ cm ≤ 60")
	guide    = oneOf("proportional", "equal")
	labelled = schema{"type": "object", "additionalProperties": label.schema, "minProperties": 1}
)

// labels reads a mapping of texts.
func (r *reader) labels(n *yaml.Node) map[string]string {
	if n == nil {
		return nil
	}
	const want = "a mapping such as {p4e: P4E of the paper, latency.evaluate: Latency}"
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		r.errorf(n, "figures: labels: got %s; want %s", describe(n), want)
		return nil
	}
	labels := map[string]string{}
	for key, value := range pairs(n) {
		if key.Kind == yaml.ScalarNode { // else reported by wellFormed
			labels[key.Value] = read(r, "figures: labels: "+clip(key.Value), value, label)
		}
	}
	return labels
}

var bandForm = form{{"x", true, axisRange.schema}, {"y", false, axisRange.schema}, {"share", false, axisRange.schema}, {"label", true, label.schema}}

// bandSchema also has that a band is either of y or of share.
func bandSchema() schema {
	s := mappingOf(bandForm)
	s["oneOf"] = []schema{{"required": []string{"y"}}, {"required": []string{"share"}}}
	return s
}

func (r *reader) bands(n *yaml.Node) []Band {
	var bands []Band
	for _, entry := range r.list("figures: bands", n, "mappings") {
		keys := r.form("figures: bands", entry, bandForm)
		if keys != nil && (keys["y"] == nil) == (keys["share"] == nil) {
			r.errorf(entry, "figures: bands: want one of y and share, which is of what the dense network has")
		}
		bands = append(bands, Band{
			X:     read(r, "figures: bands: x", keys["x"], axisRange),
			Y:     read(r, "figures: bands: y", keys["y"], axisRange),
			Share: read(r, "figures: bands: share", keys["share"], axisRange),
			Label: read(r, "figures: bands: label", keys["label"], label),
		})
	}
	return bands
}
