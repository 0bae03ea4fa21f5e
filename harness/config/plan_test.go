package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The same config gives the same points in the same order everywhere, down to the last digit of every number. The file has
// what decides identities, as these themselves change with the versions of packages.
func TestPlanIsTheSameEverywhere(t *testing.T) {
	c, err := Load(filepath.Join("testdata", "plan", "plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range c.Points {
		params, err := json.Marshal(p.Params)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%q %s\n", p.Label, params)
	}
	golden := filepath.Join("testdata", "plan", "points.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	checkFrozen(t, c)
}
