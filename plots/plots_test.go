package plots

import (
	"strings"
	"testing"

	"hepex/harness/record"
)

// What the records lack is not among the figures that are drawn unasked.
func TestDefaultFigures(t *testing.T) {
	judged, random := &record.Record{Quality: &record.Quality{}}, &record.Record{Quality: &record.Quality{}, Data: &record.Data{Random: true}}
	timed := func(r *record.Record) *record.Record {
		c := *r
		c.Latency = &record.Latency{}
		return &c
	}
	for want, records := range map[string]record.Set{
		"quality":               {judged, random},
		"quality latency front": {timed(judged), random},
		"latency":               {timed(random), {Status: record.Failed}},
		"":                      {random},
	} {
		var ids []string
		for _, f := range DefaultFigures(records) {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("figures %q: want %q", got, want)
		}
	}
	threads := func(n int, density float64) *record.Record {
		return with(record.Set{timed(judged)}, func(_ int, r *record.Record) {
			r.Status, r.Tiles, r.Params = record.OK, &record.Tiles{Density: density}, map[string]any{"measure.threads": n, "train.seed": n, "tile": "8x8x1"}
		})[0]
	}
	if got := DefaultFigures(record.Set{threads(1, 0.5), threads(2, 0.5), {Status: record.Failed}}); len(got) != 2 || got[0].Rows != "measure.threads" || got[1].X != "latency.evaluate" {
		t.Errorf("of one density: %+v", got)
	}
	if got := DefaultFigures(record.Set{threads(1, 0.5), threads(2, 0.6)}); len(got) != 3 || got[0].Rows != "" {
		t.Errorf("of two densities: %+v", got)
	}
}

func TestSampleNote(t *testing.T) {
	of := func(samples ...int) (set record.Set) {
		for _, n := range samples {
			set = append(set, &record.Record{Quality: &record.Quality{Samples: n}})
		}
		return append(set, &record.Record{})
	}
	agreement, bits, plain := record.Metric{Name: "quality.agreement", Label: "Agreement"}, record.Metric{Name: "quality.precision_bits", Label: "Precision"}, record.Metric{Name: "quality.plain", Label: "Quality"}
	for _, c := range []struct {
		set   record.Set
		shown []record.Metric
		want  string // none if empty
	}{
		{of(64, 64), []record.Metric{plain, agreement, bits, agreement}, "Agreement; Precision: of 64 encrypted samples a point, not of the whole test set."},
		{of(16, 64, 32), []record.Metric{bits}, "Precision: of 16 to 64 encrypted samples a point, not of the whole test set."},
		{of(64), []record.Metric{plain}, ""},
		{of(0), []record.Metric{bits}, ""},
	} {
		if got := strings.Join(sampleNote(c.set, c.shown...), "\n"); got != c.want {
			t.Errorf("%q: want %q", got, c.want)
		}
	}
}
