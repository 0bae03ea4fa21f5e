package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Direction says which values of a metric are better.
type Direction int

// The directions of a metric.
const (
	Neither Direction = iota
	Lower
	Higher
)

// Metric is one measured quantity: its name in configs, how axes and tables call it, the unit it is
// recorded in and which of its values are better.
type Metric struct {
	Name   string // as a config writes it, such as tiles.density
	Label  string
	Unit   Unit
	Better Direction
	value  func(*Record) (float64, bool) // nil when the value needs other records too
}

// Lookup returns the metric with the given name: one of Names, or that of a part such as latency.per_layer.conv1, which records without that
// part have not. Its error lists the names that were perhaps meant.
func Lookup(name string) (Metric, error) {
	for _, m := range metrics {
		if m.Name == name {
			return m, nil
		}
	}
	if m, ok := partMetric(name); ok {
		return m, nil
	}
	near := nearNames(name)
	if len(near) == 0 {
		return Metric{}, fmt.Errorf("record: no metric %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	return Metric{}, fmt.Errorf("record: no metric %q: did you mean %s", name, strings.Join(near, ", "))
}

// Names lists every metric, those of one section of a record together.
func Names() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.Name
	}
	return names
}

// Sampled tells whether the metric's values are of the samples that were encrypted, not of a whole split.
func (m Metric) Sampled() bool {
	return slices.Contains([]string{"quality.encrypted", "quality.agreement", "quality.precision_bits",
		"quality.sample_precision_bits_min", "quality.sample_precision_bits_p05"}, m.Name)
}

// For says how the metric is called and shown for networks whose quality is measured in the given
// way, accuracy or mse. Only the quality and the degradation of a network depend on that.
func (m Metric) For(quality string) Metric {
	kind, isQuality := qualityLabels[m.Name]
	if !isQuality {
		return m
	}
	switch {
	case quality == "accuracy" && kind.loss:
		m.Label, m.Unit = "Accuracy lost"+kind.suffix, Points
	case quality == "accuracy":
		m.Label, m.Unit, m.Better = "Accuracy"+kind.suffix, Fraction, Higher
	case quality == "mse" && kind.loss:
		m.Label = "MSE increase" + kind.suffix
	case quality == "mse":
		m.Label, m.Unit, m.Better = "MSE"+kind.suffix, Number, Lower
	}
	return m
}

