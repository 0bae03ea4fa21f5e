package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A record is that of a point if it agrees in what both know, and no other does.
func TestAlike(t *testing.T) {
	of := func(id string, params map[string]any) *Record { return &Record{Point: id, Params: params} }
	for name, c := range map[string]struct {
		records Set
		points  []map[string]any
		want    []string // ids, or nothing
	}{
		"equal":                           {Set{of("a", map[string]any{"scheme": "p4e", "ratio": 0.5})}, []map[string]any{{"scheme": "p4e", "ratio": 0.5}}, []string{"a"}},
		"numbers through JSON":            {Set{of("a", map[string]any{"seed": float64(1)})}, []map[string]any{{"seed": 1}}, []string{"a"}},
		"another value":                   {Set{of("a", map[string]any{"scheme": "p4e", "ratio": 0.5})}, []map[string]any{{"scheme": "p4e", "ratio": 0.8}}, []string{""}},
		"a parameter more":                {Set{of("a", map[string]any{"scheme": "p4e"})}, []map[string]any{{"scheme": "p4e", "curve": "linear"}}, []string{"a"}},
		"a parameter less":                {Set{of("a", map[string]any{"scheme": "p4e", "old": 3})}, []map[string]any{{"scheme": "p4e"}}, []string{"a"}},
		"the default is what was":         {Set{of("a", map[string]any{"scheme": "p4e"})}, []map[string]any{{"scheme": "p4e", "curve": "linear"}, {"scheme": "p4e", "curve": "cubic"}}, []string{"a", ""}},
		"a parameter less, that mattered": {Set{of("a", map[string]any{"scheme": "p4e", "curve": "cubic"})}, []map[string]any{{"scheme": "p4e"}}, []string{""}},
		"two points, not told apart":      {Set{of("a", map[string]any{"scheme": "p4e"})}, []map[string]any{{"scheme": "p4e", "curve": "linear"}, {"scheme": "p4e", "decay": 0}}, []string{"", ""}},
		"two records, not told apart": {Set{of("a", map[string]any{"scheme": "p4e", "old": 1}), of("b", map[string]any{"scheme": "p4e", "old": 2})},
			[]map[string]any{{"scheme": "p4e"}}, []string{""}},
		"the latest": {Set{of("a", map[string]any{"scheme": "p4e"}), {Point: "b", Params: map[string]any{"scheme": "p4e"}, EndedAt: time.Unix(9, 0)}},
			[]map[string]any{{"scheme": "p4e"}}, []string{"b"}},
		"the latest with a result": {Set{
			{Point: "a", Params: map[string]any{"scheme": "p4e"}, Status: OK, EndedAt: time.Unix(3, 0)},
			{Point: "b", Params: map[string]any{"scheme": "p4e"}, Status: OK, EndedAt: time.Unix(5, 0)},
			{Point: "c", Params: map[string]any{"scheme": "p4e"}, Status: Failed, EndedAt: time.Unix(9, 0)},
		}, []map[string]any{{"scheme": "p4e"}}, []string{"b"}},
		"each its own": {Set{of("b", map[string]any{"scheme": "dense"}), of("a", map[string]any{"scheme": "p4e", "ratio": 0.5})},
			[]map[string]any{{"scheme": "p4e", "ratio": 0.5, "curve": "linear"}, {"scheme": "dense", "decay": 0}}, []string{"a", "b"}},
	} {
		var got []string
		for _, r := range c.records.Alike(c.points, func(_ string, value any) bool { return value != "cubic" }) {
			if r == nil {
				r = &Record{}
			}
			got = append(got, r.Point)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
