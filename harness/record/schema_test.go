package record

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The steps from a schema 1 whose params were called settings, and which had no seeds, by way of 2, to this one.
var fabricated = map[int]upgrade{
	1: func(fields map[string]any) error {
		settings, ok := fields["settings"]
		if !ok {
			return errors.New("no settings")
		}
		fields["params"] = settings
		delete(fields, "settings")
		return nil
	},
	2: func(fields map[string]any) error {
		fields["seeds"] = map[string]any{"train": fields["seed"]}
		return nil
	},
}

func TestOlderSchemasAreUpgraded(t *testing.T) {
	const old = `{"schema": 1, "point": "a", "settings": {"tile": "8x8x64"}, "seed": 18446744073709551615, "latency_s": {"evaluate": [0.1]}}`
	text, err := current([]byte(old), 3, fabricated)
	if err != nil {
		t.Fatal(err)
	}
	var got Record
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := Record{Schema: 3, Point: "a", Params: map[string]any{"tile": "8x8x64"}, Seeds: map[string]uint64{"train": 1<<64 - 1}, Latency: &Latency{Evaluate: []float64{0.1}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for text, says := range map[string]string{
		`{"schema": 1}`:               "schema 1 to 2: no settings",
		`{"schema": 0}`:               "schema 0: no way leads to 3",
		`{}`:                          "schema 0: no way leads to 3",
		`{"schema": -1}`:              "schema -1: no way leads to 3",
		`{"schema": "1"}`:             "cannot unmarshal",
		`{"schema": 1, "settings": {`: "unexpected end",
	} {
		if got, err := current([]byte(text), 3, fabricated); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %s, %v; want %q", text, got, err, says)
		}
	}
}

// There is a step from every older schema to this one.
func TestUpgradesAreWhole(t *testing.T) {
	for schema := 1; schema < Schema; schema++ {
		if upgrades[schema] == nil {
			t.Errorf("no step from schema %d", schema)
		}
	}
}

// A record of a newer schema is refused by name, not taken for damaged, and stays.
func TestNewerSchemaIsRefused(t *testing.T) {
	s := NewStore(t.TempDir())
	if err := s.Write(attempt("a", OK)); err != nil {
		t.Fatal(err)
	}
	r := attempt("b", OK)
	r.Schema, r.Attempt = Schema+1, 1
	text, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.points(), "b", "1.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	set, damaged, err := s.Load()
	var newer *NewerSchemaError
	if !errors.As(err, &newer) || newer.Path != path || newer.Has != Schema+1 || newer.Newest != Schema || len(set)+len(damaged) != 0 {
		t.Fatalf("%d records, %d damaged, %v", len(set), len(damaged), err)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != string(text) {
		t.Errorf("the file was changed: %v", err)
	}
	// Damage that looks like a newer schema is damage.
	text = []byte(strings.Replace(string(text), `"tile"`, `"life"`, 1))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if set, damaged, err = s.Load(); err != nil || len(set) != 1 || len(damaged) != 1 {
		t.Errorf("damaged: %d records, %d damaged, %v", len(set), len(damaged), err)
	}
}
