package record

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sample() *Record {
	return &Record{
		Schema: Schema, Experiment: "mnist", Point: "a1", Attempt: 1, Status: OK,
		Params: map[string]any{
			"prune.scheme": "p4e", "prune.ratio": 0.8, "tile": "16x16x32", "he.weights": "plain", "train.seed": 1,
		},
		Seeds:     map[string]uint64{"train": 1},
		StartedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Quality:   &Quality{Metric: "accuracy", Unpruned: 0.9827, Plain: 0.9727, Degradation: 0.01, PrecisionBits: 17.25},
		Shares:    &Shares{Evaluation: 0.5, Memory: 0.6, Upload: 0.7, TileTime: 0.1},
		Tiles:     &Tiles{Total: 400, Kept: 100, Density: 0.25, Layers: []Layer{{Name: "fc1", Total: 400, Kept: 100}}},
		Latency:   &Latency{Evaluate: []float64{0.02, 0.03}, EvaluateMedian: 0.025, EvaluatePerImage: 0.0005},
		Memory:    &Memory{PeakRSS: 3 << 29},
		HE:        &HE{LogQ: []int{40, 30}},
		BytesUp:   2048,
	}
}

func dense(r *Record) *Record {
	d := *r
	d.Params = map[string]any{"prune.scheme": "dense", "tile": "16x16x32", "he.weights": "plain", "train.seed": 1.0}
	d.Tiles = &Tiles{Total: 400, Kept: 400, Density: 1}
	d.Latency = &Latency{EvaluateMedian: 0.1}
	d.Memory = &Memory{PeakRSS: 3 << 30}
	return &d
}

func TestEveryMetricIsNamedOnceAndLabelled(t *testing.T) {
	seen := make(map[string]bool)
	for _, name := range Names() {
		m, err := Lookup(name)
		if err != nil || m.Name != name || m.Label == "" || seen[name] {
			t.Errorf("%s: %+v, %v, seen before: %t", name, m, err, seen[name])
		}
		compares := strings.HasPrefix(name, "saved.") || strings.HasPrefix(name, "lead.")
		if (m.value == nil) != compares || (savedFrom[name]+leadFrom[name] != "") != compares {
			t.Errorf("%s: a metric has its own value unless it is saved from another", name)
		}
		seen[name] = true
	}
	for name := range qualityLabels {
		if !seen[name] {
			t.Errorf("a label for %s, which is no metric", name)
		}
	}
}

