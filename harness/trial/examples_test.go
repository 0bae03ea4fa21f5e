package trial

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"

	"hepex/datasets"
	"hepex/network"
)

func TestExamples(t *testing.T) {
	form := datasets.Shape{Height: 1, Width: 2, Channels: 1}
	x := []float32{0, 1, 0.5, -1, 2, 0.25}
	plain := mat.NewDense(3, 2, []float64{0, 1, 0.2, 0.4, 1, 1.5})
	encrypted := [][]float64{{0, 1}, {0.2, 0.4}, {1, 1.5}}
	classes := newExamples(form, network.Data{X: x, Dim: 2, Labels: []uint8{1, 0, 1}}, plain, encrypted)
	images := newExamples(form, network.Data{X: x, Dim: 2, Target: []float32{1, 1, 0, 0, 1, 0}}, plain, encrypted)
	if got := images.Each[2]; cmp.Diff(got.Input, []byte{255, 64}) != "" || cmp.Diff(got.Target, []byte{255, 0}) != "" || cmp.Diff(got.EncryptedImage, []byte{255, 255}) != "" {
		t.Errorf("an autoencoder's: %+v", got)
	}
	for _, e := range []Examples{classes, images} {
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseExamples(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Error(diff)
		}
	}
	many := make([]float32, 40)
	if e := newExamples(form, network.Data{X: many, Dim: 2}, mat.NewDense(20, 2, nil), make([][]float64, 20)); len(e.Each) != mostExamples {
		t.Errorf("%d examples", len(e.Each))
	}
	row := datasets.Shape{Height: 1, Width: 1, Channels: 3}
	for name, e := range map[string]Examples{
		"a row of a table": newExamples(row, network.Data{X: x, Dim: 3, Labels: []uint8{0, 1}}, mat.NewDense(2, 2, nil), encrypted[:2]),
		"a regression":     newExamples(form, network.Data{X: x, Dim: 2, Target: []float32{1, 2, 3}}, mat.NewDense(3, 1, nil), encrypted),
	} {
		if len(e.Each) != 0 {
			t.Errorf("%s: %d examples, want none, as there are no pictures", name, len(e.Each))
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":      {`{`, "examples: "},
		"none":         {`{"height": 1, "width": 2, "channels": 1}`, "0 pictures of 1 × 2 × 1"},
		"two channels": {`{"height": 1, "width": 2, "channels": 2, "each": [{}]}`, "1 or 3 channels"},
		"too large":    {`{"height": 4294967296, "width": 4294967296, "channels": 1, "each": [{}]}`, "4294967296"},
		"no picture":   {`{"height": 1, "width": 2, "channels": 1, "each": [{"input": "AA=="}]}`, "sample 1: a picture of 1 values: want 2"},
		"no output":    {`{"height": 1, "width": 1, "channels": 1, "each": [{"input": "AA=="}]}`, "outputs of 0 and 0 values: want 1"},
		"no class":     {`{"height": 1, "width": 1, "channels": 1, "each": [{"input": "AA==", "class": 2, "plain": [1, 2], "encrypted": [1, 2]}]}`, "class 2, 2 outputs"},
	} {
		if _, err := ParseExamples([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
