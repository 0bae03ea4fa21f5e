package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Points without augmentation must keep the identity that they had before there was any.
func TestNoAugmentationIsNoParameter(t *testing.T) {
	plain := parse(t, edited("")).Points[0].Params
	for edits, want := range map[string][]Augment{
		"train: {augment: {shift: 0, flip: false}}":                       {{}},
		"train: {augment: {shift: 4}}":                                    {{Shift: 4}},
		"train: {augment: {flip: true}}":                                  {{Flip: true}},
		"sweep: {grid: {train.augment.shift: [0, 2]}}":                    {{}, {Shift: 2}},
		"sweep: {grid: {train.augment: [{flip: true}, {shift: 3}]}}":      {{Flip: true}, {Shift: 3}},
		"sweep: {grid: {train.augment.flip: [true, false, true, false]}}": {{Flip: true}, {}},
	} {
		points := parse(t, edited(edits)).Points
		var got []Augment
		for _, p := range points {
			a := p.Spec.Train.Augment
			got = append(got, a)
			params := map[string]any{}
			for k, v := range plain {
				params[k] = v
			}
			if a.Shift != 0 {
				params["train.augment.shift"] = a.Shift
			}
			if a.Flip {
				params["train.augment.flip"] = true
			}
			if diff := cmp.Diff(params, p.Params); diff != "" {
				t.Errorf("%s, %+v: parameters (-want +got):\n%s", edits, a, diff)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", edits, diff)
		}
	}
}
