package trial

import (
	"slices"
	"testing"
)

// A point names what it has to train, in common with others or alone, and nothing once that is done.
func TestTrainings(t *testing.T) {
	cache := t.TempDir()
	p4e := quick(t, cache)
	other := quick(t, cache, "scheme: p4e, ratio: 0.8", "scheme: p4e, ratio: 0.8, tiles: {ratio: 0.9}")
	dense := quick(t, cache, "scheme: p4e, ratio: 0.8", "scheme: dense")
	names := func(j Job) []string {
		t.Helper()
		names, err := Trainings(j)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	common := func(a, b []string) (n int) {
		for _, name := range a {
			if slices.Contains(b, name) {
				n++
			}
		}
		return n
	}
	all, unpruned := names(p4e), names(dense)
	if common(unpruned, all) != len(unpruned) || len(unpruned) == 0 {
		t.Errorf("%v to train: want the unpruned network's %v among them", all, unpruned)
	}
	if n := common(all, names(other)); n <= len(unpruned) || n == len(all) {
		t.Errorf("%d of %d trainings in common with other tiles: want the retraining before tiles are pruned, and not the last", n, len(all))
	}
	if err := Prepare(dense, nil); err != nil {
		t.Fatal(err)
	}
	if left := names(p4e); len(names(dense)) > 0 || common(left, unpruned) > 0 || len(left) == 0 {
		t.Errorf("%v left to train, and of the unpruned network %v", left, names(dense))
	}
	if err := Prepare(p4e, nil); err != nil {
		t.Fatal(err)
	}
	if left := names(p4e); len(left) > 0 {
		t.Errorf("%v left to train: want nothing", left)
	}
}
