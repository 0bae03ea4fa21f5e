package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Points that differ only in what their scheme does not read are one, and it is said what that is; so it is of what no point reads.
func TestWhatIsIgnoredIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		sweep  string
		points int
		merged []string
		unread []string
	}{
		"nothing": {"sweep: {grid: {prune.scheme: [p4e], prune.permutation: [none, kmeans]}}", 2, nil, nil},
		"joint orders by itself": {"sweep: {grid: {prune.scheme: [p4e, joint], prune.permutation: [none, sort, kmeans], prune.ratio: [0.5, 0.8]}}", 8,
			[]string{"4 merged: joint ignores prune.permutation"}, nil},
		"dense does nothing":             {"sweep: {grid: {prune.scheme: [dense, p4e], prune.ratio: [0.5, 0.8]}}", 3, []string{"1 merged: dense ignores prune.ratio"}, nil},
		"equal":                          {"sweep: {grid: {prune.scheme: [p4e, p4e], prune.ratio: [0.5, 0.8]}}", 2, []string{"2 merged: equal to points before"}, nil},
		"a case gives the base its name": {"sweep: {cases: [{label: base}, {label: other, prune.ratio: 0.5}, {prune.ratio: 0.5}]}", 2, []string{"1 merged: equal to points before"}, nil},
		"given in vain": {"sweep: {grid: {prune.scheme: [joint], prune.tiles.max_nonzero: [0.1, 0.2], prune.permutation: [kmeans]}}", 1,
			[]string{"1 merged: joint ignores prune.tiles.max_nonzero"}, []string{"prune.permutation", "prune.tiles.max_nonzero"}},
	} {
		got := parse(t, edited(c.sweep))
		var merged []string
		for _, m := range got.Merged {
			merged = append(merged, m.String())
		}
		if diff := cmp.Diff(c.merged, merged) + cmp.Diff(c.unread, got.Unread()); diff != "" || len(got.Points) != c.points {
			t.Errorf("%s: %d points, want %d (-want +got):\n%s", name, len(got.Points), c.points, diff)
		}
	}
}
