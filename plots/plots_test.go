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
}
