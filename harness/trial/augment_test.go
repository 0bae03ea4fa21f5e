package trial

import (
	"strings"
	"testing"

	"hepex/datasets"
	"hepex/network"
)

func TestAugmentedTrainings(t *testing.T) {
	for set, grid := range map[string]network.Augment{
		"digits": {Height: 28, Width: 28, Channels: 1, Shift: 2},
		"shapes": {Height: 32, Width: 32, Channels: 3, Shift: 2},
	} {
		j := testJob(t, "", "name: digits", "name: "+set, "epochs: 2, batch: 64", "epochs: 2, batch: 64, augment: {shift: 2}")
		o := pruningOptions(j.Spec)
		if o.Train.Augment != grid || o.Retrain.Augment != grid {
			t.Errorf("%s: training varies samples by %+v, retraining by %+v; want %+v", set, o.Train.Augment, o.Retrain.Augment, grid)
		}
		source, err := datasets.Open(set, nil)
		if err != nil || source.Shape() != (datasets.Shape{Height: grid.Height, Width: grid.Width, Channels: grid.Channels}) {
			t.Errorf("%s has the shape %v (%v)", set, source.Shape(), err)
		}
	}
}

// Networks trained with other augmentation are other entries of the cache; none is the same as no shift and no flip.
func TestKeysWithAugmentation(t *testing.T) {
	seen, named := map[entryKey]bool{}, 0
	for _, augment := range []string{"", ", augment: {shift: 0, flip: false}", ", augment: {shift: 2}", ", augment: {flip: true}", ", augment: {shift: 2, flip: true}"} {
		j := testJob(t, "", "epochs: 2, batch: 64", "epochs: 2, batch: 64"+augment)
		p, err := newPreparer(j, nil)
		if err != nil {
			t.Fatal(err)
		}
		final, _, err := p.keys(pruningOptions(j.Spec))
		if err != nil {
			t.Fatal(err)
		}
		seen[final] = true
		for path := range j.Params {
			if strings.HasPrefix(path, "train.augment.") {
				named++
			}
		}
	}
	if len(seen) != 4 || named != 4 {
		t.Errorf("%d keys and %d parameters, want 4 of each", len(seen), named)
	}
}
