package trial

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hepex/datasets"
)

// ownTable writes a table of n samples with five columns, one of them useless, a class and a number, and gives its path.
func ownTable(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("a,b,c,constant,d,class,y\n")
	state := uint64(1)
	next := func() float64 { // −1 to 1
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11)/(1<<52) - 1
	}
	for range n {
		a, b, c, d := next(), next(), next(), next()
		class := "no"
		if a*b > 0 {
			class = "yes"
		}
		fmt.Fprintf(&text, "%g,%g,%g,7,%g,%s,%g\n", 1000+50*a, b, 1e-3*c, d, class, 400+30*(a*a+c))
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tabular are the edits of a point with five inputs.
func tabular(data string, edits ...string) []string {
	return append([]string{"{name: digits, train: 600, test: 100, validation: 0.1}", data, "hidden: [16]", "hidden: [12]", "epochs: 2, batch: 64, lr: 3e-3", "epochs: 60, batch: 32, lr: 1e-2",
		"p4e, ratio: 0.8", "joint, ratio: 0.3", "retrain: {epochs: 2}", "retrain: {epochs: 60}", "16x8x4", "4x4x8"}, edits...)
}

// A table goes the whole way: as classes, and as what a regression should give, which is measured by its error.
func TestTableFromStartToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		column string
		metric string
		good   func(q float64) bool
	}{
		"classes":    {"label: class", "accuracy", func(q float64) bool { return q > 0.85 }},
		"regression": {"target: y", "mse", func(q float64) bool { return q < 0.1 }}, // 1 is that of the mean
	} {
		t.Run(name, func(t *testing.T) {
			path := ownTable(t, 500)
			if name == "regression" { // text is no input
				text, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, []byte(strings.NewReplacer(",yes,", ",1,", ",no,", ",0,").Replace(string(text))), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			edits := tabular("{from: " + path + ", " + c.column + "}")
			result, err := do(t, testJob(t, t.TempDir(), edits[0], edits[1:]...))
			if err != nil {
				t.Fatal(err)
			}
			r, q := result.Record, result.Record.Quality
			if q.Metric != c.metric || !c.good(q.Plain) || math.Abs(q.Plain-q.Encrypted) > 0.2 || len(r.Alarming()) != 0 {
				t.Errorf("quality %+v, warnings %q", q, r.Warnings)
			}
			d := r.Data
			if d == nil || d.Format != "CSV" || d.Train != 400 || d.Test != 100 || !d.HeldOut || d.Columns[0] != "a" || d.SHA256 == "" {
				t.Fatalf("data %+v", d)
			}
			if s := d.Scaling; s.Kind != datasets.ScaleStandard || math.Abs(s.Offset[0]-1000) > 10 || math.Abs(1/s.Factor[0]-29) > 3 || s.Factor[3] != 0 {
				t.Errorf("scaling %+v", s)
			}
			if name == "classes" && (strings.Join(d.Names, " ") != "no yes" || d.TargetScales != nil || q.Margin == 0) {
				t.Errorf("data %+v, margin %g", d, q.Margin)
			}
			if name == "regression" && (d.Targets != 1 || d.Classes != 0 || math.Abs(d.TargetScales.Offset[0]-410) > 5) {
				t.Errorf("data %+v, targets %+v", d, d.TargetScales)
			}
		})
	}
}

// A regression that learnt nothing is noted, whatever the number of its targets.
func TestRegressionAtChanceIsNoted(t *testing.T) {
	path := ownTable(t, 300)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.NewReplacer("yes", "1", "no", "0").Replace(string(text))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	edits := tabular("{from: "+path+", target: [y, d, class]}", "measure: {", "measure: {encrypted: false, ")
	j := testJob(t, t.TempDir(), edits[0], edits[1:]...)
	j.Spec.Train.LR, j.Spec.Prune.Retrain.LR = 1e-9, 1e-9
	result, err := do(t, j)
	if err != nil {
		t.Fatal(err)
	}
	if alarms := result.Record.Alarming(); len(alarms) != 1 || !strings.Contains(alarms[0], "always the mean") {
		t.Errorf("%+v: warnings %q", result.Record.Quality, result.Record.Warnings)
	}
}

// A file that changes after the plan is no other data under the same name.
func TestChangedDataAreRefused(t *testing.T) {
	path := ownTable(t, 300)
	edits := tabular("{from: " + path + ", label: class}")
	j := testJob(t, t.TempDir(), edits[0], edits[1:]...)
	if err := os.WriteFile(path, []byte("a,class\n1,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Prepare(j, nil)
	var f *Failure
	if !errors.As(err, &f) || f.Kind != KindData || !strings.Contains(err.Error(), "the files have changed") {
		t.Errorf("error %v: want one of kind data", err)
	}
}
