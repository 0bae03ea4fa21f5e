package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hepex/datasets"
)

// A network that says what its inputs are needs no data, unless it is to be trained. The frozen config is the same.
func TestWithoutData(t *testing.T) {
	text := strings.Replace(edited("network: {from: ../../network/modelfile/testdata/plain.onnx}\nprune: {scheme: dense}"), "data: {name: digits}\n", "", 1)
	c := parse(t, text)
	p := c.Points[0]
	want := datasets.Form{Shape: datasets.Shape{Height: 32, Width: 32, Channels: 3}, Classes: 10, Train: 1000, Test: 10000}
	if diff := cmp.Diff(want, p.Spec.Data.Form()); diff != "" || !p.Spec.Data.IsRandom() || p.Spec.Data.Train != 1000 || p.Spec.Data.Test != 10000 {
		t.Errorf("%+v: %s", p.Spec.Data, diff)
	}
	for path, want := range map[string]any{"data.name": nil, "data.from": nil, "data.test": 10000, "train.epochs": 0, "prune.retrain.epochs": 0} {
		if got := p.Params[path]; got != want {
			t.Errorf("parameter %s is %v: want %v", path, got, want)
		}
	}
	if diff := cmp.Diff(p.Spec, parse(t, string(c.Frozen)).Points[0].Spec); diff != "" {
		t.Errorf("the frozen config has another spec: %s", diff)
	}
	if got := parse(t, text+"data: {test: 20}\n").Points[0].Spec.Data; got.Test != 20 || got.Random != p.Spec.Data.Random {
		t.Errorf("20 test samples: %+v", got)
	}
	swept := parse(t, text+"sweep: {cases: [{data: {name: shapes}, prune.scheme: p2t, prune.ratio: 0.5}, {tile: 8x8x64}]}\n")
	named, random := swept.Points[1], swept.Points[2]
	if named.Spec.Data.IsRandom() || named.Params["data.name"] != "shapes" || named.Params["prune.retrain.epochs"] != 3 || !random.Spec.Data.IsRandom() {
		t.Errorf("a case with data: %+v, one without: %+v", named.Params, random.Params)
	}
}
