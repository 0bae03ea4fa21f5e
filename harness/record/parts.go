package record

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// PerLayer is the evaluation time by layer, PerPrimitive what the cost model predicts of it by primitive. As a name each stands for all
// parts of a record; with a dot and the name of a part behind it, for the time of that one.
const (
	PerLayer     = "latency.per_layer"
	PerPrimitive = "predicted.per_primitive"
)

var parted = []struct {
	metric Metric
	of     func(r *Record) []LayerTime
}{
	{Metric{Name: PerLayer, Label: "Evaluation time by layer", Unit: Seconds, Better: Lower}, func(r *Record) []LayerTime {
		if r.Latency == nil {
			return nil
		}
		return r.Latency.PerLayer
	}},
	{Metric{Name: PerPrimitive, Label: "Predicted time by primitive", Unit: Seconds, Better: Lower}, func(r *Record) []LayerTime {
		if r.Predicted == nil {
			return nil
		}
		return r.Predicted.PerPrimitive
	}},
}

// Parted returns the metric that a name stands for if that has parts.
func Parted(name string) (Metric, bool) {
	for _, p := range parted {
		if p.metric.Name == name {
			return p.metric, true
		}
	}
	return Metric{}, false
}

// Parts are those of a metric that has some.
func (r *Record) Parts(name string) []LayerTime {
	for _, p := range parted {
		if p.metric.Name == name {
			return p.of(r)
		}
	}
	return nil
}

// partMetric is the time of one part.
func partMetric(name string) (Metric, bool) {
	for _, p := range parted {
		part, ok := strings.CutPrefix(name, p.metric.Name+".")
		if !ok || part == "" {
			continue
		}
		return Metric{name, "Time of " + part, Seconds, Lower, func(r *Record) (float64, bool) {
			parts := p.of(r)
			i := slices.IndexFunc(parts, func(t LayerTime) bool { return t.Name == part })
			if i < 0 {
				return 0, false
			}
			return parts[i].Seconds, true
		}}, true
	}
	return Metric{}, false
}

// PartNames lists the parts that any record has of a metric: layers in the order of evaluation, by their numbers.
func (s Set) PartNames(name string) []string {
	var names []string
	for _, r := range s {
		for _, p := range r.Parts(name) {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(layerNumber(a), layerNumber(b)), cmp.Compare(a, b)) })
	return names
}

var trailingNumber = regexp.MustCompile(`[0-9]+$`)

// layerNumber is the number that a layer's name ends with, 0 without one.
func layerNumber(name string) int {
	n, _ := strconv.Atoi(trailingNumber.FindString(name))
	return n
}
