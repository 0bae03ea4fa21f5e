package record

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
)

// PerLayer is the evaluation time by layer. As a name it stands for all layers of a record; with a dot and the name of a layer behind it, for
// the time of that one.
const PerLayer = "latency.per_layer"

// ByLayer returns the metric that a name stands for if that has a part for each layer.
func ByLayer(name string) (Metric, bool) {
	return Metric{Name: PerLayer, Label: "Evaluation time by layer", Unit: Seconds, Better: Lower}, name == PerLayer
}

func layerMetric(name, layer string) Metric {
	return Metric{name, "Time of " + layer, Seconds, Lower, func(r *Record) (float64, bool) { return r.LayerSeconds(layer) }}
}

// LayerSeconds is the time of a layer, if the record has one of that name.
func (r *Record) LayerSeconds(layer string) (float64, bool) {
	if r.Latency == nil {
		return 0, false
	}
	i := slices.IndexFunc(r.Latency.PerLayer, func(l LayerTime) bool { return l.Name == layer })
	if i < 0 {
		return 0, false
	}
	return r.Latency.PerLayer[i].Seconds, true
}

// LayerNames lists the layers that any record has a time of, in the order of evaluation: by their numbers.
func (s Set) LayerNames() []string {
	var names []string
	for _, r := range s {
		if r.Latency == nil {
			continue
		}
		for _, l := range r.Latency.PerLayer {
			if !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
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
