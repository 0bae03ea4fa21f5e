package record

import (
	"slices"
	"strings"
	"testing"
)

func TestTimesByLayer(t *testing.T) {
	timed := func(names ...string) *Record {
		l := &Latency{}
		for i, name := range names {
			l.PerLayer = append(l.PerLayer, LayerTime{Name: name, Seconds: float64(i + 1)})
		}
		return &Record{Latency: l}
	}
	cnn, mlp, bare := timed("conv1", "conv2", "fc10"), timed("fc1", "fc2"), &Record{}
	if got := (Set{bare, mlp, cnn}).PartNames(PerLayer); !slices.Equal(got, []string{"conv1", "fc1", "conv2", "fc2", "fc10"}) {
		t.Errorf("layers %q", got)
	}
	m, err := Lookup("latency.per_layer.conv2")
	if err != nil || m.Label != "Time of conv2" || !m.Timed() {
		t.Fatalf("%+v, %v", m, err)
	}
	for r, want := range map[*Record]float64{cnn: 2, mlp: -1, bare: -1} {
		if v, ok := Value(r, m.Name); ok != (want > 0) || ok && v != want {
			t.Errorf("%v: %g, %t, want %g", r.Latency, v, ok, want)
		}
	}
	for _, name := range []string{"latency.per_layer", "latency.per_layer.", "predicted.per_primitive"} {
		if _, err := Lookup(name); err == nil || !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s is no number: %v", name, err)
		}
	}
	priced := &Record{Predicted: &Predicted{PerPrimitive: []LayerTime{{"rotations", 2}, {"masks", 1}}}}
	if got := (Set{cnn, priced}).PartNames(PerPrimitive); !slices.Equal(got, []string{"masks", "rotations"}) {
		t.Errorf("primitives %q", got)
	}
	if v, ok := Value(priced, "predicted.per_primitive.rotations"); !ok || v != 2 {
		t.Errorf("rotations: %g, %t", v, ok)
	}
	if m, ok := Parted("latency.per_layer"); !ok || m.Unit != Seconds {
		t.Errorf("%+v, %t", m, ok)
	}
	if _, ok := Parted("latency.evaluate"); ok {
		t.Error("latency.evaluate has no parts")
	}
}
