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
		idle   []string
	}{
		"nothing": {"sweep: {grid: {prune.scheme: [p4e], prune.permutation: [none, kmeans]}}", 2, nil, nil, nil},
		"joint orders by itself": {"sweep: {grid: {prune.scheme: [p4e, joint], prune.permutation: [none, sort, kmeans], prune.ratio: [0.5, 0.8]}}", 8,
			[]string{"4 merged: joint ignores prune.permutation"}, nil, nil},
		"dense does nothing":             {"sweep: {grid: {prune.scheme: [dense, p4e], prune.ratio: [0.5, 0.8]}}", 3, []string{"1 merged: dense ignores prune.ratio"}, nil, nil},
		"equal":                          {"sweep: {grid: {prune.scheme: [p4e, p4e], prune.ratio: [0.5, 0.8]}}", 2, []string{"2 merged: equal to points before"}, nil, nil},
		"a case gives the base its name": {"sweep: {cases: [{label: base}, {label: other, prune.ratio: 0.5}, {prune.ratio: 0.5}]}", 2, []string{"1 merged: equal to points before"}, nil, nil},
		"given in vain": {"sweep: {grid: {prune.scheme: [joint], prune.tiles.max_nonzero: [0.1, 0.2], prune.permutation: [kmeans]}}", 1,
			[]string{"1 merged: joint ignores prune.tiles.max_nonzero"}, []string{"prune.permutation", "prune.tiles.max_nonzero"}, nil},
		"exclusion of nothing": {"sweep: {grid: {prune.scheme: [p4, p4e]}, exclude: [{prune.scheme: p4}, {prune.scheme: p4, train.seed: 1}, {prune.scheme: p3}]}", 1, nil, nil,
			[]string{"sweep.exclude fits no point of grid, zip and when"}},
		"a condition that nothing meets": {"sweep: {grid: {prune.scheme: [p4, p4e]}, when: [{if: {prune.scheme: p3}, grid: {train.seed: [1, 2]}}, {if: {prune.scheme: p4}, grid: {train.seed: [1, 2]}}]}", 3, nil, nil,
			[]string{"sweep.when: if fits no point of grid, zip and when"}},
	} {
		got := parse(t, edited(c.sweep))
		var merged []string
		for _, m := range got.Merged {
			merged = append(merged, m.String())
		}
		var idle []string
		for _, e := range got.Idle {
			if e.Line == 0 || e.Column == 0 || e.File == "" {
				t.Errorf("%s: %q has no position", name, e)
			}
			idle = append(idle, e.Message)
		}
		if diff := cmp.Diff(c.idle, idle) + cmp.Diff(c.merged, merged) + cmp.Diff(c.unread, got.Unread()); diff != "" || len(got.Points) != c.points {
			t.Errorf("%s: %d points, want %d (-want +got):\n%s", name, len(got.Points), c.points, diff)
		}
	}
}