// Value returns the number that r has under the name of a metric or of a numeric parameter. It is
// false when the attempt did not reach that section, when the number is not finite, and for metrics
// that compare records: see Set.Value.
func Value(r *Record, name string) (float64, bool) {
	var v float64
	var ok bool
	if m, err := Lookup(name); err == nil {
		if m.value == nil {
			return 0, false
		}
		v, ok = m.value(r)
	} else {
		v, ok = number(r.Params[name])
	}
	return v, ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// Text returns a parameter of r, or its label, as text.
func Text(r *Record, name string) (string, bool) {
	if v, ok := r.Params[name]; ok && v != nil {
		return text(v), true
	}
	if name == "label" && r.Label != "" {
		return r.Label, true
	}
	return "", false
}

// ShortName is the last word of a parameter's dotted path, or of a metric's, as it stands before a value: "ratio 0.8", but "data mnist".
func ShortName(name string) string {
	if name == "data.name" {
		return "data"
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}

// Has tells whether a parameter of r is value, whether or not either went through JSON.
func Has(r *Record, name string, value any) bool {
	v, ok := r.Params[name]
	return ok && text(v) == text(value)
}

// Compares tells whether the value that r has under the name of a metric or of a numeric parameter is above or below the limit
// as op (<=, <, >=, > or ==) says. A record without such a value does not.
func (s Set) Compares(r *Record, name, op string, limit float64) bool {
	v, ok := s.Value(r, name)
	if !ok {
		return false
	}
	switch op {
	case "<=":
		return v <= limit
	case "<":
		return v < limit
	case ">=":
		return v >= limit
	case ">":
		return v > limit
	}
	return v == limit
}

// Set is the records of one experiment, one for each point.
type Set []*Record

// QualityMetric is how the records measure quality, or empty when they differ.
func (s Set) QualityMetric() string {
	found := ""
	for _, r := range s {
		if r.Quality == nil {
			continue
		}
		if found != "" && r.Quality.Metric != found {
			return ""
		}
		found = r.Quality.Metric
	}
	return found
}

// Value is Value, and also knows saved.tiles, saved.products, saved.latency and saved.memory: 1 − x/x of the dense
// point with the same parameters but for those of prune; the last two also by the tiles saved, which is 1 where all that a network takes
// is proportional to its tiles; and leads, likewise over networks without pruning that are as good (see asGood). Times of networks that stayed
// for several groups are those beside r's (see beside).
func (s Set) Value(r *Record, name string) (float64, bool) {
	if of, ok := strings.CutSuffix(name, "_per_tiles"); ok && savedFrom[name] != "" {
		saved, ok := s.Value(r, of)
		tiles, also := s.Value(r, "saved.tiles")
		return saved / tiles, ok && also && tiles > 0
	}
	if rival, source := s.Rival(r, name); source != "" {
		v, ok := Value(r, source)
		if !ok || rival == nil {
			return 0, false
		}
		least, _ := Value(rival, source)
		if source == evaluateTime {
			least = beside(r, rival)
		}
		return 1 - v/least, true
	}
	return Value(r, name)
}

// Rival is what a saving or a lead of r is held against, nil if there is none, and the metric that both are compared by; empty if name is
// no saving or lead. Of those with the same parameters but for those of prune it is the one of least.
func (s Set) Rival(r *Record, name string) (best *Record, source string) {
	rivals := (*Record).isDense
	source = savedFrom[name]
	if of, ok := leadFrom[name]; ok {
		source, rivals = of, r.asGood
	}
	if source == "" {
		return nil, ""
	}
	least := 0.0
	for _, rival := range s {
		if !rivals(rival) || !AlikeBut(r, rival, "prune.") {
			continue
		}
		if v, ok := Value(rival, source); ok && v > 0 && (best == nil || v < least) {
			best, least = rival, v
		}
	}
	return best, source
}

// evaluateTime is the metric of which points may take turns.
const evaluateTime = "latency.evaluate"

// savedFrom names the metric of which each saving is.
var savedFrom = map[string]string{
	"saved.tiles":    "tiles.kept",
	"saved.products": "tiles.products",
	"saved.latency":  "latency.evaluate",
	"saved.memory":   "memory.peak_rss",

	"saved.latency_per_tiles": "latency.evaluate",
	"saved.memory_per_tiles":  "memory.peak_rss",
}

func (r *Record) isDense() bool { return r.Status == OK && Dense(r.Params) }

// Dense tells whether a point with these parameters is of an unpruned network, which savings are held against.
func Dense(params map[string]any) bool { return text(params["prune.scheme"]) == "dense" }

// AlikeBut reports whether a and b have equal parameters, whatever those under the prefix are.
func AlikeBut(a, b *Record, prefix string) bool {
	covers := func(a, b *Record) bool {
		for name, v := range a.Params {
			if strings.HasPrefix(name, prefix) {
				continue
			}
			if w, ok := b.Params[name]; !ok || text(v) != text(w) {
				return false
			}
		}
		return true
	}
	return covers(a, b) && covers(b, a)
}

// nearNames are the metrics that share a word with name.
func nearNames(name string) []string {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '.' || r == '_' })
	}
	wanted := make(map[string]bool)
	for _, w := range words(name) {
		wanted[w] = true
	}
	var near []string
	for _, known := range Names() {
		for _, w := range words(known) {
			if wanted[w] {
				near = append(near, known)
				break
			}
		}
	}
	return near
}
