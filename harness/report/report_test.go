package report

import (
	"bytes"
	"errors"
	"html"
	"strings"
	"testing"
	"time"

	"hepex/harness/record"
)

// The same records give the same bytes, whatever the day, the time zone and the locale, and whichever zone their times are in.
func TestSameBytes(t *testing.T) {
	want := written(t, experiment(t, sweeping, nil))
	local := time.Local
	time.Local = time.FixedZone("far east", 14*3600)
	defer func() { time.Local = local }()
	t.Setenv("LANG", "de_DE.UTF-8")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	t.Setenv("TZ", "Pacific/Kiritimati")
	elsewhere := experiment(t, sweeping, func(_ int, r *record.Record) {
		r.StartedAt, r.EndedAt = r.StartedAt.Local(), r.EndedAt.Local()
	})
	for range 3 {
		if got := written(t, elsewhere); !bytes.Equal(got, want) {
			t.Fatal("other bytes")
		}
	}
}

// What is unusual of experiments gives a report that says so, or an error.
func TestUnusual(t *testing.T) {
	one := strings.Replace(sweeping, sweeping[strings.Index(sweeping, "sweep:\n"):strings.Index(sweeping, "figures:")], "", 1)
	tests := []struct {
		name   string
		source string
		change func(i int, r *record.Record)
		says   []string
	}{
		{"all is well", sweeping, nil, []string{
			"Of 2 that ours are compared with: 1 missed (C2); 1 reproduced (C1).", "21 of 21 points with a record have a result; none of them has a warning",
			"as little as 10.00 ± 0.00 % of their tiles (scheme joint, mean of 3 seeds", "pruning saves up to 59.60", "All encryption has at least 128 bits",
			"- {label: pruned, prune.ratio: 0.9, prune.scheme: joint, train.seed: 3}",
		}},
		{"one point", one, nil, []string{"1 of 1 point", "No network was pruned."}},
		{"failed points only", sweeping, func(_ int, r *record.Record) { failing(r, "panic", "index out of range") }, []string{
			"0 of 21 points with a record have a result", "panic: index out of range", "none of 21 records ended with a result", "No pruned network stays within",
		}},
		{"some failed, some warn", sweeping, func(i int, r *record.Record) {
			if i == 4 {
				failing(r, "precision", "12 bits;\nwant 16")
			}
			if i < 3 {
				r.Warnings = []string{"measured on a busy machine"}
			}
		}, []string{"precision: 12 bits; want 16", "3 points: measured on a busy machine", "20 of 21 points with a record have a result; 3 have warnings", "20 of 21 planned points have a result, 1 failed and 0 are missing"}},
		{"constant data", sweeping, func(_ int, r *record.Record) {
			r.Tiles.Density, r.Quality.Plain, r.Latency.EvaluateMedian, r.Latency.Evaluate = 1, 0.9, 0.5, []float64{0.5}
		}, []string{"21 of 21 points with a record have a result"}},
		{"nothing encrypted", sweeping, func(_ int, r *record.Record) { r.Latency, r.HE, r.Memory = nil, nil, nil }, []string{
			"none ran encrypted", "Not measured: nothing ran encrypted.", "Figure rows is not drawn: plots: figure rows: no record has latency.evaluate",
		}},
		{"insecure", sweeping, func(_ int, r *record.Record) { r.HE.Insecure, r.HE.SecurityBits = true, 0 }, []string{
			"21 points of this report ran under parameters below 128 bits", "insecure parameters", "21 points used insecure parameters",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			page := html.UnescapeString(string(written(t, experiment(t, test.source, test.change))))
			for _, text := range test.says {
				if !strings.Contains(page, text) {
					t.Errorf("the report does not say %q", text)
				}
			}
		})
	}
	if err := Write(&bytes.Buffer{}, []Experiment{{Name: "empty"}, {Name: "empty too"}}); !errors.Is(err, ErrNone) {
		t.Errorf("no records: %v", err)
	}
}

// A tile shape whose other seed failed or loses too much is not the best, however well one seed does.
func TestBestIsOfAllSeeds(t *testing.T) {
	const source = `version: 1
name: two
data: {name: digits}
network: {type: mlp, hidden: [32]}
prune: {scheme: joint, ratio: 0.5}
tile: 8x8x64
sweep: {grid: {tile: [8x8x64, 16x16x16], train.seed: [1, 2]}}
`
	for name, worsen := range map[string]func(r *record.Record){
		"failed":          func(r *record.Record) { failing(r, "nan", "an output is not a number") },
		"loses too much":  func(r *record.Record) { r.Quality.ValidationDegradation = 0.5 },
		"saves much less": func(r *record.Record) { r.Tiles.Density = 0.99 },
	} {
		e := experiment(t, source, func(_ int, r *record.Record) {
			if r.Params["tile"] == "16x16x16" {
				r.Tiles.Density = 0.1
				if r.Params["train.seed"] == 2 {
					worsen(r)
				}
			}
		})
		found, ok := best([]Experiment{e}, "tiles.density", "min")
		if !ok || found.group.Name != "tile 8x8x64" || len(found.group.Values) != 2 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	lucky := experiment(t, strings.Replace(source, "{tile: [8x8x64, 16x16x16], train.seed", "{prune.scheme: [joint, p2t], train.seed", 1), func(_ int, r *record.Record) {
		if r.Params["prune.scheme"] == "p2t" {
			r.Tiles.Density = 0.1
			if r.Params["train.seed"] == 2 {
				r.Quality.ValidationDegradation = 0.5
			}
		}
	})
	if found, ok := best([]Experiment{lucky}, "tiles.density", "min"); !ok || found.scheme != "joint" {
		t.Errorf("one seed of another scheme: %+v", found)
	}
}

// Of several experiments, those that have no records and no config are in the report as well.
func TestSeveral(t *testing.T) {
	half, loose := experiment(t, sweeping, nil), experiment(t, sweeping, nil)
	half.Records, loose.Config = half.Records[:11], nil // what one lacks, the other does not make up for
	page := string(written(t, half, Experiment{Name: "not yet run", Warnings: []string{"left out: x < y"}}, loose))
	for _, text := range []string{"32 of 42 planned points have a result, 0 failed and 10 are missing", "11 of 11 points with a record have a result; 10 more are planned", `<h2 id="e3">sweep</h2>`, "No point has a record.", "left out: x &lt; y", "in sweep", `id="e3p20"`} {
		if !strings.Contains(page, text) {
			t.Errorf("the report does not say %q", text)
		}
	}
}

// No label, message, name or parameter becomes markup.
func TestEscaping(t *testing.T) {
	e := experiment(t, sweeping, func(i int, r *record.Record) {
		text := hostile[i%len(hostile)]
		r.Label, r.Environment.CPU, r.Warnings = text, text, []string{text}
		if i > 14 {
			failing(r, text, text)
		}
	})
	e.Name, e.Warnings = hostile[0], hostile
	page := string(written(t, e))
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, markup := range []string{"<img", "<svg onload", `onerror="`, "onmouseover='"} {
		if strings.Contains(page, markup) {
			t.Errorf("the page has the markup %s", markup)
		}
	}
}

func TestLargeIsSmallEnough(t *testing.T) {
	if size := len(written(t, large(t))); size > 10<<20 {
		t.Errorf("%d bytes, want at most 10 MiB", size)
	} else {
		t.Logf("%d bytes", size)
	}
}
