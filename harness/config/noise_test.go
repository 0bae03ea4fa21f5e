package config

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Points without noise must keep the identity that they had before there was noise.
func TestNoNoiseIsNoParameter(t *testing.T) {
	const network = "network: {type: autoencoder, hidden: [32]}\n"
	plain := parse(t, edited(network)).Points
	for edits, noise := range map[string][]string{
		network + "data: {name: digits, noise: 0}":              {"0"},
		network + "sweep: {grid: {data.noise: [0, 0.25, 0.5]}}": {"0", "0.25", "0.5"},
		"data: {name: digits, noise: 0.0}":                      {"0"}, // a classifier
	} {
		points := parse(t, edited(edits)).Points
		var got []string
		for _, p := range points {
			got = append(got, fmt.Sprint(p.Spec.Data.Noise))
			if v, ok := p.Params["data.noise"]; ok != (p.Spec.Data.Noise != 0) || ok && v != p.Spec.Data.Noise {
				t.Errorf("%s: noise %g, parameter %v", edits, p.Spec.Data.Noise, v)
			}
		}
		if !slices.Equal(got, noise) {
			t.Errorf("%s: noise %v, want %v", edits, got, noise)
		}
		if diff := cmp.Diff(plain[0].Params, points[0].Params); points[0].Spec.Network.Type == "autoencoder" && diff != "" {
			t.Errorf("%s: no noise changes the parameters:\n%s", edits, diff)
		}
	}
}