func TestLookupSaysWhatWasMeant(t *testing.T) {
	tests := []struct{ name, want string }{
		{"tile.density", "did you mean tiles.density"},
		{"latency.evalute", "did you mean latency.evaluate, latency.per_image"},
		{"speed", "want one of tiles.density, tiles.zero"},
		{"", "want one of"},
	}
	for _, test := range tests {
		if _, err := Lookup(test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestValue(t *testing.T) {
	broken := sample()
	broken.Tiles.Density = math.NaN()
	timed := sample()
	timed.Latency.Reference = 0.005
	timed.Predicted = &Predicted{Evaluate: 0.02, PeakBytes: 3 << 28}
	encrypted := sample()
	encrypted.Quality.Samples, encrypted.Predicted = 32, &Predicted{Evaluate: 0.02, PeakBytes: 7}
	conv, old := sample(), sample()
	conv.Tiles.Layers = []Layer{{Name: "conv1", Total: 40, Kept: 10, Products: 90}, {Name: "fc2", Total: 10, Kept: 10, Products: 10}, {Name: "fc3", Total: 9}}
	old.Tiles.Layers = []Layer{{Name: "fc1", Total: 40, Kept: 10}}
	tests := []struct {
		name   string
		record *Record
		metric string
		want   float64
		ok     bool
	}{
		{"products of all layers", conv, "tiles.products", 100, true},
		{"an older record has none", old, "tiles.products", 0, false},
		{"a metric", sample(), "tiles.density", 0.25, true},
		{"the median", sample(), "latency.evaluate", 0.025, true},
		{"in units of the reference", timed, "latency.evaluate_per_reference", 5, true},
		{"time predicted too short", timed, "predicted.evaluate_error", 0.2, true},
		{"memory predicted too low", timed, "predicted.peak_error", 0.5, true},
		{"not predicted", sample(), "predicted.evaluate_error", 0, false},
		{"an older record has no reference", sample(), "latency.evaluate_per_reference", 0, false},
		{"nor its time", sample(), "latency.reference", 0, false},
		{"bits of encrypted samples", encrypted, "quality.precision_bits", 17.25, true},
		{"no samples were encrypted", sample(), "quality.precision_bits", 0, false},
		{"nor do they agree", sample(), "quality.agreement", 0, false},
		{"zero tiles", sample(), "tiles.zero", 0.75, true},
		{"images per second", sample(), "latency.throughput", 2000, true},
		{"predicted", encrypted, "predicted.peak_bytes", 7, true},
		{"not predicted", sample(), "predicted.evaluate_s", 0, false},
		{"bytes of the record itself", sample(), "bytes_up", 2048, true},
		{"bytes never sent", sample(), "bytes_down", 0, false},
		{"a numeric parameter", sample(), "prune.ratio", 0.8, true},
		{"a whole parameter", sample(), "train.seed", 1, true},
		{"a text parameter", sample(), "tile", 0, false},
		{"no such thing", sample(), "tiles", 0, false},
		{"a section not reached", sample(), "training.seconds", 0, false},
		{"an empty record", &Record{}, "quality.plain", 0, false},
		{"not a number", broken, "tiles.density", 0, false},
		{"needs other records", sample(), "saved.tiles", 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := Value(test.record, test.metric); ok && math.Abs(got-test.want) > 1e-15 || ok != test.ok {
				t.Errorf("%v, %t, want %v, %t", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestTextIsTheSameAfterJSON(t *testing.T) {
	r := sample()
	r.Label = "best"
	r.Params["train.lr"], r.Params["data.train"], r.Params["distil"] = 1e-3, 60000, true
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Record
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"prune.ratio": "0.8", "train.lr": "0.001", "data.train": "60000", "train.seed": "1",
		"tile": "16x16x32", "distil": "true", "label": "best"}
	for name, text := range want {
		for _, r := range []*Record{r, &back} {
			if got, ok := Text(r, name); !ok || got != text {
				t.Errorf("%s: %q, %t, want %q", name, got, ok, text)
			}
		}
	}
	if got, ok := Text(sample(), "label"); ok {
		t.Errorf("label of a record without one: %q", got)
	}
}

func TestSavedComparesWithTheDensePoint(t *testing.T) {
	r := sample()
	other := dense(r)
	other.Params["he.weights"] = "encrypted"
	other.Latency = &Latency{EvaluateMedian: 9}
	failed := dense(r)
	failed.Status, failed.Latency = Failed, &Latency{EvaluateMedian: 9}
	r.Tiles.Layers = []Layer{{Kept: 100, Products: 300}}
	unpruned := dense(r)
	unpruned.Tiles.Layers = []Layer{{Kept: 400, Products: 600}}
	set := Set{other, failed, r, unpruned}
	for name, want := range map[string]float64{"saved.products": 0.5, "saved.tiles": 0.75, "saved.latency": 0.75, "saved.memory": 0.5, "saved.latency_per_tiles": 1, "saved.memory_per_tiles": 2. / 3} {
		if got, ok := set.Value(r, name); !ok || got != want {
			t.Errorf("%s: %v, %t, want %v", name, got, ok, want)
		}
		if got, ok := (Set{r, other, failed}).Value(r, name); ok {
			t.Errorf("%s without a dense point like it: %v", name, got)
		}
	}
	if got, ok := set.Value(dense(r), "saved.latency_per_tiles"); ok {
		t.Errorf("time saved by the tiles saved, of which there are none: %g", got)
	}
	if got, ok := set.Value(r, "tiles.density"); !ok || got != 0.25 {
		t.Errorf("tiles.density: %v, %t", got, ok)
	}
}

// Of several dense points, as of several smaller networks, the cheapest is the one to compare with, in whatever order they are.
func TestSavedComparesWithTheCheapestDensePoint(t *testing.T) {
	r := sample()
	slow := dense(r)
	slow.Params["prune.retrain.epochs"] = 3
	slow.Latency = &Latency{EvaluateMedian: 0.2}
	for _, set := range []Set{{slow, dense(r), r}, {r, dense(r), slow}} {
		if got, ok := set.Value(r, "saved.latency"); !ok || got != 0.75 {
			t.Errorf("%v, %t, want 0.75", got, ok)
		}
	}
}

// A busy machine changes what is measured in time, and what is computed of that.
func TestTimed(t *testing.T) {
	want := []string{
		"latency.evaluate", "latency.per_image", "latency.throughput", "latency.keygen", "latency.encode_model", "latency.encrypt_model", "latency.encrypt_input",
		"latency.decrypt", "latency.reference", "latency.evaluate_per_reference", "predicted.evaluate_error", "training.seconds",
		"saved.latency", "saved.latency_per_tiles", "lead.latency",
	}
	var got []string
	for _, m := range metrics {
		if m.Timed() {
			got = append(got, m.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, want := range map[string]bool{PerLayer + ".conv1": true, PerPrimitive + ".rotations": false} {
		if m, err := Lookup(name); err != nil || m.Timed() != want {
			t.Errorf("%s: %v, %v", name, m.Timed(), err)
		}
	}
}

func TestQualityIsCalledWhatItMeasures(t *testing.T) {
	tests := []struct{ metric, quality, label, shown string }{
		{"quality.plain", "accuracy", "Accuracy", "2.50 %"},
		{"quality.encrypted", "mse", "MSE, encrypted", "0.025"},
		{"quality.degradation", "accuracy", "Accuracy lost", "2.50 points"},
		{"quality.validation_degradation", "mse", "MSE increase, validation", "2.50 %"},
		{"quality.plain", "", "Quality", "0.025"},
		{"tiles.density", "mse", "Density", "2.50 %"},
	}
	for _, test := range tests {
		m, err := Lookup(test.metric)
		if err != nil {
			t.Fatal(err)
		}
		m = m.For(test.quality)
		if got := m.Format(0.025); m.Label != test.label || got != test.shown {
			t.Errorf("%s of %s: %q %q, want %q %q", test.metric, test.quality, m.Label, got, test.label, test.shown)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		unit Unit
		v    float64
		want string
	}{
		{Seconds, 0, "0 s"}, {Seconds, 0.000123, "123 µs"}, {Seconds, 0.01234, "12.3 ms"}, {Seconds, 1.2345, "1.23 s"},
		{Seconds, 1234.5, "1234 s"}, {Bytes, 12, "12.0 B"}, {Bytes, 1536, "1.50 KiB"}, {Bytes, 3 << 30, "3.00 GiB"},
		{Number, 12345, "12345"}, {Number, 12345.67, "12346"}, {Number, -1234.567, "-1235"}, {Number, 1.5e15, "1.5e+15"}, {Number, 0.014912, "0.01491"}, {Number, 1.5e-5, "1.5e-05"}, {Bits, 17.26, "17.3 bits"},
		{Fraction, 1, "100.00 %"}, {Points, -0.001, "-0.10 points"},
	}
	for _, test := range tests {
		if got := (Metric{Unit: test.unit}).Format(test.v); got != test.want {
			t.Errorf("%v of %q: %q, want %q", test.v, test.unit, got, test.want)
		}
	}
	if got, want := (Metric{Unit: Seconds}).FormatSpread(1.5, 0.004), "1.500 ± 0.004 s"; got != want {
		t.Errorf("spread: %q, want %q", got, want)
	}
	if got, want := (Metric{Unit: Number}).FormatSpread(12345.67, 3.4), "12346 ± 3"; got != want {
		t.Errorf("spread: %q, want %q", got, want)
	}
	if got, want := (Metric{Unit: Number}).FormatSpread(0.0149, 0.0002), "0.0149 ± 0.0002"; got != want {
		t.Errorf("spread: %q, want %q", got, want)
	}
}

func TestFlatten(t *testing.T) {
	got := make(map[string]string)
	r := sample()
	r.Warnings = []string{"busy machine: load", "too few"}
	for _, f := range Flatten(r) {
		got[f.Path] = f.Value
	}
	want := map[string]string{
		"status": "ok", "params.prune.scheme": "p4e", "params.prune.ratio": "0.8", "seeds.train": "1",
		"started_at": "2026-01-02T03:04:05Z", "tiles.kept": "100", "latency_s.evaluate": "0.02 0.03", "he.log_q": "40 30",
		"bytes_up": "2048", "bytes_down": "", "warnings": "busy machine: load; too few", "training.seconds": "", "error.message": "", "quality.plain": "0.9727",
	}
	for path, value := range want {
		if v, ok := got[path]; !ok || v != value {
			t.Errorf("%s: %q, %t, want %q", path, v, ok, value)
		}
	}
	for _, path := range []string{"tiles.layers", "error.log"} {
		if v, ok := got[path]; ok {
			t.Errorf("%s: %q, want it left out", path, v)
		}
	}
}

// The columns must not depend on which records come first, or on which sections they have.
func TestColumnsAreStable(t *testing.T) {
	failed := &Record{Status: Failed, Params: map[string]any{"prune.scheme": "p3", "prune.importance": "l1"}}
	a, b := Set{sample(), failed}.Columns(), Set{failed, sample()}.Columns()
	if !slices.Equal(a, b) {
		t.Errorf("columns depend on the order of the records:\n%v\n%v", a, b)
	}
	var shown []string
	for _, c := range a {
		if strings.HasPrefix(c, "params.") || c == "seeds.train" || c == "error.kind" {
			shown = append(shown, c)
		}
	}
	want := []string{"error.kind", "params.he.weights", "params.prune.importance", "params.prune.ratio", "params.prune.scheme",
		"params.tile", "params.train.seed", "seeds.train"}
	if !slices.Equal(shown, want) {
		t.Errorf("columns %v, want %v", shown, want)
	}
	if n := len(Flatten(failed)) + 5 - 2 + 1; len(Flatten(sample())) != n {
		t.Errorf("%d fields, want %d: only maps may differ", len(Flatten(sample())), n)
	}
}

func TestHas(t *testing.T) {
	fresh := &Record{Params: map[string]any{"train.seed": 1, "network.hidden": []int{64, 32}, "tile": "8x8x64", "he.insecure": false}}
	stored := &Record{Params: map[string]any{"train.seed": 1.0, "network.hidden": []any{64.0, 32.0}, "tile": "8x8x64", "he.insecure": false}}
	for _, r := range []*Record{fresh, stored} {
		for name, v := range fresh.Params {
			if !Has(r, name, v) || Has(r, name, "other") || Has(r, "prune."+name, v) || Has(r, "prune."+name, nil) {
				t.Errorf("%s of %v", name, r.Params)
			}
		}
	}
}

func TestCompares(t *testing.T) {
	set := Set{sample()}
	for _, c := range []struct {
		name, op string
		limit    float64
		want     bool
	}{
		{"tiles.density", "<=", 0.25, true}, {"tiles.density", "<", 0.25, false}, {"tiles.density", ">=", 0.25, true},
		{"tiles.density", ">", 0.2, true}, {"prune.ratio", "==", 0.8, true}, {"prune.ratio", "==", 0.7, false}, {"tile", ">", 0, false},
	} {
		if got := set.Compares(set[0], c.name, c.op, c.limit); got != c.want {
			t.Errorf("%s %s %g: %t", c.name, c.op, c.limit, got)
		}
	}
}
